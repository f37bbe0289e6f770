"""Rows of the audit trail and of what stands around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from heatloop.security.chain import FIRST_FORM
from heatloop.store.records.values import from_text

DONE, REFUSED, FAILED = "done", "refused", "failed"
"""How what is written down went."""
_LATER = ("alg", "role", "address", "request", "result")


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRow:
    """One entry of the trail."""

    seq: int
    """Place in the chain, from 1."""
    at: float
    """Machine time."""
    user: str
    """Who."""
    action: str
    """What."""
    subject: str
    """On what."""
    detail: Mapping[str, Any]
    """Further facts."""
    hash: str
    """Chained to the entry before."""
    alg: str = FIRST_FORM
    """Algorithm of the hash; empty in entries of the first form."""
    role: str = ""
    """Roles of who did it, joined by `|`."""
    address: str = ""
    """From where."""
    request: str = ""
    """Id of the request it was part of."""
    result: str = ""
    """`done`, `refused` or `failed`; empty in entries of the first form."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditWish:
    """What somebody wants to have written down."""

    at: float
    """Machine time."""
    user: str
    """Who."""
    action: str
    """What."""
    subject: str
    """On what."""
    detail: Mapping[str, Any]
    """Further facts, plain values."""
    role: str = ""
    """Roles of who does it, joined by `|`."""
    address: str = ""
    """From where."""
    request: str = ""
    """Id of the request it is part of."""
    result: str = DONE
    """`done`, `refused` or `failed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditQuery:
    """Which entries are asked for; empty fields ask for all."""

    user: str = ""
    """Who, exactly."""
    action: str = ""
    """What: this action, or with a dot at the end all that begin so."""
    subject: str = ""
    """Part of what it was on."""
    address: str = ""
    """From where: the beginning of the address."""
    result: str = ""
    """How it went."""
    request: str = ""
    """Request it was part of."""
    since: float | None = None
    """First machine second."""
    until: float | None = None
    """Machine second after the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A signature over the chain up to an entry."""

    seq: int
    """The entry."""
    hash: str
    """Its hash."""
    at: float
    """Machine time."""
    alg: str
    """Algorithm of the signature."""
    key_id: str
    """Key that signed."""
    public_key: str
    """Its public half, hexadecimal."""
    signature: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A stretch of the trail that is sealed in a file."""

    first_seq: int
    """First entry."""
    last_seq: int
    """Last entry."""
    first_at: float
    """Machine time of the first."""
    last_at: float
    """Machine time of the last."""
    previous: str
    """Hash before the first."""
    hash: str
    """Hash of the last."""
    file: str
    """Name of the file."""
    file_sha256: str
    """Its digest."""
    key_id: str
    """Key that signed the file."""
    signature: str
    """Signature over the chain ends and the digest, hexadecimal."""
    sealed_at: float
    """Machine time."""
    sealed_by: str
    """Who sealed it."""
    dropped_at: float | None = None
    """Machine time its entries were dropped; None: they are here."""
    dropped_by: str | None = None
    """Who dropped them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyMark:
    """How far a copy of the trail has come."""

    target: str
    """Where to."""
    through: int
    """Last entry that was copied."""
    hash: str
    """Its hash."""
    at: float
    """Machine time of the last success."""
    sent: int
    """Entries sent in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditHead:
    """Where the chain ends."""

    seq: int
    """Last entry."""
    hash: str
    """Its hash."""
    alg: str
    """Its algorithm."""


@dataclass(slots=True)
class Verdict:
    """What a check of the chain found."""

    entries: int = 0
    """Entries that were checked."""
    first: int = 1
    """First entry that should be there; earlier ones were dropped by whole periods."""
    broken: int | None = None
    """First entry that does not fit; None: all do."""
    reason: str = ""
    """Why: `altered`, `missing`, `inserted`, `algorithm`, `head`, `period` or `checkpoint`."""
    checkpoints: int = 0
    """Signed checkpoints that fit."""
    signed_through: int = 0
    """Last entry under a checkpoint that fits."""
    algorithms: dict[str, int] = field(default_factory=dict)
    """Entries by algorithm."""


def plain(row: Row[Any]) -> tuple[dict[str, Any], str]:
    """Return an entry as it was hashed, and its hash."""
    values = dict(row._mapping)
    stored = str(values.pop("hash"))
    if values["alg"] == FIRST_FORM:
        for name in _LATER:
            values.pop(name)
    return values, stored


def read(row: Row[Any]) -> AuditRow:
    """Return an entry for people."""
    values = dict(row._mapping)
    values["detail"] = from_text(values["detail"])
    return AuditRow(**values)
