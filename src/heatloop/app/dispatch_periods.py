"""Dispatch periods: what was planned for each local day, what was forecast, and what came.

A period is a local day. Its plan is made of the forecast issued at its beginning and carried on by
each later issue: hours that are over stay as they were planned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from heatloop.app.forecast_history import HEAT, SUPPLY, Floats
from heatloop.app.forecast_settings import ForecastSettings
from heatloop.app.history import in_thread
from heatloop.app.queries.overview import outdoor_c, value
from heatloop.app.world import World
from heatloop.control.curve_strategy import SUPPLY as SUPPLY_SETPOINT
from heatloop.station.curve import design_from, supply_c
from heatloop.station.modes import StationMode, mode_of
from heatloop.store.historian.port import HOUR_S
from heatloop.store.historian.windows import day_of, day_range
from heatloop.store.records import Records
from heatloop.store.records.forecast import SeriesRow

_MOST_TRIM_K = 10.0
_LOW, _PLAN, _HIGH = 0, 1, 2
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Trajectory:
    """Supply temperatures a strategy means a unit to have."""

    start_s: float
    """First step, plant time."""
    step_s: int
    """Length of a step."""
    supply_c: Floats
    """Supply temperature over each step, shape (n_step,)."""


class DispatchPeriods:
    """Keeps the plans of dispatch periods; those of yesterday to tomorrow also in memory.

    Args:
        world: The present.
        records: Where plans are kept.
        settings: How wide a planned band is.
        time_zone: IANA zone of the company.
    """

    def __init__(
        self, world: World, records: Records, settings: ForecastSettings, time_zone: str
    ) -> None:
        self._world, self._records, self._settings = world, records, settings
        self.zone = ZoneInfo(time_zone)
        self._plans: dict[int, dict[Key, SeriesRow]] = {}
        self._followed_s = 0
        self.trajectories: Callable[[], Mapping[str, Trajectory]] = dict
        """Gives what strategies that may write mean each unit to have."""

    def day(self, at_s: float) -> date:
        """Return the dispatch period a time lies in."""
        return day_of(int(at_s), self.zone)

    def range(self, day: date) -> tuple[int, int]:
        """Return the first second of a period and of the next."""
        return day_range(day, self.zone)

    async def load(self) -> None:
        """Take up what was planned before a restart."""
        today = self.day(self._world.now_s())
        for day in (today, today + timedelta(days=1)):
            start, _ = self.range(day)
            rows = await in_thread(self._records.forecasts.plan, start)
            self._plans[start] = {(row.subject, row.quantity): row for row in rows}

    def in_force(self, subject: str, quantity: str, at_s: float) -> Floats | None:
        """Return low, plan and high of a time, shape (3,); None where nothing is planned."""
        start, _ = self.range(self.day(at_s))
        row = self._plans.get(start, {}).get((subject, quantity))
        return None if row is None else at(row, at_s)

    def planned(self, at_s: float) -> Mapping[Key, SeriesRow]:
        """Return what is planned in the period of a time, by (subject, quantity)."""
        return self._plans.get(self.range(self.day(at_s))[0], {})

    async def take(
        self,
        series: Sequence[SeriesRow],
        outdoor: Mapping[int, float],
        *,
        from_s: float,
        known_at: float,
        days: Iterable[date] | None = None,
    ) -> None:
        """Plan the rest of today and tomorrow by a new forecast.

        Args:
            series: Forecasts of heat, in steps that divide an hour.
            outdoor: Forecast outdoor temperature by the begin of the hour, degC.
            from_s: First hour that is planned again; earlier ones stay.
            known_at: Plant time it became known.
            days: The periods; None for that of `from_s` and the next.
        """
        today = self.day(from_s)
        for day in days or (today, today + timedelta(days=1)):
            start, end = self.range(day)
            before = self._plans.get(start)
            if before is None:
                rows = await in_thread(self._records.forecasts.plan, start)
                before = {(row.subject, row.quantity): row for row in rows}
            heat = [hourly(row, start, end) for row in series if row.quantity == HEAT]
            fresh = [*map(self._widened, heat), *self._supply(outdoor, start, end)]
            plans = dict(before)
            for row in fresh:
                key = (row.subject, row.quantity)
                plan = _carried(before.get(key), replace(row, known_at=known_at), from_s)
                if np.isfinite(plan.bands[_PLAN]).any():
                    plans[key] = plan
            self._plans[start] = plans
            await in_thread(self._records.forecasts.put_plan, plans.values())
        oldest = self.range(self.day(self._world.now_s()) - timedelta(days=1))[0]
        for start in [each for each in self._plans if each < oldest]:
            del self._plans[start]

    async def follow(self, at_s: float) -> None:
        """Plan supply temperatures from the running hour on as strategies mean them, once an hour.

        A unit that a strategy moves is judged by what the strategy meant at the hour's begin.
        """
        hour = int(at_s // HOUR_S * HOUR_S)
        meant = self.trajectories() if hour > self._followed_s else {}
        if not meant:
            return
        self._followed_s = hour
        today = self.day(at_s)
        for day in (today, today + timedelta(days=1)):
            start, end = self.range(day)
            plans = self._plans.get(start)
            if plans is None:
                continue
            changed = []
            for unit, trajectory in meant.items():
                plan = _carried(
                    plans.get((unit, SUPPLY)), self._meant(unit, trajectory, start, end), hour
                )
                if np.isfinite(plan.bands[_PLAN]).any():
                    plans[unit, SUPPLY] = plan
                    changed.append(plan)
            await in_thread(self._records.forecasts.put_plan, changed)

    def _meant(self, unit: str, of: Trajectory, start: int, end: int) -> SeriesRow:
        """Return a trajectory by the hour; the hour it begins in stands for as much as is known."""
        hours = (end - start) // HOUR_S
        times = of.start_s + of.step_s * np.arange(len(of.supply_c))
        at = ((times - start) // HOUR_S).astype("i8")
        known = (at >= 0) & (at < hours) & np.isfinite(of.supply_c)
        count = np.bincount(at[known], minlength=hours)
        total = np.bincount(at[known], of.supply_c[known], minlength=hours)
        plan = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        tolerance = self._settings.supply_tolerance_k
        return SeriesRow(
            subject=unit,
            quantity=SUPPLY,
            start_s=float(start),
            step_s=HOUR_S,
            bands=np.stack([plan - tolerance, plan, plan + tolerance]),
            known_at=self._world.now_s(),
            source="optimiser",
        )

    def _widened(self, row: SeriesRow) -> SeriesRow:
        """Return a forecast as the band operation should stay in."""
        low, middle, high = row.bands
        factor, least = self._settings.band_factor, self._settings.heat_tolerance_pct / 100.0
        below = np.maximum(factor * (middle - low), least * np.abs(middle))
        above = np.maximum(factor * (high - middle), least * np.abs(middle))
        bands = np.stack([np.maximum(middle - below, 0.0), middle, middle + above])
        return replace(row, bands=bands)

    def _supply(self, outdoor: Mapping[int, float], start: int, end: int) -> list[SeriesRow]:
        """Return the supply temperature every unit should have: its curve on the weather ahead.

        What the unit's set-point differs from its curve by now is taken to stay.
        """
        times = np.arange(start, end, HOUR_S)
        cold = np.array([outdoor.get(int(each), np.nan) for each in times])
        if not np.isfinite(cold).any():
            return []
        now_c = outdoor_c(self._world)
        tolerance = self._settings.supply_tolerance_k
        found = []
        for unit, _ in self._world.layout.units.values():
            if "secondary_supply_temperature" not in unit.keys:
                continue
            design = design_from(unit.asset.attributes)
            setpoint = value(self._world, unit, SUPPLY_SETPOINT)
            trim = 0.0
            automatic = mode_of(value(self._world, unit, "station_mode")) is StationMode.AUTOMATIC
            if now_c is not None and setpoint is not None and automatic:
                trim = float(
                    np.clip(setpoint - supply_c(design, now_c), -_MOST_TRIM_K, _MOST_TRIM_K)
                )
            plan = np.array(
                [supply_c(design, c) + trim if np.isfinite(c) else np.nan for c in cold]
            )
            found.append(
                SeriesRow(
                    subject=unit.asset.code,
                    quantity=SUPPLY,
                    start_s=start,
                    step_s=HOUR_S,
                    bands=np.stack([plan - tolerance, plan, plan + tolerance]),
                    source="curve",
                )
            )
        return found


def hourly(row: SeriesRow, start: int, end: int) -> SeriesRow:
    """Return a series by the hour on [start, end), means of its steps; nan outside of it."""
    steps = (end - start) // HOUR_S
    bands = np.full((3, steps), np.nan)
    share = HOUR_S // row.step_s
    times = row.start_s + row.step_s * np.arange(row.bands.shape[1])
    hour = ((times - start) // HOUR_S).astype("i8")
    inside = (hour >= 0) & (hour < steps)
    for index in range(3):
        known = inside & np.isfinite(row.bands[index])
        count = np.bincount(hour[known], minlength=steps)
        total = np.bincount(hour[known], row.bands[index][known], minlength=steps)
        whole = count >= share
        bands[index][whole] = total[whole] / count[whole]
    return replace(row, start_s=float(start), step_s=HOUR_S, bands=bands)


def at(row: SeriesRow, at_s: float) -> Floats | None:
    """Return low, middle and high of a time, shape (3,), straight lines between the hours' middles.

    None where nothing is known.
    """
    middles = row.start_s + row.step_s * (0.5 + np.arange(row.bands.shape[1]))
    known = np.isfinite(row.bands[_PLAN])
    step = int((at_s - row.start_s) // row.step_s)
    if not 0 <= step < len(known) or not known[step]:
        return None
    return np.array([float(np.interp(at_s, middles[known], band[known])) for band in row.bands])


def _carried(before: SeriesRow | None, fresh: SeriesRow, from_s: float) -> SeriesRow:
    """Return a fresh plan with the hours that are over as they were planned."""
    times = fresh.start_s + fresh.step_s * np.arange(fresh.bands.shape[1])
    keep = (times < from_s) | ~np.isfinite(fresh.bands[_PLAN])
    # What nobody had planned when it was to come is no plan afterwards.
    older = np.full(fresh.bands.shape, np.nan)
    if before is not None and before.bands.shape == fresh.bands.shape:
        older = before.bands
    return replace(fresh, bands=np.where(keep[None, :], older, fresh.bands))
