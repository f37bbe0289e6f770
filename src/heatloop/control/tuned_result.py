"""Whether a tuned curve may stand as what savings are measured against, and why not.

What no engineer would leave behind (water at its limit, rooms far from what is wanted) is refused
with a reason; no saving is proven then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from heatloop.control.curve_trial import Course, Floats, TrialUnit
from heatloop.control.tuned_curve import AS_DELIVERED

MOST_WARM_K, MOST_COLD_K = 1.5, 0.8
"""Mean of the rooms against what is wanted; beyond, the curve is no curve to leave behind."""
WARMEST_DAY_K = 3.5
"""The warmest day against what is wanted."""
MOST_AT_LIMIT = 0.05
"""Share of time the water may be at its upper limit."""
MOST_GAIN = 0.35
"""A curve that saves more than this share tells of a wrong model."""
LEAST_GAIN = 0.002
"""Less than this share is no reason to leave the standing curve."""


class Baseline(StrEnum):
    """What savings of a unit are measured against."""

    TUNED = "tuned"
    """The tuned curve."""
    STANDING = "standing"
    """The standing curve: tuning found nothing better."""
    REFUSED = "refused"
    """Nothing: no saving is proven."""


class Refusal(StrEnum):
    """Why there is no baseline."""

    NONE = ""
    """There is one."""
    NO_MODEL = "no_model"
    """Nothing was learnt of the unit's rooms yet."""
    REGULATION = "regulation"
    """The unit is regulated by quantity, which is not tuned."""
    FEW_DAYS = "few_days"
    """Too few heating days with weather were recorded."""
    MODEL_OFF = "model_off"
    """The model does not give back the heat that was measured."""
    EMITTERS_OFF = "emitters_off"
    """The model's emitters do not give back the heat that was measured."""
    AT_LIMIT = "supply_at_limit"
    """The tuned curve keeps the water at its upper limit."""
    ROOMS_WARM = "rooms_warm"
    """Rooms on it are far warmer than wanted."""
    ROOMS_COLD = "rooms_cold"
    """Rooms on it are far colder than wanted."""
    GAIN = "gain_implausible"
    """It would save more than can be believed."""
    BROKEN = "broken"
    """The trial gave no numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialPrices:
    """What is paid, as the savings ledger counts it."""

    heat_yuan_kwh: float
    """Heat."""
    power_yuan_kwh: float
    """Electricity."""
    cold_yuan_m2kh: float
    """A square metre one kelvin too cold for an hour."""

    def cost_yuan(self, course: Course) -> Floats:
        """Return what days cost, shape (n_day, n_trial, n_unit)."""
        return np.asarray(
            self.heat_yuan_kwh * course.heat_kwh
            + self.power_yuan_kwh * course.power_kwh
            + self.cold_yuan_m2kh * course.cold_m2kh
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TunedResult:
    """What tuning a unit's curve led to; figures are of days it was not tuned on."""

    baseline: Baseline
    """What it is measured against."""
    reason: Refusal
    """Why there is none."""
    settings: tuple[float, ...]
    """Knobs in the order of `tuned_curve.NAMES`; those of the curve that was refused too."""
    evaluations: int
    """Settings tried."""
    days: int
    """Days tuned on."""
    held_days: int
    """Days proven on."""
    standing_yuan_d: float
    """Cost of the standing curve."""
    tuned_yuan_d: float
    """Cost of the tuned curve."""
    standing_room_c: float
    """Mean of rooms on the standing curve."""
    tuned_room_c: float
    """Mean of rooms on the tuned curve."""
    warmest_c: float
    """Mean of rooms on the warmest day of the tuned curve."""
    at_limit: float
    """Share of time its water is at the upper limit."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Case:
    """A unit's tuned curve and what came of it on days it was not tuned on, shape (n_day,)."""

    unit: TrialUnit
    """The unit."""
    settings: Floats
    """Its knobs."""
    standing: Course
    """On the standing curve."""
    tuned: Course
    """On the tuned curve."""


def own_days(course: Course, held: np.ndarray, trial: int, unit: int) -> Course:
    """Return the days of one trial of one unit that were held back."""
    return Course(
        heat_kwh=course.heat_kwh[held, trial, unit],
        cold_m2kh=course.cold_m2kh[held, trial, unit],
        room_c=course.room_c[held, trial, unit],
        at_limit=course.at_limit[held, trial, unit],
        power_kwh=course.power_kwh[held, trial, unit],
    )


def judged(
    case: Case, prices: TrialPrices, evaluations: int, days: int, held_days: int
) -> TunedResult:
    """Return what becomes of a unit's tuned curve: taken, not needed, or refused.

    Args:
        case: The unit and its days.
        prices: What is paid.
        evaluations: Settings tried.
        days: Days tuned on.
        held_days: Days judged on.
    """
    unit, tuned = case.unit, case.tuned
    before = float(prices.cost_yuan(case.standing).mean())
    after = float(prices.cost_yuan(tuned).mean())
    room, warmest = float(tuned.room_c.mean()), float(tuned.room_c.max())
    limit, standing_room = float(tuned.at_limit.mean()), float(case.standing.room_c.mean())
    settings, baseline, reason = case.settings, Baseline.TUNED, Refusal.NONE
    if not np.all(np.isfinite([before, after, room, warmest, standing_room, *settings])):
        reason, settings = Refusal.BROKEN, AS_DELIVERED
        before = after = room = warmest = limit = standing_room = 0.0
    elif limit > MOST_AT_LIMIT:
        reason = Refusal.AT_LIMIT
    elif room > unit.target_c + MOST_WARM_K or warmest > unit.target_c + WARMEST_DAY_K:
        reason = Refusal.ROOMS_WARM
    elif room < unit.target_c - MOST_COLD_K:
        reason = Refusal.ROOMS_COLD
    elif before - after > MOST_GAIN * before:
        reason = Refusal.GAIN
    elif before - after < LEAST_GAIN * before:
        baseline = Baseline.STANDING
    if reason:
        baseline = Baseline.REFUSED
    return TunedResult(
        baseline=baseline,
        reason=reason,
        settings=tuple(float(x) for x in settings),
        evaluations=evaluations,
        days=days,
        held_days=held_days,
        standing_yuan_d=before,
        tuned_yuan_d=after,
        standing_room_c=standing_room,
        tuned_room_c=room,
        warmest_c=warmest,
        at_limit=limit,
    )
