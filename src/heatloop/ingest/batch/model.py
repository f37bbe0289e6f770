"""The words of checking series offline: a table of them, what each cell is, what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.quality import Quality

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]
Marks = NDArray[np.uint8]


class Rule(IntEnum):
    """Which rule spoke about a cell; the code kept in a verdict."""

    NONE = 0
    RANGE = 1
    DEAD = 2
    DROP_OUT = 3
    RATE = 4
    SPIKE = 5
    LEVEL = 6
    UNIT = 7
    FROZEN = 8
    COUNTER = 9
    COUNTER_RESET = 10
    ROLL_OVER = 11
    STUCK = 12
    ORDER = 13
    BALANCE = 14
    NEIGHBOUR = 15
    TWIN = 16
    CLOCK = 17
    MISSING = 18


class Severity(IntEnum):
    """How much a finding matters."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


QUALITY: dict[Rule, Quality] = {
    Rule.RANGE: Quality.BAD,
    Rule.DEAD: Quality.BAD,
    Rule.DROP_OUT: Quality.BAD,
    Rule.COUNTER: Quality.BAD,
    Rule.ROLL_OVER: Quality.GOOD,
    Rule.COUNTER_RESET: Quality.GOOD,
    Rule.NONE: Quality.GOOD,
}
"""Quality a rule gives; rules left out give UNCERTAIN."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """One column of values with what is plausible for it."""

    name: str
    """Point code or heading."""
    kind: str
    """Row of `points.csv`."""
    unit: str
    """House unit of the kind."""
    values: Floats
    """In the house unit, nan where nothing was read, shape (n_time,)."""
    low: float
    """Lowest plausible value."""
    high: float
    """Highest plausible value."""
    rate_per_s: float = np.inf
    """Fastest plausible change."""
    counter: bool = False
    """Whether it only counts up."""
    top: float = 0.0
    """Where a counter rolls over; 0: not known."""
    resolution: float = 0.0
    """Smallest step seen."""
    jumps: bool = True
    """Whether a jump of its own is suspicious (not of valves, switches and set-points)."""
    may_freeze: bool = True
    """Whether standing still is suspicious."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """Series of one place on one time axis."""

    times_s: Floats
    """Rising, seconds since 1970 UTC, shape (n_time,)."""
    series: tuple[Series, ...]
    """The columns."""
    place: str = ""
    """Station, building or file they belong to."""
    period_s: float = 0.0
    """Scheduled period; 0: the commonest spacing."""

    def matrix(self) -> Floats:
        """Return the values as one array, shape (n_time, n_series)."""
        return np.column_stack([each.values for each in self.series])


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something wrong with a point over a span."""

    place: str
    """Station, building or file."""
    point: str
    """Point code or heading; empty when all of a place is concerned."""
    rule: Rule
    """Which rule spoke."""
    severity: Severity
    """How much it matters."""
    start_s: float
    """First sample concerned, seconds since 1970 UTC."""
    end_s: float
    """Last sample concerned."""
    samples: int
    """How many samples are concerned."""
    value: float | None
    """A value that shows it: the one furthest from what was expected."""
    expected: float | None
    """What was expected there, if that can be said."""
    zh: str
    """What it means, in Chinese."""
    en: str
    """What it means, in English."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Verdict:
    """What was found out about a table; its raw values are untouched."""

    table: Table
    """What was judged."""
    rules: Marks
    """`Rule` of every cell, 0 where nothing is wrong, shape (n_time, n_series)."""
    expected: Floats
    """Value expected where a rule spoke and knows one, else nan, shape as `rules`."""
    findings: list[Finding] = field(default_factory=list)
    """The same as spans, and what concerns no single cell (gaps, clocks)."""

    def quality(self) -> Marks:
        """Return the quality code of every cell, STALE where there is no value."""
        codes = np.full(len(Rule), Quality.UNCERTAIN, "u1")
        for rule, quality in QUALITY.items():
            codes[rule] = quality
        found: Marks = codes[self.rules]
        missing = np.isnan(self.table.matrix()) if self.table.series else np.zeros((0, 0), bool)
        found[missing] = Quality.STALE
        return found
