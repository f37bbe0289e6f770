"""Statistics of hours, days, months and heating seasons (clause 6.2 f #3).

Hours and days are roll-ups as stored; months and seasons are made of days.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.app.history import AsyncHistorian
from heatloop.app.refusals import Refused
from heatloop.app.views.history import PointStatistics, Statistics
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.store.historian.memory_rollups import regroup
from heatloop.store.historian.port import DAY_S, HOUR_S, RollupColumns
from heatloop.store.historian.windows import day_start

STEPS = ("hour", "day", "month", "season")
_LONGEST_S = {"hour": 400 * DAY_S, "day": 2400 * DAY_S, "month": 4400 * DAY_S}
SEASON = ((11, 15), (3, 15))
"""First and last day of a heating season where the ledger names none (Beijing)."""

_INTEGRAL_UNITS = {"kW": "kWh", "m3/h": "m3", "W": "Wh", "MW": "MWh", "t/h": "t"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Which statistics are wanted."""

    codes: list[str]
    """Point codes."""
    start_s: float
    """Start, plant seconds."""
    end_s: float
    """End, plant seconds; windows that start before it are given."""
    step: str
    """One of STEPS."""


async def statistics(
    world: World, historian: AsyncHistorian, scope: Scope, ask: Ask, time_zone: str
) -> Statistics:
    """Return the statistics of points.

    Raises:
        Refused: A point is not inside the scope, or the range is not valid.
    """
    points = [world.point(scope, code) for code in ask.codes]
    if not points:
        raise Refused("invalid", place="points", detail="empty")
    zone = ZoneInfo(time_zone)
    start_s, end_s = _range(ask)
    calendar = Calendar(zone, season_of(world))
    if ask.step in ("month", "season"):
        # Whole months and seasons, so that asking for a part of one changes nothing in it.
        start_s, end_s = calendar.whole(ask.step, start_s, end_s)
    step_s = HOUR_S if ask.step == "hour" else DAY_S
    keys = np.asarray(sorted({point.key for point in points}), "u4")
    rows = await historian.rollup(keys, start_s, end_s, step_s)
    series = await asyncio.to_thread(_series, points, rows, ask.step, calendar)
    return Statistics(step=ask.step, time_zone=time_zone, series=series)


def _range(ask: Ask) -> tuple[int, int]:
    start, end = int(max(ask.start_s, 0)), int(min(ask.end_s, 2**32 - 1))
    if end <= start or end - start > _LONGEST_S.get(ask.step, _LONGEST_S["month"]):
        raise Refused("range_invalid", detail=f"{end - start} s", place="start, end")
    return start, end


def season_of(world: World) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return first and last day of the heating season as (month, day), from the ledger."""
    for company in world.ledger.of_kind("company"):
        given = [company.attributes.get(name) for name in ("season_start", "season_end")]
        try:
            first, last = (date.fromisoformat(str(one)) for one in given)
        except ValueError:
            continue
        return (first.month, first.day), (last.month, last.day)
    return SEASON


@dataclass(frozen=True, slots=True)
class Calendar:
    """Months and heating seasons of a company."""

    zone: ZoneInfo
    """Zone of its days."""
    season: tuple[tuple[int, int], tuple[int, int]]
    """First and last day as (month, day); the last may lie in the next year."""

    def day(self, slot: int) -> date:
        """Return the local day of a slot."""
        return datetime.fromtimestamp(slot, UTC).astimezone(self.zone).date()

    def group(self, day: date, step: str) -> date | None:
        """Return the first day of the month or season a day is in; None outside of seasons."""
        if step == "month":
            return day.replace(day=1)
        (month, number), last = self.season
        year = day.year if (day.month, day.day) >= (month, number) else day.year - 1
        first = date(year, month, number)
        ends = date(year + (last < (month, number)), *last)
        return first if first <= day <= ends else None

    def whole(self, step: str, start_s: int, end_s: int) -> tuple[int, int]:
        """Return a range widened to whole months or seasons."""
        first, last = self.day(start_s), self.day(end_s - 1)
        from_day = self.group(first, step) or first
        group = self.group(last, step)
        after = last
        while group is not None and self.group(after, step) == group:
            after += timedelta(days=1)
        end_day = after if group is not None else last + timedelta(days=1)
        return day_start(from_day, self.zone), day_start(end_day, self.zone)

    def name(self, slot: int, step: str) -> str:
        """Return what people call the window that starts there."""
        local = datetime.fromtimestamp(slot, UTC).astimezone(self.zone)
        match step:
            case "hour":
                return local.isoformat(timespec="minutes")
            case "day":
                return local.date().isoformat()
            case "month":
                return f"{local:%Y-%m}"
            case _:
                (month, number), last = self.season
                return f"{local.year}/{local.year + (last < (month, number))}"


def grouped(rows: RollupColumns, step: str, calendar: Calendar) -> RollupColumns:
    """Return days as months or seasons, named after their first day; other days are left out."""
    slots = np.unique(rows.slots)
    starts = np.zeros(len(slots), "u4")
    for at, slot in enumerate(slots.tolist()):
        group = calendar.group(calendar.day(slot), step)
        starts[at] = 0 if group is None else day_start(group, calendar.zone)
    windows = starts[np.searchsorted(slots, rows.slots)]
    inside = windows > 0
    return regroup(rows.take(inside), windows[inside])


def _series(
    points: list[Point], rows: RollupColumns, step: str, calendar: Calendar
) -> list[PointStatistics]:
    if step in ("month", "season"):
        rows = grouped(rows, step, calendar)
    names = {slot: calendar.name(slot, step) for slot in np.unique(rows.slots).tolist()}
    out = []
    for point in points:
        kind = point_kinds()[point.kind]
        mine = rows.take(rows.keys == point.key)
        out.append(
            PointStatistics(
                point=point.code,
                zh=kind.zh,
                en=kind.en,
                unit=kind.unit,
                integral_unit=_INTEGRAL_UNITS.get(kind.unit, f"{kind.unit} h"),
                at=(mine.slots.astype("i8") * 1000).tolist(),
                name=[names[slot] for slot in mine.slots.tolist()],
                count=mine.count.tolist(),
                low=_listed(mine.low),
                mean=_listed(mine.mean),
                high=_listed(mine.high),
                integral=_listed(mine.integral),
                last=_listed(mine.last),
                good=mine.good_count.tolist(),
                uncertain=mine.uncertain_count.tolist(),
                bad=mine.bad_count.tolist(),
                stale=mine.stale_count.tolist(),
                estimated=mine.estimated_count.tolist(),
            )
        )
    return out


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
