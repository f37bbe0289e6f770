"""The weather as points: those of the own station are read, those of the company are kept.

The station's points come by any driver. What the platform keeps of the source in force are points
of the company (`weather_temperature` ...), where the ledger has them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.app.world import World
from heatloop.bridge.weather.model import QUANTITIES, Hour
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds

STATION_KINDS = {
    "condition": "weather_condition",
    "temperature_c": "outdoor_temperature",
    "humidity_pct": "outdoor_humidity",
    "temperature_max_c": "outdoor_temperature_max",
    "temperature_min_c": "outdoor_temperature_min",
    "wind_deg": "wind_direction",
    "wind_ms": "wind_speed",
    "solar_w_m2": "solar_radiation",
}
"""Point kind of a weather station by quantity."""
KEPT_KINDS = {
    "condition": "weather_condition",
    "temperature_c": "weather_temperature",
    "humidity_pct": "weather_humidity",
    "temperature_max_c": "weather_temperature_max",
    "temperature_min_c": "weather_temperature_min",
    "wind_deg": "weather_wind_direction",
    "wind_ms": "weather_wind_speed",
    "solar_w_m2": "weather_solar_radiation",
    "direct_w_m2": "weather_direct_radiation",
    "diffuse_w_m2": "weather_diffuse_radiation",
}
"""Point kind of the company by quantity."""
FRESH_S = 1800.0
"""A station's value older than this is not the present."""


def station_hour(world: World, now_s: float) -> tuple[str, Hour] | None:
    """Return (asset code, weather) of the first station that knows the temperature of now."""
    latest = world.latest
    for node in world.layout.weather:
        values: dict[str, float | None] = {}
        newest = 0
        quality = Quality.GOOD
        for quantity, kind in STATION_KINDS.items():
            key = node.keys.get(kind)
            found = None if key is None else latest.last(key)
            if key is None or found is None:
                continue
            _, told, slot = found
            value = latest.value(key)
            if value is None or now_s - slot > FRESH_S:
                continue
            values[quantity] = value
            newest = max(newest, slot)
            if told != Quality.GOOD and quantity == "temperature_c":
                quality = Quality(told)
        if values.get("temperature_c") is None:
            continue
        return node.asset.code, Hour.of(float(newest), values, quality)
    return None


def kept_keys(world: World) -> dict[str, tuple[str, int]]:
    """Return (point code, key) by quantity of the company's points; empty without any."""
    found: dict[str, tuple[str, int]] = {}
    for asset in world.ledger.of_kind("company")[:1]:
        for point in world.ledger.points_of(asset.code):
            for quantity, kind in KEPT_KINDS.items():
                if point.kind == kind:
                    found[quantity] = (point.code, point.key)
    return found


def columns_of(hour: Hour, keys: dict[str, tuple[str, int]], slot: int) -> Columns:
    """Return the weather as samples of the points there are, outside their range left out."""
    rows: list[tuple[int, float]] = []
    kinds = point_kinds()
    for quantity, (_, key) in keys.items():
        value = hour.value(quantity)
        kind = kinds.get(KEPT_KINDS[quantity])
        if value is None or kind is None or not _inside(value, kind.low, kind.high):
            continue
        rows.append((key, float(value)))
    return Columns(
        np.array([key for key, _ in rows], "u4"),
        np.full(len(rows), slot, "u4"),
        np.array([value for _, value in rows], "f8"),
        np.full(len(rows), int(hour.quality), "u1"),
    )


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def aged(hour: Hour, now_s: float, most_s: float) -> Hour:
    """Return an hour as stale when it is older than `most_s`."""
    return replace(hour, quality=Quality.STALE) if now_s - hour.at_s > most_s else hour


assert set(KEPT_KINDS) == set(QUANTITIES)
