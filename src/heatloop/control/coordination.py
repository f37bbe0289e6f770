"""Many stations under a plant's cap: each plans for itself, prices bring the sum under the limits.

A limit is a heat by step that its members together may not exceed: what plants can give, or what
a branch of the network can carry. Scarce steps get dearer until the sum fits. The step of the
prices is a Newton step on the dual function: how stations answer to prices is known from a few of
them, and corrected by what all of them answered (BFGS). What little excess is left is taken off
by shares: every member keeps to that part of its plan which fits.

Reference: dual decomposition, Bertsekas and Tsitsiklis, Parallel and Distributed Computation
(1989), ch. 3.4; BFGS on the dual, Nocedal and Wright, Numerical Optimization (2006), ch. 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import Floats, MpcForecast, MpcPlan, MpcState
from heatloop.kernel.errors import InputError
from heatloop.network.water import CP_KJ_KGK


class Respond(Protocol):
    """Asks all stations."""

    def __call__(self, price: Floats, share: Floats | None = None) -> Floats:
        """Return the heat of each limit's members, see `StationGroup.respond`."""
        ...


_SAMPLES = 8
_RATION = 0.05
"""Excess from which on shares take off the rest: a room hardly feels them."""
_HIGHEST_PRICE = 20.0
"""Yuan a kWh added at most: there comfort has long given way."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Limit:
    """Heat that some stations together may not exceed."""

    name: str
    """Plant or branch."""
    cap_kw: Floats
    """By step, shape (n_step,)."""
    members: Floats
    """1 for each station under it, else 0, shape (n_station,)."""


@dataclass(kw_only=True, slots=True)
class Station:
    """A station that takes part."""

    mpc: StationMpc
    """Plans it."""
    state: MpcState
    """How it is now."""
    forecast: MpcForecast
    """What is expected there."""
    shift: int = 0
    """Steps since its plan of before, for the first sweep."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Coordinated:
    """Prices, and how far the limits are kept."""

    price: Floats
    """Scarcity price of each limit, yuan/kWh, shape (n_limit, n_step)."""
    total_kw: Floats
    """Heat of each limit's members, shape (n_limit, n_step)."""
    violation: float
    """Largest excess over a cap, as a share of the cap."""
    sweeps: int
    """How often all stations were asked."""
    rationed: bool = False
    """Whether the last excess was taken off by shares."""
    last: bool = True
    """Whether the last sweep is the one these totals are of."""
    relaxed: tuple[str, ...] = ()
    """Limits that are not kept."""


def hydraulic_cap_kw(flow_kgs: Floats | float, supply_c: Floats, return_c: Floats) -> Floats:
    """Return the heat a branch can carry, shape (n_step,).

    Args:
        flow_kgs: Most primary flow its pipes and the available pressure allow.
        supply_c: Primary supply temperature by step.
        return_c: Primary return temperature by step.
    """
    return np.asarray(flow_kgs * CP_KJ_KGK * np.maximum(supply_c - return_c, 0.0))


@dataclass(kw_only=True, slots=True)
class StationGroup:
    """Stations asked one after the other, in this process; several can stand in several."""

    stations: Sequence[Station]
    """The stations."""
    members: Floats
    """Which limits each is under, shape (n_limit, n_station)."""
    base_price: Floats
    """Price of heat without scarcity, yuan/kWh, shape (n_step,)."""
    plans: list[MpcPlan] = field(default_factory=list)
    """Plans of the last sweep."""
    _asked: bool = False

    def respond(self, price: Floats, share: Floats | None = None) -> Floats:
        """Return the heat of each limit's members at these prices, shape (n_limit, n_step).

        Args:
            price: Scarcity prices, likewise.
            share: Most heat of each limit's members over that of their last plans, likewise;
                None: no more than prices is asked of them.
        """
        dear = self.members.T @ price + self.base_price
        before = self.plans
        total = np.zeros(price.shape)
        plans = []
        for at, each in enumerate(self.stations):
            shift = 0 if self._asked else each.shift
            own = each.mpc.task
            if share is not None and not before[at].fallback:
                most = _least_share(share, self.members[:, at]) * before[at].heat_kw
                each.mpc.retarget(replace(own, heat_most_kw=np.minimum(own.heat_most_kw, most)))
            plan = each.mpc.solve(each.state, each.forecast, dear[at], shift=shift)
            each.mpc.retarget(own)
            plans.append(plan)
            # A unit on its curve draws what it draws: no price moves it.
            heat = np.nan_to_num(plan.heat_kw) if not plan.fallback else _curve_heat(each, plan)
            total += self.members[:, at, None] * heat
        self.plans, self._asked = plans, True
        return total

    def answer_kw(self) -> Floats:
        """Return how the heat of all members falls with the prices, kW an yuan/kWh.

        Of shape (n_limit n_step, n_limit n_step); from some stations, the rest by their size.
        """
        n = len(self.base_price)
        size = np.array([each.mpc.model.design_heat_kw for each in self.stations])
        chosen = np.unique(np.linspace(0, len(size) - 1, _SAMPLES).astype(int))
        mean, weight = np.zeros((n, n)), 0.0
        for at in chosen.tolist():
            each = self.stations[at]
            own = each.mpc.elasticity(each.state, each.forecast, self.base_price)
            if own is not None:
                mean += size[at] * own
                weight += size[at]
        if not weight:
            mean, weight = np.eye(n), 1.0
        shared = (self.members * size) @ self.members.T
        return np.kron(shared, mean / weight)


