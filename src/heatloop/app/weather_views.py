"""The weather in words: read models made of hours, rows and standings."""

from __future__ import annotations

from typing import Any

from heatloop.app.views.weather import (
    WeatherObservation,
    WeatherQuantity,
    WeatherSourceView,
    WeatherValues,
)
from heatloop.app.weather_sources import NAMES
from heatloop.app.weather_watch import Standing
from heatloop.bridge.weather.conditions import words
from heatloop.bridge.weather.model import QUANTITIES, Hour
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.store.records.weather import WeatherRow

_ABOUT: dict[str, tuple[str, str, str, int]] = {
    "condition": ("天气状况", "weather condition", "-", 0),
    "temperature_c": ("当前温度", "temperature", "degC", 1),
    "humidity_pct": ("相对湿度", "relative humidity", "%", 0),
    "temperature_max_c": ("日最高温度", "highest temperature of the day", "degC", 1),
    "temperature_min_c": ("日最低温度", "lowest temperature of the day", "degC", 1),
    "wind_deg": ("风向", "wind direction", "deg", 0),
    "wind_ms": ("风速", "wind speed", "m/s", 1),
    "solar_w_m2": ("太阳总辐射", "global solar radiation", "W/m2", 0),
    "direct_w_m2": ("太阳直接辐射", "direct normal radiation", "W/m2", 0),
    "diffuse_w_m2": ("太阳散射辐射", "diffuse radiation", "W/m2", 0),
}
assert tuple(_ABOUT) == QUANTITIES


def quantities(points: dict[str, tuple[str, int]]) -> list[WeatherQuantity]:
    """Return what the values are, with the points some are kept in."""
    return [
        WeatherQuantity(
            name=name,
            zh=zh,
            en=en,
            unit=unit,
            decimals=decimals,
            point=points[name][0] if name in points else None,
        )
        for name, (zh, en, unit, decimals) in _ABOUT.items()
    ]


def values(hour: Hour) -> WeatherValues:
    """Return an hour as people read it."""
    zh, en = words(hour.condition)
    numbers: dict[str, Any] = {name: _shown(hour.value(name)) for name in QUANTITIES[1:]}
    return WeatherValues(
        at=utc(hour.at_s),
        condition=hour.condition,
        condition_zh=zh,
        condition_en=en,
        quality=hour.quality.name.lower(),
        **numbers,
    )


def _shown(value: float | None) -> float | None:
    """Return a value without the tail a factor of a register leaves."""
    return None if value is None else round(value, 3)


def row_of(hour: Hour) -> dict[str, Any]:
    """Return an hour as a row of the records."""
    row: dict[str, Any] = {name: getattr(hour, name) for name in QUANTITIES}
    return row | {"at_s": hour.at_s, "quality": int(hour.quality)}


def hour_of(row: WeatherRow) -> Hour:
    """Return a row of the records as an hour."""
    told = dict(row.values)
    return Hour(at_s=row.at_s, quality=Quality(told.pop("quality")), **told)


def observation(row: WeatherRow) -> WeatherObservation:
    """Return a kept observation as people read it."""
    return WeatherObservation(
        source=row.source, known=utc(row.known_at), weather=values(hour_of(row))
    )


def source_view(
    standing: Standing, *, rank: int, in_force: bool, now_s: float
) -> WeatherSourceView:
    """Return how a source is doing."""
    name = standing.source.name
    zh, en = NAMES.get(name, (name, name))

    def at(moment: float | None) -> Any:
        return None if moment is None else utc(moment)

    return WeatherSourceView(
        name=name,
        zh=zh,
        en=en,
        rank=rank,
        in_force=in_force,
        state=standing.state,
        forecasts=standing.source.forecasts,
        observes=standing.source.observes,
        last_ok=at(standing.last_ok),
        last_try=at(standing.last_try),
        issued=at(standing.issued_s),
        horizon_h=max(int((standing.last_hour_s - now_s) // 3600), 0),
        failures=standing.failures,
        error=standing.error,
    )


def station_view(
    hour: Hour | None, *, rank: int, in_force: bool, has_any: bool
) -> WeatherSourceView:
    """Return how the own station is doing."""
    zh, en = NAMES["station"]
    seen = None if hour is None else utc(hour.at_s)
    doubt = "differs from the weather service" if hour and hour.quality != Quality.GOOD else ""
    return WeatherSourceView(
        name="station",
        zh=zh,
        en=en,
        rank=rank,
        in_force=in_force,
        state="ok" if hour is not None else "failed" if has_any else "waiting",
        forecasts=False,
        observes=True,
        last_ok=seen,
        last_try=seen,
        issued=None,
        horizon_h=0,
        failures=0,
        error=doubt,
    )
