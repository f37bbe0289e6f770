"""One batch of the feed between zones: head, sealed body, signature over both.

Layout, numbers big-endian::

    "HLZ1" | u32 n, n bytes head (canonical JSON) | u32 n, n bytes body | u16 n, n bytes signature

The body is a seal (`security.keys`, bound to the head) over zlib over::

    u32 n, n bytes records (canonical JSON, a list) | u32 n, points | u32 n, hours

Points are columns of n rows, little-endian: key u32, slot u32, value f32, quality u8. Hours have
no quality. Every batch names the hash of the one before, so a stream is a chain.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from heatloop.bridge.feed_schema import FeedRefused, check_records
from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.series import Columns
from heatloop.security.keys import KeyRing, unseal
from heatloop.security.provider import CryptoProvider, Signer

FEED, GATE = "feed", "gate"
STREAMS = (FEED, GATE)
DELTA, SNAPSHOT = "delta", "snapshot"
GENESIS = "0" * 64
MOST_BYTES = 64 * 2**20
MOST_BODY_BYTES = 512 * 2**20
_MOST_HEAD = 4096
_MAGIC = b"HLZ1"
_DOMAIN = b"heatloop-zone\x00"
_HOUR_ROW, _POINT_ROW = 12, 13
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What can be read of a batch without its key."""

    stream: str
    """`feed` (control to customer) or `gate` (customer to control)."""
    epoch: str
    """Random name of a run of sequence numbers; 16 hexadecimal digits."""
    seq: int
    """Counts up from 1 inside the epoch."""
    kind: str
    """`delta`, or `snapshot`: replaces everything it has a section for."""
    previous: str
    """Hash of the batch before, zeros for the first of an epoch."""
    issued_s: float
    """Machine time of the sender."""
    plant_s: float
    """Plant time of the sender."""
    speed: float
    """Plant seconds a machine second there."""
    sections: tuple[str, ...] = ()
    """Of a snapshot: kinds of records it holds all of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A batch that was opened: signature, seal and schemas are good."""

    head: Head
    """Its head."""
    key_id: str
    """Key it was signed with."""
    hash: str
    """What the next batch must name as `previous`."""
    records: list[dict[str, Any]]
    """Checked records."""
    points: Columns
    """Newest values of points."""
    hours: Columns
    """Hourly means; `slots` are the beginnings of the hours."""


def batch_hash(blob: bytes) -> str:
    """Return the hash the next batch names."""
    return hashlib.sha256(blob).hexdigest()


def _packed(columns: Columns | None, quality: bool) -> bytes:
    if columns is None:
        return struct.pack(">I", 0)
    parts = [
        struct.pack(">I", len(columns.keys)),
        np.ascontiguousarray(columns.keys, "<u4").tobytes(),
        np.ascontiguousarray(columns.slots, "<u4").tobytes(),
        np.ascontiguousarray(columns.values, "<f4").tobytes(),
    ]
    if quality:
        parts.append(np.ascontiguousarray(columns.quality, "u1").tobytes())
    return b"".join(parts)


def make_batch(
    head: Head,
    records: Sequence[Mapping[str, Any]],
    *,
    signer: Signer,
    seal_key: tuple[str, bytes],
    suite: CryptoProvider,
    points: Columns | None = None,
    hours: Columns | None = None,
) -> bytes:
    """Return a batch, sealed and signed.

    Args:
        head: Its head.
        records: Records of the closed schemas.
        signer: Key of the sending zone.
        seal_key: Name and bytes of the key both zones hold.
        suite: Seals the body.
        points: Newest values.
        hours: Hourly means.

    Raises:
        InputError: Something in it cannot be encoded, or it is larger than a batch may be.
    """
    text = canonical(list(records))
    plain = b"".join(
        (struct.pack(">I", len(text)), text, _packed(points, True), _packed(hours, False))
    )
    named = {**asdict(head), "alg": signer.algorithm, "key_id": signer.key_id, "v": _VERSION}
    top = canonical({**named, "sections": list(head.sections)})
    body = suite.seal(*seal_key, zlib.compress(plain, 1), top)
    front = b"".join((_MAGIC, struct.pack(">I", len(top)), top, struct.pack(">I", len(body)), body))
    signature = signer.sign(_DOMAIN + front)
    blob = front + struct.pack(">H", len(signature)) + signature
    if len(blob) > MOST_BYTES:
        raise InputError("the batch is too large", thing=f"{len(blob)} bytes", fix="split it")
    return blob


