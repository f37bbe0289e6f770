"""Read models of the time series store: its size, compression, capacity and retention."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTable:
    """One table of the store."""

    table: str
    """`raw`, `revision`, `event`, `latest`, or a roll-up."""
    rows: int
    """Rows stored."""
    stored_bytes: int
    """Bytes on disk."""
    plain_bytes: int
    """Bytes of its columns before compression."""
    ratio: float | None
    """Plain over stored; None when nothing is stored."""
    bytes_a_row: float | None
    """Stored bytes a row; None when nothing is stored."""
    first: int
    """Oldest month (202611) or year (2026) kept, UTC; 0 for tables that are not divided."""
    last: int
    """Newest one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageReport:
    """What the store keeps."""

    engine: str
    """Engine of the store."""
    encrypted: bool
    """Whether it is encrypted at rest."""
    tables: list[StoredTable]
    """Its tables."""
    stored_bytes: int
    """Bytes on disk in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KindSize:
    """What samples of one point kind take, kept by themselves."""

    kind: str
    """Point kind."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    point_class: str
    """Class of the kind."""
    points: int
    """Points measured."""
    samples: int
    """Samples measured."""
    bytes_a_sample: float | None
    """Bytes a sample on disk; None when there were no samples."""
    ratio: float | None
    """17 bytes as received (key, slot, value, quality) over that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressionReport:
    """How much smaller samples are than they were, and that nothing was lost (clause 6.2 f #4)."""

    received_bytes_a_sample: float
    """Bytes of a sample as received: key 4, slot 4, value 8, quality 1."""
    stored_bytes_a_sample: float | None
    """Bytes of a sample on disk, every column and index; None when nothing is stored."""
    ratio: float | None
    """The first over the second."""
    least_ratio: float
    """What is asked for."""
    passed: bool | None
    """Whether the ratio is at least that and nothing was lost; None when nothing is stored."""
    lossless: bool
    """Whether every window kept aside at ingest came back bit by bit."""
    windows: int
    """Windows of samples compared by SHA-256."""
    samples: int
    """Samples in them."""
    changed: int
    """Windows that came back otherwise."""
    kinds: list[KindSize]
    """By point kind, the least compressible first; empty unless asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource of the machine."""

    name: str
    """`cpu`, `memory` or `disk`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    total: float
    """What there is: cores or bytes."""
    used: float
    """What is in use; of cores the mean load of the last quarter of an hour."""
    headroom_pct: float
    """Share that is free."""
    ok: bool
    """Whether that is at least 20 % (clause 6.2 a)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityForecast:
    """How long the machine suffices (clause 6.2 a)."""

    resources: list[Resource]
    """CPU, memory, disk."""
    ok: bool
    """Whether all have 20 % to spare."""
    stored_bytes: int
    """What the store takes now."""
    bytes_a_day: float | None
    """What a plant day adds, by the ledger and what rows take; None when nothing is stored."""
    days_until_full: float | None
    """Plant days until the disk is full; None when growth is not known."""
    days_until_warning: float | None
    """Plant days until less than 20 % of the disk are free; 0 when that is so now."""
    warning_zh: str
    """What to do, in Chinese; empty when all is well."""
    warning_en: str
    """What to do, in English; empty when all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionClass:
    """How long one class of data is kept."""

    name: str
    """Point class, `event`, `rollup`, `alarm` or `audit`."""
    days: int
    """Days; 0: for ever."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """A month or year some of whose rows have expired."""

    table: str
    """Table."""
    partition: int
    """Month as 202311 or year as 2023, UTC."""
    classes: list[str]
    """Point classes whose rows go."""
    whole: bool
    """Whether everything of it goes."""
    rows: int
    """Rows it holds now."""
    stored_bytes: int
    """Bytes it takes now."""
    removed: int | None
    """Rows that went; None when this is a trial."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionReport:
    """How long data are kept, and what has had its time (clause 9.2.5 #2)."""

    least_days: int
    """No class may be kept for less."""
    classes: list[RetentionClass]
    """By class."""
    dry_run: bool
    """Whether nothing was removed."""
    expired: list[Expiry]
    """What has expired."""
