"""What is in a backup: a sealed list of its files and pieces, and a signed, readable head.

At the target: `<chain>/chain.json`, `<chain>/packs/...`, `<chain>/runs/<run>.body` and, written
last, `<chain>/runs/<run>.head`. A run without a head never happened.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.keys import KeyRing, SigningKey, open_document, seal, sign_document, unseal
from heatloop.store.backup_chunks import Place
from heatloop.store.backup_keys import ChainKey
from heatloop.store.objects import ObjectStore

FORMAT = 1
CHAIN_FILE = "chain.json"
_CHAIN = re.compile(r"chain-[0-9]{8}T[0-9]{9}-[0-9a-f]{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileEntry:
    """A file of a backup."""

    path: str
    """Where it belongs, below its part."""
    size: int
    """Bytes."""
    stamp: int
    """Time of its last change, in nanoseconds; 0 where files change in place."""
    chunks: list[str]
    """Names of its pieces in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartEntry:
    """A part of a backup."""

    name: str
    """`records`, `historian`, `files`, `keys`, `settings` or `edge`."""
    files: list[FileEntry]
    """Its files."""
    counts: dict[str, int]
    """Rows by table, or what else there is to count."""
    new_bytes: int = 0
    """Bytes this run had to carry for it."""

    @property
    def bytes(self) -> int:
        """Return its bytes before compression."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What may be known of a run without the passphrase."""

    run: str
    """Id."""
    chain: str
    """Chain it belongs to."""
    kind: str
    """`full` or `incremental`."""
    at: float
    """Machine time it began."""
    plant_at: float
    """Plant time it is of."""
    version: str
    """Version of heatloop that wrote it."""
    encrypted: bool
    """Whether it is sealed."""
    body_sha256: str
    """Checksum of the sealed list."""
    bytes: int
    """Bytes it stands for."""
    key_id: str = ""
    """Who signed it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Everything that is in a run."""

    parts: list[PartEntry]
    """Its parts."""
    packs: list[str]
    """Packs its pieces are in."""
    places: dict[str, Place]
    """Where every piece is."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What to check after a restore: revision, end of the audit chain, digests."""

    def part(self, name: str) -> PartEntry | None:
        """Return a part, None if it is not in the run."""
        return next((part for part in self.parts if part.name == name), None)


def write_run(
    store: ObjectStore, key: ChainKey, signer: SigningKey, head: Head, manifest: Manifest
) -> Head:
    """Write list and head of a run whose packs are all there; return the head as written."""
    body = zlib.compress(canonical(_plain(manifest)), 6)
    if key.encrypted:
        body = seal(key.key_id, key.key, body, f"manifest {head.run}".encode())
    base = f"{head.chain}/runs/{head.run}"
    store.put(f"{base}.body", body)
    told = {name: getattr(head, name) for name in Head.__slots__ if name != "key_id"}
    told |= {"body_sha256": hashlib.sha256(body).hexdigest(), "format": FORMAT}
    signed = sign_document(signer, told)
    store.put(f"{base}.head", canonical(dict(signed)))
    return _head(told, signer.key_id)


def read_heads(store: ObjectStore) -> list[Head]:
    """Return the runs at a target, oldest first; their signatures are not checked yet."""
    found = []
    for each in store.list():
        words = each.name.split("/")
        if len(words) == 3 and words[1] == "runs" and words[2].endswith(".head"):
            found.append(_open_head(store.get(each.name), None))
    return sorted(found, key=lambda head: (head.at, head.run))


def find_run(store: ObjectStore, run: str = "", before: float | None = None) -> Head:
    """Return a run by id, or the newest that began at or before a machine time.

    Raises:
        InputError: There is none.
    """
    heads = [head for head in read_heads(store) if run in ("", head.run)]
    if before is not None:
        heads = [head for head in heads if head.at <= before]
    if not heads:
        raise InputError("no such backup", thing=run or store.url, fix="list what is there")
    return heads[-1]


def check_head(store: ObjectStore, head: Head, publics: list[bytes]) -> None:
    """Return if the head is signed by one of these public keys.

    Raises:
        UnsafeError: It is not.
    """
    data = store.get(f"{head.chain}/runs/{head.run}.head")
    if _open_head(data, KeyRing(publics)) != head:
        raise UnsafeError("head of a backup was changed", thing=head.run, fix="restore another")


