"""The leak balance that never stops: make-up and source flows, watched for a step (7.7 d).

Water lost = make-up less what the network takes up by cooling or rising pressure; the difference of
the sources' supply and return flows says the same less exactly. Each is compared with its own
habit; together, weighted by how quiet they are, they feed two tests:

* fast: the mean excess of 20 min above 0.6 of the leak looked for, and above 5 sigma of quiet
  20-min means. A step of that leak is alarmed after 12-20 min.
* slow: a CUSUM with an allowance of a quarter of that leak, for what is smaller or grows.

False alarms, for noise that is normal with whatever memory it has: 20-min means are independent at
most 26,300 times a year and pass 5 sigma with 2.9e-7, so the fast test errs less than 0.01 times a
year; the slow limit is set for once in 10 years (Siegmund 1985, corrected for the memory).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from heatloop.network.twin.habit import FAST_BLOCKS, Habit
from heatloop.network.water import density_kg_m3

BLOCK_S = 300.0
_FAST_SHARE = 0.6
_FAST_SIGMAS = 5.0
_SLOW_SHARE = 0.25
_YEARS_TO_FALSE_ALARM = 10.0
_LEARN_BLOCKS = 288
_CLEAR_BLOCKS = 12
_YEAR_S = 365.25 * 86400.0


class LeakState(Enum):
    """What the balance thinks."""

    LEARNING = "learning"
    """Not yet a day of readings."""
    QUIET = "quiet"
    """As usual."""
    SUSPECT = "suspect"
    """More than usual; habits are not learnt from this."""
    LEAKING = "leaking"
    """A leak has begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceSample:
    """What is read at a moment; nan: missing."""

    t_s: float
    """Plant time."""
    makeup_kgs: float
    """Make-up of all sources."""
    supply_kgs: float = math.nan
    """Flow that leaves all sources."""
    return_kgs: float = math.nan
    """Flow that comes back, before make-up enters."""
    pressure_kpa: float = math.nan
    """At the pressure-holding point."""
    supply_c: float = math.nan
    """Mean temperature of the supply water."""
    return_c: float = math.nan
    """Mean temperature of the return water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the balance says after a sample."""

    state: LeakState
    """State."""
    lost_kgs: float
    """Water lost now, mean of 20 min; nan while learning."""
    excess_kgs: float
    """How much more than usual."""
    sigma_kgs: float
    """Standard deviation of that excess on quiet days."""
    since_s: float
    """When the leak began, nan if there is none."""
    detectable_kgs: float
    """Smallest leak that is alarmed within 30 min in 19 of 20 cases."""


