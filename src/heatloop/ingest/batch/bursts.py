"""Short errors: one to three samples that stick out and that nothing else explains.

A sample is compared with the line between its neighbours in time, less what the other series
of the place say: when supply, return and power jump together the plant did something; when one
jumps alone its reading is wrong. How far is too far is learnt from the series itself, apart for
quiet and for restless moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.ingest.batch.analogues import recurs
from heatloop.ingest.batch.fitting import fit, predict, scale_by_unrest, unrest_of
from heatloop.ingest.batch.model import Floats, Index, Rule
from heatloop.ingest.batch.working import Working

LIMIT = 9.0
"""A residual of so many times the usual is an error."""
LONGEST = 3
_ROUNDS = 4
_GAP = 3.5
_CLIP = 4.0
_SAME_SIGN = 0.5
_EITHER_SIDE = 0.25
_WORTH = 0.5
_BEYOND = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A series with its bad cells taken out, and where the rest stood."""

    rows: Index
    """Row of each remaining sample, shape (n,)."""
    values: Floats
    """The samples, shape (n,)."""
    times_s: Floats
    """Their times, shape (n,)."""


def find_bursts(
    work: Working, part: slice, period_s: float, columns: list[int], *, limit: float = LIMIT
) -> None:
    """Mark short errors of these series, inside `part`."""
    for _ in range(_ROUNDS):
        filled = work.filled(part)
        scored = {
            (column, length): _score(work, part, filled, column, length, period_s, limit)
            for column in columns
            for length in range(1, LONGEST + 1)
        }
        if not _mark_worst(work, part, scored, limit):
            break


def _score(
    work: Working,
    part: slice,
    filled: Floats,
    column: int,
    length: int,
    period_s: float,
    limit: float,
) -> tuple[Floats, Floats]:
    """Return score and expected value of a burst beginning at each row, 0 where none can."""
    n_row = filled.shape[0]
    score, wanted = np.zeros(n_row), np.full(n_row, np.nan)
    trusted = work.trusted[part, column]
    rows = np.flatnonzero(np.isfinite(trusted))
    if rows.size < 40 + length:
        return score, wanted
    line = _Stretch(rows, trusted[rows], work.times_s[part][rows])
    # Burst i .. i+length-1 stands between samples i-1 and i+length; one more on each side tells
    # how the series runs on its own.
    first = np.arange(2, rows.size - length - 1)
    a, b = first - 1, first + length
    span_s = line.times_s[b] - line.times_s[a]
    near = span_s <= (length + _GAP) * period_s
    off, sisters = _departures(line, filled, first, length, column)
    own = line.values[b] - line.values[a]
    bent = (line.values[a] - line.values[a - 1]) - (line.values[b + 1] - line.values[b])
    features = np.column_stack((sisters, own, bent))
    mean_off = off.mean(axis=0)
    left = mean_off - predict(features, fit(features, mean_off, near))
    size = np.abs(left)
    levels = 0.5 * (filled[line.rows[a]] + filled[line.rows[b]])
    unrest = unrest_of(size, features, levels, near)
    # A departure no larger than half of what one sample in a hundred does is no error.
    often = float(np.quantile(np.abs(mean_off), 0.99))
    floor = max(work.table.series[column].resolution, _WORTH * often / limit)
    usual = scale_by_unrest(np.where(near, size, np.nan), unrest, floor)
    way = np.sign(left)
    # However restless the moment: what is far beyond all that ever happens is an error.
    if near.any():
        usual = np.minimum(usual, _BEYOND * float(np.quantile(size[near], 0.995)) / limit)
    sticks_out = near & (off * way >= _SAME_SIGN * size).all(axis=0)
    # It must stand out on both sides, else it is the last sample before a step.
    for k in range(length):
        burst = line.values[first + k]
        sticks_out &= (burst - line.values[a]) * way >= _EITHER_SIDE * size
        sticks_out &= (burst - line.values[b]) * way >= _EITHER_SIDE * size
    # Where nothing ever moves, nothing is usual: no departure is no error, any other one is.
    ratio = np.where((size > 0.0) & (usual == 0.0), np.inf, 0.0)
    np.divide(size, usual, out=ratio, where=usual > 0.0)
    sharp = np.where(sticks_out, ratio, 0.0)
    doubtful = np.flatnonzero(sharp > limit)
    doubtful = doubtful[np.argsort(-sharp[doubtful])]
    around = np.hstack((np.delete(filled, column, 1)[line.rows[first]], levels, features))
    known = recurs(around, mean_off, doubtful, near)
    sharp[doubtful[known]] = 0.0
    at = rows[first]
    score[at] = sharp
    wanted[at] = line.values[first] - left
    return score, wanted


def _widths(features: Floats) -> Floats:
    return np.asarray(np.quantile(np.abs(features), 0.9, axis=0))


def _departures(
    line: _Stretch, filled: Floats, first: Index, length: int, column: int
) -> tuple[Floats, Floats]:
    """Return how far the burst and each other series stand off their lines over the burst.

    Returns:
        Own departure of each sample of the burst, shape (length, n), and of the others their
        mean departure and their change over the burst, shape (n, 2 * (n_series - 1)).
    """
    a, b = first - 1, first + length
    ta, tb = line.times_s[a], line.times_s[b]
    others = np.delete(filled, column, axis=1)
    before, after = others[line.rows[a]], others[line.rows[b]]
    change = after - before
    off = np.empty((length, first.size))
    mean = np.zeros((first.size, others.shape[1]))
    for k in range(length):
        share = (line.times_s[first + k] - ta) / (tb - ta)
        off[k] = line.values[first + k] - (
            line.values[a] + share * (line.values[b] - line.values[a])
        )
        mean += others[line.rows[first + k]] - (before + share[:, None] * change)
    mean /= length
    # A wrong sister must not drag its neighbour along.
    wide = np.maximum(_CLIP * _widths(mean), 1e-9)
    return off, np.hstack((np.clip(mean, -wide, wide), change))


def _mark_worst(
    work: Working, part: slice, scored: dict[tuple[int, int], tuple[Floats, Floats]], limit: float
) -> bool:
    """Mark bursts that are the worst thing near them, of any length and in any series."""
    if not scored:
        return False
    greatest = np.max([score for score, _ in scored.values()], axis=0)
    if not (greatest > limit).any():
        return False
    top = _around(greatest, LONGEST + 1)
    for (column, length), (score, expected) in scored.items():
        starts = np.flatnonzero((score > limit) & (score >= top))
        if not starts.size:
            continue
        good = np.flatnonzero(np.isfinite(work.trusted[part, column]))
        where = np.searchsorted(good, starts)
        for k in range(length):
            work.mark(part.start + good[where + k], column, Rule.SPIKE, expected[starts])
    return True


def _around(values: Floats, reach: int) -> Floats:
    """Return the greatest value within `reach` rows of each row."""
    padded = np.pad(values, reach, constant_values=0.0)
    window = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    greatest: Floats = window.max(axis=1)
    return greatest
