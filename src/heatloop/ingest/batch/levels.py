"""Errors that last: values that leave, for some while, what the other series make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.ingest.batch.analogues import recurs
from heatloop.ingest.batch.fitting import fit, predict, scale_by_unrest, spread, unrest_of
from heatloop.ingest.batch.model import Floats, Rule
from heatloop.ingest.batch.working import Working

LIMIT = 8.0
_LEAST_RUN = 3
_WINDOW_S = 1.5 * 86400.0
_WINDOW_SAMPLES = 90
_BLOCKS = 8
_BRIDGE = 1
_LONGEST = 0.4
_HOUR_S = 2.0 * 3600.0
_ALIKE = 1.7
_NEAR = 0.2
_DAYS = 2
_INSIDE, _OUTSIDE = 0.6, 0.4

Scored = tuple[Floats, Floats, Floats]


def find_levels(
    work: Working, part: slice, period_s: float, columns: list[int], *, limit: float = LIMIT
) -> None:
    """Mark runs of three samples and more that nothing explains, inside `part`."""
    seen: list[_Seen] = []
    for _ in range(3):
        filled = work.filled(part)
        scored = {at: estimate(work, part, filled, at, period_s) for at in columns}
        peaks = {at: _runs(work, part, at, scored[at][0], limit, period_s) for at in columns}
        worst = max((score for runs in peaks.values() for _, _, score in runs), default=0.0)
        if worst <= limit:
            return
        done = np.zeros(filled.shape[0], bool)
        for at, runs in peaks.items():
            seen += [_seen(work, part, filled, scored[at], at, b, e) for b, e, _ in runs]
        # The worst first: what a wrong series makes of its sisters is judged again without it.
        for score, at, begin, end in sorted(
            ((s, at, b, e) for at, runs in peaks.items() for b, e, s in runs), reverse=True
        ):
            if done[begin:end].any() or _natural(work, part, filled, scored[at], at, begin, end):
                continue
            if not _sharp(work, part, scored[at], at, begin, end):
                continue
            if _habit(_seen(work, part, filled, scored[at], at, begin, end), seen):
                continue
            done[max(0, begin - 2) : end + 2] = True
            rows = part.start + np.arange(begin, end)
            work.mark(rows, at, Rule.LEVEL, scored[at][1][begin:end])
            del score


def estimate(
    work: Working, part: slice, filled: Floats, column: int, period_s: float
) -> tuple[Floats, Floats, Floats]:
    """Return score, expected value and usual error of a series made from its sisters.

    Returns:
        Three arrays of shape (n_row,): the score of the value there (0 without one), what the
        sisters and the series' own slow course make of it, and by how much that usually errs.
    """
    n_row = filled.shape[0]
    values = work.trusted[part, column]
    usable = np.isfinite(values)
    if usable.sum() < 60:
        return np.zeros(n_row), np.full(n_row, np.nan), np.full(n_row, np.inf)
    features = sister_features(filled, column)
    line = np.where(usable, values, filled[:, column])
    rest = line - predict(features, fit(features, line - np.median(line[usable]), usable))
    slow = _slow_course(rest, work.times_s[part], period_s)
    left = rest - slow
    size = np.abs(left)
    unrest = unrest_of(size, np.diff(features, axis=0, prepend=features[:1]), features, usable)
    series = work.table.series[column]
    floor = max(series.resolution, 0.03 * spread(values))
    usual = scale_by_unrest(np.where(usable, size, np.nan), unrest, floor)
    score = np.where(usable, size / usual, 0.0)
    return score, line - left, usual


def sister_features(filled: Floats, column: int) -> Floats:
    """Return the other series now, one sample before and one after, and 1, clipped and centred."""
    others = np.delete(filled, column, axis=1)
    if not others.shape[1]:
        return np.ones((filled.shape[0], 1))
    middle = np.median(others, axis=0)
    wide = np.maximum(np.quantile(np.abs(others - middle), 0.98, axis=0), 1e-9)
    calm = np.clip(others - middle, -1.5 * wide, 1.5 * wide)
    before = np.vstack((calm[:1], calm[:-1]))
    after = np.vstack((calm[1:], calm[-1:]))
    return np.hstack((calm, before, after, np.ones((filled.shape[0], 1))))


def _slow_course(rest: Floats, times_s: Floats, period_s: float) -> Floats:
    """Return the running median of about a day and a half, from medians of blocks."""
    window = max(int(_WINDOW_S / max(period_s, 1.0)), _WINDOW_SAMPLES)
    block = max(window // _BLOCKS, 1)
    count = max(rest.size // block, 1)
    whole = count * block if rest.size >= block else rest.size
    middles = np.median(rest[:whole].reshape(count, -1), axis=1)
    places = times_s[:whole].reshape(count, -1).mean(axis=1)
    half = _BLOCKS // 2
    padded = np.pad(middles, half, mode="reflect" if count > half else "edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    course: Floats = np.interp(times_s, places, smooth)
    return course


def _runs(
    work: Working, part: slice, column: int, score: Floats, limit: float, period_s: float
) -> list[tuple[int, int, float]]:
    """Return (first row, row after, typical score) of runs over the limit."""
    values = work.trusted[part, column]
    over: NDArray[np.bool_] = score > 0.6 * limit
    # A sample that happens to fit does not end a run.
    for _ in range(_BRIDGE):
        over[1:-1] |= over[:-2] & over[2:] & np.isfinite(values[1:-1])
    edges = np.flatnonzero(np.diff(np.r_[0, over.view("i1"), 0]))
    runs = []
    longest = _LONGEST * max(_WINDOW_S / max(period_s, 1.0), _WINDOW_SAMPLES)
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        typical = float(np.median(score[begin:end]))
        if _LEAST_RUN <= end - begin <= longest and typical > limit:
            runs.append((begin, end, typical))
    return runs


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run in a few numbers, to know it again."""

    column: int
    start_s: float
    off: float
    """How far from what was expected, typically."""
    sisters: Floats
    """What the other series read, over their usual width, shape (n_series - 1,)."""


