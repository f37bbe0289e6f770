"""What the network twin is told: which readings of a ledger, and the ledger's part it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heatloop.app.latest import Positions
from heatloop.app.world import World
from heatloop.kernel.quality import Quality
from heatloop.network.arrays import Floats
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

_PRIMARY = (
    "primary_flow",
    "primary_heat_power",
    "primary_supply_temperature",
    "primary_return_temperature",
    "primary_supply_pressure",
    "primary_return_pressure",
)
READ: Mapping[str, tuple[str, ...]] = {
    "heat_source": (
        "source_flow",
        "source_supply_temperature",
        "source_return_temperature",
        "source_supply_pressure",
        "source_return_pressure",
    ),
    "substation": _PRIMARY,
    "unit": ("valve_opening",),
    "isolation_station": (
        *_PRIMARY,
        "valve_opening",
        "secondary_flow",
        "secondary_supply_temperature",
        "secondary_return_temperature",
        "secondary_supply_pressure",
        "secondary_return_pressure",
    ),
    "booster_station": (
        "primary_flow",
        "primary_supply_temperature",
        "primary_return_temperature",
        "primary_supply_pressure",
        "primary_return_pressure",
        "booster_inlet_pressure",
        "booster_outlet_pressure",
        "circulation_pump_frequency",
    ),
}
"""Point kinds the twin reads, by asset kind."""
_NEEDED = (*READ, "company", "branch", "team", "pump", "pipe_node", "pipe_segment")
OLDEST_S = 600.0
"""Readings older than this count as missing, plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinPlant:
    """What a worker builds its model from."""

    token: str
    """Names it; another ledger has another."""
    assets: tuple[Asset, ...]
    """The assets a network is made of, and the organisations above them."""
    readings: tuple[tuple[str, str], ...]
    """Asset and point kind of each reading, in the order values are sent."""

    def ledger(self) -> Ledger:
        """Return these assets as a ledger without points."""
        return Ledger(
            version=0,
            assets=self.assets,
            devices=(),
            gateways=(),
            points=(),
            bindings=(),
            keys={},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """Where the twin's readings stand in the table of latest values."""

    plant: TwinPlant
    """What they belong to."""
    points: tuple[str, ...]
    """Point code of each reading."""
    at: Positions
    """Position of each, shape (n_reading,)."""

    def values(self, world: World) -> Floats:
        """Return the readings that can be worked with now, nan for others, (n_reading,)."""
        latest = world.latest
        values = latest.values[self.at].copy()
        usable = ~np.isin(latest.quality[self.at], (Quality.BAD, Quality.STALE))
        usable &= world.settled_s() - latest.slots[self.at] <= OLDEST_S
        values[~usable] = np.nan
        return values


def sheet_of(world: World, token: str) -> Sheet:
    """Return the twin's readings of the ledger in force.

    Args:
        world: The present.
        token: Name for what is made of this ledger.
    """
    ledger = world.ledger
    readings: list[tuple[str, str]] = []
    points: list[str] = []
    keys: list[int] = []
    for kind, wanted in READ.items():
        for asset in ledger.of_kind(kind):
            own = {point.kind: point for point in reversed(ledger.points_of(asset.code))}
            for name in wanted:
                if name in own:
                    readings.append((asset.code, name))
                    points.append(own[name].code)
                    keys.append(own[name].key)
    at = world.index.find(np.asarray(keys, "u4"))
    plant = TwinPlant(token=token, assets=needed_assets(ledger), readings=tuple(readings))
    return Sheet(plant=plant, points=tuple(points), at=at)


def needed_assets(ledger: Ledger) -> tuple[Asset, ...]:
    """Return the assets a network is made of, and the organisations above them."""
    codes: dict[str, Asset] = {}
    for kind in _NEEDED:
        for asset in ledger.of_kind(kind):
            at = asset
            while at.code not in codes:
                codes[at.code] = at
                if at.parent not in ledger.assets:
                    break
                at = ledger.assets[at.parent]
    return tuple(codes.values())