def read_manifest(store: ObjectStore, key: ChainKey, head: Head) -> Manifest:
    """Return the list of a run.

    Raises:
        InputError: It cannot be read.
        UnsafeError: It was changed.
    """
    body = store.get(f"{head.chain}/runs/{head.run}.body")
    if hashlib.sha256(body).hexdigest() != head.body_sha256:
        raise UnsafeError("list of a backup was changed", thing=head.run, fix="restore another")
    if key.encrypted:
        body = unseal({key.key_id: key.key}, body, f"manifest {head.run}".encode())
    try:
        return _manifest(json.loads(zlib.decompress(body)))
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise InputError("list of a backup cannot be read", thing=head.run) from error


def _plain(manifest: Manifest) -> dict[str, Any]:
    used = {chunk for part in manifest.parts for file in part.files for chunk in file.chunks}
    return {
        "format": FORMAT,
        "packs": manifest.packs,
        "places": {name: list(manifest.places[name]) for name in used},
        "facts": manifest.facts,
        "parts": [
            {
                "name": part.name,
                "counts": part.counts,
                "new_bytes": part.new_bytes,
                "files": [[f.path, f.size, f.stamp, f.chunks] for f in part.files],
            }
            for part in manifest.parts
        ],
    }


def _manifest(plain: Mapping[str, Any]) -> Manifest:
    if plain["format"] != FORMAT:
        raise InputError("backup of another format", thing=str(plain["format"]), fix="upgrade")
    return Manifest(
        packs=[str(name) for name in plain["packs"]],
        places={name: Place(*place) for name, place in plain["places"].items()},
        facts=dict(plain["facts"]),
        parts=[
            PartEntry(
                name=part["name"],
                counts=dict(part["counts"]),
                new_bytes=int(part["new_bytes"]),
                files=[
                    FileEntry(path=path, size=size, stamp=stamp, chunks=chunks)
                    for path, size, stamp, chunks in part["files"]
                ],
            )
            for part in plain["parts"]
        ],
    )


def _open_head(data: bytes, ring: KeyRing | None) -> Head:
    try:
        signed = json.loads(data)
        told = json.loads(signed["body"]) if ring is None else open_document(ring, signed)
        return _head(told, str(signed["key_id"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("head of a backup cannot be read", fix="restore another") from error


def _head(told: Mapping[str, Any], key_id: str) -> Head:
    if told["format"] != FORMAT:
        raise InputError("backup of another format", thing=str(told["format"]), fix="upgrade")
    return Head(
        run=str(told["run"]),
        chain=str(told["chain"]),
        kind=str(told["kind"]),
        at=float(told["at"]),
        plant_at=float(told["plant_at"]),
        version=str(told["version"]),
        encrypted=bool(told["encrypted"]),
        body_sha256=str(told["body_sha256"]),
        bytes=int(told["bytes"]),
        key_id=key_id,
    )


def prune(store: ObjectStore, keep: int, bad: frozenset[str] = frozenset()) -> list[str]:
    """Remove chains beyond the newest `keep` good ones; return which.

    A chain is good when its full backup was finished and no trial restore of it failed. While no
    chain is good, nothing is removed.

    Args:
        store: The target.
        keep: Good chains to keep, at least 1.
        bad: Chains that failed a trial restore.
    """
    heads = read_heads(store)
    good = [h.chain for h in heads if h.kind == "full" and h.chain not in bad]
    if not good:
        return []
    oldest_kept = good[-max(keep, 1) :][0]
    # Chains are named by time: everything before the oldest good one that is kept goes. Whatever
    # else somebody keeps at the target is left alone.
    every = {each.name.split("/")[0] for each in store.list() if each.name.endswith(CHAIN_FILE)}
    gone = sorted(chain for chain in every if _CHAIN.fullmatch(chain) and chain < oldest_kept)
    for chain in gone:
        names = [each.name for each in store.list(chain)]
        # Heads first: a chain half removed must not look whole.
        for name in sorted(names, key=lambda name: not name.endswith(".head")):
            store.delete(name)
    return gone
