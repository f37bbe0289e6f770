"""Read models of history: statistics of hours, days, months and heating seasons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PointStatistics:
    """Statistics of one point, as arrays of one length, one place a window."""

    point: str
    """Point code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit of the values."""
    integral_unit: str
    """Unit of the integral: value x hours, so kWh of kW and m3 of m3/h."""
    at: list[int]
    """Start of the window, milliseconds since 1970 UTC."""
    name: list[str]
    """`2026-11-23T08:00+08:00`, `2026-11-23`, `2026-11` or `2026/2027`, in the company's zone."""
    count: list[int]
    """Samples that count: neither bad nor stale."""
    low: list[float | None]
    """Least value."""
    mean: list[float | None]
    """Mean of the samples."""
    high: list[float | None]
    """Greatest value."""
    integral: list[float | None]
    """Value x hours; gaps longer than three periods add nothing."""
    last: list[float | None]
    """Latest value."""
    good: list[int]
    """Samples of quality good."""
    uncertain: list[int]
    """Samples of quality uncertain."""
    bad: list[int]
    """Samples of quality bad."""
    stale: list[int]
    """Samples of quality stale."""
    estimated: list[int]
    """Samples of quality estimated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistics:
    """Statistics of points (clause 6.2 f #3)."""

    step: str
    """`hour`, `day`, `month` or `season`."""
    time_zone: str
    """IANA zone days, months and seasons are counted in."""
    series: list[PointStatistics]
    """One a point."""
