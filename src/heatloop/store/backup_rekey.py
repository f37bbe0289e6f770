"""Wraps the keys of backup chains under another recovery passphrase."""

from __future__ import annotations

from heatloop.store.backup_keys import open_chain, rewrap
from heatloop.store.backup_manifest import CHAIN_FILE
from heatloop.store.objects import ObjectStore


def rekey(store: ObjectStore, old: str, new: str) -> int:
    """Wrap the key of every chain under a new passphrase; return how many chains there are.

    All are opened before the first is written, so a wrong passphrase changes nothing; a run that
    was killed half-way goes on when it is started again.

    Raises:
        UnsafeError: Neither passphrase opens a chain.
    """
    found: list[tuple[str, bytes]] = []
    for name in sorted(each.name for each in store.list()):
        if not name.endswith(f"/{CHAIN_FILE}"):
            continue
        document = store.get(name)
        found.append((name, rewrap(document, old, new)))
    for name, document in found:
        # It opens before it takes the place of the former one.
        open_chain(document, new)
        store.put(name, document)
    return len(found)
