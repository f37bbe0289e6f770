"""The hours of a dispatch period, and the figures people read of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from heatloop.app.forecast_history import HEAT, Floats
from heatloop.app.forecast_read import plain
from heatloop.app.views.supervision import DispatchPeriodHour, DispatchPeriodSubject
from heatloop.kernel.clock import utc
from heatloop.plant.model import Asset
from heatloop.store.historian.port import HOUR_S
from heatloop.store.records.forecast import IssueRow

_LEAST_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PeriodSubject:
    """The hours of one subject in a period, every array of shape (n_hour,)."""

    code: str
    """Asset code."""
    quantity: str
    """`heat_kw` or `supply_c`."""
    plan: Floats
    """Low, plan, high, shape (3, n_hour)."""
    forecast: Floats
    """Low, median, high of the first forecast, shape (3, n_hour)."""
    actual: Floats
    """What came."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Period:
    """A dispatch period."""

    day: date
    """Local day."""
    start_s: int
    """First second."""
    end_s: int
    """First second of the next."""
    issue: IssueRow | None
    """The forecast it began with."""
    subjects: list[PeriodSubject]
    """By code."""


def figures_of(asset: Asset, each: PeriodSubject) -> DispatchPeriodSubject:
    """Return the figures of one subject in a period.

    Args:
        asset: Its row of the ledger.
        each: Its hours.
    """
    heat = each.quantity == HEAT
    known = np.isfinite(each.actual)
    compared = known & np.isfinite(each.plan[1])
    foretold = known & np.isfinite(each.forecast[1])

    def whole(values: Floats, mask: np.ndarray) -> float | None:
        if not mask.any():
            return None
        return plain(values[mask].sum() if heat else values[mask].mean(), 2)

    plan, came = whole(each.plan[1], compared), whole(each.actual, compared)
    actual = each.actual[compared]
    outside = (actual < each.plan[0][compared]) | (actual > each.plan[2][compared])
    true, told = each.actual[foretold], each.forecast[1][foretold]
    large = true > _LEAST_SHARE * true.mean() if len(true) else np.zeros(0, bool)
    mape = 100.0 * float(np.mean(np.abs(told - true)[large] / true[large])) if large.any() else None
    return DispatchPeriodSubject(
        code=each.code,
        zh=asset.zh,
        en=asset.en,
        quantity=each.quantity,
        unit="kWh" if heat else "degC",
        plan=plan,
        forecast=whole(each.forecast[1], foretold),
        actual=whole(each.actual, known),
        plan_actual=came,
        forecast_actual=whole(each.actual, foretold),
        deviation_pct=None if not plan or came is None else plain(100.0 * (came / plan - 1.0), 2),
        hours=int(compared.sum()),
        outside=int(outside.sum()),
        forecast_mape_pct=plain(mape, 2),
    )


def hours_of(period: Period, each: PeriodSubject) -> list[DispatchPeriodHour]:
    """Return the hours of one subject as people read them."""
    return [
        DispatchPeriodHour(
            at=utc(period.start_s + HOUR_S * at),
            plan_low=plain(each.plan[0, at], 2),
            plan=plain(each.plan[1, at], 2),
            plan_high=plain(each.plan[2, at], 2),
            forecast_low=plain(each.forecast[0, at], 2),
            forecast=plain(each.forecast[1, at], 2),
            forecast_high=plain(each.forecast[2, at], 2),
            actual=plain(each.actual[at], 2),
        )
        for at in range(len(each.actual))
    ]
