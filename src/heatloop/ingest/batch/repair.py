"""Estimates for what is missing or wrong, each with its method; raw values stay as they are."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from heatloop.ingest.batch.fitting import fit, predict
from heatloop.ingest.batch.levels import sister_features
from heatloop.ingest.batch.model import Bools, Floats, Marks, Rule, Verdict
from heatloop.ingest.batch.working import Working, epochs
from heatloop.kernel.quality import Quality


class Method(IntEnum):
    """How an estimate was made."""

    NONE = 0
    LINE = 1
    """Straight line between the readings before and after."""
    SISTERS = 2
    """Regression on the other points of the place, tied to the readings before and after."""
    COUNTED = 3
    """A counter between two readings of itself, shaped by its own power or flow."""
    DEGREE_DAYS = 4
    """CJJ/T 223: heat of another time, by degree-days."""


METHOD_NAMES: dict[Method, tuple[str, str]] = {
    Method.LINE: ("线性内插", "interpolation"),
    Method.SISTERS: ("同站测点回归", "regression on sister points"),
    Method.COUNTED: ("累计量内插", "between counter readings"),
    Method.DEGREE_DAYS: ("度日数推算（CJJ/T 223）", "degree-days (CJJ/T 223)"),
}

SHORT_SAMPLES = 3
"""Gaps up to so many samples may be bridged by a line."""
_LONGEST_S = 3 * 86400.0
_LEAST_ROWS = 100
_KEEPS = (Rule.NONE, Rule.ROLL_OVER, Rule.COUNTER_RESET)


def estimates(verdict: Verdict) -> tuple[Floats, Marks]:
    """Return an estimate and its `Method` for cells that are missing or not to be trusted.

    Gaps of up to three samples are bridged by a line, unless the other points of the place tell
    better; longer ones, up to three days, are made from these where enough is known; counters go
    from reading to reading in the shape of their power. What cannot be estimated honestly is left
    out.

    Returns:
        Values (nan: none) and methods, both of shape (n_time, n_series).
    """
    work = Working(verdict.table)
    values = np.full(work.raw.shape, np.nan)
    methods = np.zeros(work.raw.shape, "u1")
    work.trusted[~np.isin(verdict.rules, _KEEPS)] = np.nan
    for part, period_s in epochs(work.times_s):
        filled = work.filled(part)
        for column, series in enumerate(work.table.series):
            wanted = ~np.isfinite(work.trusted[part, column])
            if not wanted.any() or wanted.all():
                continue
            if series.counter:
                made, how = _counter(work, part, column, filled)
            else:
                made, how = _between(work, part, column, filled, period_s)
            values[part, column] = np.where(wanted, made, np.nan)
            methods[part, column] = np.where(wanted & np.isfinite(made), how, Method.NONE)
    return values, methods


def quality_with_estimates(verdict: Verdict, methods: Marks) -> Marks:
    """Return the quality of the cells once estimates are laid over them."""
    quality = verdict.quality()
    quality[methods != Method.NONE] = Quality.ESTIMATED
    return quality


def _counter(work: Working, part: slice, column: int, filled: Floats) -> tuple[Floats, Marks]:
    """Return a counter between its own readings; outside them nothing."""
    trusted = work.trusted[part, column]
    times = work.times_s[part]
    known = np.flatnonzero(np.isfinite(trusted))
    shape = _passed(work, part, column, filled)
    made = np.full(trusted.shape, np.nan)
    # In the measure of what passed by, a counter is a straight line.
    axis = np.cumsum(np.r_[0.0, shape])
    for begin, end in zip(known[:-1].tolist(), known[1:].tolist(), strict=True):
        if end - begin < 2 or trusted[end] < trusted[begin]:
            continue
        line = axis if axis[end] - axis[begin] > 0.0 else times
        made[begin:end] = np.interp(line[begin:end], line[[begin, end]], trusted[[begin, end]])
    return made, np.full(trusted.shape, Method.COUNTED, "u1")


def _passed(work: Working, part: slice, column: int, filled: Floats) -> Floats:
    """Return what went by between samples by the counter's own power or flow, or the time."""
    kind = work.table.series[column].kind
    rate = kind.replace("heat_total", "heat_power").replace("flow_total", "flow")
    hours = np.diff(work.times_s[part]) / 3600.0
    for at, series in enumerate(work.table.series):
        if series.kind == rate != kind:
            flow = np.maximum(filled[:, at], 0.0)
            return np.asarray(0.5 * (flow[1:] + flow[:-1]) * hours)
    return np.asarray(hours)


def _between(
    work: Working, part: slice, column: int, filled: Floats, period_s: float
) -> tuple[Floats, Marks]:
    """Return lines over short gaps and regressions over longer ones."""
    trusted = work.trusted[part, column]
    times = work.times_s[part]
    known = np.isfinite(trusted)
    made = np.full(trusted.shape, np.nan)
    how = np.zeros(trusted.shape, "u1")
    model = _from_sisters(work, part, column, filled, known)
    by_line = model is None or _line_is_better(trusted, model)
    rows = np.flatnonzero(known)
    spans = np.c_[np.r_[-1, rows], np.r_[rows, trusted.size]].tolist()
    for before, after in spans:
        inside = slice(before + 1, after)
        lost = after - before - 1
        if lost < 1:
            continue
        ends = [at for at in (before, after) if 0 <= at < trusted.size]
        whole = len(ends) == 2
        span_s = float(times[ends[-1]] - times[ends[0]]) if whole else np.inf
        if lost <= SHORT_SAMPLES and by_line and whole and span_s <= (SHORT_SAMPLES + 2) * period_s:
            made[inside] = np.interp(times[inside], times[ends], trusted[ends])
            how[inside] = Method.LINE
        elif model is not None and times[after - 1] - times[before + 1] <= _LONGEST_S and ends:
            # The regression's offset on both sides is carried through the gap.
            shift = np.interp(times[inside], times[ends], (trusted - model)[ends])
            usable = _sisters_known(work, part, column)[inside]
            made[inside] = np.where(usable, model[inside] + shift, np.nan)
            how[inside] = Method.SISTERS
    series = work.table.series[column]
    made[(made < series.low) | (made > series.high)] = np.nan
    return made, how


def _line_is_better(trusted: Floats, model: Floats) -> bool:
    """Return whether a reading is nearer to the line between its neighbours than to the model.

    A quiet sensor read often is; one of a plant that is switched between readings is not.
    """
    rest = trusted - model
    by_line = np.abs(trusted[1:-1] - 0.5 * (trusted[2:] + trusted[:-2]))
    by_model = np.abs(rest[1:-1] - 0.5 * (rest[2:] + rest[:-2]))
    known = np.isfinite(by_line)
    return not known.any() or float(by_line[known].mean()) <= float(by_model[known].mean())


def _sisters_known(work: Working, part: slice, column: int) -> Bools:
    others = np.delete(np.isfinite(work.trusted[part]), column, axis=1)
    known: Bools = others.mean(axis=1) >= 0.5
    return known


def _from_sisters(
    work: Working, part: slice, column: int, filled: Floats, known: Bools
) -> Floats | None:
    if known.sum() < _LEAST_ROWS or filled.shape[1] < 3:
        return None
    features = sister_features(filled, column)
    line = np.where(known, work.trusted[part, column], 0.0)
    usable = known & _sisters_known(work, part, column)
    if usable.sum() < _LEAST_ROWS:
        return None
    middle = float(np.median(line[usable]))
    return predict(features, fit(features, line - middle, usable)) + middle
