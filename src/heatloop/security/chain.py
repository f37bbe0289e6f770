"""The audit chain: every entry's hash covers the hash before it, so a changed past shows.

An entry names its algorithm. Entries that name none are of the first form (SHA-256 over six
fields); they verify as they always did. A chain changes its algorithm only at an entry that says
so (`ALGORITHM_CHANGED`), and never goes back to the first form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError

GENESIS = ""
"""What stands before the first entry."""
FIRST_FORM, SHA256, SM3 = "", "sha256", "sm3"
ALGORITHM_CHANGED = "audit.algorithm"
"""Action of the entry at which a chain changes its algorithm."""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sm3(data: bytes) -> str:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize().hex()


DIGESTS: Mapping[str, Callable[[bytes], str]] = {
    FIRST_FORM: _sha256,
    SHA256: _sha256,
    SM3: _sm3,
}
"""Digest by algorithm id; each gives 64 hexadecimal digits."""


def chain_hash(previous: str, entry: dict[str, Any], algorithm: str = FIRST_FORM) -> str:
    """Return the hash of an entry, 64 hexadecimal digits.

    Args:
        previous: Hash of the entry before, `GENESIS` for the first.
        entry: Plain values, without the hash itself.
        algorithm: Id of the digest, one of `DIGESTS`.

    Raises:
        InputError: The entry holds more than plain, finite values, or the algorithm is unknown.
    """
    digest = DIGESTS.get(algorithm)
    if digest is None:
        known = ", ".join(name for name in DIGESTS if name)
        raise InputError("unknown chain algorithm", thing=algorithm[:32], fix=f"use {known}")
    # The length stands first, so no other split of the same bytes can have the same hash.
    head = previous.encode()
    return digest(len(head).to_bytes(4, "big") + head + canonical(entry))


def fits(previous: str, entry: dict[str, Any], stored: str, algorithm: str = FIRST_FORM) -> bool:
    """Return whether an entry has the hash it should; one that cannot be encoded has not."""
    try:
        return chain_hash(previous, entry, algorithm) == stored
    except InputError:
        return False


def may_follow(before: str | None, algorithm: str, action: str) -> bool:
    """Return whether an entry of one algorithm may stand behind one of another.

    Args:
        before: Algorithm of the entry before; None: there is none.
        algorithm: Algorithm of the entry.
        action: Its action.
    """
    if before is None or before == algorithm:
        return True
    if algorithm == FIRST_FORM:
        return False
    # The first form is SHA-256 too: taking up the new form needs no mark.
    return action == ALGORITHM_CHANGED or (before, algorithm) == (FIRST_FORM, SHA256)


def first_broken(
    entries: Iterable[tuple[dict[str, Any], str]], previous: str = GENESIS
) -> int | None:
    """Return the position of the first entry whose hash does not fit, None if all do.

    Args:
        entries: (entry, stored hash) in order; an entry with an `alg` is hashed by it.
        previous: Hash of the entry before the first given; `GENESIS` for the whole chain.
    """
    for position, (entry, stored) in enumerate(entries):
        if not fits(previous, entry, stored, str(entry.get("alg", FIRST_FORM))):
            return position
        previous = stored
    return None
