"""What the platform and the process of its OPC UA server say to each other over pipes.

A frame is its length (u32), one letter, and a body: `M` the model, `V` values, `S` state.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.kernel.series import Columns

MODEL, VALUES, STATE = b"M", b"V", b"S"
_HEAD = struct.Struct("<Ic")
_MOST_BYTES = 512 * 1024 * 1024
_ROW_BYTES = 17
_ROWS_A_LINE = 2_000
_LONG = ("assets", "points")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """What the server shows."""

    host: str
    """Address to listen on."""
    port: int
    """Port; 0: any."""
    certificate: str
    """File with its certificate, DER."""
    key: str
    """File with the key, PEM."""
    uri: str
    """Application URI, as the certificate says it."""
    trusted: str
    """Folder with certificates of clients that may come; empty: any may, with a password."""
    max_sessions: int
    """Clients at a time."""
    auth_fd: int
    """Socket that answers who may come in."""
    assets: list[list[str]]
    """[code, zh, en, kind, parent, organisation]."""
    points: list[list[Any]]
    """[key, code, asset, kind, n]."""
    kinds: dict[str, list[Any]]
    """Kind -> [zh, en, unit, low, high]."""


def pack_model(model: Model) -> bytes:
    """Return the body of a model: a line of JSON for its head, then lines of rows.

    In pieces, because the encoder holds the interpreter: a large model at once would stop the
    event loop of the process that packs it, even from a thread.
    """
    packer = zlib.compressobj(1)
    head = {name: value for name, value in fields_of(model).items() if name not in _LONG}
    parts = [packer.compress(json.dumps(head).encode() + b"\n")]
    for name in _LONG:
        rows = getattr(model, name)
        for start in range(0, len(rows), _ROWS_A_LINE):
            line = [name, rows[start : start + _ROWS_A_LINE]]
            text = json.dumps(line, separators=(",", ":"), ensure_ascii=False)
            parts.append(packer.compress(text.encode() + b"\n"))
    return b"".join((*parts, packer.flush()))


def fields_of(model: Model) -> dict[str, Any]:
    """Return the fields of a model, its rows not copied."""
    return {field.name: getattr(model, field.name) for field in fields(model)}


def read_model(body: bytes) -> Model:
    """Return the model of a body."""
    head, *lines = zlib.decompress(body).splitlines()
    long: dict[str, list[Any]] = {name: [] for name in _LONG}
    for line in lines:
        name, rows = json.loads(line)
        long[name] += rows
    told: dict[str, Any] = json.loads(head)
    return Model(**told | long)


def pack_values(columns: Columns) -> bytes:
    """Return the body of values."""
    return b"".join(np.ascontiguousarray(column).tobytes() for column in columns)


def read_values(body: bytes) -> Columns:
    """Return the values of a body.

    Raises:
        InputError: Its length is none of values.
    """
    count, rest = divmod(len(body), _ROW_BYTES)
    if rest:
        raise InputError("no values", thing=f"{len(body)} bytes")
    parts = np.split(np.frombuffer(body, "u1"), np.cumsum([4 * count, 4 * count, 8 * count]))
    kinds = ("<u4", "<u4", "<f8", "u1")
    return Columns(*(p.view(kind) for p, kind in zip(parts, kinds, strict=True)))


def frame(letter: bytes, body: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(len(body), letter) + body


async def read_frame(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return letter and body of the next frame.

    Raises:
        asyncio.IncompleteReadError: The other side is gone.
        InputError: What comes is no frame.
    """
    length, letter = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    if length > _MOST_BYTES:
        raise InputError("no frame", thing=f"{length} bytes")
    return letter, await reader.readexactly(length)
