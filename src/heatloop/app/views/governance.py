"""Read models of data governance: grades, the data-asset register, permits, checks of access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedView:
    """A word of a closed list."""

    name: str
    """What programs use."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataClassView:
    """One class of data."""

    name: str
    """What programs use."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    level: str
    """Usual level, `L1` (public) to `L4` (secret)."""
    owner: str
    """Role that owns it."""
    readers: list[str]
    """Roles that may read it at all."""
    fields: int
    """Fields graded so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleClearanceView:
    """Up to which level a role may read."""

    role: str
    """Role."""
    level: str
    """`L1` to `L4`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GradingView:
    """Classes, levels, purposes and clearances in force."""

    classes: list[DataClassView]
    """Classes of data."""
    levels: list[NamedView]
    """Levels from the lowest."""
    purposes: list[NamedView]
    """Purposes an export may be for."""
    clearances: list[RoleClearanceView]
    """How far each role may read."""
    approval_from: str
    """Level from which an export needs an approval ticket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldGradeView:
    """The grade of one field."""

    place: str
    """`records`, `historian`, `ledger` or `view`."""
    dataset: str
    """Table, sheet or read model."""
    field: str
    """Column or attribute."""
    class_name: str
    """Class of data."""
    level: str
    """`L1` to `L4`."""
    owner: str
    """Role that owns it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldGradePage:
    """A page of graded fields."""

    total: int
    """Fields in all."""
    items: list[FieldGradeView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataAssetView:
    """One entry of the data-asset register."""

    code: str
    """Class of data it stands for."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    levels: list[str]
    """Levels of its fields."""
    owner: str
    """Who owns it: a role, or what people entered."""
    custodian: str
    """Who keeps it."""
    uses: list[str]
    """Permitted purposes."""
    consent: str
    """`not_needed`, `needed`, `contract` or `given`; how the persons concerned agreed."""
    retention_days: int | None
    """How long it is kept; None: as long as the installation."""
    locations: list[str]
    """Engine and table or sheet it lies in."""
    fields: int
    """Fields it has."""
    note: str
    """What people wrote."""
    changed_by: str | None
    """Who last changed what people decide; None: as delivered."""
    changed: datetime | None
    """When."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataAssetPage:
    """The data-asset register."""

    total: int
    """Entries in all."""
    items: list[DataAssetView]
    """Entries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitView:
    """An approval ticket for exports."""

    id: str
    """Id."""
    user: str
    """Who asked."""
    purpose: str
    """What for."""
    classes: list[str]
    """Classes of data it covers."""
    level: str
    """Highest level it covers."""
    subject: str
    """Asset it is limited to with all below; empty: the whole scope of who asked."""
    reason: str
    """Why."""
    state: str
    """`requested`, `approved`, `refused` or `expired`."""
    asked: datetime
    """When it was asked for, machine time."""
    decided_by: str | None
    """Who decided."""
    decided: datetime | None
    """When."""
    note: str
    """What the decider wrote."""
    expires: datetime | None
    """When it ends."""
    uses: int
    """Exports made with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitPage:
    """A page of approval tickets, newest first."""

    total: int
    """Tickets in all."""
    items: list[PermitView]
    """This page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessVerdict:
    """Whether an export would pass."""

    allowed: bool
    """Whether it passes now."""
    needs_permit: bool
    """Whether an approval ticket is needed."""
    permit: str | None
    """Ticket that covers it."""
    classes: list[str]
    """Classes of data asked for."""
    level: str
    """Highest level among them."""
    owners: list[str]
    """Who owns them."""
    reason_zh: str
    """Why not, in Chinese; empty when it passes."""
    reason_en: str
    """Why not, in English; empty when it passes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeView:
    """One change of a record."""

    number: int
    """Place in the journal."""
    at: datetime
    """Machine time."""
    user: str
    """Who; `system` for what the platform did by itself."""
    operation: str
    """`insert`, `update` or `delete`."""
    before: dict[str, object] | None
    """The record before; None when it was made."""
    after: dict[str, object] | None
    """The record after; None when it was deleted."""
    changed: list[str]
    """Columns that differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordHistory:
    """Everything that happened to a record."""

    table: str
    """Table."""
    id: str
    """Primary key; several columns are joined by `|`."""
    kept_by: str
    """`journal`, `versions` or `append`: how the table keeps its history."""
    present: dict[str, object] | None
    """The record as it is; None when it was deleted."""
    complete: bool
    """Whether the changes put together give the present record."""
    hidden: list[str]
    """Columns the reader is not cleared for; they read `***`."""
    changes: list[ChangeView]
    """Changes, oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryTable:
    """A table whose records have a history."""

    table: str
    """Table."""
    kept_by: str
    """`journal`, `versions`, `append` or `running`."""
    key: list[str]
    """Columns of the primary key."""
    records: int
    """Records now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryTables:
    """Tables of the records and how they keep their history."""

    items: list[HistoryTable]
    """Tables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFinding:
    """A record whose history does not lead to what it is."""

    table: str
    """Table."""
    id: str
    """Primary key."""
    detail: str
    """What does not fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryCheck:
    """A check of records drawn at random (clause 9.2.2)."""

    seed: int
    """Draws the same records again."""
    checked: int
    """Records checked."""
    passed: int
    """Records whose history has actor, time, old and new and leads to what they are."""
    findings: list[HistoryFinding]
    """The others."""
