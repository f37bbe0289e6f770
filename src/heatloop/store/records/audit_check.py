"""Checking the chain: hashes, algorithms, dropped periods, the head, and signed checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, select

from heatloop.kernel.canonical import canonical, decode
from heatloop.security import providers as _  # noqa: F401 - registers every algorithm
from heatloop.security.chain import GENESIS, fits, may_follow
from heatloop.security.provider import verifier_named
from heatloop.store.records.audit_rows import Verdict, plain
from heatloop.store.records.audit_schema import audit_checkpoint, audit_period
from heatloop.store.records.work_schema import audit_head

DROPPED = "audit.period_dropped"
"""Action of the entry that stands for entries that are no longer here."""
_EVERY = 2000


def checkpoint_bytes(seq: int, digest: str) -> bytes:
    """Return what a checkpoint signs."""
    return b"heatloop-audit-checkpoint\x00" + canonical({"seq": seq, "hash": digest})


def period_bytes(values: Mapping[str, Any]) -> bytes:
    """Return what the seal of a period signs."""
    names = ("first_seq", "last_seq", "previous", "hash", "file_sha256")
    return b"heatloop-audit-period\x00" + canonical({name: values[name] for name in names})


def signed(alg: str, public: str, data: bytes, signature: str) -> bool:
    """Return whether a signature of any known algorithm is good; public key in hexadecimal."""
    verifier = verifier_named(alg)
    try:
        key, given = bytes.fromhex(public), bytes.fromhex(signature)
    except ValueError:
        return False
    return verifier is not None and verifier.fits(key) and verifier.verify(key, data, given)


def check(
    connection: Connection,
    rows: Iterable[Row[Any]],
    *,
    told: Callable[[int, int], None] | None = None,
    trusted: Mapping[str, str] | None = None,
) -> Verdict:
    """Return what is found; stops at the first entry that does not fit."""
    found = Verdict()
    dropped = _dropped(connection)
    previous, wanted = GENESIS, 1
    if dropped is not None:
        previous, wanted = str(dropped.hash), int(dropped.last_seq) + 1
    found.first = wanted
    head = connection.execute(select(audit_head)).one_or_none()
    points = {int(p.seq): p for p in connection.execute(select(audit_checkpoint))}
    total = 0 if head is None else max(int(head.seq) - wanted + 1, 0)
    before: str | None = None
    confirmed = dropped is None
    for row in rows:
        found.entries += 1
        values, stored = plain(row)
        alg = str(values.get("alg", ""))
        reason = ""
        if values["seq"] != wanted:
            reason = "missing" if values["seq"] > wanted else "inserted"
        elif not may_follow(before, alg, str(values["action"])):
            reason = "algorithm"
        elif not fits(previous, values, stored, alg):
            reason = "altered"
        elif wanted in points and not _good(points[wanted], stored, trusted):
            reason = "checkpoint"
        if reason:
            # Where nothing was dropped, the place in the chain is the number of the entry.
            found.broken, found.reason = wanted, reason
            return found
        if wanted in points:
            found.checkpoints, found.signed_through = found.checkpoints + 1, wanted
        if values["action"] == DROPPED and dropped is not None:
            confirmed = confirmed or _confirms(values, dropped)
        found.algorithms[alg or "sha256"] = found.algorithms.get(alg or "sha256", 0) + 1
        previous, before, wanted = stored, alg, wanted + 1
        if told is not None and found.entries % _EVERY == 0:
            told(found.entries, total)
    if head is None or (int(head.seq), str(head.hash)) != (wanted - 1, previous):
        found.broken, found.reason = wanted, "head"
    elif not confirmed:
        found.broken, found.reason = found.first, "period"
    elif any(seq >= wanted for seq in points):
        found.broken, found.reason = wanted, "checkpoint"
    if told is not None:
        told(found.entries, total)
    return found


def _dropped(connection: Connection) -> Row[Any] | None:
    """Return the last period whose entries are no longer here."""
    query = select(audit_period).where(audit_period.c.dropped_at.is_not(None))
    return connection.execute(query.order_by(audit_period.c.last_seq.desc()).limit(1)).one_or_none()


def _confirms(values: Mapping[str, Any], period: Row[Any]) -> bool:
    """Return whether an entry of the chain tells the same of a dropped period."""
    detail = decode(str(values["detail"]).encode())
    return (detail.get("last_seq"), detail.get("hash")) == (int(period.last_seq), str(period.hash))


def _good(point: Row[Any], stored: str, trusted: Mapping[str, str] | None) -> bool:
    public, key_id = str(point.public_key), str(point.key_id)
    if trusted is not None and trusted.get(key_id) != public:
        return False
    data = checkpoint_bytes(int(point.seq), str(point.hash))
    return point.hash == stored and signed(point.alg, public, data, str(point.signature))
