"""Time itself: readings twice, out of order or missing, and places whose clock is off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatloop.ingest.batch.model import Finding, Floats, Index, Rule, Severity, Table
from heatloop.ingest.batch.neighbours import SHARED, SUPPLIED
from heatloop.ingest.batch.working import epochs

_WINDOW_S = 4 * 86400.0
_MOST_SHIFT_S = 6 * 3600.0
_LEAST_CORRELATION = 0.8
_GAIN = 0.04
_AGREEING = 2
_GAP = 1.7


def order_of(times_s: Floats, place: str = "") -> tuple[Index, list[Finding]]:
    """Return the rows in rising time, each time once (the last read), and what was wrong.

    Args:
        times_s: As read, nan where a time could not be read.
        place: Where they come from.
    """
    known = np.flatnonzero(np.isfinite(times_s))
    found: list[Finding] = []

    def told(count: int, at: Floats, zh: str, en: str) -> None:
        if count:
            found.append(
                Finding(
                    place=place, point="", rule=Rule.CLOCK, severity=Severity.MEDIUM,
                    start_s=float(at.min()), end_s=float(at.max()), samples=count,
                    value=None, expected=None, zh=zh, en=en,
                )
            )  # fmt: skip

    line = times_s[known]
    back = np.flatnonzero(np.diff(line) < 0.0)
    told(back.size, line[back + 1], "时间倒退：记录未按时间排列", "time runs backwards")
    order = known[np.argsort(line, kind="stable")]
    ordered = times_s[order]
    last = np.r_[np.diff(ordered) > 0.0, True] if ordered.size else np.zeros(0, bool)
    told(
        int((~last).sum()), ordered[~last], "同一时刻有多条记录（保留最后一条）",
        "several readings of one time (the last is used)",
    )  # fmt: skip
    return order[last], found


def find_gaps(table: Table) -> list[Finding]:
    """Return every span without readings that is longer than 1.7 periods."""
    found = []
    for part, usual_s in epochs(table.times_s):
        times = table.times_s[part.start : part.stop + 1]
        period_s = table.period_s or usual_s
        steps = np.diff(times)
        for at in np.flatnonzero(steps > _GAP * period_s).tolist():
            lost = round(float(steps[at]) / period_s) - 1
            hours = float(steps[at]) / 3600.0
            found.append(
                Finding(
                    place=table.place, point="", rule=Rule.MISSING,
                    severity=Severity.LOW if hours < 24.0 else Severity.MEDIUM,
                    start_s=float(times[at]), end_s=float(times[at + 1]), samples=lost,
                    value=None, expected=None,
                    zh=f"缺数 {hours:.1f} 小时", en=f"nothing for {hours:.1f} hours",
                )
            )  # fmt: skip
    return found


def completeness(table: Table) -> tuple[int, list[int]]:
    """Return how many readings there should be and how many each series has."""
    expected = 0
    for part, usual_s in epochs(table.times_s):
        times = table.times_s[part]
        if times.size:
            expected += round(float(times[-1] - times[0]) / (table.period_s or usual_s)) + 1
    return expected, [int(np.isfinite(each.values).sum()) for each in table.series]


def find_shifts(table: Table, others: Sequence[Table]) -> list[Finding]:
    """Return spans in which a place lives at another time than the others, by what they share.

    Weather and the source's supply temperature reach all stations together. A span of four days
    is compared with the others at every shift up to six hours; a clock is called wrong when a
    shift fits clearly better than none, against two others or, with one, in two spans running.
    """
    found: list[Finding] = []
    pairs = [
        (own, other, each.times_s)
        for own in table.series
        if own.kind in SHARED + SUPPLIED
        for each in others
        for other in each.series
        if other.kind == own.kind
    ]
    if not pairs:
        return found
    step_s = float(np.median(np.diff(table.times_s))) if table.times_s.size > 2 else 3600.0
    step_s = max(step_s, 300.0)
    shifts = np.arange(-_MOST_SHIFT_S, _MOST_SHIFT_S + 1.0, step_s)
    held: tuple[float, float, float] | None = None
    for start in np.arange(table.times_s[0], table.times_s[-1], _WINDOW_S / 2):
        grid = np.arange(start, start + _WINDOW_S, step_s)
        votes = [
            _best_shift(table.times_s, a.values, t, b.values, grid, shifts) for a, b, t in pairs
        ]
        said = [vote for vote in votes if vote is not None]
        wrong = [vote for vote in said if abs(vote) >= 0.75 * step_s]
        shift = float(np.median(wrong)) if wrong else 0.0
        agree = [vote for vote in wrong if abs(vote - shift) <= step_s]
        needed = min(_AGREEING, len(pairs))
        if len(agree) >= needed and 2 * len(agree) > len(said):
            if held is not None and abs(held[2] - shift) <= step_s:
                held = (held[0], float(grid[-1]), shift)
            else:
                _tell(found, table, held, len(pairs))
                held = (float(start), float(grid[-1]), shift)
        else:
            _tell(found, table, held, len(pairs))
            held = None
    _tell(found, table, held, len(pairs))
    return found


def _tell(
    found: list[Finding], table: Table, held: tuple[float, float, float] | None, n_pair: int
) -> None:
    if held is None or (n_pair < _AGREEING and held[1] - held[0] <= 1.1 * _WINDOW_S):
        return
    start, end, shift = held
    inside = (table.times_s >= start) & (table.times_s <= end)
    late = "晚" if shift > 0 else "早"
    word = "behind" if shift > 0 else "ahead of"
    hours = abs(shift) / 3600.0
    found.append(
        Finding(
            place=table.place, point="", rule=Rule.CLOCK, severity=Severity.HIGH,
            start_s=start, end_s=end, samples=int(inside.sum()), value=shift, expected=0.0,
            zh=f"时标疑似比其他站{late} {hours:.2g} 小时",
            en=f"its time stamps look {hours:.2g} hours {word} those of other stations",
        )
    )  # fmt: skip


def _best_shift(
    times_s: Floats, own: Floats, other_s: Floats, other: Floats, grid: Floats, shifts: Floats
) -> float | None:
    """Return by how much the stamps of `own` are late, or None where nothing can be said."""
    a = _on_grid(times_s, own, grid)
    if a is None:
        return None
    scores = []
    for shift in shifts:
        b = _on_grid(other_s, other, grid - shift)
        scores.append(-1.0 if b is None else float(np.corrcoef(np.diff(a), np.diff(b))[0, 1]))
    none = scores[int(np.argmin(np.abs(shifts)))]
    best = int(np.argmax(scores))
    level = _on_grid(other_s, other, grid - shifts[best])
    if level is None or np.corrcoef(a, level)[0, 1] < _LEAST_CORRELATION:
        return None
    if scores[best] < none + _GAIN or scores[best] < 0.3:
        return 0.0
    return float(shifts[best])


def _on_grid(times_s: Floats, values: Floats, grid: Floats) -> Floats | None:
    """Return values at regular times, or None with too few of them or nothing moving."""
    known = np.isfinite(values) & (times_s >= grid[0] - 7200.0) & (times_s <= grid[-1] + 7200.0)
    if known.sum() < 0.8 * grid.size:
        return None
    line: Floats = np.interp(grid, times_s[known], values[known])
    return line if float(np.std(np.diff(line))) > 0.0 else None
