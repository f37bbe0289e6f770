"""The savings ledger as a chain: every entry carries the hash of the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from heatloop.kernel.canonical import canonical

FIRST = "0" * 64
"""What the first entry has before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of the ledger."""

    number: int
    """From 1, without gaps."""
    at: float
    """Plant time it was written."""
    who: str
    """Who or what wrote it."""
    subject: str
    """What it is about: a unit's code, or `all`."""
    kind: str
    """`days` (what was measured), `assessment` (what was concluded)."""
    content: dict[str, Any]
    """Figures, with hashes of the data they came from."""
    before: str
    """Hash of the entry before."""
    digest: str
    """Its own hash."""


def digest_of(
    *, number: int, at: float, who: str, subject: str, kind: str, content: Any, before: str
) -> str:
    """Return the hash of an entry, SHA-256 in hex over its canonical form.

    Raises:
        InputError: The content holds something that has no plain, finite form.
    """
    whole = [number, float(at), who, subject, kind, content, before]
    return hashlib.sha256(canonical(whole)).hexdigest()


def next_entry(
    last: Entry | None, *, at: float, who: str, subject: str, kind: str, content: dict[str, Any]
) -> Entry:
    """Return the entry that follows.

    Raises:
        InputError: The content holds something that has no plain, finite form.
    """
    number = 1 if last is None else last.number + 1
    before = FIRST if last is None else last.digest
    digest = digest_of(
        number=number, at=at, who=who, subject=subject, kind=kind, content=content, before=before
    )
    return Entry(
        number=number,
        at=float(at),
        who=who,
        subject=subject,
        kind=kind,
        content=content,
        before=before,
        digest=digest,
    )


def first_broken(entries: Iterable[Entry]) -> int | None:
    """Return the number of the first entry that does not fit, None if all do.

    Args:
        entries: All entries from the first on, in order.
    """
    before = FIRST
    for number, entry in enumerate(entries, 1):
        own = digest_of(
            number=entry.number,
            at=entry.at,
            who=entry.who,
            subject=entry.subject,
            kind=entry.kind,
            content=entry.content,
            before=entry.before,
        )
        if entry.number != number or entry.before != before or entry.digest != own:
            return number
        before = entry.digest
    return None
