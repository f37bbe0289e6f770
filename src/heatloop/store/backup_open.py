"""Opening a backup: its head, its key, its list, and the signature over them."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.store import backup_sources as sources
from heatloop.store.backup_chunks import ChunkReader
from heatloop.store.backup_keys import ChainKey, open_chain
from heatloop.store.backup_manifest import (
    CHAIN_FILE,
    FileEntry,
    Head,
    Manifest,
    check_head,
    find_run,
    read_manifest,
)
from heatloop.store.key_files import read_keys
from heatloop.store.objects import ObjectStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A backup that can be read."""

    head: Head
    """What it is."""
    key: ChainKey
    """What it is sealed with."""
    manifest: Manifest
    """What is in it."""
    reader: ChunkReader
    """Gives its pieces."""

    def bytes_of(self, entry: FileEntry) -> bytes:
        """Return the content of a small file."""
        return b"".join(self.reader.get(chunk) for chunk in entry.chunks)


def open_backup(
    store: ObjectStore, passphrase: str, *, run: str = "", before: float | None = None
) -> Opened:
    """Return a backup made ready for reading, its signature checked.

    Args:
        store: Where it is.
        passphrase: Recovery passphrase.
        run: Id; empty: the newest.
        before: Only runs that began at or before this machine time.

    Raises:
        InputError: There is none, or it cannot be read.
        UnsafeError: The passphrase is another one, or something was changed.
    """
    head = find_run(store, run, before)
    key = open_chain(store.get(f"{head.chain}/{CHAIN_FILE}"), passphrase)
    manifest = read_manifest(store, key, head)
    reader = ChunkReader(store, key, manifest.packs, manifest.places)
    opened = Opened(head=head, key=key, manifest=manifest, reader=reader)
    keys = manifest.part(sources.KEYS)
    entries = {entry.path: entry for entry in keys.files} if keys else {}

    def read(name: str) -> bytes | None:
        return opened.bytes_of(entries[name]) if name in entries else None

    signers = read_keys(read, place=head.run).signers()
    if not signers:
        raise InputError("backup holds no signing key", thing=head.run, fix="restore another")
    # The platform's own keys are sealed inside: only who had them can have signed the head.
    check_head(store, head, [signer.public for signer in signers])
    return opened
