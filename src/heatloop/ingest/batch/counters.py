"""Counters: which readings stand on one rising line, and where a meter began anew.

The readings are cut wherever they fall or rise faster than the meter can; the pieces that fit
onto each other, at the least cost, are the counter, the rest are errors. Beginning anew (a meter
replaced or reset) costs as much as some readings, so it is believed when enough stand behind it.
"""

from __future__ import annotations

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats, Index, Rule, Series
from heatloop.ingest.batch.working import Working

RESET_COST = 30
"""Readings a new beginning must outweigh."""
_LOOK_BACK = 400
_FASTEST = 6.0
_OVER_MIDDLE = 40.0
_NEAR_TOP = 0.98
_STUCK_HOURS = 6.0
_STUCK_STEPS = 20.0
_MUTE = 3
_SIDES = ("source", "primary", "secondary", "building", "user")


def find_counter_faults(work: Working) -> None:
    """Mark readings off the rising line, roll-overs and new beginnings of every counter."""
    for column, series in enumerate(work.table.series):
        if series.counter:
            _judge(work, column, series)


def _judge(work: Working, column: int, series: Series) -> None:
    rows = np.flatnonzero(np.isfinite(work.trusted[:, column]))
    if rows.size < 3:
        return
    values, times = work.trusted[rows, column], work.times_s[rows]
    fastest = _fastest_per_s(values, times, series)
    step, span = np.diff(values), np.diff(times)
    breaks = (step < 0.0) | (step > fastest * span + 2.0 * series.resolution)
    starts = np.r_[0, np.flatnonzero(breaks) + 1]
    ends = np.r_[starts[1:], values.size]
    chain, links = _best_chain(values, times, starts, ends, fastest, series)
    on_line = np.zeros(values.size, bool)
    for piece in chain:
        on_line[starts[piece] : ends[piece]] = True
    good = np.flatnonzero(on_line)
    expected = np.interp(times, times[good], values[good])
    wrong = np.flatnonzero(~on_line)
    work.mark(rows[wrong], column, Rule.COUNTER, expected[wrong])
    for piece, link in zip(chain, links, strict=True):
        if link != Rule.NONE:
            # The reading itself is right: only what it follows is not.
            work.rules[rows[starts[piece]], column] = link


def _fastest_per_s(values: Floats, times: Floats, series: Series) -> float:
    """Return the most a counter can count in a second, from what it usually does."""
    rate = np.diff(values) / np.diff(times)
    # From zero is back from a dead link, not counting.
    rising = rate[(rate > 0.0) & (values[:-1] != 0.0)]
    if rising.size < 10:
        return series.rate_per_s if np.isfinite(series.rate_per_s) else 1e-3
    # Jumps are few, so a high quantile is not theirs, or at least the middle is not.
    usual = _FASTEST * float(np.quantile(rising, 0.98))
    return min(usual, _OVER_MIDDLE * float(np.median(rising)), series.rate_per_s)


def _best_chain(
    values: Floats,
    times: Floats,
    starts: Index,
    ends: Index,
    fastest: float,
    series: Series,
) -> tuple[list[int], list[Rule]]:
    """Return the pieces of the counter in order, and how each follows the one before."""
    size = (ends - starts).astype(float)
    first, last = values[starts], values[ends - 1]
    # A reading held for hours and caught up at once counts from when it was first held.
    held = np.maximum.accumulate(
        np.where(np.r_[True, np.diff(values) != 0.0], np.arange(values.size), 0)
    )
    begin, end = times[starts], times[held[ends - 1]]
    # A piece that never counts (a row of zeros) is no meter that began anew.
    moves = last > first
    # A row of zeros is a link that was down, however long, unless it counts on from there.
    size[(first == 0.0) & (last == 0.0)] = 0.0
    best = size - np.where(np.arange(size.size) == 0, 0.0, 0.5)
    came: Index = np.full(size.size, -1, np.intp)
    how = np.zeros(size.size, "u1")
    for at in range(1, size.size):
        back = slice(max(0, at - _LOOK_BACK), at)
        step, span = first[at] - last[back], begin[at] - end[back]
        allowed = fastest * span + 2.0 * series.resolution
        joins = (step >= 0.0) & (step <= allowed)
        rolls = _rolls(last[back], first[at], allowed, series)
        cost = np.where(joins | rolls, 0.0, RESET_COST if moves[at] else 4.0 * RESET_COST)
        gain = best[back] - cost
        choice = int(np.argmax(gain))
        if gain[choice] + size[at] > best[at]:
            best[at] = gain[choice] + size[at]
            came[at] = back.start + choice
            how[at] = (
                Rule.NONE
                if joins[choice]
                else Rule.ROLL_OVER
                if rolls[choice]
                else Rule.COUNTER_RESET
            )
    at = int(np.argmax(best))
    chain, links = [at], [Rule(int(how[at])) if came[at] >= 0 else Rule.NONE]
    while came[at] >= 0:
        at = int(came[at])
        chain.append(at)
        links.append(Rule(int(how[at])) if came[at] >= 0 else Rule.NONE)
    return chain[::-1], links[::-1]


