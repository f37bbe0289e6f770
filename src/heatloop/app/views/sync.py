"""Read models of the exchange with billing and customer systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SyncValue = bool | int | float | str | None
"""A plain value of a field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRule:
    """Who owns a field of an exchanged record, and where it stands here."""

    entity: str
    """`contract`, `flat`, `building`, `community` or `ticket`."""
    field: str
    """Name of the field in records."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    type: str
    """`number`, `text`, `bool`, `date` or `choice`."""
    unit: str
    """Unit; empty: none."""
    owner: str
    """`billing`, `customer`, `heatloop`, or `newest`: whoever changed it last."""
    attribute: str
    """Attribute of the asset it stands in; empty: kept in the register alone."""
    secret: bool
    """Whether it is personal: kept sealed and shown masked."""
    choices: list[str]
    """What may be given, for `choice`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRefusal:
    """A record that was not taken."""

    entity: str
    """Entity."""
    id: str
    """Id in the other system."""
    field: str
    """Field at fault; empty: the record."""
    zh: str
    """Why, in Chinese."""
    en: str
    """Why, in English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRun:
    """One exchange: a batch pushed, a file dropped, or a pull."""

    id: str
    """Id."""
    system: str
    """The other system."""
    way: str
    """`push`, `drop` or `pull`."""
    started: datetime
    """When it began, machine time."""
    ended: datetime
    """When it ended."""
    by: str
    """User, or `system`."""
    dry_run: bool
    """Whether nothing was to be kept."""
    received: int
    """Records that came."""
    applied: int
    """Records that changed something in the plant."""
    kept: int
    """Records that were new or newer and changed nothing in the plant."""
    unchanged: int
    """Records that were known already."""
    stale: int
    """Records older than what is known."""
    unmatched: int
    """Records of things the ledger does not know; a person links them."""
    refused: int
    """Records that were not taken."""
    conflicts: int
    """Conflicts found."""
    error: str
    """What ended it early; empty: nothing."""
    refusals: list[SyncRefusal]
    """The first 200 records not taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRunPage:
    """A page of runs."""

    total: int
    """Rows in all."""
    items: list[SyncRun]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncConflict:
    """Two systems disagree about a field, or a record fits nothing here."""

    id: str
    """Id; the same disagreement has the same one."""
    system: str
    """The other system."""
    entity: str
    """Entity."""
    source_id: str
    """Id in the other system."""
    code: str | None
    """Asset code; None: not known which."""
    name_zh: str
    """Chinese name of the asset."""
    name_en: str
    """English name of the asset."""
    field: str
    """Field; empty: the whole record."""
    field_zh: str
    """Chinese name of the field."""
    field_en: str
    """English name of the field."""
    kind: str
    """`not_owner`, `overridden`, `both_changed`, `unmatched` or `deleted`."""
    kind_zh: str
    """What that means, in Chinese."""
    kind_en: str
    """What that means, in English."""
    state: str
    """`open`, `settled` (by rule), `decided` (by a person) or `gone` (they agree again)."""
    winner: str | None
    """`theirs` or `ours`; None while it is open."""
    theirs: SyncValue
    """Their value; personal data are masked."""
    ours: SyncValue
    """Our value."""
    agreed: SyncValue
    """What both had agreed on before."""
    found: datetime
    """When it was found, machine time."""
    decided_by: str | None
    """Who decided."""
    decided: datetime | None
    """When."""
    note: str
    """Why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncConflictPage:
    """A page of conflicts."""

    total: int
    """Rows in all."""
    items: list[SyncConflict]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRecord:
    """What another system last said about a thing."""

    system: str
    """The other system."""
    entity: str
    """Entity."""
    source_id: str
    """Id in the other system."""
    code: str | None
    """Asset code; None: not linked."""
    revision: int
    """Revision in the other system."""
    changed: datetime
    """When it was changed there, as it says."""
    received: datetime
    """When it came, machine time."""
    deleted: bool
    """Whether it is gone there."""
    fields: dict[str, SyncValue]
    """What it said; personal data are masked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRecordPage:
    """A page of records."""

    total: int
    """Rows in all."""
    items: list[SyncRecord]
    """This page, newest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncChange:
    """Something the other side should know."""

    number: int
    """Place in the feed."""
    at: datetime
    """When it was changed here, machine time."""
    entity: str
    """Entity."""
    code: str
    """Asset code."""
    source_ids: dict[str, str]
    """Ids of the thing in the other systems, by system."""
    origin: str
    """Which system it came from; empty: it was changed here."""
    gone: bool
    """Whether the thing is gone."""
    fields: dict[str, SyncValue]
    """The fields that changed and their values; personal data are masked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncChanges:
    """A page of the feed of changes."""

    cursor: str
    """Give it as `since` the next time."""
    more: bool
    """Whether there is more at once."""
    items: list[SyncChange]
    """In the order they happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncSystem:
    """How the exchange with one system stands."""

    system: str
    """The other system."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    records: int
    """Records known from it."""
    linked: int
    """Of these, linked to an asset."""
    last_run: datetime | None
    """When the last exchange ended."""
    last_error: str
    """What was wrong with it; empty: nothing."""
    open_conflicts: int
    """Conflicts a person must decide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncState:
    """How the exchange stands."""

    systems: list[SyncSystem]
    """By system."""
    drop_folder: bool
    """Whether a drop folder is read."""
    pull: bool
    """Whether another system is asked."""
    period_s: float
    """How often both are looked at, plant time."""
    change_cursor: str
    """Newest place in the feed of changes."""
