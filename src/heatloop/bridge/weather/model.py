"""The weather in one shape, whoever tells it: an hour, a report of hours, a place, a source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

from heatloop.kernel.quality import Quality

QUANTITIES = (
    "condition",
    "temperature_c",
    "humidity_pct",
    "temperature_max_c",
    "temperature_min_c",
    "wind_deg",
    "wind_ms",
    "solar_w_m2",
    "direct_w_m2",
    "diffuse_w_m2",
)
"""What is known of the weather, in the order of screens and tables."""

LIMITS: dict[str, tuple[float, float]] = {
    "condition": (0, 99),
    "temperature_c": (-60, 60),
    "humidity_pct": (0, 100),
    "temperature_max_c": (-60, 60),
    "temperature_min_c": (-60, 60),
    "wind_deg": (0, 360),
    "wind_ms": (0, 120),
    "solar_w_m2": (0, 1600),
    "direct_w_m2": (0, 1600),
    "diffuse_w_m2": (0, 1600),
}
"""What can be on this earth; a value outside is dropped, never bent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hour:
    """The weather at one time; what is not known is None."""

    at_s: float
    """Time it holds for, seconds since 1970 UTC; radiation is the mean of the hour before it."""
    condition: int | None = None
    """WMO 4677 code."""
    temperature_c: float | None = None
    """Air temperature."""
    humidity_pct: float | None = None
    """Relative humidity."""
    temperature_max_c: float | None = None
    """Highest temperature of the local day."""
    temperature_min_c: float | None = None
    """Lowest temperature of the local day."""
    wind_deg: float | None = None
    """Direction the wind comes from, clockwise from north."""
    wind_ms: float | None = None
    """Wind speed."""
    solar_w_m2: float | None = None
    """Global radiation on the level."""
    direct_w_m2: float | None = None
    """Direct radiation at right angles to the sun."""
    diffuse_w_m2: float | None = None
    """Diffuse radiation on the level."""
    quality: Quality = Quality.GOOD
    """How far it can be trusted."""

    @classmethod
    def of(
        cls, at_s: float, values: Mapping[str, float | None], quality: Quality = Quality.GOOD
    ) -> Self:
        """Return an hour of values by quantity; a condition that is no whole number is left out."""
        plain: dict[str, Any] = dict(values)
        if "condition" in plain:
            plain["condition"] = code_of(plain["condition"])
        return cls(at_s=at_s, quality=quality, **plain)

    def value(self, name: str) -> float | None:
        """Return one quantity."""
        found: float | None = getattr(self, name)
        return found

    @property
    def empty(self) -> bool:
        """Return whether nothing is known."""
        return all(getattr(self, name) is None for name in QUANTITIES)


assert {f.name for f in fields(Hour)} == {"at_s", "quality", *QUANTITIES}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a source told at one time."""

    source: str
    """Name of the source."""
    issued_s: float | None = None
    """When the forecast was issued, if the source says so."""
    present: Hour | None = None
    """The weather of now, if it tells that."""
    hours: tuple[Hour, ...] = ()
    """Forecast, by time, every hour once."""
    left_out: tuple[str, ...] = ()
    """What was in the answer and could not be used, in words; at most a few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where the weather is wanted."""

    lat: float
    """Degrees north."""
    lon: float
    """Degrees east."""
    zone: str
    """IANA zone whose days the day's extremes are of."""


class WeatherSource(Protocol):
    """Anything that tells the weather."""

    @property
    def name(self) -> str:
        """Return its name in the settings."""
        ...

    @property
    def forecasts(self) -> bool:
        """Return whether it gives forecasts."""
        ...

    @property
    def observes(self) -> bool:
        """Return whether it gives the present."""
        ...

    async def fetch(self, hours: int, now_s: float) -> Report:
        """Return the present weather and a forecast of so many hours.

        Args:
            hours: Hours ahead that are wanted.
            now_s: Plant time; what the source says of other times is not the present.

        Raises:
            LinkError: It does not answer, or asks to be left alone for a while.
            InputError: It refuses, or its answer cannot be read.
        """
        ...


def usable(name: str, value: object, left_out: list[str]) -> float | None:
    """Return a number inside the limits of a quantity, else None and a word in `left_out`.

    Args:
        name: Quantity.
        value: A number, a text that is one, or nothing.
        left_out: Gets a word about what could not be used.
    """
    if value is None or value == "":
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        _note(left_out, f"{name}: {value!r} is no number")
        return None
    low, high = LIMITS[name]
    if isinstance(value, bool) or not math.isfinite(number) or not low <= number <= high:
        _note(left_out, f"{name}: {value!r} is outside {low:g} to {high:g}")
        return None
    return number


def _note(left_out: list[str], word: str) -> None:
    if len(left_out) < 20 and word not in left_out:
        left_out.append(word)


def code_of(value: float | None) -> int | None:
    """Return a condition as the whole number it is, None when it is none."""
    return None if value is None or value != int(value) else int(value)


def with_extremes(hours: tuple[Hour, ...], offset_s: float) -> tuple[Hour, ...]:
    """Return hours with the day's extremes filled in from the temperatures of whole days.

    Args:
        hours: By time.
        offset_s: Local time less UTC, for where a day begins.
    """
    days: dict[int, list[float]] = {}
    for hour in hours:
        if hour.temperature_c is not None:
            day = int((hour.at_s + offset_s) // 86400)
            days.setdefault(day, []).append(hour.temperature_c)

    def filled(hour: Hour) -> Hour:
        known = days.get(int((hour.at_s + offset_s) // 86400), [])
        # A few hours of a day say nothing of its extremes.
        if len(known) < 24 or hour.temperature_max_c is not None:
            return hour
        return replace(hour, temperature_max_c=max(known), temperature_min_c=min(known))

    return tuple(filled(hour) for hour in hours)
