"""What a worker does for the report before the season: each failure run through the network.

A function of a module with plain arguments, so that it runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heatloop.app.network_heads import LEAST_DP_KPA, heads_of, held
from heatloop.kernel.errors import InputError
from heatloop.network.flow.solver import Solver
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.operation import Operation
from heatloop.network.steady import solve_steady
from heatloop.network.topology.from_ledger import LedgerNetwork, network_of
from heatloop.network.topology.ledger_stations import HEAT
from heatloop.plant.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A failure to run through the network."""

    subject: str
    """What fails."""
    shut: tuple[str, ...] = ()
    """Links that are shut with it: a source, or the pump of a booster."""
    left_kw: Mapping[str, float] = field(default_factory=dict)
    """Most heat each source that is left gives."""
    head_kpa: Mapping[str, float] = field(default_factory=dict)
    """Most head of each source; sources left out hold the head the network is designed for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonWork:
    """All failures of a network."""

    ledger: Ledger
    """The ledger."""
    need_kw: float
    """Demand at the temperature of the check."""
    cases: tuple[Case, ...]
    """The failures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What units get after a failure."""

    subject: str
    """What failed."""
    share: Mapping[str, float]
    """Heat over what it wants, by unit; empty when flows did not settle."""
    missing_kpa: float
    """Head the sources lack for the worst unit; 0: none."""
    why: str = ""
    """Why nothing is known, in the solver's words."""


def run_cases(work: SeasonWork) -> list[Served]:
    """Return what each failure leaves every unit."""
    made = network_of(work.ledger, consumers=HEAT)
    found = []
    for case in work.cases:
        try:
            found.append(_run(made, work.need_kw, case))
        except InputError as error:
            found.append(Served(subject=case.subject, share={}, missing_kpa=0.0, why=error.message))
    return found


def _run(made: LedgerNetwork, need_kw: float, case: Case) -> Served:
    net, op = made.network, made.operation.copy()
    index = net.link_index()
    heat = np.flatnonzero((net.kind == LinkKind.HEAT) & ~op.shut)
    names = [made.asset_of[net.link_names[link]] for link in heat.tolist()]
    lifts = [c for c in case.left_kw if c in index and case.left_kw[c] > 0.0]
    given_kw = min(need_kw, sum(case.left_kw[c] for c in lifts))
    if given_kw <= 0.0 or not len(heat):
        return Served(subject=case.subject, share=dict.fromkeys(names, 0.0), missing_kpa=0.0)
    for name in case.shut:
        op.shut[index[name]] = True
    for link in np.flatnonzero(net.kind == LinkKind.LIFT).tolist():
        op.shut[link] = net.link_names[link] not in lifts
    op.demand_kw[heat] *= given_kw / float(op.demand_kw[heat].sum())
    total = sum(case.left_kw[c] for c in lifts)
    share = {c: case.left_kw[c] / total for c in lifts}
    have = {c: float(case.head_kpa.get(c, made.operation.lift_kpa[index[c]])) for c in lifts}
    heads, stages = heads_of(made, op, lifts, share, given_kw)
    missing = max(max(heads.head_kpa[c] - have[c] for c in lifts), 0.0)
    held(net, op, heads, stages, heads.state)
    drop = _drop_kpa(made, op, heat)
    # What the sources lack is missing at every unit alike; flow falls with its root.
    left = np.clip((drop - missing) / LEAST_DP_KPA, 0.0, 1.0)
    got = given_kw / need_kw * np.sqrt(left)
    return Served(
        subject=case.subject,
        share={name: float(got[k]) for k, name in enumerate(names)},
        missing_kpa=missing,
    )


def _drop_kpa(made: LedgerNetwork, op: Operation, links: Sequence[int] | np.ndarray) -> np.ndarray:
    net = made.network
    state = solve_steady(Solver(net), op)
    a, b = net.from_node[links], net.to_node[links]
    alive = state.supplied[a] & state.supplied[b]
    drop = np.where(alive, state.pressure_kpa[a] - state.pressure_kpa[b], 0.0)
    # The solve settles within some pascals: who has what he needs must not be called short.
    return np.asarray(np.where(drop > 0.98 * LEAST_DP_KPA, np.maximum(drop, LEAST_DP_KPA), drop))
