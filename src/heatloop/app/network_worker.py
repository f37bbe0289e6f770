"""What a worker does for a network's set-points: temperature, heads, and flow to every station.

A function of a module with plain arguments, so that it runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch_networks import ROOM_C, DispatchNetwork
from heatloop.app.network_heads import heads_of, held
from heatloop.app.network_valves import UnitFlow, distribution
from heatloop.control.flow_distribution import isolation_supply_c
from heatloop.control.pump_head import Heads, waters_of
from heatloop.control.source_temperature import Judged, Worth, candidates, scan
from heatloop.control.stage_heads import StageHead
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.state import State
from heatloop.network.steady import solve_steady
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.network.topology.ledger_design import Design, LedgerDefaults
from heatloop.network.topology.ledger_stations import HEAT
from heatloop.plant.ledger import Ledger

Floats = NDArray[np.float64]
STEP_S = 3600
LEAST_INLET_KPA = 50.0
"""Pressure a pump's inlet must keep, against boiling and cavitation."""
_LEAST_SUPPLY_C, _RAMP_K_H = 65.0, 6.0
_CURVE = 0.8
"""Exponent of emitters' supply temperature over load, radiators of exponent 1.3."""
_APPROACH_K = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a worker needs."""

    ledger: Ledger
    """The ledger."""
    network: DispatchNetwork
    """The network."""
    demand_kw: Floats
    """Demand each hour, shape (n_hour,)."""
    outdoor_c: Floats
    """Outdoor temperature each hour, shape (n_hour,)."""
    supply_c: float
    """Supply temperature now."""
    share: dict[str, float]
    """Share of the demand each source gives."""
    total_kgs: float
    """Flow the sources can give; inf where the ledger does not say."""
    worth: Worth = field(default_factory=Worth)
    """What trajectories are judged by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PumpOnTheWay:
    """A booster, or the pump of an isolation station."""

    station: str
    """Asset code."""
    kind: str
    """`booster` or `isolation`."""
    head: StageHead
    """Its head."""
    supply_c: float | None
    """Supply set-point behind an isolation station."""
    enough: bool
    """Whether that, or the pressure at the pump's inlet, is enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What it gives back."""

    judged: list[Judged]
    """Candidates, the best first."""
    heads: Heads
    """Pump heads at the greatest demand."""
    pumps: list[PumpOnTheWay]
    """Pumps on the way at the greatest demand."""
    units: list[UnitFlow]
    """Flow of each unit in the first hour, with these heads held."""
    given_share: float
    """Share of the flow wanted that there is; 1: all of it."""


def work_out(work: Work) -> Found:
    """Work out set-points, in a worker.

    Raises:
        InputError: Flows do not settle.
    """
    made = network_of(work.ledger, consumers=HEAT)
    net, op = made.network, made.operation.copy()
    index, ledger = net.link_index(), work.ledger
    heat = np.flatnonzero((net.kind == LinkKind.HEAT) & ~op.shut)
    op.demand_kw[heat] *= float(work.demand_kw[0] / max(op.demand_kw[heat].sum(), 1e-9))
    lifts = [code for code in work.network.sources if code in index]
    for code in lifts:
        op.outlet_c[index[code]] = work.supply_c
    paths = candidates(
        work.outdoor_c,
        now_c=work.supply_c,
        design_outdoor_c=work.network.design_outdoor_c,
        design_supply_c=max(
            float(ledger.asset(code).attributes.get("design_supply_c", 110.0)) for code in lifts
        ),
        least_c=_LEAST_SUPPLY_C,
        ramp_k_h=_RAMP_K_H,
        step_s=STEP_S,
    )
    need = _need_c(work, made, heat)
    judged = scan(
        net, op, paths, demand_kw=work.demand_kw, need_c=need, step_s=STEP_S, worth=work.worth
    )
    at = int(work.demand_kw.argmax())
    peak = op.copy()
    peak.demand_kw[heat] *= float(work.demand_kw[at] / work.demand_kw[0])
    for code in lifts:
        peak.outlet_c[index[code]] = float(judged[0].supply_c[at])
    heads, stages = heads_of(made, peak, lifts, work.share, float(work.demand_kw[at]))
    # The heads are held over the day: stations throttle what is too much for the first hour.
    now = op.copy()
    held(net, now, heads, stages, heads.state)
    for code in lifts:
        now.outlet_c[index[code]] = float(judged[0].supply_c[0])
    state = solve_steady(Solver(net), now)
    units, share = distribution(ledger, work.network.sources, work.total_kgs, made, now, state)
    return Found(
        judged=judged,
        heads=heads,
        pumps=[_on_the_way(made, heads.state, head, kind, need) for kind, head in stages],
        units=units,
        given_share=share,
    )


def _need_c(work: Work, made: LedgerNetwork, heat: NDArray[np.int64]) -> dict[str, float]:
    """Return the temperature each unit must get on the coldest hour, by name of its link."""
    design = Design(work.ledger, LedgerDefaults())
    span = ROOM_C - work.network.design_outdoor_c
    load = float(np.clip((ROOM_C - work.outdoor_c.min()) / span, 0.0, 1.0)) ** _CURVE
    need = {}
    for link in heat.tolist():
        name = made.network.link_names[link]
        asset = work.ledger.assets.get(made.asset_of.get(name, ""))
        if asset is not None and asset.kind == "unit":
            supply, _ = design.secondary_c(asset)
            need[name] = ROOM_C + (supply - ROOM_C) * load
    return need


def _on_the_way(
    made: LedgerNetwork, state: State, head: StageHead, kind: str, need: Mapping[str, float]
) -> PumpOnTheWay:
    station = made.asset_of[head.name]
    supply, enough = None, head.inlet_kpa >= LEAST_INLET_KPA
    if kind == "isolation":
        net, index = made.network, made.network.link_index()
        out = net.node_index()[f"{station}.out.s"]
        waters = waters_of(net, np.ones(net.n_link, dtype=bool))
        mine = [name for name in need if waters[net.from_node[index[name]]] == waters[out]]
        if mine:
            arrives = state.inlet_c[[index[name] for name in mine]]
            loss = np.maximum(state.node_c[out] - arrives, 0.0)
            most = float(state.inlet_c[index[station]]) - _APPROACH_K
            supply, fits = isolation_supply_c(np.array([need[name] for name in mine]), loss, most)
            enough = enough and fits
    return PumpOnTheWay(station=station, kind=kind, head=head, supply_c=supply, enough=enough)
