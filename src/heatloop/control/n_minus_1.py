"""What if one source or unit fails: what stays uncovered, and how long storage and houses carry it.

The least that consumers must still get when a source fails, by design outdoor temperature:
40 % above -10 degC, 55 % from -10 to -20 degC, 65 % below.

Reference: CJJ/T 34-2022 (before: CJJ 34-2010, table 5.0.9), least guaranteed share of heat.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.dispatch import DispatchPlan, DispatchProblem, Flags, Floats

_TRIFLE_KW = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Houses:
    """All buildings of a network taken together, as one node that cools."""

    room_c: float
    """Mean room temperature at the beginning."""
    limit_c: float
    """Room temperature that must not be passed."""
    loss_kw_k: float
    """Heat lost to the outside a kelvin."""
    capacity_kwh_k: float
    """Heat they hold a kelvin; what takes part within hours, not the deepest walls."""
    gain_kw: float = 0.0
    """People, appliances and sun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """One row of the N-1 check."""

    subject: str
    """Code of the source or unit that is away."""
    whole_source: bool
    """Whether a source with all in it is away."""
    lost_kw: float
    """Heat that could not be made."""
    left_kw: float
    """Most heat of all that is left."""
    need_kw: float
    """Demand the check is for."""
    uncovered_kw: float
    """Demand beyond what is left."""
    covered_pct: float
    """Share of the demand that is covered."""
    least_pct: float
    """Share that must be covered (see the module)."""
    storage_h: float
    """Hours until storage is empty; inf when nothing is uncovered."""
    houses_h: float
    """Hours until rooms reach their limit after that; inf when they never do."""
    holds: bool
    """Whether at least the least share is covered without storage."""

    @property
    def carried_h(self) -> float:
        """Hours until rooms reach their limit, storage first."""
        return self.storage_h + self.houses_h


def least_share_pct(design_outdoor_c: float) -> float:
    """Return the share of heat consumers must get when a source fails."""
    if design_outdoor_c > -10.0:
        return 40.0
    return 55.0 if design_outdoor_c >= -20.0 else 65.0


def n_minus_1(
    problem: DispatchProblem,
    houses: Houses,
    *,
    outdoor_c: float,
    need_kw: float,
    design_outdoor_c: float,
    limits_kw: Mapping[str, float] | None = None,
) -> list[Outage]:
    """Return what the failure of each source, and of each unit, leaves uncovered; the worst first.

    Args:
        problem: Units and storage; what is out in the first step does not count as left.
        houses: The buildings.
        outdoor_c: Outdoor temperature of the check.
        need_kw: Demand at that temperature.
        design_outdoor_c: Decides the least share.
        limits_kw: Most the network takes from each source.
    """
    sources = sorted({unit.source for unit in problem.units})
    cases = [(source, True) for source in sources]
    cases += [(unit.code, False) for unit in problem.units]
    share = least_share_pct(design_outdoor_c)
    all_kw = _most_kw(problem, "", limits_kw or {})
    found = []
    for subject, whole in cases:
        left = _most_kw(problem, subject, limits_kw or {})
        uncovered = max(need_kw - left, 0.0)
        covered = 100.0 * min(left / need_kw, 1.0) if need_kw > _TRIFLE_KW else 100.0
        found.append(
            Outage(
                subject=subject,
                whole_source=whole,
                lost_kw=all_kw - left,
                left_kw=left,
                need_kw=need_kw,
                uncovered_kw=uncovered,
                covered_pct=covered,
                least_pct=share,
                storage_h=_storage_h(problem, subject if whole else "", uncovered),
                houses_h=houses_h(houses, outdoor_c, min(left, need_kw)),
                holds=covered >= share,
            )
        )
    return sorted(found, key=lambda row: (-row.uncovered_kw, not row.whole_source, row.subject))


def _most_kw(problem: DispatchProblem, without: str, limits_kw: Mapping[str, float]) -> float:
    by_source: dict[str, float] = {}
    for unit in problem.units:
        away = without in (unit.code, unit.source) or (unit.out is not None and unit.out[0])
        by_source[unit.source] = by_source.get(unit.source, 0.0) + (0.0 if away else unit.most_kw)
    return sum(min(kw, limits_kw.get(source, math.inf)) for source, kw in by_source.items())


def _storage_h(problem: DispatchProblem, without: str, uncovered_kw: float) -> float:
    """Return how long storage alone makes up for what is missing, at most at its own power."""
    if uncovered_kw <= _TRIFLE_KW:
        return math.inf
    tanks = [tank for tank in problem.storages if tank.source != without]
    power = sum(tank.discharge_kw for tank in tanks)
    if power < uncovered_kw:
        return 0.0  # It slows the cooling, but does not carry the demand.
    return sum(tank.now_kwh for tank in tanks) / uncovered_kw


def houses_h(houses: Houses, outdoor_c: float, heat_kw: float) -> float:
    """Return hours until rooms reach their limit when they get this heat.

    One node: C dT/dt = heat + gains - loss (T - outdoor), solved in closed form.
    """
    end_c = outdoor_c + (heat_kw + houses.gain_kw) / max(houses.loss_kw_k, 1e-9)
    if end_c >= houses.limit_c:
        return math.inf
    if houses.room_c <= houses.limit_c:
        return 0.0
    tau_h = houses.capacity_kwh_k / max(houses.loss_kw_k, 1e-9)
    return tau_h * math.log((houses.room_c - end_c) / (houses.limit_c - end_c))


def tripped(problem: DispatchProblem, subjects: frozenset[str], until_s: float) -> DispatchProblem:
    """Return the problem after sources or units failed: out from now until a time.

    The storage of a failed source is out of reach as well.

    Args:
        problem: As it was.
        subjects: Codes of sources or units.
        until_s: Plant time at which they are back.
    """
    steps = problem.start_s + problem.step_s * np.arange(problem.n_step)
    gone: Flags = np.asarray(steps < until_s)
    units = []
    for unit in problem.units:
        if subjects & {unit.code, unit.source}:
            out = gone if unit.out is None else gone | unit.out
            unit = replace(unit, out=out, now_on=False, now_kw=0.0, now_s=0.0, least_down_s=0.0)
        units.append(unit)
    tanks = tuple(
        replace(tank, charge_kw=0.0, discharge_kw=0.0, end_kwh=0.0)
        if tank.source in subjects
        else tank
        for tank in problem.storages
    )
    return replace(problem, units=tuple(units), storages=tanks)


def covered_share(problem: DispatchProblem, plan: DispatchPlan) -> Floats:
    """Return the share of the demand a plan covers, shape (n_step,)."""
    demand = np.maximum(problem.demand_kw, 1e-9)
    return np.asarray(1.0 - plan.unserved_kw / demand)
