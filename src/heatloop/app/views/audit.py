"""Read models of the audit trail: its state, its copies, its periods, a check under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heatloop.app.views.system import AuditEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditCopyView:
    """A copy of the trail in a second place."""

    target: str
    """Where."""
    through: int
    """Last entry it has."""
    lag_s: float
    """How long the first entry it has not has been waiting, machine seconds."""
    late: bool
    """Whether that is longer than allowed."""
    differs: bool
    """Whether the trail here is no longer the one that was copied."""
    failing: str
    """What is wrong; empty: nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditPeriodView:
    """A stretch of the trail that is sealed in a file."""

    first_seq: int
    """First entry."""
    last_seq: int
    """Last entry."""
    first_at: datetime
    """Machine time of the first."""
    last_at: datetime
    """Machine time of the last."""
    file: str
    """Name of the file."""
    file_sha256: str
    """Its digest."""
    sealed_at: datetime
    """When it was sealed."""
    sealed_by: str
    """Who sealed it."""
    dropped_at: datetime | None
    """When its entries were dropped here; None: they are still here."""
    dropped_by: str | None
    """Who dropped them."""
    droppable: bool
    """Whether it is old enough to be dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditState:
    """How the trail stands."""

    writable: bool
    """Whether it can be written; if not, privileged operations are stopped."""
    failing_since: datetime | None
    """Since when it cannot."""
    entries: int
    """Entries ever written."""
    hash: str
    """Hash of the last entry."""
    algorithm: str
    """Algorithm of the last entry."""
    checkpoints: int
    """Signed checkpoints."""
    signed_through: int
    """Last entry under a checkpoint."""
    key_id: str
    """Key that signs checkpoints."""
    public_key: str
    """Its public half, hexadecimal."""
    journalled: int
    """Entries in the local journal that are not in the trail yet."""
    copies: list[AuditCopyView]
    """Copies elsewhere."""
    periods: list[AuditPeriodView]
    """Sealed periods, oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditCheck:
    """A check of the whole chain."""

    running: bool
    """Whether it is still under way."""
    checked: int
    """Entries checked so far."""
    total: int
    """Entries in all."""
    ok: bool | None
    """Whether everything fits; None: not known yet."""
    first_broken: int | None
    """First entry that does not fit."""
    reason: str
    """Why: `altered`, `missing`, `inserted`, `algorithm`, `head`, `period` or `checkpoint`."""
    checkpoints: int
    """Signed checkpoints that fit."""
    signed_through: int
    """Last entry under a checkpoint that fits."""
    started_at: datetime | None
    """When it was started; None: there was none since the start."""
    seconds: float
    """How long it took, or has taken so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordChange:
    """What a request changed in one record."""

    table: str
    """Table."""
    record: str
    """Key of the record."""
    operation: str
    """`insert`, `update` or `delete`."""
    at: datetime
    """When."""
    before: dict[str, object] | None
    """The record as it was; secret fields are never told."""
    after: dict[str, object] | None
    """The record as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditDetail:
    """An entry with everything that belongs to it."""

    entry: AuditEntry
    """The entry."""
    algorithm: str
    """Algorithm of its hash."""
    previous: str
    """Hash of the entry before."""
    same_request: list[AuditEntry]
    """Other entries of the same request."""
    changes: list[RecordChange]
    """Records the same user changed within two seconds of the entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSealed:
    """A period was sealed."""

    period: AuditPeriodView | None
    """The period; None: nothing was old enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditDropped:
    """Entries of a sealed period were dropped."""

    first_seq: int
    """First entry."""
    last_seq: int
    """Last entry."""
    entries: int
    """How many went."""
