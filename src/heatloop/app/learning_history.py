"""The past of units as learning reads it: hourly means of good samples, few sensors of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.app.forecast_history import FIELDS, table_of
from heatloop.app.history import AsyncHistorian
from heatloop.app.layout import Node, StationNode
from heatloop.app.world import World
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.network.water import density_kg_m3
from heatloop.store.historian.port import HOUR_S

MOST_SENSORS = 24
"""Room sensors of a unit that are read: more tell little more."""
_OWN = {
    "heat_kw": "secondary_heat_power",
    "supply_c": "secondary_supply_temperature",
    "return_c": "secondary_return_temperature",
    "flow": "secondary_flow",
    "valve_pct": "valve_opening",
}
_STATION = {
    "primary_supply_c": "primary_supply_temperature",
    "primary_return_c": "primary_return_temperature",
    "primary_flow": "primary_flow",
    "primary_supply_kpa": "primary_supply_pressure",
    "primary_return_kpa": "primary_return_pressure",
    "primary_heat_kw": "primary_heat_power",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitPoints:
    """Points of a unit that are read."""

    unit: str
    """Unit."""
    keys: dict[str, int]
    """Key by column."""
    sensors: tuple[tuple[str, int], ...]
    """Asset and key of each room sensor."""

    def all_keys(self) -> set[int]:
        """Return every key."""
        return set(self.keys.values()) | {key for _, key in self.sensors}


def points_of(world: World, unit: Node, station: StationNode) -> UnitPoints | None:
    """Return the points learning reads of a unit, None without heat or outdoor temperature."""
    weather = world.layout.weather
    keys = {name: unit.keys[kind] for name, kind in _OWN.items() if kind in unit.keys}
    alone = len(station.units) == 1
    for name, kind in _STATION.items():
        # Of several units behind one meter nobody knows who took what.
        shared = name in ("primary_flow", "primary_return_c", "primary_heat_kw")
        if kind in station.node.keys and (alone or not shared):
            keys[name] = station.node.keys[kind]
    for node in weather[:1]:
        for name, kind in (("outdoor_c", "outdoor_temperature"), ("sun_w_m2", "solar_radiation")):
            if kind in node.keys:
                keys[name] = node.keys[kind]
    if "outdoor_c" not in keys or not {"heat_kw", "primary_heat_kw"} & set(keys):
        return None
    at = world.layout.rooms_of.get(unit.asset.code)
    rooms = [] if at is None else [int(key) for key in world.index.keys[at]]
    if len(rooms) > MOST_SENSORS:
        pick = np.linspace(0, len(rooms) - 1, MOST_SENSORS).astype(int).tolist()
        rooms = [rooms[i] for i in pick]
    by_key = world.ledger.by_key
    return UnitPoints(
        unit=unit.asset.code, keys=keys, sensors=tuple((by_key[key].asset, key) for key in rooms)
    )


async def histories_of(
    historian: AsyncHistorian,
    points: Sequence[UnitPoints],
    start_s: int,
    end_s: int,
    local_offset_s: float,
) -> list[UnitHistory]:
    """Return the histories of units over whole hours in [start, end).

    Args:
        historian: Where samples are.
        points: Of which units.
        start_s: First hour, plant time, a multiple of an hour.
        end_s: End.
        local_offset_s: Local time less UTC.
    """
    keys = sorted(set().union(*(each.all_keys() for each in points))) if points else []
    if not keys:
        return []
    rows = await historian.rollup(np.asarray(keys, "u4"), start_s, end_s, HOUR_S, fields=FIELDS)
    steps = (end_s - start_s) // HOUR_S
    table = await asyncio.to_thread(table_of, rows, keys, start_s, steps, HOUR_S)
    place = {key: at for at, key in enumerate(keys)}
    return [_history(each, table, place, float(start_s), local_offset_s) for each in points]


def _history(
    points: UnitPoints,
    table: Floats,
    place: dict[int, int],
    start_s: float,
    local_offset_s: float,
) -> UnitHistory:
    nothing = np.full(len(table), np.nan)

    def column(name: str) -> Floats:
        key = points.keys.get(name)
        return nothing if key is None else table[:, place[key]]

    heat = column("heat_kw")
    if not np.isfinite(heat).any():
        heat = column("primary_heat_kw")
    returned, primary_returned = column("return_c"), column("primary_return_c")
    sensors = [place[key] for _, key in points.sensors]
    return UnitHistory(
        unit=points.unit,
        start_s=start_s,
        step_s=float(HOUR_S),
        heat_kw=heat,
        outdoor_c=column("outdoor_c"),
        sun_kw_m2=column("sun_w_m2") / 1000.0,
        supply_c=column("supply_c"),
        return_c=returned,
        flow_kgs=_kgs(column("flow"), returned),
        sensors_c=table[:, sensors] if sensors else np.empty((len(table), 0)),
        sensors=tuple(code for code, _ in points.sensors),
        local_offset_s=local_offset_s,
        valve_pct=column("valve_pct"),
        primary_kgs=_kgs(column("primary_flow"), primary_returned),
        primary_kpa=column("primary_supply_kpa") - column("primary_return_kpa"),
        primary_supply_c=column("primary_supply_c"),
        primary_return_c=primary_returned,
    )


def _kgs(flow_m3h: Floats, water_c: Floats) -> Floats:
    usual = np.where(np.isfinite(water_c), np.clip(water_c, 5.0, 130.0), 45.0)
    return np.asarray(flow_m3h / 3600.0 * density_kg_m3(usual))
