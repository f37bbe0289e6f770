"""The networks dispatch plans for: sources the ledger joins, whom they feed, what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_figures import COMPANY, Figures
from heatloop.control.n_minus_1 import Houses
from heatloop.network.topology.ledger_design import Design, LedgerDefaults
from heatloop.network.topology.ledger_zones import make_plan
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

Floats = NDArray[np.float64]
ROOM_C = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchNetwork:
    """Heat sources that feed one network, and whom they feed."""

    code: str
    """Code of its first source."""
    sources: tuple[str, ...]
    """Codes of its sources."""
    area_m2: float
    """Heated area."""
    load_kw: float
    """Design load of the units it feeds; of its sources when no unit says."""
    design_outdoor_c: float
    """Outdoor temperature of the design load."""
    units: tuple[str, ...] = ()
    """Codes of the units it feeds."""


def networks_of(ledger: Ledger) -> list[DispatchNetwork]:
    """Return the networks with heat sources; a source without any pipe is one of its own."""
    sources = [asset.code for asset in ledger.of_kind("heat_source")]
    zones = make_plan(Design(ledger, LedgerDefaults())).zones if sources else []
    groups = [tuple(sorted(zone.sources)) for zone in zones if zone.sources]
    joined = {code for group in groups for code in group}
    groups += [(code,) for code in sources if code not in joined]
    return [_network(ledger, group) for group in sorted(groups)]


def _network(ledger: Ledger, sources: tuple[str, ...]) -> DispatchNetwork:
    units = [unit for unit in ledger.of_kind("unit") if _fed_by(ledger, unit, sources)]
    area = sum(float(unit.attributes.get("heated_area_m2", 0.0)) for unit in units)
    rated = sum(float(ledger.asset(c).attributes.get("rated_load_kw", 0.0)) for c in sources)
    colds = [float(ledger.asset(c).attributes.get("design_outdoor_c", -10.0)) for c in sources]
    design = Design(ledger, LedgerDefaults())
    load = sum(design.load_kw(unit) for unit in units)
    return DispatchNetwork(
        code=sources[0],
        sources=sources,
        area_m2=area,
        load_kw=load or rated,
        design_outdoor_c=min(colds),
        units=tuple(unit.code for unit in units),
    )


def _fed_by(ledger: Ledger, asset: Asset, sources: Sequence[str]) -> bool:
    """Return whether a source stands above an asset in the heat path."""
    seen = 0
    here: Asset | None = asset
    while here is not None and seen < 20:
        if here.code in sources:
            return True
        here, seen = ledger.assets.get(here.parent), seen + 1
    return False


def degree_demand_kw(
    network: DispatchNetwork,
    outdoor_c: Floats,
    measured_kw: float | None,
    outdoor_now_c: float | None,
) -> Floats:
    """Return the demand by degrees below room temperature, shape (n_step,).

    Scaled to what is measured now where that is known, else to the design load.

    Args:
        network: The network.
        outdoor_c: Outdoor temperature, shape (n_step,).
        measured_kw: Heat the sources give now.
        outdoor_now_c: Outdoor temperature now.
    """
    loss = network.load_kw / max(ROOM_C - network.design_outdoor_c, 1.0)
    if measured_kw is not None and outdoor_now_c is not None and measured_kw > 0.0:
        degrees = ROOM_C - outdoor_now_c
        if degrees > 5.0:
            loss = measured_kw / degrees
    return np.asarray(loss * np.maximum(ROOM_C - outdoor_c, 0.0))


def houses_of(network: DispatchNetwork, figures: Figures) -> Houses:
    """Return all houses of a network as one node."""
    return Houses(
        room_c=ROOM_C,
        limit_c=figures.of(COMPANY, "least_room_c"),
        loss_kw_k=network.load_kw / max(ROOM_C - network.design_outdoor_c, 1.0),
        capacity_kwh_k=max(network.area_m2, 1.0) * figures.of(COMPANY, "houses_kwh_m2_k"),
    )
