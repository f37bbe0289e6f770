"""Frames between the historian process and its clients.

A frame, little-endian::

    u32 length of the rest | JSON head, one line, padded with spaces | column bytes

The head names the columns that follow: `"arrays": [["u4", 600], ["f8", 600]]`. A request carries
`id` and `op`; its answer carries the same `id` and `ok`, and `error` where `ok` is false.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel import errors
from heatloop.kernel.errors import HeatloopError, InputError, LinkError

MAX_FRAME = 256 * 1024 * 1024
LENGTH = struct.Struct("<I")
_SIZES = {"u4": 4, "f8": 8, "u1": 1, "u8": 8}

Head = dict[str, Any]
Arrays = Sequence[NDArray[Any]]


def encode(head: Head, arrays: Arrays = ()) -> list[bytes | memoryview]:
    """Return the pieces of one frame, to be written in order.

    Raises:
        InputError: The frame would be larger than MAX_FRAME.
    """
    columns = [np.ascontiguousarray(array) for array in arrays]
    named = [[column.dtype.str.lstrip("<|"), len(column)] for column in columns]
    line = json.dumps(head | {"arrays": named}, ensure_ascii=False, separators=(",", ":")).encode()
    # Padded so that the columns stand on 8-byte borders.
    line += b" " * (-(LENGTH.size + len(line) + 1) % 8) + b"\n"
    size = len(line) + sum(column.nbytes for column in columns)
    if size > MAX_FRAME:
        raise InputError("too much for one frame", thing=f"{size} bytes", fix="ask for less")
    pieces: list[bytes | memoryview] = [LENGTH.pack(size) + line]
    pieces += [column.data.cast("B") for column in columns if column.nbytes]
    return pieces


def frame_size(prefix: bytes) -> int:
    """Return the length a frame's first four bytes announce.

    Raises:
        InputError: No frame is that long.
    """
    size: int = LENGTH.unpack(prefix)[0]
    if not 2 < size <= MAX_FRAME:
        raise InputError(
            f"frame of {size} bytes", place="length", fix=f"send frames of 3 to {MAX_FRAME} bytes"
        )
    return size


def decode(payload: bytes) -> tuple[Head, list[NDArray[Any]]]:
    """Read a frame's head and columns; the columns are views of `payload` where aligned.

    Raises:
        InputError: The frame is malformed.
    """
    end = payload.find(b"\n", 0, 16 * 1024 * 1024)
    if end < 0:
        raise InputError("frame has no head", place="head", fix="end the JSON head with a newline")
    try:
        head = json.loads(payload[:end])
        named = [(str(kind), int(count)) for kind, count in head["arrays"]]
        sizes = [_SIZES[kind] * count for kind, count in named]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise InputError(
            f"frame head is malformed: {type(error).__name__} {error}"[:200],
            place="head",
            fix='send {"id":..,"op":..,"arrays":[[type, count]..]}',
        ) from error
    if min(sizes, default=0) < 0 or end + 1 + sum(sizes) != len(payload):
        raise InputError(
            f"frame head names {sum(sizes)} column bytes, {len(payload) - end - 1} follow",
            place="columns",
            fix="send the columns the head names",
        )
    arrays, at = [], end + 1
    for (kind, count), size in zip(named, sizes, strict=True):
        # The engine wants aligned columns; one that is not is copied, which costs little.
        arrays.append(np.require(np.frombuffer(payload, f"<{kind}", count, at), requirements="A"))
        at += size
    return head, arrays


def error_head(error: HeatloopError) -> Head:
    """Return the answer that carries an error."""
    fields = {name: getattr(error, name) for name in ("message", "thing", "place", "fix")}
    return {"ok": False, "error": {"kind": type(error).__name__, **fields}}


def check_answer(head: Head) -> None:
    """Raise the error an answer carries, as the class it was on the other side.

    Raises:
        HeatloopError: The answer is an error.
    """
    if head.get("ok") is True:
        return
    told = head.get("error")
    if not isinstance(told, dict):
        raise LinkError("historian answered neither result nor error", fix="check its version")
    found = getattr(errors, str(told.get("kind")), HeatloopError)
    known = isinstance(found, type) and issubclass(found, HeatloopError)
    kind = found if known else HeatloopError
    raise kind(
        str(told.get("message", "")),
        **{name: str(told.get(name, "")) for name in ("thing", "place", "fix")},
    )
