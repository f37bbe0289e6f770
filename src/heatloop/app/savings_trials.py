"""What a worker does to tune curves, and the weather it does it on; no input or output here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.curve_trial import STEP_S, Floats, TrialUnit, TrialWeather
from heatloop.control.tuned_baseline import LEAST_DAYS, heating_days, tune_units
from heatloop.control.tuned_result import TrialPrices, TunedResult

_HOURS = 24
_PER_HOUR = int(3600.0 / STEP_S)
_LEAST_KNOWN = 0.8
_LEAST_DAY = 12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TuneItem:
    """Units to tune together."""

    units: tuple[TrialUnit, ...]
    """The units."""
    incumbent: Floats
    """Knobs in force, or those to begin with, shape (n_unit, 7)."""
    known: tuple[bool, ...]
    """Which of them are in force."""
    weather: TrialWeather
    """Recorded weather."""
    prices: TrialPrices
    """What is paid."""


def tune_task(item: TuneItem) -> list[TunedResult]:
    """Return what tuning led to, one per unit; none at all with too few heating days."""
    if heating_days(item.weather) < LEAST_DAYS:
        return []
    found: list[TunedResult | None] = [None] * len(item.units)
    for known in (True, False):
        at = [n for n, each in enumerate(item.known) if each is known]
        if not at:
            continue
        results = tune_units(
            [item.units[n] for n in at],
            item.weather,
            item.prices,
            incumbent=item.incumbent[at] if known else None,
        )
        for n, result in zip(at, results, strict=True):
            found[n] = result
    return [each for each in found if each is not None]


def trial_weather(outdoor_c: Floats, sun_kw_m2: Floats) -> TrialWeather | None:
    """Return recorded hours as a trial wants them, None where too little was recorded.

    Days before the first that is known at all are left out; gaps are bridged by straight lines.

    Args:
        outdoor_c: Hourly means from a local midnight on, whole days, nan where unknown.
        sun_kw_m2: The same; without any, no sun is taken.
    """
    known = np.isfinite(outdoor_c)
    days = np.flatnonzero(known.reshape(-1, _HOURS).sum(axis=1) >= _LEAST_DAY)
    if not len(days):
        return None
    outdoor = outdoor_c[days[0] * _HOURS :]
    sun = sun_kw_m2[days[0] * _HOURS :]
    known = known[days[0] * _HOURS :]
    if known.mean() < _LEAST_KNOWN or not known[-_HOURS:].sum() >= _LEAST_DAY:
        return None
    hours = np.arange(len(outdoor)) + 0.5
    step = (np.arange(len(outdoor) * _PER_HOUR) + 0.5) / _PER_HOUR
    lit = np.isfinite(sun)
    return TrialWeather(
        outdoor_c=np.interp(step, hours[known], outdoor[known]),
        sun_kw_m2=np.interp(step, hours[lit], np.maximum(sun[lit], 0.0))
        if lit.any()
        else np.zeros(len(step)),
        hour=step % _HOURS,
        day=np.asarray(step // _HOURS, dtype=np.intp),
    )
