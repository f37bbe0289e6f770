"""Has the plant done this before? What recurs in like circumstances is no wrong reading."""

from __future__ import annotations

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats, Index

NEAREST = 30
AS_FAR = 0.6
OFTEN = 2
_MOST_ROWS = 30_000
_APART = 4
_MOST_ASKED = 2_000


def recurs(circumstances: Floats, off: Floats, asked: Index, usable: Bools) -> Bools:
    """Return for each asked row whether like circumstances gave a like departure elsewhere.

    Args:
        circumstances: Everything around a row but the value in question, shape (n_row, n_feature).
        off: Departure of each row's value, shape (n_row,).
        asked: Rows in question, the most doubtful first; only the first 2000 are looked at.
        usable: Rows that may serve as example, shape (n_row,).
    """
    found = np.zeros(asked.size, bool)
    pool = np.flatnonzero(usable)
    if pool.size < 4 * NEAREST or not asked.size:
        return found
    if pool.size > _MOST_ROWS:
        # Rare doings must stay in the pool: those that depart most are all kept.
        by_size = pool[np.argsort(-np.abs(off[pool]))]
        rest = by_size[_MOST_ROWS // 3 :]
        pool = np.r_[by_size[: _MOST_ROWS // 3], rest[:: rest.size // (_MOST_ROWS // 2) + 1]]
    low, high = np.quantile(circumstances[pool], (0.05, 0.95), axis=0)
    scaled = (circumstances / np.maximum(high - low, 1e-9)).astype("f4")
    examples = scaled[pool]
    squares = np.einsum("ij,ij->i", examples, examples)
    for at, row in enumerate(asked[:_MOST_ASKED].tolist()):
        distance = squares - 2.0 * np.einsum("ij,j->i", examples, scaled[row])
        distance[np.abs(pool - row) <= _APART] = np.inf
        near = pool[np.argpartition(distance, NEAREST)[:NEAREST]]
        alike = (np.sign(off[near]) == np.sign(off[row])) & (
            np.abs(off[near]) >= AS_FAR * abs(off[row])
        )
        found[at] = int(alike.sum()) >= OFTEN
    return found
