"""The one envelope that carries everything from an edge to the platform, on every carrier.

Bytes, little-endian::

    "HLE" | u8 version | u8 kind | u8 n, n bytes gateway code | u64 spool epoch
    u64 first sequence | u32 count | u32 ledger version | u32 profile version
    u32 first slot | u32 last slot | u32 length, zlib body
    u8 n, n bytes key id | 64 bytes Ed25519 signature over all before the key id's length

`kind` 0: body is a `SampleBatch`; kind 1: body is a JSON list of notes (alarms, command
reports, gaps, events). A sequence number counts rows (or notes) of one spool epoch from 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from heatloop.kernel import canonical
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import InputError

VERSION = 1
MAX_BODY = 64 * 1024 * 1024
_MAGIC = b"HLE"
_MIDDLE = struct.Struct("<QQIIIIII")
_SIGNATURE_BYTES = 64


class EnvelopeKind(IntEnum):
    """What the body holds."""

    SAMPLES = 0
    NOTES = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A signed run of rows from one gateway's spool."""

    gateway: str
    """Gateway code."""
    epoch: int
    """Random u64 chosen when the spool was created."""
    first: int
    """Sequence of the first row."""
    count: int
    """Rows in the body."""
    kind: EnvelopeKind = EnvelopeKind.SAMPLES
    """What the body holds."""
    ledger_version: int = 0
    """Ledger the keys belong to."""
    profile_version: int = 0
    """Edge profile the values were made with."""
    slot_min: int = 0
    """Earliest slot."""
    slot_max: int = 0
    """Latest slot."""
    body: bytes = b""
    """Compressed body."""
    key_id: str = ""
    """Key that signed."""
    signature: bytes = b""
    """64 bytes."""
    signed: bytes = b""
    """The exact bytes the signature covers, as sent or received."""

    @property
    def last(self) -> int:
        """Sequence of the last row."""
        return self.first + self.count - 1

    def batch(self) -> SampleBatch:
        """Return the samples.

        Raises:
            InputError: The body is damaged, is not samples, or has another count of rows.
        """
        if self.kind is not EnvelopeKind.SAMPLES:
            raise InputError("envelope holds notes, not samples", thing=self.gateway)
        batch = SampleBatch.from_bytes(self._inflate())
        self._check_count(len(batch))
        return batch

    def notes(self) -> list[dict[str, Any]]:
        """Return the notes.

        Raises:
            InputError: The body is damaged, is not notes, or has another count of them.
        """
        if self.kind is not EnvelopeKind.NOTES:
            raise InputError("envelope holds samples, not notes", thing=self.gateway)
        try:
            notes = canonical.decode(self._inflate())
        except InputError as error:
            raise InputError(error.message, thing=self.gateway, place="body") from error
        if not isinstance(notes, list) or not all(isinstance(note, dict) for note in notes):
            raise InputError("notes are not a list of objects", thing=self.gateway, place="body")
        self._check_count(len(notes))
        return notes

    def _check_count(self, found: int) -> None:
        if found != self.count:
            raise InputError(
                f"envelope says {self.count} rows, body has {found}",
                thing=self.gateway,
                place=f"sequence {self.first}",
                fix="send it again",
            )

    def _inflate(self) -> bytes:
        # Bounded: a small body must not unpack into gigabytes.
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(self.body, MAX_BODY)
        except zlib.error as error:
            raise InputError(
                "envelope body is damaged", thing=self.gateway, place="body", fix="send it again"
            ) from error
        if not inflater.eof or inflater.unused_data:
            raise InputError(
                "envelope body is cut short, too long or too large",
                thing=self.gateway,
                place="body",
                fix=f"send at most {MAX_BODY} bytes",
            )
        return data


def seal_samples(batch: SampleBatch) -> bytes:
    """Return the compressed body of a batch (zlib 1: about 3.6 bytes a sample)."""
    return zlib.compress(batch.to_bytes(), 1)


def seal_notes(notes: list[dict[str, Any]]) -> bytes:
    """Return the compressed body of notes."""
    return zlib.compress(canonical.canonical(notes), 1)


def encode(envelope: Envelope, sign: Callable[[bytes], bytes], key_id: str) -> bytes:
    """Return the envelope's bytes, signed by `sign` (Ed25519) under `key_id`."""
    gateway, key = envelope.gateway.encode(), key_id.encode()
    head = _MAGIC + bytes((VERSION, envelope.kind, len(gateway))) + gateway
    middle = _MIDDLE.pack(
        envelope.epoch,
        envelope.first,
        envelope.count,
        envelope.ledger_version,
        envelope.profile_version,
        envelope.slot_min,
        envelope.slot_max,
        len(envelope.body),
    )
    signed = head + middle + envelope.body
    return signed + bytes((len(key),)) + key + sign(signed)


def decode(data: bytes) -> Envelope:
    """Read an envelope; the caller verifies `signature` over `signed` before using the body.

    Raises:
        InputError: The bytes are not an envelope of this version, or are cut or padded.
    """
    try:
        if data[:3] != _MAGIC:
            raise InputError("not an envelope", place="byte 0", fix="send heatloop envelopes here")
        if data[3] != VERSION:
            raise InputError(
                f"envelope version {data[3]} is not known",
                place="byte 3",
                fix=f"send version {VERSION}",
            )
        kind = EnvelopeKind(data[4])
        at = 6 + data[5]
        gateway = data[6:at].decode()
        fields = _MIDDLE.unpack_from(data, at)
        at += _MIDDLE.size
        end = at + fields[7]
        body = data[at:end]
        key_end = end + 1 + data[end]
        key_id = data[end + 1 : key_end].decode()
        signature = data[key_end:]
    except InputError:
        raise
    except (IndexError, ValueError, struct.error) as error:
        raise InputError(f"envelope is malformed: {error}", fix="send it again") from error
    if len(signature) != _SIGNATURE_BYTES:
        raise InputError(
            "envelope is cut short or padded", thing=gateway, place="signature", fix="send it again"
        )
    return Envelope(
        gateway=gateway,
        epoch=fields[0],
        first=fields[1],
        count=fields[2],
        kind=kind,
        ledger_version=fields[3],
        profile_version=fields[4],
        slot_min=fields[5],
        slot_max=fields[6],
        body=body,
        key_id=key_id,
        signature=signature,
        signed=data[:end],
    )
