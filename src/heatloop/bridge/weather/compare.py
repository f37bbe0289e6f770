"""Whether sources agree about the present: a station in the sun, a stuck vane, a wrong place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from heatloop.bridge.weather.model import Hour
from heatloop.kernel.quality import Quality

NEAR_S = 5400.0
"""Two sources are compared when their times lie no further apart (machine or plant seconds)."""
_SUNNY_W_M2 = 150.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How far two sources may lie apart."""

    temperature_k: float = 5.0
    """Temperature."""
    humidity_pct: float = 40.0
    """Relative humidity, in points."""
    wind_ms: float = 8.0
    """Wind speed."""
    solar_w_m2: float = 500.0
    """Global radiation."""

    @property
    def by_quantity(self) -> Mapping[str, float]:
        """Return the limits by quantity."""
        return {
            "temperature_c": self.temperature_k,
            "humidity_pct": self.humidity_pct,
            "wind_ms": self.wind_ms,
            "solar_w_m2": self.solar_w_m2,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """A quantity two sources disagree about."""

    quantity: str
    """Which."""
    value: float
    """What the doubted source says."""
    expected: float
    """What the other one says."""
    limit: float
    """How far they may lie apart."""
    in_sun: bool
    """Whether it looks like a sensor that stands in the sun."""

    @property
    def zh(self) -> str:
        """Return what it means, in Chinese."""
        cause = "，疑似传感器受太阳直射" if self.in_sun else ""
        return (
            f"自建气象站 {self.value:.1f} 与气象服务 {self.expected:.1f} 相差超过 "
            f"{self.limit:g}{cause}"
        )

    @property
    def en(self) -> str:
        """Return what it means, in English."""
        cause = "; the sensor seems to stand in the sun" if self.in_sun else ""
        return (
            f"the own station says {self.value:.1f}, the weather service {self.expected:.1f}: "
            f"more than {self.limit:g} apart{cause}"
        )


def doubts(own: Hour, other: Hour, limits: Limits) -> list[Doubt]:
    """Return the quantities of the own station that lie too far from another source.

    Nothing is said of times too far apart, or of what one of them does not know.
    """
    if abs(own.at_s - other.at_s) > NEAR_S:
        return []
    sun = [h.solar_w_m2 for h in (own, other) if h.solar_w_m2 is not None]
    found: list[Doubt] = []
    for quantity, limit in limits.by_quantity.items():
        mine, theirs = own.value(quantity), other.value(quantity)
        if mine is None or theirs is None or abs(mine - theirs) <= limit:
            continue
        warm = quantity == "temperature_c" and mine > theirs
        found.append(
            Doubt(
                quantity=quantity,
                value=mine,
                expected=theirs,
                limit=limit,
                in_sun=warm and bool(sun) and max(sun) >= _SUNNY_W_M2,
            )
        )
    return found


def doubted(own: Hour, found: list[Doubt]) -> Hour:
    """Return the own station's hour, uncertain if anything about it is doubted."""
    if not found or own.quality is not Quality.GOOD:
        return own
    return replace(own, quality=Quality.UNCERTAIN)
