"""What tuned curves would have saved on days that ended, by units' models and the day's weather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.learning_history import UnitPoints, histories_of, points_of
from heatloop.app.savings_baselines import Baselines
from heatloop.app.savings_days import LocalDays
from heatloop.app.savings_rows import knobs_of
from heatloop.app.savings_trials import trial_weather
from heatloop.app.savings_units import TrialUnits
from heatloop.app.world import World
from heatloop.control.curve_trial import TrialWeather
from heatloop.control.tuned_baseline import gain_of_day
from heatloop.control.tuned_result import Baseline, TrialPrices
from heatloop.store.historian.port import DAY_S
from heatloop.store.records import Records
from heatloop.store.records.savings_baselines import BaselineRow

_GAIN_DAYS = 5
"""A day and those before it that settle the walls."""
_MOST_VERSIONS = 50


class Gains:
    """Tells them.

    Args:
        world: The ledger in force.
        records: Where curves are kept.
        historian: The past.
        baselines: Curves in force.
        units: Units as they are tried.
        days: Local days.
        prices: What is paid.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        *,
        baselines: Baselines,
        units: TrialUnits,
        days: LocalDays,
        prices: TrialPrices,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._baselines, self._units = baselines, units
        self._days, self._prices = days, prices

    async def of_day(self, day: int, codes: Sequence[str]) -> list[dict[str, Any]]:
        """Return rows of `savings_gain` of a day, for units with a curve that judges it.

        Args:
            day: Local day that ended.
            codes: Units of which the day is told.
        """
        rows = [row for code in codes if (row := await self._in_force(code, day)) is not None]
        known = [(row, unit) for row in rows if (unit := self._units.kept(row)) is not None]
        if not known:
            return []
        weather = await self._weather(day)
        if weather is None:
            return []
        settings = np.array([knobs_of(row) for row, _ in known])
        units = [unit for _, (unit, _) in known]
        sigma = np.array([loss_sigma for _, (_, loss_sigma) in known])
        gain = await in_thread(gain_of_day, units, settings, weather, self._prices, sigma)
        found = []
        for at, (row, _) in enumerate(known):
            figures = (gain.yuan[at], gain.kwh[at], gain.sigma_yuan[at])
            if not np.all(np.isfinite(figures)):
                continue
            tuned = row.baseline == Baseline.TUNED
            yuan, kwh, own = (round(float(each), 3) for each in figures)
            found.append(
                {
                    "subject": row.subject,
                    "day": day,
                    "baseline": row.version,
                    "gain_yuan": yuan if tuned else 0.0,
                    "gain_kwh": kwh if tuned else 0.0,
                    "sigma_yuan": own,
                }
            )
        return found

    async def _in_force(self, unit: str, day: int) -> BaselineRow | None:
        """Return what judges a day of a unit, None where nothing does or it was refused."""
        row = self._baselines.newest.get(unit)
        if row is not None and row.from_day > day:
            _, rows = await in_thread(self._records.baselines.of, unit, limit=_MOST_VERSIONS)
            row = next((each for each in rows if each.from_day <= day), None)
        return None if row is None or row.baseline == Baseline.REFUSED else row

    async def _weather(self, day: int) -> TrialWeather | None:
        """Return the weather of a day and of those before it that settle the walls."""
        layout = self._world.layout
        points = (points_of(self._world, unit, station) for unit, station in layout.units.values())
        first = next((each for each in points if each is not None), None)
        if first is None:
            return None
        wanted = ("outdoor_c", "sun_w_m2")
        keys = {name: key for name, key in first.keys.items() if name in wanted}
        start_s = self._days.start_s(day - _GAIN_DAYS + 1)
        (history,) = await histories_of(
            self._historian,
            [UnitPoints(unit="", keys=keys, sensors=())],
            start_s,
            start_s + _GAIN_DAYS * DAY_S,
            0.0,
        )
        found = trial_weather(history.outdoor_c, history.sun_kw_m2)
        return found if found is not None and int(found.day[-1]) > 0 else None
