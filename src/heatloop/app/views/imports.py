"""Read models of imports: runs of history brought in from files, and drafts of mappings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedReason:
    """Why readings were refused, and how many."""

    reason: str
    """What programs test for."""
    zh: str
    """In Chinese."""
    en: str
    """In English."""
    count: int
    """Readings refused for it."""
    first_line: int
    """Line of the first of them."""
    example: str
    """What stood there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedPoint:
    """What an import brought for one point: where its samples come from."""

    code: str
    """Point code."""
    stored: int
    """Samples stored."""
    first: datetime
    """Earliest of them."""
    last: datetime
    """Latest of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRun:
    """One import. `rows_in` = `stored` + `refused` + `repeated`."""

    id: str
    """Made from the content of file and mapping: the same import has the same one."""
    file: str
    """Name of the file."""
    state: str
    """`running`, `done`, `failed` or `stopped` (can be resumed)."""
    dry_run: bool
    """Whether nothing was stored."""
    by: str
    """Who started it."""
    started_at: datetime
    """Machine time of the start."""
    ended_at: datetime | None
    """Machine time of the end."""
    progress_pct: float
    """How much of the file is done."""
    rows_in: int
    """Readings in the file."""
    stored: int
    """Readings stored."""
    refused: int
    """Readings refused, each with a reason."""
    repeated: int
    """Readings that were stored already with the same value."""
    empty: int
    """Cells of wide tables that hold nothing; they are no readings."""
    flagged: int
    """Stored readings that are not of quality good."""
    rows_per_s: float | None
    """Speed."""
    reasons: list[RefusedReason]
    """Why readings were refused, the most frequent first."""
    points: list[ImportedPoint]
    """Points that got samples, the first 500."""
    error: str
    """What went wrong; empty: nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportPage:
    """A page of imports, newest first."""

    total: int
    """Imports in all."""
    items: list[ImportRun]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GuessedColumn:
    """What a column of an unknown feed seems to hold."""

    name: str
    """Heading, or path in a JSON document."""
    type: str
    """`time`, `number`, `integer`, `boolean`, `category`, `identifier`, `text` or `empty`."""
    unit: str
    """Unit told from the heading or the range; empty: not known."""
    unit_from: str
    """`heading`, `values` or empty."""
    kinds: list[str]
    """Likely point kinds, the likeliest first."""
    filled: int
    """Cells that hold something, of those looked at."""
    low: float | None
    """Least number."""
    high: float | None
    """Greatest number."""
    bad_codes: list[float]
    """Numbers that look like codes for a missing value."""
    counter: bool
    """Whether it only ever rises, like a meter."""
    note_zh: str
    """What to look at, in Chinese."""
    note_en: str
    """What to look at, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportGuess:
    """What an unknown feed seems to be, and a draft of its mapping."""

    file: str
    """Name of the file."""
    shape: str
    """`wide` (a column a point) or `long` (a row a reading)."""
    rows: int
    """Rows looked at."""
    encoding: str
    """Encoding of text."""
    separator: str
    """Separator of columns."""
    decimal: str
    """Decimal sign."""
    time_column: str
    """Column of the time; empty: none found."""
    time_format: str
    """How times are written."""
    time_has_zone: bool
    """Whether times carry a zone."""
    period_s: float | None
    """Usual distance of rows."""
    columns: list[GuessedColumn]
    """Every column."""
    mapping: str
    """Draft of the mapping file (TOML); what is not known is left as a comment."""
    questions_zh: list[str]
    """What a person must decide, in Chinese."""
    questions_en: list[str]
    """What a person must decide, in English."""
