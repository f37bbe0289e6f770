"""Making a backup: every part in its order, pieces carried once, the head written last."""

from __future__ import annotations

import io
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from heatloop import __version__
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.security.keys import SigningKey
from heatloop.store import backup_sources as sources
from heatloop.store.backup_chunks import ChunkWriter, pieces
from heatloop.store.backup_historian import Target, series_source
from heatloop.store.backup_keys import ChainKey, make_chain, open_chain
from heatloop.store.backup_manifest import (
    CHAIN_FILE,
    FileEntry,
    Head,
    Manifest,
    PartEntry,
    read_heads,
    read_manifest,
    write_run,
)
from heatloop.store.files import Files
from heatloop.store.objects import ObjectStore

FULL, INCREMENTAL = "full", "incremental"
Told = Callable[[float], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is backed up."""

    data: Path
    """Data folder."""
    records_url: str
    """Records."""
    keys: Path
    """Folder of secrets."""
    files: Files
    """Photos, voice, papers."""
    config: Path | None = None
    """Settings file."""
    series: Target = field(default_factory=Target)
    """Engine that keeps the time series."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A backup that was made."""

    head: Head
    """What it is."""
    manifest: Manifest
    """What is in it."""


def new_chain_id(at: float) -> str:
    """Return a name that sorts by time."""
    return f"chain-{_stamp(at)}-{secrets.token_hex(3)}"


def new_run_id(at: float, kind: str) -> str:
    """Return a name that sorts by time."""
    return f"{_stamp(at)}-{kind}-{secrets.token_hex(3)}"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%S%f")[:18]


def make_backup(
    subject: Subject,
    store: ObjectStore,
    *,
    run: str,
    full: bool,
    passphrase: str,
    signer: SigningKey,
    at: float,
    plant_at: float,
    encrypted: bool = True,
    told: Told = lambda share: None,
) -> Made:
    """Make one; without a chain to lean on, or one of another passphrase, it is a full one.

    Args:
        subject: What to back up.
        store: Where to.
        run: Id of the run.
        full: Whether to begin a new chain.
        passphrase: Recovery passphrase.
        signer: Signs the head.
        at: Machine time.
        plant_at: Plant time.
        encrypted: Whether everything is sealed; keys always are.
        told: Called with the share done, 0 to 1.

    Raises:
        LinkError: Something cannot be read, or the target cannot be written.
        ConfigError: The historian keeps its data elsewhere than the settings say.
    """
    lean = None if full else _lean_on(store, passphrase, encrypted=encrypted)
    if lean is None:
        chain = new_chain_id(at)
        key, document = make_chain(chain, passphrase, encrypted=encrypted, at=at)
        store.put(f"{chain}/{CHAIN_FILE}", document)
        before = Manifest(parts=[], packs=[], places={})
    else:
        chain, key, before = lean
    writer = ChunkWriter(store, f"{chain}/packs", run, key, list(before.packs), before.places)
    staging = subject.data / "run" / "keeping" / run
    try:
        parts, facts = _parts(subject, staging, writer, before, plant_at, told)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    manifest = Manifest(parts=parts, packs=writer.packs, places=writer.places, facts=facts)
    head = Head(
        run=run,
        chain=chain,
        kind=FULL if lean is None else INCREMENTAL,
        at=at,
        plant_at=plant_at,
        version=__version__,
        encrypted=encrypted,
        body_sha256="",
        bytes=sum(part.bytes for part in parts),
    )
    head = write_run(store, key, signer, head, manifest)
    told(1.0)
    return Made(head=head, manifest=manifest)


def _lean_on(
    store: ObjectStore, passphrase: str, *, encrypted: bool
) -> tuple[str, ChainKey, Manifest] | None:
    """Return the newest chain that can be gone on with, its key and its last list."""
    heads = read_heads(store)
    if not heads:
        return None
    last = heads[-1]
    # Another passphrase, or a chain that is damaged: a new one is begun.
    with suppress(HeatloopError):
        key = open_chain(store.get(f"{last.chain}/{CHAIN_FILE}"), passphrase)
        if key.encrypted == encrypted:
            return last.chain, key, read_manifest(store, key, last)
    return None


def _parts(
    subject: Subject,
    staging: Path,
    writer: ChunkWriter,
    before: Manifest,
    plant_at: float,
    told: Told,
) -> tuple[list[PartEntry], dict[str, object]]:
    makers: list[tuple[float, Callable[[], sources.Source]]] = [
        (0.1, lambda: sources.records_source(subject.records_url, staging / "records")),
        (0.7, lambda: _series(subject, staging / "historian", before, plant_at, told)),
        (0.1, lambda: sources.files_source(subject.files)),
        (0.03, lambda: sources.keys_source(subject.keys)),
        (0.03, lambda: sources.settings_source(subject.config)),
        (0.04, lambda: sources.edge_source(subject.data / "edge")),
    ]
    parts: list[PartEntry] = []
    facts: dict[str, object] = {}
    done = 0.0
    for weight, make in makers:
        source = make()
        base = done

        def each(share: float, base: float = base, weight: float = weight) -> None:
            told(base + weight * share)

        parts.append(_carry(source, subject, writer, before, each))
        facts[source.name] = source.facts
        done += weight
    return parts, facts


def _series(
    subject: Subject, staging: Path, before: Manifest, plant_at: float, told: Told
) -> sources.Source:
    if not subject.series.url:
        key = sources.historian_key(subject.keys)
        return sources.historian_source(subject.data / "historian", staging, key)
    return series_source(
        subject.data,
        subject.series,
        staging,
        before=before.part(sources.HISTORIAN),
        facts=dict(before.facts.get(sources.HISTORIAN, {})),
        plant_at=plant_at,
        told=lambda share: told(0.1 + 0.6 * share),
    )


def _carry(
    source: sources.Source, subject: Subject, writer: ChunkWriter, before: Manifest, told: Told
) -> PartEntry:
    held = before.part(source.name)
    known = {(f.path, f.size, f.stamp): f for f in held.files if f.stamp} if held else {}
    carried = writer.carried
    files: list[FileEntry] = list(source.kept)
    damaged: list[str] = []
    total = len(source.files)
    for number, each in enumerate(source.files):
        same = known.get((each.name, each.size, each.stamp)) if each.stamp else None
        try:
            files.append(same if same is not None else _file(source, each, subject, writer))
        except InputError:
            # One damaged photo must not keep everything else from being backed up.
            damaged.append(each.name)
        told(number / total)
    writer.flush()
    if damaged:
        source.facts["damaged"] = damaged
    return PartEntry(
        name=source.name,
        files=files,
        counts=source.counts,
        new_bytes=writer.carried - carried,
    )


def _file(
    source: sources.Source, each: sources.SourceFile, subject: Subject, writer: ChunkWriter
) -> FileEntry:
    opened: BinaryIO
    if each.path is None:
        digest = each.name.rpartition("/")[2]
        # Read through `Files`, so that a damaged photo is found now and not at the restore.
        opened = io.BytesIO(subject.files.get(digest))
    else:
        try:
            opened = each.path.open("rb")
        except FileNotFoundError:
            # A file of a gateway that was replaced while we looked; the next run has the new one.
            opened = io.BytesIO(b"")
    size = 0
    chunks = []
    with opened:
        for piece in pieces(opened, source.chunk_bytes):
            size += len(piece)
            chunks.append(writer.add(piece, secret=source.secret))
    return FileEntry(path=each.name, size=size, stamp=each.stamp, chunks=chunks)
