"""Read models of keeping: backups, their checks, integrity, maintenance, files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PartFigures:
    """One part of a backup."""

    name: str
    """`records`, `historian`, `files`, `keys` or `settings`."""
    files: int
    """Files in it."""
    bytes: int
    """Bytes before compression."""
    new_bytes: int
    """Bytes that had to be carried, compressed and sealed."""
    counts: dict[str, int]
    """Rows by table for records, parts by table for the historian."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingRun:
    """One run of a backup, a check of one, or a restore."""

    id: str
    """Id; of a backup also its name at the target."""
    kind: str
    """`full`, `incremental`, `verify` (restored on trial), `drill` or `restore`."""
    state: str
    """`running`, `done` or `failed`."""
    user: str
    """Who asked; `system` for the schedule."""
    target: str
    """Folder or bucket."""
    chain: str
    """Full backup it leans on."""
    started_at: datetime
    """Machine time."""
    ended_at: datetime | None
    """Machine time; None while it runs."""
    seconds: float | None
    """How long it took."""
    plant_at: datetime | None
    """Plant time the backup is of."""
    progress: float | None
    """Share done, 0 to 1, while it runs in this process."""
    encrypted: bool
    """Whether its content is sealed."""
    verified: bool | None
    """For backups: whether a trial restore succeeded; None when none was made."""
    bytes: int
    """Bytes it stands for."""
    new_bytes: int
    """Bytes carried by this run."""
    parts: list[PartFigures]
    """What is in it."""
    error: str
    """Why it failed."""
    findings: list[str]
    """What a check found wrong, or what a restore had to leave out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingRunPage:
    """A page of runs, newest first."""

    total: int
    """Runs in all."""
    items: list[KeepingRun]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingState:
    """Whether everything is kept as it should be."""

    ok: bool
    """Whether no alarm of keeping is open."""
    target: str
    """Where backups go; empty: no backups are set up."""
    encrypted: bool
    """Whether backups are sealed."""
    passphrase: str
    """Where the recovery passphrase stands; a copy must be kept elsewhere."""
    running: str | None
    """Id of the run under way."""
    last_full: datetime | None
    """Machine time the last full backup began."""
    last_backup: datetime | None
    """Machine time the last good backup began."""
    last_verified: datetime | None
    """Machine time a backup was last restored on trial."""
    rpo_minutes: float | None
    """What would be lost of the records if all failed now."""
    rpo_limit_minutes: float
    """What may be lost at most."""
    last_restore_minutes: float | None
    """How long the last trial restore took (RTO without people)."""
    rto_limit_minutes: float
    """How long a restore may take."""
    next_full: datetime | None
    """When the next full backup is due."""
    next_incremental: datetime | None
    """When the next backup is due."""
    problems: list[str]
    """Alarms of keeping, as rules: `backup_late`, `backup_failed`, `backup_bad`, `integrity`."""
    days: int
    """Days with a digest."""
    misfits: int
    """Days that no longer have their digest."""
    checked_at: datetime | None
    """Machine time of the last integrity check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayDigest:
    """The digest of a day of samples."""

    day: str
    """UTC day, `2026-11-23`."""
    version: int
    """Rises with every lawful change."""
    digest: str
    """SHA-256 or wider over all samples of the day."""
    samples: int
    """Samples of the day."""
    reason: str
    """`first`, `late` (samples came in later), `revised` or `restored`."""
    at: datetime
    """Machine time it was taken."""
    fits: bool
    """Whether the day still has it."""
    checked_at: datetime
    """Machine time of the last check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRoot:
    """The Merkle root over the days of a month."""

    month: str
    """`2026-11`, UTC."""
    root: str
    """Root, hexadecimal."""
    days: int
    """Days under it."""
    at: datetime
    """Machine time it was computed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IntegrityPage:
    """Digests of days, newest first, and the roots of months."""

    total: int
    """Days in all."""
    misfits: int
    """Days that no longer have their digest."""
    checking: bool
    """Whether a check is under way."""
    items: list[DayDigest]
    """This page."""
    months: list[MonthRoot]
    """Roots of all months, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenanceAction:
    """A maintenance action."""

    number: int
    """Number."""
    action: str
    """`vacuum`, `reindex`, `analyze`, `integrity`, `migrate` or `compact`."""
    state: str
    """`running`, `done` or `failed`."""
    user: str
    """Who asked."""
    reason: str
    """What for."""
    started_at: datetime
    """Machine time."""
    ended_at: datetime | None
    """Machine time."""
    result: dict[str, object]
    """What came of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaintenancePage:
    """A page of actions, newest first."""

    total: int
    """Actions in all."""
    items: list[MaintenanceAction]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A kept file: photo, voice, paper or document."""

    sha256: str
    """Checksum, by which it is fetched; checked at every reading."""
    name: str
    """Name it was sent under."""
    media: str
    """Media type, found from its content."""
    size_bytes: int
    """Size."""
    user: str
    """Who sent it first."""
    at: datetime
    """Plant time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFilePage:
    """A page of files, newest first."""

    total: int
    """Files in all."""
    items: list[KeptFile]
    """This page."""