class _Reader:
    """Takes pieces off bytes that may end anywhere."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def take(self, n: int) -> bytes:
        if self.at + n > len(self._data):
            raise FeedRefused("truncated", f"{n} bytes wanted at {self.at} of {len(self._data)}")
        self.at += n
        return self._data[self.at - n : self.at]

    def sized(self, most: int) -> bytes:
        (n,) = struct.unpack(">I", self.take(4))
        if n > most:
            raise FeedRefused("format", f"a part of {n} bytes")
        return self.take(n)

    def end(self) -> None:
        if self.at != len(self._data):
            raise FeedRefused("format", "bytes after the end")


def _split(blob: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return (head, body, signed part, signature)."""
    if len(blob) > MOST_BYTES:
        raise FeedRefused("format", "larger than a batch may be")
    reader = _Reader(blob)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise FeedRefused("format", "not a batch")
    top = reader.sized(_MOST_HEAD)
    body = reader.sized(MOST_BYTES)
    front = blob[: reader.at]
    (n,) = struct.unpack(">H", reader.take(2))
    signature = reader.take(n)
    reader.end()
    return top, body, front, signature


_HEX = frozenset("0123456789abcdef")


def _is_hex(value: Any, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and set(value) <= _HEX


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2**33


def _head(top: bytes) -> tuple[Head, str, str]:
    """Return (head, algorithm, key id) of the head's text."""
    try:
        doc = decode(top)
    except InputError as error:
        raise FeedRefused("format", "the head is not JSON") from error
    names = {f.name for f in fields(Head)} | {"alg", "key_id", "v"}
    if not isinstance(doc, dict) or set(doc) != names:
        raise FeedRefused("format", "the head has other fields")
    sections, speed = doc["sections"], doc["speed"]
    good = (
        doc["v"] == _VERSION
        and doc["stream"] in STREAMS
        and doc["kind"] in (DELTA, SNAPSHOT)
        and _is_hex(doc["epoch"], 16)
        and _is_hex(doc["previous"], 64)
        and type(doc["seq"]) is int
        and 1 <= doc["seq"] < 2**53
        and _is_time(doc["issued_s"])
        and _is_time(doc["plant_s"])
        and isinstance(speed, int | float)
        and math.isfinite(speed)
        and 0 <= speed <= 1e6
        and isinstance(doc["alg"], str)
        and isinstance(doc["key_id"], str)
        and isinstance(sections, list)
        and len(sections) <= 32
        and all(isinstance(each, str) and len(each) <= 32 for each in sections)
    )
    if not good:
        raise FeedRefused("format", "a field of the head is out of range")
    alg, key_id = doc.pop("alg"), doc.pop("key_id")
    doc.pop("v")
    return Head(**{**doc, "sections": tuple(sections)}), alg, key_id


def _columns(reader: _Reader, quality: bool) -> Columns:
    (n,) = struct.unpack(">I", reader.take(4))
    raw = reader.take(n * (_POINT_ROW if quality else _HOUR_ROW))
    keys = np.frombuffer(raw, "<u4", n, 0).astype("u4")
    slots = np.frombuffer(raw, "<u4", n, 4 * n).astype("u4")
    values = np.frombuffer(raw, "<f4", n, 8 * n).astype("f8")
    codes = np.frombuffer(raw, "u1", n, 12 * n).copy() if quality else np.zeros(n, "u1")
    return Columns(keys, slots, values, codes)


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MOST_BODY_BYTES)
    except zlib.error as error:
        raise FeedRefused("format", "the body is not zlib") from error
    if not unpacker.eof or unpacker.unused_data:
        raise FeedRefused("format", "the body does not end where it should")
    return plain


def open_batch(blob: bytes, stream: str, ring: KeyRing, seal_keys: Mapping[str, bytes]) -> Batch:
    """Return the batch inside these bytes.

    Args:
        blob: What a carrier brought; anything at all.
        stream: Stream it must belong to.
        ring: Public keys of the zone it must come from.
        seal_keys: Keys both zones hold, by name.

    Raises:
        FeedRefused: It is not a whole, genuine batch of this stream with records of its schemas.
    """
    top, body, front, signature = _split(blob)
    head, alg, key_id = _head(top)
    # Nothing further is even unpacked before it is known who sent it.
    try:
        if alg != ring.algorithm(key_id):
            raise UnsafeError("signed by a key or an algorithm that is not trusted", thing=key_id)
        ring.verify(key_id, _DOMAIN + front, signature)
    except (UnsafeError, InputError) as error:
        raise FeedRefused("forged", str(error)) from error
    if head.stream != stream:
        raise FeedRefused("stream", f"belongs to {head.stream}")
    try:
        plain = _inflate(unseal(seal_keys, body, top))
    except (UnsafeError, InputError) as error:
        if isinstance(error, FeedRefused):
            raise
        raise FeedRefused("forged", str(error)) from error
    reader = _Reader(plain)
    try:
        records = decode(reader.sized(MOST_BODY_BYTES))
    except InputError as error:
        raise FeedRefused("schema", "the records are not JSON") from error
    points, hours = _columns(reader, True), _columns(reader, False)
    reader.end()
    return Batch(
        head=head,
        key_id=key_id,
        hash=batch_hash(blob),
        records=check_records(stream, records),
        points=points,
        hours=hours,
    )
