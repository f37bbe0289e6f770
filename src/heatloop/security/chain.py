"""The audit chain: every entry's hash covers the hash before it, so a changed past shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError

GENESIS = ""
"""What stands before the first entry."""


def chain_hash(previous: str, entry: dict[str, Any]) -> str:
    """Return the hash of an entry, 64 hexadecimal digits.

    Args:
        previous: Hash of the entry before, `GENESIS` for the first.
        entry: Plain values, without the hash itself.

    Raises:
        InputError: The entry holds more than plain, finite values.
    """
    # The length stands first, so no other split of the same bytes can have the same hash.
    head = previous.encode()
    return hashlib.sha256(len(head).to_bytes(4, "big") + head + canonical(entry)).hexdigest()


def first_broken(
    entries: Iterable[tuple[dict[str, Any], str]], previous: str = GENESIS
) -> int | None:
    """Return the position of the first entry whose hash does not fit, None if all do.

    Args:
        entries: (entry, stored hash) in order.
        previous: Hash of the entry before the first given; `GENESIS` for the whole chain.
    """
    for position, (entry, stored) in enumerate(entries):
        try:
            fits = chain_hash(previous, entry) == stored
        except InputError:  # An entry that was changed into something that cannot be encoded.
            fits = False
        if not fits:
            return position
        previous = stored
    return None
