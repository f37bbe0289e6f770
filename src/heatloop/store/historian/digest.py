"""Proof that stored samples are what they were: one digest a day, one root a month.

Clause 9.2.5 #1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from heatloop.kernel.series import Columns

_ROW = np.dtype([("key", "<u4"), ("slot", "<u4"), ("value", "<f8"), ("quality", "u1")])
_LEAF, _NODE = b"\x00", b"\x01"


class RowDigest:
    """SHA-256 over rows given in pieces, in the order of (key, slot).

    A row is 17 bytes, little-endian: key u32, slot u32, value f64, quality u8. Every nan counts as
    the same value.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, columns: Columns) -> None:
        """Take the next rows."""
        rows = np.empty(len(columns.keys), _ROW)
        rows["key"], rows["slot"] = columns.keys, columns.slots
        rows["value"] = np.where(np.isnan(columns.values), np.nan, columns.values)
        rows["quality"] = columns.quality
        self._hash.update(rows.tobytes())

    def digest(self) -> bytes:
        """Return the digest of all rows so far, 32 bytes."""
        return self._hash.digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over digests in order, 32 bytes; of a month its days.

    Leaves and nodes are hashed under different prefixes (as in RFC 6962), so that no node can be
    passed off as a leaf; an odd one at the end goes up as it is.
    """
    level = [hashlib.sha256(_LEAF + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [
            hashlib.sha256(_NODE + b"".join(pair)).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0]
