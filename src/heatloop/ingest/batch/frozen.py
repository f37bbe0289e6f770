"""A sensor that stands still although it usually moves."""

from __future__ import annotations

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats, Rule
from heatloop.ingest.batch.working import Working

_CHANCE = 1e-7
_AROUND = 300
_LEAST_RUN = 4
_LONG_STILL = 3.0
_LEAST_LIVELY = 4
_CHANCE_ROW = 1e-4


def find_frozen(work: Working, part: slice) -> None:
    """Mark runs of one value that the series' own habit makes next to impossible.

    The habit is how often it repeats its last value in some hundred samples before and after the
    run, and the longest run among them, so a quiet sensor may stand still for long and a lively
    one may not; a plant at rest is judged by how it moves at rest.
    """
    for column, series in enumerate(work.table.series):
        if series.may_freeze and not series.counter:
            _judge(work, part, column)


def find_repeats(work: Working, part: slice) -> None:
    """Mark rows that repeat the one before in every column, which a live place never does."""
    raw = work.trusted[part]
    present = np.isfinite(raw)
    same = np.zeros(raw.shape, bool)
    same[1:] = (raw[1:] == raw[:-1]) & present[1:] & present[:-1]
    lively = [
        at
        for at, series in enumerate(work.table.series)
        if series.may_freeze and not series.counter and present[:, at].any()
    ]
    if len(lively) < _LEAST_LIVELY or raw.shape[0] < 10:
        return
    repeated = (same | ~present).all(axis=1) & (same.sum(axis=1) >= _LEAST_LIVELY)
    # How often each column repeats itself around here, whole repeats left out.
    chance = np.zeros(raw.shape[0])
    for at in lively:
        own = np.where(repeated, np.nan, same[:, at].astype(float))
        chance += np.log(_local_mean(own) + 0.01)
    for begin, end in _runs(repeated):
        if chance[begin:end].sum() < np.log(_CHANCE_ROW):
            rows = np.arange(part.start + begin, part.start + end)
            for at in range(raw.shape[1]):
                work.mark(rows, at, Rule.FROZEN)


def _local_mean(values: Floats) -> Floats:
    """Return the mean of the known values within some hundred rows, 1 where there is none."""
    known = np.isfinite(values)
    half = _AROUND // 2
    total = np.cumsum(np.r_[0.0, np.where(known, values, 0.0)])
    count = np.cumsum(np.r_[0, known])
    low = np.maximum(np.arange(values.size) - half, 0)
    high = np.minimum(np.arange(values.size) + half + 1, values.size)
    n = count[high] - count[low]
    mean: Floats = np.where(n > 0, (total[high] - total[low]) / np.maximum(n, 1), 1.0)
    return mean


def _runs(chosen: Bools) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.r_[0, chosen.view("i1"), 0]))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _judge(work: Working, part: slice, column: int) -> None:
    values = work.trusted[part, column]
    rows = np.flatnonzero(np.isfinite(values))
    if rows.size < 2 * _LEAST_RUN:
        return
    line = values[rows]
    starts = np.r_[0, np.flatnonzero(np.diff(line) != 0.0) + 1]
    lengths = np.diff(np.r_[starts, line.size])
    # What a pump at rest reads is 0.
    zero_is_rest = work.table.series[column].unit not in ("degC", "kPa")
    doubtful = np.flatnonzero((lengths >= _LEAST_RUN) & ~(zero_is_rest & (line[starts] == 0.0)))
    doubtful = doubtful[np.argsort(-lengths[doubtful])]
    frozen = np.zeros(starts.size, bool)
    for run in doubtful.tolist():
        if _impossible(run, starts, lengths, frozen):
            frozen[run] = True
            rows_of_run = rows[starts[run] + 1 : starts[run] + lengths[run]]
            work.mark(part.start + rows_of_run, column, Rule.FROZEN)


def _impossible(run: int, starts: Floats, lengths: Floats, frozen: Floats) -> bool:
    """Return whether a run is too long for the habit on either side of it."""
    length = int(lengths[run])
    # The livelier side would call the plant's going to rest a fault: the quieter one counts.
    repeats, longest, seen = 0.0, 1.0, 0
    for side in (-1, 1):
        at, samples, equal, most = run + side, 0, 0, 1
        while 0 <= at < starts.size and samples < _AROUND:
            if not frozen[at]:
                samples += int(lengths[at])
                equal += int(lengths[at]) - 1
                most = max(most, int(lengths[at]))
            at += side
        if samples >= _AROUND // 6:
            repeats = max(repeats, (equal + 2.0) / (samples + 4.0))
            longest = max(longest, float(most))
            seen += 1
    if not seen:
        return False
    return bool(
        length > _LONG_STILL * longest and length * np.log(min(repeats, 0.999)) < np.log(_CHANCE)
    )
