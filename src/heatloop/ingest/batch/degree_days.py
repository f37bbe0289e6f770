"""Heat of a failed meter by degree-days, as CJJ/T 223 has it: Q_G = Q_R x DD18_G / DD18_R."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from heatloop.ingest.batch.model import Floats
from heatloop.kernel.errors import InputError

BASE_C = 18.0
LEAST_DAYS = 10
"""Days after the repair that must be measured; with fewer, last season's are taken."""
_YEAR_DAYS = 365


class FaultHeat(NamedTuple):
    """What a meter is held to have counted while it was failed."""

    heat_kwh: float
    """Over the whole fault."""
    daily_kwh: Floats
    """By day of the fault, shape (n_day,)."""
    reference: str
    """`after_repair` or `last_season`."""
    reference_days: int
    """Days the reference covers."""


def degree_days(outdoor_c: Floats) -> Floats:
    """Return the degree-days of each daily mean temperature, K d."""
    missing: Floats = np.maximum(BASE_C - outdoor_c, 0.0)
    return missing


def fault_heat(daily_kwh: Floats, outdoor_c: Floats, failed: tuple[int, int]) -> FaultHeat:
    """Return the heat of the days from `failed[0]` up to before `failed[1]`.

    The reference is what the repaired meter counted in the days after the fault (all of them up
    to as many as the fault lasted, at least ten); where these are not yet there, the same days
    of last season.

    Args:
        daily_kwh: Heat of each day, nan where not measured, shape (n_day,).
        outdoor_c: Daily mean outdoor temperature, nan where unknown, shape (n_day,).
        failed: First day of the fault and the day after its last.

    Raises:
        InputError: Weather of the fault is missing, or neither reference exists.
    """
    begin, end = failed
    missing = degree_days(outdoor_c)
    mine = missing[begin:end]
    if end <= begin or not np.isfinite(mine).all():
        raise InputError(
            "no outdoor temperature for every day of the fault",
            fix="give daily mean temperatures from a weather station",
        )
    usable = np.isfinite(daily_kwh) & np.isfinite(missing)
    for days, name in ((_after(usable, end, end - begin), "after_repair"), (
        _last_season(usable, begin, end), "last_season"
    )):  # fmt: skip
        total = float(missing[days].sum()) if days.size else 0.0
        if days.size >= LEAST_DAYS and total > 0.0:
            per_degree_day = float(daily_kwh[days].sum()) / total
            daily = mine * per_degree_day
            return FaultHeat(float(daily.sum()), daily, name, int(days.size))
    raise InputError(
        f"neither {LEAST_DAYS} days after the repair nor last season are measured",
        fix="wait until the repaired meter has counted ten days",
    )


def _after(
    usable: np.typing.NDArray[np.bool_], end: int, length: int
) -> np.typing.NDArray[np.intp]:
    days = end + np.flatnonzero(usable[end:])
    return days[: max(LEAST_DAYS, length)]


def _last_season(
    usable: np.typing.NDArray[np.bool_], begin: int, end: int
) -> np.typing.NDArray[np.intp]:
    length = end - begin
    wider = max(0, LEAST_DAYS - length)
    first = max(0, begin - _YEAR_DAYS - wider)
    last = max(0, end - _YEAR_DAYS + wider)
    return first + np.flatnonzero(usable[first:last])
