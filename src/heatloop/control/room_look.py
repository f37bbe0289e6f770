"""What a unit's past shows of the level its rooms were kept at: which days count, in what weather.

Days on which control aimed at something itself say nothing of the level the curve keeps; learning
from them would let the level walk from night to night.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.control.learning.history import UnitHistory
from heatloop.control.room_feedback import RoomObserver, RoomSensing
from heatloop.control.room_levels import Account, Floats, LevelPrices, account_of, trusted
from heatloop.control.unit_model import UnitModel

LEAST_DAYS = 4
"""Days on the curve a level is learnt from."""
LEAST_KEPT = 3
"""Trusted collectors without which nobody knows what level a unit keeps."""
_STRETCH_DAYS = 2
_LEAST_HOURS = 20
_VARIED_DAYS, _VARIED_K = 9, 2.0
_LEAST_HEAT = 0.05
_DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StretchLook:
    """A unit in one stretch of weather."""

    outdoor_c: float
    """Mean outdoor temperature."""
    before_c: float
    """Mean of its rooms as believed."""
    account: Account
    """What shifts would cost."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnitLook:
    """What was found of a unit."""

    days: int
    """Days on the curve that count."""
    collectors: int
    """Trusted collectors."""
    stretches: tuple[StretchLook | None, ...]
    """By stretch of weather, the colder first; None: too few of its days."""


def look_at(
    history: UnitHistory,
    model: UnitModel,
    *,
    area_m2: float,
    prices: LevelPrices,
    left_out: AbstractSet[int] = frozenset(),
) -> UnitLook:
    """Return what a unit's past shows of its level.

    Args:
        history: Its past in hours, up to some weeks.
        model: Its building.
        area_m2: Heated area.
        prices: What things cost.
        left_out: Local days (since 1970-01-01) that were not the curve's.
    """
    day = local_days(history)
    stretch = stretches_of(history.outdoor_c, day)
    believed, sensing = replay(model, history)
    own = trusted(sensing, history.sensors)
    # The first day only settles what is believed.
    counts = np.isfinite(history.outdoor_c) & (day > day[0]) & (stretch >= 0)
    counts &= ~np.isin(day, sorted(left_out)) & _heated(history, day, model)
    found: list[StretchLook | None] = []
    for number in range(int(stretch.max(initial=-1)) + 1):
        at = counts & (stretch == number)
        found.append(None)
        if at.sum() >= _STRETCH_DAYS * _LEAST_HOURS:
            level = float(believed[at].mean())
            found[-1] = StretchLook(
                outdoor_c=float(history.outdoor_c[at].mean()),
                before_c=level,
                account=account_of(
                    history.sensors_c[at][:, own],
                    believed[at] - level,
                    area_m2=area_m2,
                    loss_kw_k=model.loss_kw_k(),
                    prices=prices,
                ),
            )
    return UnitLook(days=len(np.unique(day[counts])), collectors=len(own), stretches=tuple(found))


def _heated(history: UnitHistory, day: NDArray[np.int64], model: UnitModel) -> NDArray[np.bool_]:
    """Return which hours lie in days with heat: of the others no curve keeps a level."""
    _, of = np.unique(day, return_inverse=True)
    known = np.isfinite(history.heat_kw)
    total = np.bincount(of, np.where(known, history.heat_kw, 0.0))
    mean = total / np.maximum(np.bincount(of, known), 1)
    return np.asarray(mean[of] >= _LEAST_HEAT * model.design_heat_kw)


def local_days(history: UnitHistory) -> NDArray[np.int64]:
    """Return the local day of every moment, days since 1970-01-01, shape (n,)."""
    return np.floor((history.times_s() + history.local_offset_s) / _DAY_S).astype("i8")


def stretches_of(outdoor_c: Floats, day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which stretch of weather each hour belongs to, -1: its day is not known well enough.

    Days are cold or mild where their outer thirds lie well apart, else all are one stretch. It
    follows from the weather alone, so that all units of a network have the same stretches.

    Args:
        outdoor_c: Outdoor temperature by the hour, nan: unknown, shape (n,).
        day: Local day of each hour, shape (n,).
    """
    days, of = np.unique(day, return_inverse=True)
    known = np.isfinite(outdoor_c)
    hours = np.bincount(of, known, len(days))
    total = np.bincount(of, np.where(known, outdoor_c, 0.0), len(days))
    whole = hours >= _LEAST_HOURS
    mean = total / np.maximum(hours, 1)
    number = np.where(whole, 0, -1)
    if whole.sum() >= _VARIED_DAYS:
        low, high = np.quantile(mean[whole], (1 / 3, 2 / 3))
        if high - low >= _VARIED_K:
            number[whole & (mean > 0.5 * (low + high))] = 1
    return np.asarray(number[of], dtype=np.int64)


def replay(model: UnitModel, history: UnitHistory) -> tuple[Floats, RoomSensing]:
    """Return the rooms believed at each moment, shape (n,), and what collectors turned out worth.

    Args:
        model: The building.
        history: What was measured.
    """
    observer, sensing = RoomObserver(model=model), RoomSensing()
    believed = np.empty(len(history))
    for at in range(len(history)):
        row = history.sensors_c[at]
        shown = {
            name: float(c) for name, c in zip(history.sensors, row, strict=True) if np.isfinite(c)
        }
        state = observer.step(
            heat_kw=float(history.heat_kw[at]),
            outdoor_c=float(history.outdoor_c[at]),
            dt_s=history.step_s if at else 0.0,
            sun_kw_m2=float(history.sun_kw_m2[at]),
            reading=sensing.read(shown, history.step_s, observer.expected_c),
            supply_c=float(history.supply_c[at]),
            flow_kgs=float(history.flow_kgs[at]),
            return_c=float(history.return_c[at]),
        )
        believed[at] = state.mean[0]
    return believed, sensing
