"""What a control strategy saved, day by day, against the tuned curve, and how sure that is.

On days on a curve (before the strategy, and switch-back days among its own) a regression learns
what a day costs in its weather; on the strategy's days it says what the curve would have cost.
Days on the standing curve are known as they were; what the tuned curve would have saved against it
(`Day.gain_yuan`) is taken off, days on the tuned curve are put on the same footing by adding it.
So its error cancels where the tuned curve is really run, and is charged where it is not.

Cost is heat, electricity, and a charge for rooms that were too cold, so nobody saves by freezing
people. The interval carries the spread of days, with what one day hands on to the next, the
uncertainty of the regression and that of the tuned curve; where it reaches 0 nothing is proven.

Reference: switch-back as in Stock et al., measured by alternating operation.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.kpi.savings_day import WASH_OUT, Day, Mode, Prices, check_days, counted
from heatloop.kpi.savings_regression import (
    DayFit,
    Floats,
    Past,
    fit_days,
    past_of,
    student_quantile,
    table_of,
)
from heatloop.kpi.savings_result import Against, Assessment, DaySaving, Verdict, verdict_of

LEAST_BASELINE = 14
"""Days on a curve without which nothing is said."""
LEAST_STRATEGY = 7
"""Days of the strategy without which nothing is said."""


def assess(
    days: list[Day],
    prices: Prices | None = None,
    *,
    level: float = 0.90,
    wash_out: int = WASH_OUT,
) -> Assessment:
    """Return what the strategy's days saved against the tuned curve.

    Args:
        days: All days known, in any order; weather of days before explains walls.
        prices: What things cost.
        level: Of the interval, 0.5 to 0.999.
        wash_out: Days after a change of control that are left out.

    Raises:
        InputError: A day is told twice or holds no numbers, or the level is no level.
    """
    if not 0.5 <= level <= 0.999:
        raise InputError("level must lie in 0.5 to 0.999", thing=str(level))
    prices = prices or Prices()
    check_days(days)
    past = past_of(days)
    kept = counted(days, wash_out)
    base = [day for day in kept if day.mode is Mode.CURVE or (day.mode is Mode.TUNED and day.based)]
    judged = [day for day in kept if day.mode is Mode.STRATEGY]
    based = [day for day in judged if day.based]
    against = Against.TUNED
    if len(based) < LEAST_STRATEGY <= len(judged):
        # Without a tuned curve the standing one is all there is: told, but no proof.
        against = Against.STANDING
        based = [replace(day, gain_yuan=0.0, gain_kwh=0.0, gain_sigma_yuan=0.0) for day in judged]
    if len(base) < LEAST_BASELINE or len(based) < LEAST_STRATEGY:
        return _nothing(level, len(base), len(based), against)
    found = _judge(base, based, prices, past, level)
    if against is Against.STANDING:
        verdict = Verdict.NOT_PROVEN if found.verdict is Verdict.SAVING else found.verdict
        return replace(found, against=against, verdict=verdict)
    return found


def _nothing(level: float, base: int, judged: int, against: Against) -> Assessment:
    return Assessment(
        verdict=Verdict.TOO_FEW_DAYS,
        against=against,
        days=(),
        saving_yuan=0.0,
        low_yuan=0.0,
        high_yuan=0.0,
        expected_yuan=0.0,
        tuning_yuan=0.0,
        level=level,
        baseline_days=base,
        strategy_days=judged,
        cvrmse=math.nan,
        base_c=math.nan,
    )


def _judge(
    base: list[Day], days: list[Day], prices: Prices, past: Past, level: float
) -> Assessment:
    """Return the assessment of the strategy's days by those on a curve."""
    tuned = np.array([float(day.mode is Mode.TUNED) for day in base])
    gains = np.array([[day.gain_yuan, day.gain_kwh, day.gain_sigma_yuan] for day in base])
    cost = np.array([day.cost_yuan(prices) for day in base]) + tuned * gains[:, 0]
    fit = fit_days(base, cost, past)
    heat = fit_days(base, np.array([d.heat_kwh for d in base]) + tuned * gains[:, 1], past)
    table = table_of(days, past, fit.base_c)
    gain = np.array([day.gain_yuan for day in days])
    expected = table @ fit.weight - gain
    kwh = table_of(days, past, heat.base_c) @ heat.weight
    saved_kwh = kwh - np.array([day.gain_kwh + day.heat_kwh for day in days])
    actual = np.array([day.cost_yuan(prices) for day in days])
    saving = expected - actual
    whole = _covariance(fit, table, days) + _shared(fit, table, days, tuned * gains[:, 2])
    t = student_quantile(0.5 + level / 2.0, fit.freedom)
    width = t * np.sqrt(np.diag(whole))
    total = np.cumsum(saving)
    spread = np.array([whole[: k + 1, : k + 1].sum() for k in range(len(days))])
    total_width = t * np.sqrt(np.maximum(spread, 0.0))
    rows = tuple(
        DaySaving(
            number=day.number,
            actual_yuan=float(actual[k]),
            expected_yuan=float(expected[k]),
            saving_yuan=float(saving[k]),
            low_yuan=float(saving[k] - width[k]),
            high_yuan=float(saving[k] + width[k]),
            total_yuan=float(total[k]),
            total_low_yuan=float(total[k] - total_width[k]),
            total_high_yuan=float(total[k] + total_width[k]),
            heat_kwh=float(saved_kwh[k]),
            cold_yuan=prices.cold_yuan_m2kh * day.cold_m2kh,
            tuning_yuan=float(gain[k]),
        )
        for k, day in enumerate(days)
    )
    low, high = float(total[-1] - total_width[-1]), float(total[-1] + total_width[-1])
    return Assessment(
        verdict=verdict_of(low, high),
        against=Against.TUNED,
        days=rows,
        saving_yuan=float(total[-1]),
        low_yuan=low,
        high_yuan=high,
        expected_yuan=float(expected.sum()),
        tuning_yuan=float(gain.sum()),
        level=level,
        baseline_days=len(base),
        strategy_days=len(days),
        cvrmse=fit.sigma / fit.mean if fit.mean > 0.0 else math.nan,
        base_c=fit.base_c,
    )


def _covariance(fit: DayFit, table: Floats, days: list[Day]) -> Floats:
    """Return what days share through the regression, and what one day's error hands on."""
    numbers = np.array([day.number for day in days])
    apart = np.abs(numbers[:, None] - numbers[None, :])
    return np.asarray(table @ fit.covariance @ table.T + fit.sigma**2 * fit.rho**apart)


def _shared(fit: DayFit, table: Floats, days: list[Day], base_sigma: Floats) -> Floats:
    """Return what days share through one error of the tuned curve's gain.

    It enters with the days on the tuned curve, through the regression, and leaves with the days
    judged: where all days on a curve are on the tuned one, hardly anything of it is left.
    """
    left = table @ (fit.project @ base_sigma) - [day.gain_sigma_yuan for day in days]
    return np.asarray(np.outer(left, left))
