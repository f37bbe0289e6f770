"""What water and heat forbid: return warmer than supply, heat that flow does not carry."""

from __future__ import annotations

import numpy as np

from heatloop.ingest.balance import KW_PER_M3H_K
from heatloop.ingest.batch.fitting import robust_sd
from heatloop.ingest.batch.model import Bools, Floats, Rule
from heatloop.ingest.batch.working import Working

SIDES = ("source", "primary", "secondary", "building", "user")
_ORDER_K = 1.0
_ORDER_KPA = 10.0
_RUNNING = 0.35
_FLOWS = 0.1
_LEAST_RUN, _LEAST_ORDER = 2, 3
_STAYED, _WENT = 0.35, 0.65
_SMALLEST_K = 3.0
_TOLERANCE = 0.3
_FACTOR = 1.6
_AGREEING = 6


def columns_by_kind(work: Working) -> dict[str, int]:
    """Return the first column of each kind."""
    found: dict[str, int] = {}
    for at, series in enumerate(work.table.series):
        found.setdefault(series.kind, at)
    return found


def find_wrong_order(work: Working) -> None:
    """Mark supply and return where they stand the wrong way round while the plant runs."""
    at = columns_by_kind(work)
    running = running_rows(work, at)
    for side in SIDES:
        supply, back = at.get(f"{side}_supply_temperature"), at.get(f"{side}_return_temperature")
        if supply is not None and back is not None and running is not None:
            _order(work, supply, back, _ORDER_K, running)
        high, low = at.get(f"{side}_supply_pressure"), at.get(f"{side}_return_pressure")
        if high is not None and low is not None:
            _order(work, high, low, _ORDER_KPA, np.ones(work.times_s.size, bool))


def find_imbalance(work: Working) -> None:
    """Mark power that does not fit flow and temperatures, or its own meter's counter."""
    at = columns_by_kind(work)
    for side in SIDES:
        power, flow = at.get(f"{side}_heat_power"), at.get(f"{side}_flow")
        supply, back = at.get(f"{side}_supply_temperature"), at.get(f"{side}_return_temperature")
        if power is None:
            continue
        if flow is not None and supply is not None and back is not None:
            _balance(work, power, flow, supply, back)
        total = at.get(f"{side}_heat_total")
        if total is not None:
            _power_against_total(work, power, total)


def running_rows(work: Working, at: dict[str, int]) -> Bools | None:
    """Return where heat or water clearly flows, or None where nothing tells."""
    for kind in ("heat_power", "flow"):
        for side in SIDES:
            column = at.get(f"{side}_{kind}")
            if column is None:
                continue
            values = np.nan_to_num(work.trusted[:, column])
            flowing = values[values > _FLOWS * float(np.quantile(values, 0.99))]
            if flowing.size:
                moves: Bools = values > _RUNNING * float(np.median(flowing))
                return moves
    return None


def _settled(wrong: Bools, least: int) -> Bools:
    """Return only runs of at least so many rows."""
    edges = np.flatnonzero(np.diff(np.r_[0, wrong.view("i1"), 0]))
    kept = np.zeros(wrong.size, bool)
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        kept[begin:end] = end - begin >= least
    return kept


def _order(work: Working, upper: int, lower: int, slack: float, running: Bools) -> None:
    high, low = work.trusted[:, upper], work.trusted[:, lower]
    with np.errstate(invalid="ignore"):
        wrong = (low > high + slack) & running
    both = np.isfinite(high) & np.isfinite(low)
    # Where the two come near each other anyway (low load) their order says nothing.
    gap = (high - low)[both & running]
    if gap.size < 20 or float(np.median(gap)) < 2.0 * slack:
        return
    usual = float(np.median(gap))
    high, low = high.copy(), low.copy()
    edges = np.flatnonzero(np.diff(np.r_[0, _settled(wrong, _LEAST_ORDER).view("i1"), 0]))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        rows = np.arange(begin, end)
        moved_high, moved_low = _moved(high, begin, end), _moved(low, begin, end)
        # When one of the two stayed where it was, the other alone is wrong.
        if not (moved_high < _STAYED * usual < _WENT * usual < moved_low):
            work.mark(rows, upper, Rule.ORDER, low[rows])
        if not (moved_low < _STAYED * usual < _WENT * usual < moved_high):
            work.mark(rows, lower, Rule.ORDER, high[rows])


def _moved(values: Floats, begin: int, end: int) -> float:
    """Return how far the middle of a run stands from what was read just before or after it."""
    middle = float(np.nanmedian(values[begin:end]))
    found = np.inf
    for beside in (values[max(0, begin - 5) : begin][::-1], values[end : end + 5]):
        known = beside[np.isfinite(beside)][:3]
        if known.size:
            away = abs(middle - float(np.median(known)))
            found = away if found == np.inf else max(found, away)
    return found


def _balance(work: Working, power: int, flow: int, supply: int, back: int) -> None:
    q, v = work.trusted[:, power], work.trusted[:, flow]
    drop = work.trusted[:, supply] - work.trusted[:, back]
    expected = KW_PER_M3H_K * v * drop
    with np.errstate(invalid="ignore", divide="ignore"):
        usable = (drop > _SMALLEST_K) & (v > 0.05 * np.nanquantile(v, 0.95))
        usable &= np.isfinite(q)
        ratio = np.where(usable, q / expected, np.nan)
        # A meter that is off by a steady share is a matter of calibration, not of bad samples.
        usual = float(np.nanmedian(ratio)) if usable.any() else 1.0
        wrong = usable & (np.abs(ratio / usual - 1.0) > _TOLERANCE)
    rows = _settled(wrong, _LEAST_RUN)
    work.mark(rows, power, Rule.BALANCE, (usual * expected)[rows])


def _power_against_total(work: Working, power: int, total: int) -> None:
    """Mark power that its own meter's counter contradicts over some samples."""
    rows = np.flatnonzero(np.isfinite(work.trusted[:, total]) & np.isfinite(work.trusted[:, power]))
    if rows.size < 100:
        return
    times, energy, q = work.times_s[rows], work.trusted[rows, total], work.trusted[rows, power]
    full = float(np.quantile(q, 0.95))
    span_h = (times[2:] - times[:-2]) / 3600.0
    counted = (energy[2:] - energy[:-2]) / span_h
    shown = q[1:-1]
    coarse = work.table.series[total].resolution / float(np.median(span_h))
    if full <= 0.0 or coarse > 0.1 * full:
        return  # The counter is too coarse to say anything about one interval.
    # A plant that is switched within an interval blurs the two: heat must flow all the while.
    flows = (span_h < 2.5 * np.median(span_h)) & (counted > _FLOWS * full)
    ratio = np.log(np.maximum(shown, 1e-3 * full) / np.maximum(counted, 1e-9))
    if flows.sum() < 50:
        return
    usual = float(np.median(ratio[flows]))
    width = max(np.log(_FACTOR), 3.0 * robust_sd(ratio[flows]))
    off = _settled(flows & (np.abs(ratio - usual) > width), _AGREEING)
    at = np.flatnonzero(off)
    work.mark(rows[at + 1], power, Rule.BALANCE, counted[at] * np.exp(usual))
