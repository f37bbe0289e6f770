"""Erasure coding of datagrams: any k of k + m pieces give the k back.

A systematic Reed-Solomon code over GF(256) with a Cauchy matrix, so every square part of it can
be inverted. Pieces have one length; arithmetic on whole pieces is by tables.

Reference: Bloemer et al., "An XOR-Based Erasure-Resilient Coding Scheme" (1995), ICSI TR-95-048;
field polynomial 0x11D.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Bytes = NDArray[np.uint8]
MOST_PIECES = 255
_POLYNOMIAL = 0x11D


def _tables() -> tuple[Bytes, NDArray[np.int16], Bytes]:
    exp = np.zeros(510, "u1")
    log = np.zeros(256, "i2")
    value = 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        value <<= 1
        if value & 0x100:
            value ^= _POLYNOMIAL
    a, b = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    product = exp[(log[a].astype("i4") + log[b]) % 255]
    product[0, :] = 0
    product[:, 0] = 0
    return exp, log, product


_EXP, _LOG, _PRODUCT = _tables()


def _inverse(value: int) -> int:
    return int(_EXP[(255 - int(_LOG[value])) % 255])


def _matrix(k: int, m: int) -> Bytes:
    """Return the coefficients of the m parity pieces, shape (m, k)."""
    rows, columns = np.arange(k, k + m), np.arange(k)
    sums = rows[:, None] ^ columns[None, :]
    found: Bytes = np.vectorize(_inverse, otypes=["u1"])(sums).astype("u1")
    return found


def _combine(matrix: Bytes, pieces: Bytes) -> Bytes:
    """Return matrix times pieces over the field."""
    out = np.zeros((len(matrix), pieces.shape[1]), "u1")
    for i, row in enumerate(matrix):
        for factor, piece in zip(row.tolist(), pieces, strict=True):
            if factor:
                out[i] ^= _PRODUCT[factor][piece]
    return out


def parity(pieces: Bytes, m: int) -> Bytes:
    """Return m parity pieces of k pieces.

    Args:
        pieces: Shape (k, length).
        m: How many to add; k + m is at most 255.

    Raises:
        InputError: There are more than 255 in all.
    """
    k = len(pieces)
    if k + m > MOST_PIECES:
        raise InputError("too many pieces", thing=f"{k} + {m}", fix="make smaller groups")
    return _combine(_matrix(k, m), pieces) if m else np.zeros((0, pieces.shape[1]), "u1")


def restore(found: Mapping[int, Bytes], k: int, m: int) -> Bytes:
    """Return the k pieces out of any k of the k + m.

    Args:
        found: Pieces by number; those from k on are parity.
        k: Pieces of the group.
        m: Parity pieces of the group.

    Raises:
        InputError: Fewer than k pieces are there.
    """
    if len(found) < k:
        raise InputError("too few pieces", thing=f"{len(found)} of {k}", fix="wait for more")
    missing = [i for i in range(k) if i not in found]
    if not missing:
        return np.stack([found[i] for i in range(k)])
    spare = [i for i in sorted(found) if i >= k][: len(missing)]
    matrix = _matrix(k, m)[[i - k for i in spare]]
    known = [i for i in range(k) if i in found]
    # What the parity says minus what is known of it leaves the missing pieces alone.
    rest = np.stack([found[i] for i in spare])
    if known:
        rest ^= _combine(matrix[:, known], np.stack([found[i] for i in known]))
    solved = _combine(_inverted(matrix[:, missing]), rest)
    by_number = dict(zip(missing, solved, strict=True))
    return np.stack([found[i] if i in found else by_number[i] for i in range(k)])


def _inverted(matrix: Bytes) -> Bytes:
    """Return the inverse of a square matrix over the field, by Gauss-Jordan."""
    n = len(matrix)
    work = np.concatenate([matrix.copy(), np.eye(n, dtype="u1")], axis=1)
    for i in range(n):
        pivot = i + int(np.flatnonzero(work[i:, i])[0])
        work[[i, pivot]] = work[[pivot, i]]
        work[i] = _PRODUCT[_inverse(int(work[i, i]))][work[i]]
        for j in range(n):
            if j != i and work[j, i]:
                work[j] ^= _PRODUCT[int(work[j, i])][work[i]]
    return work[:, n:]
