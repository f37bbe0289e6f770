"""Rows of the exchange with other systems: records held, disagreements, exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

OPEN, SETTLED, DECIDED, GONE = "open", "settled", "decided", "gone"
Plain = dict[str, Any]
Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldRecord:
    """What another system last said about a thing."""

    system: str
    """The other system."""
    entity: str
    """Entity."""
    source_id: str
    """Id in the other system."""
    code: str
    """Asset code; empty: not linked."""
    revision: int
    """Revision."""
    changed_at: float
    """When it was changed there."""
    checksum: str
    """Checksum of what was taken."""
    deleted: bool
    """Whether it is gone there."""
    fields: Plain
    """Values by field."""
    agreed: Plain
    """Values by field both sides had after the last exchange."""
    secret: frozenset[str]
    """Fields that are personal."""
    received_at: float
    """When it came."""
    run: str
    """Exchange it came with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConflictRow:
    """A disagreement."""

    id: str
    """Id."""
    system: str
    """The other system."""
    entity: str
    """Entity."""
    source_id: str
    """Id in the other system."""
    code: str
    """Asset code; empty: not known."""
    field: str
    """Field; empty: the record."""
    kind: str
    """How they disagree."""
    state: str
    """`open`, `settled`, `decided` or `gone`."""
    winner: str
    """`theirs`, `ours` or empty."""
    values: Plain
    """`theirs`, `ours` and `agreed`."""
    secret: bool
    """Whether the values are personal."""
    found_at: float
    """When it was found."""
    decided_by: str = ""
    """Who decided."""
    decided_at: float | None = None
    """When."""
    note: str = ""
    """Why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One exchange."""

    id: str
    """Id."""
    system: str
    """The other system."""
    way: str
    """`push`, `drop` or `pull`."""
    started_at: float
    """When it began."""
    ended_at: float
    """When it ended."""
    by: str
    """User, or `system`."""
    dry_run: bool
    """Whether nothing was kept."""
    received: int = 0
    """Records that came."""
    applied: int = 0
    """Records that changed something in the plant."""
    kept: int = 0
    """Records that were newer and changed nothing."""
    unchanged: int = 0
    """Records known already."""
    stale: int = 0
    """Records older than what is known."""
    unmatched: int = 0
    """Records of unknown things."""
    refused: int = 0
    """Records not taken."""
    conflicts: int = 0
    """Conflicts found."""
    error: str = ""
    """What ended it early."""
    refusals: Sequence[Plain] = field(default_factory=tuple)
    """Some of the records not taken."""
