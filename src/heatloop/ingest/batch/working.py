"""A table while it is being judged: what is still trusted, what was marked and why."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats, Index, Rule, Table

MOST_ROWS = 50_000
"""No rule looks at more rows at a time."""


class Working:
    """Trusted values (nan where a rule spoke), rules and expected values of every cell.

    Args:
        table: What is judged; its arrays are not changed.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.times_s = table.times_s
        shape = (table.times_s.size, len(table.series))
        self.raw = table.matrix() if table.series else np.zeros(shape)
        self.trusted = self.raw.copy()
        self.rules = np.zeros(shape, "u1")
        self.expected = np.full(shape, np.nan)

    def mark(
        self,
        rows: Index | Bools | slice,
        column: int,
        rule: Rule,
        expected: Floats | float = np.nan,
    ) -> None:
        """Mark cells of a column that hold a value and no mark yet; they are no longer trusted."""
        index = np.arange(self.rules.shape[0])[rows]
        fresh = (self.rules[index, column] == Rule.NONE) & np.isfinite(self.raw[index, column])
        index = index[fresh]
        self.rules[index, column] = rule
        wanted = np.broadcast_to(np.asarray(expected, float), fresh.shape)
        self.expected[index, column] = wanted[fresh]
        self.trusted[index, column] = np.nan

    def rename(self, rows: Index | Bools, column: int, rule: Rule) -> None:
        """Say more exactly what is wrong with cells that were marked already."""
        self.rules[rows, column] = rule

    def clear(self, rows: slice, column: int, rules: tuple[Rule, ...]) -> None:
        """Take marks of these rules back and trust the values again."""
        index = np.arange(self.rules.shape[0])[rows]
        index = index[np.isin(self.rules[index, column], rules)]
        self.rules[index, column] = Rule.NONE
        self.expected[index, column] = np.nan
        self.trusted[index, column] = self.raw[index, column]

    def jumpers(self) -> list[int]:
        """Return the columns in which a jump is suspicious."""
        return [
            at for at, series in enumerate(self.table.series) if series.jumps and not series.counter
        ]

    def filled(self, rows: slice) -> Floats:
        """Return trusted values with gaps bridged in a straight line, 0 where all is missing."""
        part = self.trusted[rows].copy()
        times = self.times_s[rows]
        for column in range(part.shape[1]):
            known = np.isfinite(part[:, column])
            if known.all():
                continue
            part[:, column] = (
                np.interp(times, times[known], part[known, column]) if known.any() else 0.0
            )
        return part


def epochs(times_s: Floats, least: int = 200) -> list[tuple[slice, float]]:
    """Return the spans of one sampling period and that period, seconds.

    Loggers are set to other periods now and then; what is usual differs between them. A span of
    fewer samples than `least` is put to its neighbour.
    """
    n = times_s.size
    if n < 3:
        return [(slice(0, n), float(np.diff(times_s).max(initial=1.0)))]
    steps = np.diff(times_s)
    # The median over a window: single gaps do not end an epoch.
    half = min(25, (n - 1) // 2)
    padded = np.pad(steps, half, mode="edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    change = np.flatnonzero(np.abs(np.diff(np.log(np.maximum(local, 1e-9)))) > 0.5) + 1
    edges = [0]
    for at in [*change.tolist(), n]:
        if at - edges[-1] >= least:
            edges.append(int(at))
    if edges[-1] != n:
        edges[-1 if len(edges) > 1 else len(edges) :] = [n]
    found = []
    for a, b in pairwise(edges):
        period_s = float(np.median(steps[a : max(b - 1, a + 1)]))
        # Long spans in parts of like size, so that memory does not grow with the file.
        parts = -(-(b - a) // MOST_ROWS)
        cuts = np.linspace(a, b, parts + 1).astype(int).tolist()
        found += [(slice(i, j), period_s) for i, j in pairwise(cuts)]
    return found
