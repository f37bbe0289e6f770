"""Heat that went by while a meter stood still, as a settlement needs it (CJJ/T 223)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.ingest.batch.degree_days import fault_heat
from heatloop.ingest.batch.model import Floats, Rule, Verdict
from heatloop.kernel.errors import InputError

DAY_S = 86400.0
_LEAST_SHARE = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class LostHeat:
    """An estimate for one fault of one heat meter."""

    point: str
    """Point code or heading of the counter."""
    start_s: float
    """First day of the fault."""
    end_s: float
    """End of its last day."""
    heat_kwh: float
    """Heat held to have gone by."""
    daily_kwh: Floats
    """By day, shape (n_day,)."""
    reference: str
    """`after_repair` or `last_season`."""
    reference_days: int
    """Days the reference covers."""


def lost_heat(verdict: Verdict, offset_s: float = 0.0) -> tuple[list[LostHeat], list[str]]:
    """Return estimates for faults of a day and longer, and why others could not be made.

    Args:
        verdict: A judged table with an outdoor temperature.
        offset_s: What local midnight lies before that of UTC.
    """
    table = verdict.table
    kinds = [series.kind for series in table.series]
    made: list[LostHeat] = []
    refused: list[str] = []
    if "outdoor_temperature" not in kinds:
        return made, refused
    days = np.floor((table.times_s + offset_s) / DAY_S).astype(int)
    first, count = int(days[0]), int(days[-1] - days[0]) + 1
    outdoor = _daily_mean(verdict, kinds.index("outdoor_temperature"), days - first, count)
    for column, series in enumerate(table.series):
        if not series.kind.endswith("heat_total"):
            continue
        stuck = verdict.rules[:, column] == Rule.STUCK
        share = _daily_share(stuck, days - first, count)
        failed = share >= _LEAST_SHARE
        if not failed.any():
            continue
        daily = _daily_heat(verdict, column, days - first, count)
        daily[share > 0.0] = np.nan
        edges = np.flatnonzero(np.diff(np.r_[0, failed.view("i1"), 0])).tolist()
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            try:
                heat = fault_heat(daily, outdoor, (begin, end))
            except InputError as error:
                refused.append(f"{series.name}: {error}")
                continue
            start_s = (first + begin) * DAY_S - offset_s
            made.append(
                LostHeat(
                    point=series.name, start_s=start_s, end_s=start_s + (end - begin) * DAY_S,
                    heat_kwh=heat.heat_kwh, daily_kwh=heat.daily_kwh, reference=heat.reference,
                    reference_days=heat.reference_days,
                )
            )  # fmt: skip
    return made, refused


def _daily_share(chosen: np.typing.NDArray[np.bool_], day: Floats, count: int) -> Floats:
    total = np.bincount(day, minlength=count)
    return np.asarray(np.bincount(day, chosen, minlength=count) / np.maximum(total, 1))


def _daily_mean(verdict: Verdict, column: int, day: Floats, count: int) -> Floats:
    values = verdict.table.series[column].values
    good = np.isfinite(values) & (verdict.rules[:, column] == Rule.NONE)
    number = np.bincount(day[good], minlength=count)
    total = np.bincount(day[good], values[good], minlength=count)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _daily_heat(verdict: Verdict, column: int, day: Floats, count: int) -> Floats:
    """Return what a counter counted each day, nan where a day has no reading near both ends."""
    values, times = verdict.table.series[column].values, verdict.table.times_s
    good = np.isfinite(values) & np.isin(
        verdict.rules[:, column], (Rule.NONE, Rule.ROLL_OVER, Rule.COUNTER_RESET)
    )
    edge_s = times[0] - times[0] % DAY_S + DAY_S * np.arange(count + 1)
    if good.sum() < 2:
        return np.full(count, np.nan)
    at_edges = np.interp(edge_s, times[good], values[good])
    heat = np.diff(at_edges)
    present = np.bincount(day[good], minlength=count) > 0
    heat[~present | (heat < 0.0)] = np.nan
    return np.asarray(heat)