def _rolls(last: Floats, first: float, allowed: Floats, series: Series) -> Bools:
    """Return from which readings a counter may have rolled over to `first`."""
    tops = [series.top] if series.top > 0.0 else _tops(series.resolution or 1.0)
    found = np.zeros(last.shape, bool)
    for top in tops:
        near = (last > _NEAR_TOP * top) & (last <= top) & (first < (1.0 - _NEAR_TOP) * top)
        found |= near & (top - last + first <= allowed)
    return found


def _tops(resolution: float) -> list[float]:
    digits = [10.0**k * resolution for k in range(5, 10)]
    return [*digits, *(2.0**k * resolution for k in (16, 24, 31, 32))]


def find_stuck(work: Working) -> None:
    """Mark counters that stand still while their own power or flow does not.

    Where the power stands still as well, bit for bit, the meter has stopped answering and its
    last words are repeated: then both are marked.
    """
    column_of = {series.kind: at for at, series in enumerate(work.table.series)}
    for side in _SIDES:
        for total, rate in (("heat_total", "heat_power"), ("flow_total", "flow")):
            a, b = column_of.get(f"{side}_{total}"), column_of.get(f"{side}_{rate}")
            if a is not None and b is not None:
                _judge_stuck(work, a, b)


def _judge_stuck(work: Working, total: int, rate: int) -> None:
    rows = np.flatnonzero(np.isfinite(work.trusted[:, total]) & np.isfinite(work.trusted[:, rate]))
    if rows.size < 3:
        return
    values, times = work.trusted[rows, total], work.times_s[rows]
    flows = np.maximum(work.trusted[rows, rate], 0.0)
    hours = np.diff(times) / 3600.0
    # What power says went by, where no long gap lies between.
    passed = np.where(hours < 3.0, 0.5 * (flows[1:] + flows[:-1]), 0.0) * hours
    resolution = work.table.series[total].resolution
    usual = float(np.median(flows[flows > 0.0])) if (flows > 0.0).any() else 0.0
    edges = np.flatnonzero(np.r_[True, np.diff(values) != 0.0, True])
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        lost = float(passed[begin : end - 1].sum())
        same = (np.diff(flows[begin:end]) == 0.0) & (flows[begin + 1 : end] > 0.0)
        mute = end - begin >= _MUTE and bool(same[: _MUTE - 1].all())
        if mute and lost > _STUCK_STEPS * resolution:
            stop = begin + 1 + int(np.argmin(np.r_[same, False]))
            work.mark(rows[begin + 1 : stop], rate, Rule.FROZEN)
            work.mark(rows[begin + 1 : end], total, Rule.STUCK)
        elif times[end - 1] - times[begin] >= _STUCK_HOURS * 3600.0 and lost > max(
            _STUCK_STEPS * resolution, 3.0 * usual
        ):
            part = np.arange(begin + 1, end)
            expected = values[begin] + np.cumsum(passed[begin : end - 1])
            work.mark(rows[part], total, Rule.STUCK, expected)
