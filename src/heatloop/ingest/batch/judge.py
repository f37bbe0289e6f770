"""All rules over a table, in the order in which each needs what the ones before it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from heatloop.ingest.batch.bursts import find_bursts
from heatloop.ingest.batch.clocks import find_gaps, find_shifts
from heatloop.ingest.batch.counters import find_counter_faults, find_stuck
from heatloop.ingest.batch.dead import find_dead
from heatloop.ingest.batch.frozen import find_frozen, find_repeats
from heatloop.ingest.batch.levels import find_levels
from heatloop.ingest.batch.model import Finding, Rule, Severity, Table, Verdict
from heatloop.ingest.batch.neighbours import find_disagreements
from heatloop.ingest.batch.physics import find_imbalance, find_wrong_order
from heatloop.ingest.batch.texts import SEVERITIES, explain
from heatloop.ingest.batch.units import find_decades, foreign_units, name_units
from heatloop.ingest.batch.working import Working, epochs

_LONG_S = 86400.0
_BRIDGE = 2
_UNEXPLAINED = (Rule.SPIKE, Rule.LEVEL)


def _silent(share: float) -> None:
    del share


def judge(
    table: Table,
    others: Sequence[Table] = (),
    *,
    progress: Callable[[float], None] = _silent,
) -> Verdict:
    """Return what is wrong with a table; the table itself is left as it is.

    Args:
        table: Series of one place.
        others: Tables of other places of the same town or source, for what they share.
        progress: Called with the share of the work done.
    """
    work = Working(table)
    if not table.series or table.times_s.size < 2:
        return Verdict(table=table, rules=work.rules, expected=work.expected)
    parts = epochs(table.times_s)
    find_dead(work)
    find_decades(work)
    for part, _ in parts:
        find_repeats(work, part)
    find_counter_faults(work)
    find_stuck(work)
    for part, _ in parts:
        find_frozen(work, part)
    found = foreign_units(work)
    find_wrong_order(work)
    progress(0.1)
    for number, (part, period_s) in enumerate(parts):
        _unexplained(work, part, period_s)
        progress(0.1 + 0.8 * (number + 1) / len(parts))
    find_imbalance(work)
    find_disagreements(work, others)
    name_units(work)
    found += find_shifts(table, others)
    found += find_gaps(table)
    found += _spans(work)
    found.sort(key=lambda finding: (finding.start_s, finding.point))
    progress(1.0)
    return Verdict(table=table, rules=work.rules, expected=work.expected, findings=found)


def _unexplained(work: Working, part: slice, period_s: float) -> None:
    """Mark what departs from its neighbours in time and place, then ask each series once more.

    A wrong series spoils what is made of its sisters; when all are known, each is judged again
    alone, with the others cleaned.
    """
    columns = work.jumpers()
    find_levels(work, part, period_s, columns)
    find_bursts(work, part, period_s, columns)
    for column in columns:
        if np.isin(work.rules[part, column], _UNEXPLAINED).any():
            work.clear(part, column, _UNEXPLAINED)
            find_levels(work, part, period_s, [column])
            find_bursts(work, part, period_s, [column])


def _spans(work: Working) -> list[Finding]:
    """Return the marked cells as spans of one rule."""
    found = []
    for column in range(work.rules.shape[1]):
        rules = work.rules[:, column]
        rows = np.flatnonzero(rules)
        if not rows.size:
            continue
        apart = (np.diff(rows) > _BRIDGE) | (np.diff(rules[rows].astype(int)) != 0)
        found += [
            _span(work, column, Rule(int(rules[part[0]])), part.tolist())
            for part in np.split(rows, np.flatnonzero(apart) + 1)
        ]
    return found


def _span(work: Working, column: int, rule: Rule, rows: list[int]) -> Finding:
    series = work.table.series[column]
    values, expected = work.raw[rows, column], work.expected[rows, column]
    known = np.isfinite(expected)
    at = int(np.argmax(np.where(known, np.abs(values - expected), -1.0)))
    value = float(values[at])
    wanted = float(expected[at]) if known.any() else None
    severity = SEVERITIES.get(rule, Severity.MEDIUM)
    start, end = float(work.times_s[rows[0]]), float(work.times_s[rows[-1]])
    if end - start >= _LONG_S and severity is Severity.LOW:
        severity = Severity.MEDIUM
    zh, en = explain(rule, value, wanted, series.unit)
    return Finding(
        place=work.table.place, point=series.name, rule=rule, severity=severity,
        start_s=start, end_s=end, samples=len(rows), value=value, expected=wanted, zh=zh, en=en,
    )  # fmt: skip