def _seen(
    work: Working, part: slice, filled: Floats, scored: Scored, column: int, begin: int, end: int
) -> _Seen:
    off = (work.trusted[part, column] - scored[1])[begin:end]
    others = np.delete(filled, column, axis=1)
    low, high = np.quantile(others, (0.05, 0.95), axis=0)
    middle = np.median(others[begin:end], axis=0) / np.maximum(high - low, 1e-9)
    start_s = float(work.times_s[part.start + begin])
    return _Seen(column, start_s, float(np.nanmedian(off)), middle)


def _sharp(work: Working, part: slice, scored: Scored, column: int, begin: int, end: int) -> bool:
    """Return whether a run begins and ends at once: a plant glides, a wrong reading switches."""
    off = work.trusted[part, column] - scored[1]
    known = np.flatnonzero(np.isfinite(off))
    size = abs(float(np.nanmedian(off[begin:end])))
    inside = known[(known >= begin) & (known < end)]
    inside = inside[np.abs(off[inside]) > _INSIDE * size]
    before, after = known[known < inside[0]], known[known > inside[-1]]
    return (
        before.size > 0
        and after.size > 0
        and abs(float(off[before[-1]])) < _OUTSIDE * size
        and abs(float(off[after[0]])) < _OUTSIDE * size
    )


def _habit(run: _Seen, others: list[_Seen]) -> bool:
    """Return whether the like happens on other days at the same hour: the plant, not the sensor."""
    days = {
        round(other.start_s / 86400.0)
        for other in others
        if other.column == run.column
        and abs(other.start_s - run.start_s) > 43_200.0
        and abs((other.start_s - run.start_s + 43_200.0) % 86_400.0 - 43_200.0) < _HOUR_S
        and other.off * run.off > 0.0
        and 1.0 / _ALIKE < other.off / run.off < _ALIKE
        and float(np.median(np.abs(other.sisters - run.sisters))) < _NEAR
    }
    return len(days) >= _DAYS


def _natural(
    work: Working,
    part: slice,
    filled: Floats,
    scored: Scored,
    column: int,
    begin: int,
    end: int,
) -> bool:
    """Return whether the plant did the like at other times, by the middle sample of the run."""
    values = work.trusted[part, column]
    off = np.nan_to_num(values - scored[1])
    features = sister_features(filled, column)
    usable = np.isfinite(values)
    usable[begin:end] = False
    middle = np.array([(begin + end - 1) // 2])
    return bool(recurs(features, off, middle, usable)[0])
