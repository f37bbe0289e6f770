"""The datagram carrier: a batch as authenticated pieces with parity, one way, never an answer.

Every datagram fits the smallest common MTU. Layout, numbers big-endian::

    "HLZU" | 8 bytes batch | u32 batch length | u16 group | u16 groups | u8 k | u8 m | u8 number
    | payload | 16 bytes HMAC-SHA-256 (key of the pair)

The pieces of a group are spread over all groups in turn, so a burst of losses hits each a little.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from heatloop.bridge.feed_fec import parity, restore
from heatloop.bridge.feed_frame import MOST_BYTES
from heatloop.kernel.errors import InputError

PAYLOAD = 1184
"""Bytes of a batch in one datagram: with all heads below 1,280, the least MTU of IPv6."""
_MAGIC = b"HLZU"
_HEAD = struct.Struct(">4s8sIHHBBB")
_TAG = 16
_GROUP = 100
_MOST_GROUPS = 1 + MOST_BYTES // (PAYLOAD * 2)
_MOST_OPEN = 8
_MOST_DONE = 512
_KEPT_S = 30.0
_LABEL = b"heatloop-zone-datagram"


def datagram_key(seal_key: bytes) -> bytes:
    """Return the key of datagrams, made from the key of the pair."""
    return hmac.new(seal_key, _LABEL, hashlib.sha256).digest()


def _tag(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()[:_TAG]


def split(blob: bytes, key: bytes, parity_pct: float) -> Iterator[bytes]:
    """Yield the datagrams of a batch.

    Args:
        blob: The batch.
        key: From `datagram_key`.
        parity_pct: Parity pieces over pieces; at least two a group.
    """
    pieces = max(1, math.ceil(len(blob) / PAYLOAD))
    groups = math.ceil(pieces / _GROUP)
    k = math.ceil(pieces / groups)
    m = max(2, math.ceil(k * parity_pct / 100.0))
    padded = np.zeros(groups * k * PAYLOAD, "u1")
    padded[: len(blob)] = np.frombuffer(blob, "u1")
    data = padded.reshape(groups, k, PAYLOAD)
    spare = [parity(data[g], m) for g in range(groups)]
    name = hashlib.sha256(blob).digest()[:8]
    for number in range(k + m):
        for g in range(groups):
            piece = data[g, number] if number < k else spare[g][number - k]
            head = _HEAD.pack(_MAGIC, name, len(blob), g, groups, k, m, number)
            body = head + piece.tobytes()
            yield body + _tag(key, body)


@dataclass(slots=True)
class _Open:
    length: int
    groups: int
    k: int
    m: int
    at_s: float
    pieces: dict[int, dict[int, np.ndarray]] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Heard:
    """What came in."""

    datagrams: int = 0
    """Genuine datagrams."""
    forged: int = 0
    """Datagrams without the pair's HMAC, or without sense."""
    repaired: int = 0
    """Batches put together with parity."""
    lost: int = 0
    """Batches of which too little came."""


class Joiner:
    """Puts batches together again.

    Args:
        key: From `datagram_key`.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._open: OrderedDict[bytes, _Open] = OrderedDict()
        self._done: OrderedDict[bytes, float] = OrderedDict()
        self.heard = Heard()
        """Counts."""

    def take(self, datagram: bytes, now_s: float) -> bytes | None:
        """Return the batch a datagram completes, or None.

        Args:
            datagram: What came; anything at all.
            now_s: Machine time.
        """
        self._forget(now_s)
        read = self._read(datagram)
        if read is None:
            self.heard.forged += 1
            return None
        name, length, group, groups, k, m, number, payload = read
        self.heard.datagrams += 1
        if name in self._done:
            return None
        part = self._open.get(name)
        if part is None:
            part = self._open[name] = _Open(length, groups, k, m, now_s)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
                self.heard.lost += 1
        if (length, groups, k, m) != (part.length, part.groups, part.k, part.m):
            self.heard.forged += 1
            return None
        got = part.pieces.setdefault(group, {})
        if len(got) < k:
            got[number] = np.frombuffer(payload, "u1")
        if len(part.pieces) < groups or any(len(each) < k for each in part.pieces.values()):
            return None
        return self._complete(name, part, now_s)

    def _complete(self, name: bytes, part: _Open, now_s: float) -> bytes | None:
        del self._open[name]
        self._done[name] = now_s
        if any(number >= part.k for each in part.pieces.values() for number in each):
            self.heard.repaired += 1
        whole = [restore(part.pieces[g], part.k, part.m) for g in range(part.groups)]
        blob = np.concatenate(whole).tobytes()[: part.length]
        if hashlib.sha256(blob).digest()[:8] != name:
            self.heard.forged += 1
            return None
        return blob

    def _read(self, datagram: bytes) -> tuple[bytes, int, int, int, int, int, int, bytes] | None:
        if len(datagram) != _HEAD.size + PAYLOAD + _TAG:
            return None
        body, tag = datagram[:-_TAG], datagram[-_TAG:]
        if not hmac.compare_digest(_tag(self._key, body), tag):
            return None
        magic, name, length, group, groups, k, m, number = _HEAD.unpack_from(body)
        good = (
            magic == _MAGIC
            and 0 < length <= MOST_BYTES
            and 0 < groups <= _MOST_GROUPS
            and group < groups
            and k > 0
            and number < k + m <= 255
            and groups * k * PAYLOAD >= length
            and groups * (k - 1) * PAYLOAD < length + groups * PAYLOAD
        )
        return (name, length, group, groups, k, m, number, body[_HEAD.size :]) if good else None

    def _forget(self, now_s: float) -> None:
        while self._open:
            name, part = next(iter(self._open.items()))
            if now_s - part.at_s < _KEPT_S:
                break
            del self._open[name]
            self.heard.lost += 1
        while self._done:
            name, at_s = next(iter(self._done.items()))
            if now_s - at_s < _KEPT_S and len(self._done) <= _MOST_DONE:
                break
            del self._done[name]


def address_of(text: str) -> tuple[str, int]:
    """Return (host, port) of `host:port`.

    Raises:
        InputError: It is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise InputError("not an address", thing=text, fix="give host:port")
    return host.strip("[]"), int(port)
