"""The curve a unit's savings are measured against: tuned by its learnt model, or refused.

Slope, shift, set-back and flow are searched on some recorded days and judged on others
(`control.tuned_result`), each unit for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.control.curve_trial import (
    Course,
    Floats,
    StandingLaw,
    TrialHouses,
    TrialUnit,
    TrialWeather,
    TunedLaw,
)
from heatloop.control.tuned_curve import AS_DELIVERED, CurveSearch
from heatloop.control.tuned_result import Case, TrialPrices, TunedResult, judged, own_days
from heatloop.kernel.errors import InputError

ROUNDS, TRIALS = 20, 12
"""240 settings are tried on every unit."""
WARM_UP_DAYS = 4
LEAST_DAYS = 10
"""Recorded days without which nothing is tuned."""
HELD_SHARE = 1.0 / 3.0
"""Share of the days, the last ones, that settings are proven on and not tuned on."""
HEATING_C = 12.0
"""Days milder than this in the mean say nothing about a curve."""
SLACK_K = 0.3
"""Rooms may be this much colder than wanted: sensors tell no more."""
LEAST_RENEWAL = 0.01
"""A new curve replaces the one in force if it costs less by this share."""
GAIN_SIGMA = 0.25
"""Relative uncertainty of a simulated gain beside that of the loss."""
ROOM_SIGMA_K = 0.2
"""How sure it is where either curve holds the rooms."""
_FLOW = 6


def tune_units(
    units: Sequence[TrialUnit],
    weather: TrialWeather,
    prices: TrialPrices,
    *,
    rounds: int = ROUNDS,
    trials: int = TRIALS,
    seed: int = 0,
    incumbent: Floats | None = None,
) -> list[TunedResult]:
    """Return the curve each unit's savings are to be measured against.

    Args:
        units: The units, all under the same weather.
        weather: Recorded days, the first `WARM_UP_DAYS` of which only settle the walls.
        prices: What is paid.
        rounds: Rounds of the search.
        trials: Settings tried in each.
        seed: Of the draws.
        incumbent: Knobs the search starts from, shape (n_unit, 7); a curve in force that is still
            the best is found again so.

    Raises:
        InputError: The weather has too few heating days.
    """
    houses = TrialHouses(units)
    counted = _heating_days(weather)
    if counted.sum() < LEAST_DAYS:
        raise InputError("too few heating days to tune a curve", thing=str(int(counted.sum())))
    last = np.flatnonzero(counted)[-max(round(counted.sum() * HELD_SHARE), 3) :]
    held = np.zeros(len(counted), bool)
    held[last] = True
    learn = counted & ~held
    tuning = _days_before(weather, WARM_UP_DAYS + int(last[0]))
    metered = np.array([unit.pump_kwh_d > 0.0 for unit in units])
    start = np.tile(AS_DELIVERED, (len(units), 1)) if incumbent is None else incumbent.copy()
    if incumbent is None:
        start[:, 1] = [unit.target_c - unit.design.room_c for unit in units]
    search = CurveSearch(len(units), n_trial=trials, seed=seed, start=start)
    for _ in range(rounds):
        settings = search.ask()
        # Nobody knows what another flow costs where pumps are not metered.
        settings[..., _FLOW] = np.where(metered, settings[..., _FLOW], 1.0)
        course = houses.run(TunedLaw(units, settings), tuning, warm_up=WARM_UP_DAYS)
        cost = prices.cost_yuan(course) + _too_cold_yuan(units, course, prices)
        search.tell(cost[learn[: len(cost)]].mean(axis=0))
    standing = houses.run(StandingLaw(units), weather, warm_up=WARM_UP_DAYS)
    both = np.stack([search.best, start])
    tuned = houses.run(TunedLaw(units, both), weather, warm_up=WARM_UP_DAYS)
    cost = prices.cost_yuan(tuned) + _too_cold_yuan(units, tuned, prices)
    cost = cost[held].mean(axis=0)
    # A baseline that moves every week proves nothing: only a clearly better one replaces it.
    kept = (cost[1] <= (1.0 + LEAST_RENEWAL) * cost[0]) & (incumbent is not None)
    found = []
    for at, unit in enumerate(units):
        trial = int(kept[at])
        case = Case(
            unit=unit,
            settings=both[trial, at],
            standing=own_days(standing, held, 0, at),
            tuned=own_days(tuned, held, trial, at),
        )
        found.append(judged(case, prices, rounds * trials, int(learn.sum()), int(held.sum())))
    return found


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayGain:
    """What tuned curves would have saved against standing ones on a day, shape (n_unit,) each."""

    yuan: Floats
    """As the ledger counts."""
    kwh: Floats
    """Heat in it."""
    sigma_yuan: Floats
    """How sure, one standard deviation; the same error on all days of a unit."""


def gain_of_day(
    units: Sequence[TrialUnit],
    settings: Floats,
    weather: TrialWeather,
    prices: TrialPrices,
    loss_sigma: Floats,
) -> DayGain:
    """Return what the tuned curves would have saved against the standing ones on the last day.

    Args:
        units: The units.
        settings: Their tuned curves, shape (n_unit, 7).
        weather: The day, with days before it that settle the walls.
        prices: What is paid.
        loss_sigma: Relative uncertainty of their loss, shape (n_unit,).
    """
    houses, warm_up = TrialHouses(units), int(weather.day[-1])
    standing = houses.run(StandingLaw(units), weather, warm_up=warm_up)
    tuned = houses.run(TunedLaw(units, settings[None]), weather, warm_up=warm_up)
    yuan = (prices.cost_yuan(standing) - prices.cost_yuan(tuned))[0, 0]
    loss = np.array([unit.model.loss_kw_k() for unit in units])
    rooms = prices.heat_yuan_kwh * 24.0 * loss * ROOM_SIGMA_K
    return DayGain(
        yuan=yuan,
        kwh=(standing.heat_kwh - tuned.heat_kwh)[0, 0],
        sigma_yuan=np.hypot(np.hypot(GAIN_SIGMA, loss_sigma) * np.abs(yuan), rooms),
    )


def heating_days(weather: TrialWeather) -> int:
    """Return how many heating days lie behind the warm-up."""
    return int(_heating_days(weather).sum())


def _heating_days(weather: TrialWeather) -> np.ndarray:
    """Return which days behind the warm-up are heating days, shape (n_day - warm-up,)."""
    n = int(weather.day[-1]) + 1
    mean = np.bincount(weather.day, weather.outdoor_c, n) / np.bincount(weather.day, minlength=n)
    return np.asarray(mean[WARM_UP_DAYS:] < HEATING_C)


def _days_before(weather: TrialWeather, day: int) -> TrialWeather:
    cut = weather.day < day
    return TrialWeather(
        outdoor_c=weather.outdoor_c[cut],
        sun_kw_m2=weather.sun_kw_m2[cut],
        hour=weather.hour[cut],
        day=weather.day[cut],
    )


def _too_cold_yuan(units: Sequence[TrialUnit], course: Course, prices: TrialPrices) -> Floats:
    """Return the charge for days whose rooms are colder than wanted in the mean.

    The strategy has to keep what is wanted, so the curve it is compared with has to as well.
    """
    target = np.array([unit.target_c for unit in units])
    area = np.array([unit.area_m2 for unit in units])
    lack = np.maximum(target - SLACK_K - course.room_c, 0.0)
    return np.asarray(prices.cold_yuan_m2kh * 24.0 * area * lack)
