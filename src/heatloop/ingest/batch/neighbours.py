"""The same quantity seen elsewhere: stations of one source, sister sensors, the twin's estimate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatloop.ingest.batch.fitting import robust_sd
from heatloop.ingest.batch.model import Bools, Finding, Floats, Rule, Series, Severity, Table
from heatloop.ingest.batch.working import Working

SHARED = ("outdoor_temperature", "outdoor_humidity", "solar_radiation", "wind_speed")
"""Kinds that all places of a town share."""
SUPPLIED = ("primary_supply_temperature",)
"""Kinds that stations of one source share while they draw heat."""
_LEAST = {"degC": 3.0, "%": 20.0, "W/m2": 200.0, "m/s": 6.0, "kPa": 30.0}
_TIMES = 5.0
_LEAST_RUN_S = 3600.0
_LEAST_RUN = 2
_FAR_PERIODS = 2.0
_SIGMAS = 4.0
_TWIN_RUN = 5


def find_disagreements(work: Working, others: Sequence[Table]) -> None:
    """Mark runs in which a series leaves what two or more other places agree on.

    Args:
        work: What is judged.
        others: Tables of other places of the same town or source, judged themselves or raw.
    """
    if len(others) < 2:
        return
    for column, series in enumerate(work.table.series):
        if series.kind not in SHARED:
            continue
        peers = [
            _at_times(each.times_s, other.values, work.times_s)
            for each in others
            for other in each.series
            if other.kind == series.kind
        ]
        if len(peers) >= 2:
            _against(work, column, series, np.column_stack(peers))


def _at_times(times_s: Floats, values: Floats, wanted_s: Floats) -> Floats:
    """Return a series at other times, nan where it has none near."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return np.full(wanted_s.shape, np.nan)
    t, v = times_s[known], values[known]
    found: Floats = np.interp(wanted_s, t, v)
    after = np.clip(np.searchsorted(t, wanted_s), 1, t.size - 1)
    gap = t[after] - t[after - 1]
    far = _FAR_PERIODS * float(np.median(np.diff(t)))
    found[(gap > far) | (wanted_s < t[0]) | (wanted_s > t[-1])] = np.nan
    return found


def _against(work: Working, column: int, series: Series, peers: Floats) -> None:
    own = work.trusted[:, column]
    known = np.isfinite(own) & (np.isfinite(peers).sum(axis=1) >= 2)
    if known.sum() < 50:
        return
    middle = np.full(own.shape, np.nan)
    middle[known] = np.nanmedian(peers[known], axis=1)
    between = np.nanmax(peers[known], axis=1) - np.nanmin(peers[known], axis=1)
    # How well the others agree with each other is what one may ask of this one.
    agreement = np.full(own.shape, np.inf)
    agreement[known] = np.maximum(between, robust_sd(between) + float(np.median(between)))
    off = own - middle
    least = _LEAST.get(series.unit, 0.1 * (series.high - series.low))
    with np.errstate(invalid="ignore"):
        wrong = known & (np.abs(off) > np.maximum(least, _TIMES / 2.5 * agreement))
    rows = _lasting(wrong, work.times_s)
    work.mark(rows, column, Rule.NEIGHBOUR, middle[rows])


def _lasting(wrong: Bools, times_s: Floats) -> Bools:
    edges = np.flatnonzero(np.diff(np.r_[0, wrong.view("i1"), 0]))
    kept = np.zeros(wrong.size, bool)
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        long = times_s[end - 1] - times_s[begin] >= _LEAST_RUN_S
        kept[begin:end] = long and end - begin >= _LEAST_RUN
    return kept


def against_estimate(
    place: str, series: Series, times_s: Floats, estimate: Floats, sigma: Floats
) -> list[Finding]:
    """Return findings where a measured series leaves the twin's estimate for some samples.

    Args:
        place: Where the point is.
        series: The measured point.
        times_s: Times of its values, shape (n,).
        estimate: The twin's value for the same quantity at those times, nan: none, shape (n,).
        sigma: Its standard error, same unit, shape (n,).
    """
    off = series.values - estimate
    least = _LEAST.get(series.unit, 0.05 * (series.high - series.low))
    with np.errstate(invalid="ignore"):
        wrong = np.abs(off) > np.maximum(least, _SIGMAS * sigma)
    edges = np.flatnonzero(np.diff(np.r_[0, wrong.view("i1"), 0]))
    found = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - begin < _TWIN_RUN:
            continue
        worst = begin + int(np.argmax(np.abs(off[begin:end])))
        value, expected = float(series.values[worst]), float(estimate[worst])
        found.append(
            Finding(
                place=place,
                point=series.name,
                rule=Rule.TWIN,
                severity=Severity.MEDIUM,
                start_s=float(times_s[begin]),
                end_s=float(times_s[end - 1]),
                samples=end - begin,
                value=value,
                expected=expected,
                zh=f"实测 {value:.4g} 与孪生推算 {expected:.4g} {series.unit} 持续不符",
                en=f"measured {value:.4g} stays apart from the twin's {expected:.4g} {series.unit}",
            )
        )
    return found