def coordinate(
    limits: Sequence[Limit],
    respond: Respond,
    answer_kw: Floats,
    *,
    start: Floats | None = None,
    sweeps: int = 20,
    tolerance: float = 0.005,
) -> Coordinated:
    """Return prices at which all limits are kept, as far as any prices can.

    Args:
        limits: The limits.
        respond: Asks all stations: prices (n_limit, n_step) to the members' heat, likewise.
        answer_kw: First guess of how heat falls with prices, see `StationGroup.answer_kw`.
        start: Prices of before; None: none.
        sweeps: How often all stations may be asked.
        tolerance: Excess over a cap that is let be, as a share of it.

    Raises:
        InputError: There is no limit, or shapes differ.
    """
    if not limits or sweeps < 1:
        raise InputError("coordination needs a limit and a sweep", thing="coordination")
    cap = np.array([limit.cap_kw for limit in limits], dtype=np.float64)
    if not np.all(cap > 0.0) or answer_kw.shape != (cap.size, cap.size):
        raise InputError("caps must be above 0 and fit the answer", thing=limits[0].name)
    price = np.zeros(cap.shape) if start is None else np.array(start, dtype=np.float64)
    slope = answer_kw + 1e-3 * float(np.trace(answer_kw)) / cap.size * np.eye(cap.size)
    # A tenth of the tolerance is kept as reserve: the last correction need not be the best one.
    goal = cap * (1.0 - 0.1 * tolerance)
    best: tuple[float, Floats, Floats, bool, int] | None = None
    used, last = 0, None
    while used < sweeps:
        total = respond(price)
        used += 1
        best = _better(best, cap, price, total, False, used)
        if best[0] <= tolerance:
            break
        excess = float(np.max((total - cap) / cap))
        if excess <= _RATION and used < sweeps:
            given = respond(price, goal / total)
            used += 1
            best = _better(best, cap, price, given, True, used)
            if best[0] <= tolerance:
                break
        if last is not None:
            slope = _corrected(slope, (price - last[0]).ravel(), (last[1] - total).ravel())
        last = (price, total)
        price = _next_price(slope, price, total, goal)
        if np.allclose(price, last[0], rtol=0.0, atol=1e-9):
            break
    assert best is not None
    violation, price, total, rationed, at = best
    over = np.max((total - cap) / cap, axis=1) > tolerance
    return Coordinated(
        price=price,
        total_kw=total,
        violation=max(violation, 0.0),
        sweeps=used,
        rationed=rationed,
        last=at == used,
        relaxed=tuple(limit.name for limit, bad in zip(limits, over.tolist(), strict=True) if bad),
    )


def _better(
    best: tuple[float, Floats, Floats, bool, int] | None,
    cap: Floats,
    price: Floats,
    total: Floats,
    rationed: bool,
    sweep: int,
) -> tuple[float, Floats, Floats, bool, int]:
    """Return the better of the best so far and this sweep."""
    violation = float(np.max((total - cap) / cap))
    if best is not None and best[0] <= violation:
        return best
    return violation, price, total, rationed, sweep


def _least_share(share: Floats, member: Floats) -> Floats:
    """Return the least share of the limits a station is under, shape (n_step,)."""
    return np.asarray(np.min(np.where(member[:, None] > 0.0, share, np.inf), axis=0))


def _next_price(slope: Floats, price: Floats, total: Floats, goal: Floats) -> Floats:
    """Return the prices, none below 0, that fit if stations answer by this slope."""
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    lower = cholesky(slope, lower=True)
    wanted = slope @ price.ravel() + (total - goal).ravel()
    found, _ = nnls(lower.T, solve_triangular(lower, wanted, lower=True), maxiter=30 * price.size)
    return np.asarray(np.minimum(found, _HIGHEST_PRICE).reshape(price.shape))


def _corrected(slope: Floats, moved: Floats, fell: Floats) -> Floats:
    """Return the slope after what all stations answered to a move of the prices (damped BFGS)."""
    along = slope @ moved
    curve = float(moved @ along)
    if curve <= 0.0:
        return slope
    seen = float(moved @ fell)
    # Powell's damping keeps the slope positive where prices moved stations the other way.
    if seen < 0.2 * curve:
        part = 0.8 * curve / (curve - seen)
        fell = part * fell + (1.0 - part) * along
        seen = float(moved @ fell)
    return np.asarray(slope - np.outer(along, along) / curve + np.outer(fell, fell) / seen)


def _curve_heat(each: Station, plan: MpcPlan) -> Floats:
    """Return the heat a unit on its curve is likely to draw."""
    target = float(np.mean(each.mpc.task.target_c))
    return each.mpc.model.heat_kw(plan.supply_c, target)