class LeakBalance:
    """Watches one network.

    Args:
        target_kgs: Leak looked for, e.g. 1 % of the flow of all sources.
        supply_m3: Water in the supply pipes; 0: swelling is not accounted for.
        return_m3: Water in the return pipes.
        storage_kg_kpa: Water an expansion vessel takes up by 1 kPa.
    """

    def __init__(
        self,
        target_kgs: float,
        *,
        supply_m3: float = 0.0,
        return_m3: float = 0.0,
        storage_kg_kpa: float = 0.0,
    ) -> None:
        self._target = target_kgs
        self._supply_m3, self._return_m3 = supply_m3, return_m3
        self._storage = storage_kg_kpa
        self._habits = (Habit(), Habit())
        self._block: list[BalanceSample] = []
        self._before: BalanceSample | None = None
        self._state = LeakState.LEARNING
        self._since = math.nan
        self._slow_kg, self._slow_since = 0.0, math.nan
        self._calm = 0
        self._said = (math.nan, math.nan, math.nan)

    def take(self, sample: BalanceSample) -> Verdict:
        """Take a sample, in order of time; return what is known now."""
        if self._block and sample.t_s - self._block[0].t_s >= BLOCK_S:
            self._close(self._block, sample.t_s)
            self._block = []
        self._block.append(sample)
        lost, excess, sigma = self._said
        return Verdict(
            state=self._state,
            lost_kgs=lost,
            excess_kgs=excess,
            sigma_kgs=sigma,
            since_s=self._since,
            detectable_kgs=self._fast_limit(sigma) + 1.645 * sigma,
        )

    def accept(self) -> None:
        """Take the present loss as the new habit: the leak is known, or was none."""
        for habit in self._habits:
            if habit.recent:
                habit.mean += sum(habit.recent) / len(habit.recent)
                habit.recent.clear()
        self._state, self._since, self._slow_kg = LeakState.QUIET, math.nan, 0.0

    def _fast_limit(self, sigma: float) -> float:
        return max(_FAST_SHARE * self._target, _FAST_SIGMAS * sigma)

    def _signals(self, block: list[BalanceSample]) -> tuple[tuple[float, float], ...]:
        """Return (value, size) of loss by make-up and by source flows, means of a block."""
        mean = {
            name: _mean([getattr(s, name) for s in block])
            for name in ("makeup_kgs", "supply_kgs", "return_kgs", "pressure_kpa", "supply_c",
                         "return_c")
        }  # fmt: skip
        now = BalanceSample(t_s=_mean([s.t_s for s in block]), **mean)
        taken, before = 0.0, self._before
        if before is not None and now.t_s > before.t_s:
            kg = self._storage * _step(before.pressure_kpa, now.pressure_kpa)
            kg += self._supply_m3 * _denser(before.supply_c, now.supply_c)
            kg += self._return_m3 * _denser(before.return_c, now.return_c)
            taken = kg / (now.t_s - before.t_s)
        self._before = now
        return (now.makeup_kgs - taken, 0.0), (now.supply_kgs - now.return_kgs, now.supply_kgs)

    def _close(self, block: list[BalanceSample], t_s: float) -> None:
        """Judge a block that is complete."""
        signals = self._signals(block)
        weight = total = spread = 0.0
        for habit, (value, size) in zip(self._habits, signals, strict=True):
            if not math.isfinite(value):
                habit.recent.clear()
                continue
            habit.recent.append(habit.excess(value, size) if habit.count else 0.0)
            if habit.count < _LEARN_BLOCKS or len(habit.recent) < FAST_BLOCKS:
                continue
            each = 1.0 / max(habit.fast_variance, 1e-12)
            weight += each
            total += each * sum(habit.recent) / FAST_BLOCKS
            spread += each**2 * habit.variance * habit.memory()
        if weight > 0.0:
            excess, sigma = total / weight, weight**-0.5
            self._said = (self._habits[0].mean + excess, excess, sigma)
            self._judge(excess, sigma, spread / weight**2, t_s)
        if self._state in (LeakState.LEARNING, LeakState.QUIET):
            for habit, (value, size) in zip(self._habits, signals, strict=True):
                if math.isfinite(value):
                    habit.learn(value, size)
        if self._state is LeakState.LEARNING and self._habits[0].count >= _LEARN_BLOCKS:
            self._state = LeakState.QUIET

    def _judge(self, excess: float, sigma: float, long_variance: float, t_s: float) -> None:
        """Run both tests on the mean excess of the last 20 min."""
        allowance = _SLOW_SHARE * self._target
        self._slow_kg = max(self._slow_kg + (excess - allowance) * BLOCK_S, 0.0)
        if self._slow_kg == 0.0:
            self._slow_since = t_s
        fast = excess > self._fast_limit(sigma)
        slow = self._slow_kg > _slow_limit_kg(allowance, long_variance * BLOCK_S)
        if self._state is LeakState.LEAKING:
            self._calm = self._calm + 1 if excess < 0.3 * self._target else 0
            if self._calm >= _CLEAR_BLOCKS:
                self._state, self._since, self._slow_kg = LeakState.QUIET, math.nan, 0.0
        elif fast or slow:
            self._state, self._calm = LeakState.LEAKING, 0
            self._since = t_s - FAST_BLOCKS * BLOCK_S if fast else self._slow_since
        elif excess > 0.5 * self._fast_limit(sigma):
            self._state = LeakState.SUSPECT
        else:
            self._state = LeakState.QUIET


def _mean(values: list[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan


def _step(before: float, now: float) -> float:
    return now - before if math.isfinite(before) and math.isfinite(now) else 0.0


def _denser(before_c: float, now_c: float) -> float:
    """Return how much denser the water has become, kg/m3."""
    if not (math.isfinite(before_c) and math.isfinite(now_c)):
        return 0.0
    return float(density_kg_m3(now_c) - density_kg_m3(before_c))


def _slow_limit_kg(allowance_kgs: float, variance_kg2_s: float) -> float:
    """Return the CUSUM limit with a false alarm in `_YEARS_TO_FALSE_ALARM`.

    Args:
        allowance_kgs: Drift downwards without a leak.
        variance_kg2_s: Variance of the summed loss a second.

    Reference: Siegmund 1985, for Brownian motion: ARL = (e^x - 1 - x) v / (2 a^2), x = 2 a h / v.
    """
    if allowance_kgs <= 0.0 or variance_kg2_s <= 0.0:
        return math.inf
    runs = _YEARS_TO_FALSE_ALARM * _YEAR_S * 2.0 * allowance_kgs**2 / variance_kg2_s
    x = math.log(1.0 + runs)
    for _ in range(8):
        x = math.log(1.0 + x + runs)
    return x * variance_kg2_s / (2.0 * allowance_kgs)
