"""A day of every unit as the savings ledger needs it: heat, power, cold rooms, weather, control."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.curve_job import BY
from heatloop.app.forecast_history import Past, Subject, past_of
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.world import World
from heatloop.control.curve_strategy import SUPPLY
from heatloop.kpi.savings_day import Mode
from heatloop.store.historian.port import HOUR_S
from heatloop.store.records import Records

PROMISED_C = 18.0
"""Rooms below are cold (GB 50736)."""
_HOURS, _LEAST_HOURS = 24, 20
_CURVE_REASONS = ("heating_curve", "quantity_regulation")
_TUNED_REASON = "tuned_curve"
_MOSTLY = 0.9
_LEAST_WRITES = 24
_UNITS_AT_ONCE = 100
Floats = NDArray[np.float64]


async def day_rows(
    world: World, records: Records, historian: AsyncHistorian, day: int, start_s: int
) -> tuple[list[dict[str, Any]], str]:
    """Return rows of `savings_day` of a local day, and the hash of what they were made of.

    Units and days of which too little is known are left out.

    Args:
        world: The ledger in force.
        records: Commands of the day.
        historian: What was measured.
        day: Days since 1970-01-01, local.
        start_s: Its first second, plant time.
    """
    sky = await _weather(world, historian, start_s)
    made = hashlib.sha256()
    if sky is None:
        return [], made.hexdigest()
    codes = [code for code, (unit, _) in world.layout.units.items() if _heat_key(unit.keys)]
    modes = await in_thread(_modes, records, codes, start_s)
    rows: list[dict[str, Any]] = []
    for first in range(0, len(codes), _UNITS_AT_ONCE):
        part = codes[first : first + _UNITS_AT_ONCE]
        rows += await _units(world, historian, part, start_s, made)
    for row in rows:
        row |= {"day": day, "mode": str(modes.get(row["subject"], Mode.OTHER)), **sky}
    return rows, made.hexdigest()


def _heat_key(keys: Mapping[str, int]) -> int | None:
    return keys.get("secondary_heat_power")


async def _past(historian: AsyncHistorian, keys: Sequence[tuple[int, ...]], start_s: int) -> Past:
    subjects = [
        Subject(code=str(n), kind="unit", quantity="room_c", keys=each)
        for n, each in enumerate(keys)
    ]
    return await past_of(historian, subjects, start_s, start_s + _HOURS * HOUR_S)


async def _weather(
    world: World, historian: AsyncHistorian, start_s: int
) -> dict[str, float] | None:
    """Return the day's weather of the first station that measured it, None without any."""
    for node in world.layout.weather:
        names = ("outdoor_temperature", "solar_radiation", "wind_speed")
        keys = [node.keys.get(name) for name in names]
        if keys[0] is None:
            continue
        known = [(key,) for key in keys if key is not None]
        values = iter((await _past(historian, known, start_s)).values.T)
        columns = [next(values) if key is not None else None for key in keys]
        outdoor, sun, wind = (_mean(column) for column in columns)
        if outdoor is not None:
            return {
                "outdoor_c": outdoor,
                "sun_kwh_m2": max(sun or 0.0, 0.0) * _HOURS / 1000.0,
                "wind_ms": wind or 0.0,
            }
    return None


def _mean(column: Floats | None) -> float | None:
    if column is None or np.isfinite(column).sum() < _LEAST_HOURS:
        return None
    return float(np.nanmean(column))


async def _units(
    world: World,
    historian: AsyncHistorian,
    codes: Sequence[str],
    start_s: int,
    made: Any,
) -> list[dict[str, Any]]:
    layout = world.layout
    heat = await _past(
        historian, [(layout.units[c][0].keys["secondary_heat_power"],) for c in codes], start_s
    )
    counters = {c: layout.units[c][1].node.keys.get("station_power_total") for c in codes}
    metered = sorted({key for key in counters.values() if key is not None})
    power = await _past(historian, [(key,) for key in metered], start_s)
    rooms = {c: world.index.keys[layout.rooms_of[c]] for c in codes if c in layout.rooms_of}
    room_keys = [(int(key),) for keys in rooms.values() for key in keys]
    seen = await _past(historian, room_keys, start_s)
    for table in (heat, power, seen):
        made.update(np.ascontiguousarray(table.values, dtype="<f8").tobytes())
    lack = PROMISED_C - seen.values
    # The mean over rooms and hours that are known stands for all of them.
    cold_k = np.where(np.isfinite(lack), np.maximum(lack, 0.0), np.nan)
    at, found = 0, []
    for n, code in enumerate(codes):
        count = len(rooms.get(code, ()))
        own, at = cold_k[:, at : at + count], at + count
        mean_kw = _mean(heat.values[:, n])
        if mean_kw is None:
            continue
        unit, station = layout.units[code]
        area = float(unit.asset.attributes.get("heated_area_m2") or 0.0)
        if not area and station.units:
            area = station.area_m2 / len(station.units)
        key = counters[code]
        used = 0.0 if key is None else _counted(power.values[:, metered.index(key)])
        cold = float(np.nanmean(own)) * area * _HOURS if np.isfinite(own).any() else 0.0
        found.append(
            {
                "subject": code,
                "heat_kwh": round(mean_kw * _HOURS, 3),
                "power_kwh": round(used / max(len(station.units), 1), 3),
                "cold_m2kh": round(cold, 3),
            }
        )
    return found


def _counted(column: Floats) -> float:
    """Return what a counter counted in a day, from the means of its hours."""
    known = np.flatnonzero(np.isfinite(column))
    if len(known) < 2 or known[-1] - known[0] < _LEAST_HOURS // 2:
        return 0.0
    part = float(column[known[-1]] - column[known[0]]) / float(known[-1] - known[0])
    return max(part * _HOURS, 0.0)


def _modes(records: Records, codes: Sequence[str], start_s: int) -> dict[str, Mode]:
    """Return what controlled each unit: whose writes of its supply set-point fill the day."""
    end_s = start_s + _HOURS * HOUR_S
    counts: dict[str, dict[Mode, int]] = {}
    written = records.savings.writes([f"{code}.{SUPPLY}" for code in codes], start_s, end_s)
    for point, who, why, count in written:
        own = counts.setdefault(point.partition(".")[0], dict.fromkeys(Mode, 0))
        own[_mode(who, why)] += count
    found = {}
    for code, own in counts.items():
        whole = sum(own.values())
        mode = max(own, key=lambda each: own[each])
        enough = whole >= _LEAST_WRITES and own[mode] >= _MOSTLY * whole
        found[code] = mode if enough else Mode.OTHER
    return found


def _mode(who: str, why: str) -> Mode:
    """Return what controls where this was written."""
    if who != BY:
        return Mode.OTHER
    if why.startswith(_TUNED_REASON):
        return Mode.TUNED
    return Mode.CURVE if why.startswith(_CURVE_REASONS) else Mode.STRATEGY
