"""Which days of a unit say nothing of the level its curve keeps: control aimed at rooms itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from heatloop.control.room_look import LEAST_DAYS
from heatloop.kpi.savings_day import WASH_OUT, Mode
from heatloop.store.historian.port import DAY_S
from heatloop.store.records import Records
from heatloop.store.records.stages import StageRow

_CURVES = (Mode.CURVE, Mode.TUNED)


def days_left_out(
    records: Records, units: Sequence[str], days: range, offset_s: float
) -> dict[str, frozenset[int]]:
    """Return by unit the days that do not count, with those whose walls remember one.

    A day is the strategy's when the savings ledger says so, or, of days it does not know to be
    a curve's, when the unit stood at stage `automatic` at any time of it. Where the ledger knows
    enough days of the tuned curve, those alone count: its level is the one worth keeping.

    Args:
        records: The ledger of savings, and the stages.
        units: Which units.
        days: Local days looked at, since 1970-01-01.
        offset_s: Local time less UTC.
    """
    found: dict[str, frozenset[int]] = {}
    known = range(days.start - WASH_OUT, days.stop)
    for unit in units:
        modes = {row["day"]: row["mode"] for row in records.savings.days(unit, known.start)}
        untuned = _remembered(day for day in known if modes.get(day) != Mode.TUNED)
        if len(set(days) - untuned) >= LEAST_DAYS:
            found[unit] = untuned
            continue
        automatic = _automatic(records.stages.history(unit), known, offset_s)
        found[unit] = _remembered(
            day
            for day in known
            if modes.get(day) == Mode.STRATEGY
            or (modes.get(day) not in _CURVES and day in automatic)
        )
    return found


def _remembered(days: Iterable[int]) -> frozenset[int]:
    return frozenset(day + n for day in days for n in range(WASH_OUT + 1))


def _automatic(history: Sequence[StageRow], days: range, offset_s: float) -> set[int]:
    """Return the days a unit stood at stage `automatic`, from stages that come newest first."""
    found: set[int] = set()
    until = days.stop
    for row in history:
        began = int((row.at + offset_s) // DAY_S)
        if row.stage == "automatic":
            found.update(range(max(began, days.start), min(until, days.stop)))
        # The day of a change belongs to both.
        until = began + 1
    return found
