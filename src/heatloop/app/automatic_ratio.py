"""Hours in automatic over heating hours, per unit, from what was stored of mode, stage and heat.

Mode automatic: the station regulates by itself to a set-point or its curve. Under the platform: the
same while the unit's strategy stage let the platform write. A heating hour without a known mode
counts as not automatic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.forecast_history import FIELDS
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.layout import Node, number
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.station.modes import StationMode
from heatloop.store.historian.port import HOUR_S, RollupColumns
from heatloop.store.records import Records
from heatloop.store.records.stages import StageRow

_HEATING_W_M2 = 1.0
_LEAST_KW = 1.0
_MOST_MIXED = 500
_AUTOMATIC = float(StationMode.AUTOMATIC)
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitRatio:
    """How a unit was run."""

    unit: str
    """Unit code."""
    station: str
    """Substation code."""
    heating_h: float
    """Hours it heated."""
    automatic_h: float
    """Of these in mode automatic."""
    platform_h: float
    """Of these with the strategy stage automatic as well."""
    unknown_h: float
    """Heating hours without a known mode; they count as not automatic."""


async def automatic_ratio(
    world: World,
    historian: AsyncHistorian,
    records: Records,
    scope: Scope,
    start_s: int,
    end_s: int,
) -> list[UnitRatio]:
    """Return how every unit inside a scope was run in [start, end), whole hours."""
    start_s, end_s = start_s // HOUR_S * HOUR_S, end_s // HOUR_S * HOUR_S
    units = [
        (unit, station.node.asset.code)
        for unit, station in world.layout.units.values()
        if "station_mode" in unit.keys and world.sees(scope, unit.asset.code)
    ]
    steps = (end_s - start_s) // HOUR_S
    if not units or steps <= 0:
        return []
    modes = np.array(sorted(unit.keys["station_mode"] for unit, _ in units), "u4")
    heat = {unit.keys.get("secondary_heat_power") for unit, _ in units} - {None}
    powers = np.array(sorted(key for key in heat if key is not None), "u4")
    mode_rows = await historian.rollup(
        modes, start_s, end_s, HOUR_S, fields=("count", "low", "mean", "high")
    )
    power_rows = await historian.rollup(powers, start_s, end_s, HOUR_S, fields=FIELDS)
    share = await asyncio.to_thread(_shares, mode_rows, modes, start_s, steps)
    await _mixed(historian, mode_rows, modes, share, start_s)
    power = await asyncio.to_thread(_table, power_rows, powers, power_rows.mean, start_s, steps)
    histories = await in_thread(_histories, records, [unit.asset.code for unit, _ in units])
    found = []
    for (unit, station), history in zip(units, histories, strict=True):
        own = share[:, np.searchsorted(modes, unit.keys["station_mode"])]
        heating = _heating(unit, powers, power)
        found.append(_ratio(unit, station, own, heating, _allowed(history, start_s, steps)))
    return found


def _histories(records: Records, units: Sequence[str]) -> list[Sequence[StageRow]]:
    return [records.stages.history(unit) for unit in units]


def _table(
    rows: RollupColumns, keys: NDArray[np.uint32], of: Floats, start_s: int, steps: int
) -> Floats:
    table = np.full((steps, len(keys)), np.nan)
    known = rows.count > 0
    at = (rows.slots[known].astype("i8") - start_s) // HOUR_S
    table[at, np.searchsorted(keys, rows.keys[known])] = of[known]
    return table


def _shares(rows: RollupColumns, keys: NDArray[np.uint32], start_s: int, steps: int) -> Floats:
    """Return the share of each hour in automatic; the least it can have been in mixed hours."""
    whole = (rows.low == rows.high).astype(float) * (rows.low == _AUTOMATIC)
    # Of modes 0 to 2 with mean m, a share of at least m - 1 was automatic.
    least = np.where(rows.low == rows.high, whole, np.clip(rows.mean - 1.0, 0.0, 1.0))
    return _table(rows, keys, least, start_s, steps)


async def _mixed(
    historian: AsyncHistorian,
    rows: RollupColumns,
    keys: NDArray[np.uint32],
    share: Floats,
    start_s: int,
) -> None:
    """Put the exact share of hours in which the mode changed, where samples are still kept."""
    mixed = np.flatnonzero((rows.count > 0) & (rows.low != rows.high))[-_MOST_MIXED:]
    for at in mixed.tolist():
        key, slot = int(rows.keys[at]), int(rows.slots[at])
        raw = await historian.raw(np.array([key], "u4"), slot, slot + HOUR_S)
        if len(raw.values):
            column = int(np.searchsorted(keys, key))
            share[(slot - start_s) // HOUR_S, column] = float(np.mean(raw.values == _AUTOMATIC))


def _heating(unit: Node, powers: NDArray[np.uint32], power: Floats) -> NDArray[np.bool_]:
    """Return in which hours a unit heated, shape (n_step,)."""
    key = unit.keys.get("secondary_heat_power")
    if key is None:
        return np.zeros(len(power), bool)
    area = number(unit.asset, "heated_area_m2") or 0.0
    least = max(_HEATING_W_M2 * area / 1000.0, _LEAST_KW)
    own = power[:, np.searchsorted(powers, key)]
    return np.nan_to_num(own, nan=0.0) > least


def _allowed(history: Sequence[StageRow], start_s: int, steps: int) -> Floats:
    """Return the share of each hour in which the platform was allowed to write, shape (n_step,)."""
    edges = start_s + HOUR_S * np.arange(steps + 1, dtype=float)
    share = np.zeros(steps)
    ordered = sorted(history, key=lambda row: row.at)
    for index, row in enumerate(ordered):
        if row.stage != "automatic":
            continue
        end = ordered[index + 1].at if index + 1 < len(ordered) else np.inf
        inside = np.minimum(edges[1:], end) - np.maximum(edges[:-1], row.at)
        share += np.clip(inside, 0.0, HOUR_S) / HOUR_S
    return share


def _ratio(
    unit: Node, station: str, share: Floats, heating: NDArray[np.bool_], allowed: Floats
) -> UnitRatio:
    known = np.nan_to_num(share[heating], nan=0.0)
    return UnitRatio(
        unit=unit.asset.code,
        station=station,
        heating_h=float(heating.sum()),
        automatic_h=float(known.sum()),
        platform_h=float(np.minimum(known, allowed[heating]).sum()),
        unknown_h=float(np.isnan(share[heating]).sum()),
    )
