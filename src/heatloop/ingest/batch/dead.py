"""Values that are no measurement at all: out of range, error codes, whole rows of zero."""

from __future__ import annotations

import numpy as np

from heatloop.ingest.batch.model import Bools, Floats, Rule
from heatloop.ingest.batch.working import Working

# How far an exact value must stand from everything else the series ever read, by unit.
_APART = {"degC": 3.0, "kPa": 20.0}
_ROW_SHARE = 0.7
_ROW_LEAST = 3


def find_dead(work: Working) -> None:
    """Mark out-of-range values, isolated error codes and rows in which everything reads zero."""
    isolated = np.zeros(work.raw.shape, bool)
    for column, series in enumerate(work.table.series):
        values = work.raw[:, column]
        if not series.counter:
            out = (values < series.low) | (values > series.high)
            work.mark(out, column, Rule.RANGE, np.nan)
        apart = _APART.get(series.unit)
        if apart is not None:
            isolated[:, column] = _isolated(work.trusted[:, column], apart)
    _dead_rows(work, isolated)
    for column in range(len(work.table.series)):
        work.mark(isolated[:, column], column, Rule.DEAD)


def _isolated(values: Floats, apart: float) -> Bools:
    """Return which values are an exact extreme far from the rest: 0, -39.9, 85.0 ..."""
    found = np.zeros(values.shape, bool)
    for _ in range(4):
        left = values[~found & np.isfinite(values)]
        if left.size < 50:
            break
        kinds, counts = np.unique(left, return_counts=True)
        if kinds.size < 10:
            break
        hit = False
        for code, near, count in (
            (kinds[0], kinds[1], counts[0]),
            (kinds[-1], kinds[-2], counts[-1]),
        ):
            # One reading alone far out may be a spike; an exact zero or a repeated code is not.
            if abs(near - code) > apart and (code == 0.0 or count >= 3):
                found |= values == code
                hit = True
        if not hit:
            break
    return found


def _dead_rows(work: Working, isolated: Bools) -> None:
    """Mark every zero of rows in which nearly everything is zero that never is."""
    present = np.isfinite(work.raw)
    zero = present & (work.raw == 0.0)
    known_dead = (zero & isolated).sum(axis=1)
    # A counter that has counted does not read zero by itself.
    for column, series in enumerate(work.table.series):
        if series.counter and np.nanmax(work.raw[:, column], initial=0.0) > 0.0:
            known_dead += zero[:, column]
    rows = (known_dead >= 2) & (zero.sum(axis=1) >= _ROW_LEAST)
    rows &= zero.sum(axis=1) >= _ROW_SHARE * present.sum(axis=1)
    for column in range(work.raw.shape[1]):
        work.mark(rows & zero[:, column], column, Rule.DROP_OUT)
