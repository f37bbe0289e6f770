"""How right day-ahead forecasts were: each hour of a day against the issue the day began with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatloop.app.forecast_history import Floats, Past, Subject
from heatloop.store.historian.port import DAY_S, HOUR_S
from heatloop.store.records.forecast import ForecastRecords, SkillRow

_LEAST_HOURS = 12
_LEAST_SHARE = 0.1


def skill_of(
    store: ForecastRecords,
    subjects: Sequence[Subject],
    past: Past,
    days: Sequence[tuple[int, int]],
) -> list[SkillRow]:
    """Return the skill of a week by subject; those compared for less than half a day left out.

    Args:
        store: Issues.
        subjects: Of what.
        past: What came, by the hour, from a day before the week on.
        days: First second of each day and of the next.
    """
    column = {each.code: at for at, each in enumerate(subjects)}
    shape = (len(past.times_s), len(subjects))
    low, middle, high = (np.full(shape, np.nan) for _ in range(3))
    origin = int(past.times_s[0]) if len(past.times_s) else 0
    for start, end in days:
        issue = store.issue_for(start, start + HOUR_S, known_at=np.inf)
        first = (start - origin) // HOUR_S
        if issue is None or not 0 <= first < shape[0]:
            continue
        count = min((end - start) // HOUR_S, shape[0] - first)
        for row in store.series(issue, step_s=HOUR_S):
            at = column.get(row.subject)
            if at is None:
                continue
            steps = min(count, row.bands.shape[1])
            place = slice(first, first + steps)
            low[place, at], middle[place, at], high[place, at] = row.bands[:, :steps]
    naive = np.full(shape, np.nan)
    naive[DAY_S // HOUR_S :] = past.values[: -DAY_S // HOUR_S]
    found = []
    for subject, at in column.items():
        values = (past.values[:, at], low[:, at], middle[:, at], high[:, at], naive[:, at])
        skill = _row(float(days[0][0]), subject, subjects[at].quantity, *values)
        if skill is not None:
            found.append(skill)
    return found


def _row(
    week_s: float,
    subject: str,
    quantity: str,
    actual: Floats,
    low: Floats,
    middle: Floats,
    high: Floats,
    naive: Floats,
) -> SkillRow | None:
    known = np.isfinite(actual) & np.isfinite(middle)
    if known.sum() < _LEAST_HOURS:
        return None
    true, told = actual[known], middle[known]
    error = np.abs(told - true)
    mean = float(true.mean())
    large = true > _LEAST_SHARE * mean
    inside = (true >= low[known]) & (true <= high[known])
    both = np.isfinite(naive[known])
    miss = np.abs(naive[known] - true)[both]
    worth = large & both
    return SkillRow(
        week_s=week_s,
        subject=subject,
        quantity=quantity,
        hours=int(known.sum()),
        mean=mean,
        mae=float(error.mean()),
        rmse=float(np.sqrt((error**2).mean())),
        mape_pct=_share(error[large], true[large]),
        coverage_pct=100.0 * float(inside.mean()),
        naive_mae=float(miss.mean()) if len(miss) else None,
        naive_mape_pct=_share(np.abs(naive[known] - true)[worth], true[worth]),
    )


def _share(error: Floats, true: Floats) -> float | None:
    return 100.0 * float((error / true).mean()) if len(true) else None
