"""Read models of bulk data: what an export would hold, series on a grid, series joined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkPlan:
    """What an export would hold, told before it is made."""

    points: int
    """Points chosen."""
    expected_rows: int
    """Rows if every sample of the poll period arrived; the true number may differ."""
    rows_limit: int | None
    """Most rows of the format; None: no limit."""
    labels: dict[str, str]
    """Class, level and owner of the data, as far as they are given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridSeries:
    """One point's values on an even grid."""

    point: str
    """Point code."""
    zh: str
    """Chinese name of the kind."""
    en: str
    """English name of the kind."""
    unit: str
    """Unit of the values."""
    value: list[float | None]
    """Value a step; null: none."""
    filled: list[bool]
    """Whether the value was filled in and not measured."""
    count: list[int]
    """Samples behind the value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Series on one grid of time."""

    step_s: int
    """Length of a step."""
    statistic: str
    """`mean`, `low`, `high`, `first` or `last` of the samples of a step."""
    fill: str
    """How gaps are filled: `none`, `previous` or `linear`."""
    max_gap_s: int
    """Longest gap that is filled; 0: any."""
    at: list[datetime]
    """Begin of each step."""
    series: list[GridSeries]
    """One a point, in the order asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinedSeries:
    """What another point last said at each time of the first."""

    point: str
    """Point code."""
    unit: str
    """Unit of the values."""
    value: list[float | None]
    """Last value at that time; null: none that is young enough."""
    age_s: list[int | None]
    """How old it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """The samples of one point, each with what the others last said."""

    left: str
    """Code of the first point."""
    unit: str
    """Unit of its values."""
    tolerance_s: int
    """Oldest value that counts; 0: any."""
    at: list[datetime]
    """Time of each sample."""
    value: list[float | None]
    """Its value; null: bad."""
    right: list[JoinedSeries]
    """The others, in the order asked."""
    truncated: bool
    """Whether there were more samples than one answer holds."""
