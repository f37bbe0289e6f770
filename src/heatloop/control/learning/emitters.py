"""Emitters learned from operation, and the room temperature they tell: a second, unlike sensor.

At the same water an emitter gives more heat to a colder room, so heat and water together tell
what the rooms are, up to a lasting error. A room sensor that drifts does not move that; rooms
that really cool move both.

Reference: EN 442-2, heat = K (mean water - room)^(1 + B).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats

_LEAST_OVER_K = 4.0
_LEAST_HEAT = 0.2
"""Of the usual heat; below it a meter says little about the emitters."""
_SMOOTH_S = 24.0 * 3600.0
_LAG_STEP_S, _LEAST_LAG_STEPS, _LEAST_RISE_K = 4 * 3600.0, 24, 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Emitters:
    """Emitters of a unit taken together."""

    kw: float
    """Heat at 1 K of mean water over room."""
    exponent: float
    """B."""
    relative_sigma: float
    """Of `kw`, from how it differed between days."""

    def design_heat_kw(self, mean_over_room_k: float) -> float:
        """Return the heat at a mean water over room temperature."""
        return float(self.kw * mean_over_room_k ** (1.0 + self.exponent))


def learn_emitters(history: UnitHistory, room_c: Floats, exponent: float) -> Emitters | None:
    """Return the emitters; None where supply, return or rooms are hardly known.

    Args:
        history: Of the unit.
        room_c: Its rooms, nan where unknown, shape (n,).
        exponent: B.
    """
    over = 0.5 * (history.supply_c + history.return_c) - room_c
    heat = history.heat_kw
    known = _steady(history) & np.isfinite(over) & (over > _LEAST_OVER_K)
    if known.sum() * history.step_s < 86400.0:
        return None
    power = np.where(known, over, 1.0) ** (1.0 + exponent)
    day = np.floor((history.times_s() + history.local_offset_s) / 86400.0)
    daily = []
    for d in np.unique(day[known]):
        at = known & (day == d)
        if at.sum() * history.step_s >= 6.0 * 3600.0:
            daily.append(float(heat[at].sum() / power[at].sum()))
    if not daily:
        return None
    values = np.array(daily)
    spread = float(np.std(values)) / np.sqrt(max(len(values) / 2.0, 1.0))
    kw = float(np.median(values))
    return Emitters(kw=kw, exponent=exponent, relative_sigma=max(spread / kw, 0.003))


def emitter_room_c(history: UnitHistory, emitters: Emitters) -> Floats:
    """Return the rooms as the emitters tell them, mean of a day, nan where unknown, shape (n,).

    Args:
        history: Of the unit.
        emitters: As they were learned from this or an older history.
    """
    water = 0.5 * (history.supply_c + history.return_c)
    known = _steady(history) & np.isfinite(water)
    over = (np.where(known, history.heat_kw, 1.0) / emitters.kw) ** (
        1.0 / (1.0 + emitters.exponent)
    )
    told = np.where(known, water - over, np.nan)
    return _smooth(told, max(round(_SMOOTH_S / history.step_s), 1))


def learn_lag_s(history: UnitHistory, room_c: Floats, exponent: float) -> float | None:
    """Return how far heat in the rooms lags behind heat at the exchanger; None: not to be told.

    Water and screed at the mean water temperature M hold heat: heat = give(M - room) + C dM/dt by
    least squares over hours, and the lag is C over what a kelvin gives.

    Args:
        history: Of the unit.
        room_c: Its rooms, nan where unknown, shape (n,).
        exponent: B.
    """
    many = max(round(_LAG_STEP_S / history.step_s), 1)
    n = (len(history) - 1) // many
    if n < _LEAST_LAG_STEPS:
        return None

    def mean(values: Floats) -> Floats:
        return np.asarray(values[1 : 1 + n * many].reshape(n, many).mean(axis=1))

    # Heat is a mean of the step before, temperatures are those of its end.
    water = 0.5 * (history.supply_c + history.return_c)
    rise = np.diff(water[: n * many + 1 : many]) / (many * history.step_s)
    heat, over = mean(history.heat_kw), mean(water - room_c)
    known = np.isfinite(rise) & np.isfinite(heat) & np.isfinite(over)
    known &= over > _LEAST_OVER_K
    if known.sum() < _LEAST_LAG_STEPS or np.std(rise[known]) * _LAG_STEP_S < _LEAST_RISE_K:
        return None
    give = over[known] ** (1.0 + exponent)
    (kw, held), *_ = np.linalg.lstsq(np.column_stack([give, rise[known]]), heat[known], rcond=None)
    if not (kw > 0.0 and held > 0.0):
        return None
    per_k = kw * (1.0 + exponent) * float(np.mean(over[known] ** exponent))
    return float(held / per_k)


def _steady(history: UnitHistory) -> np.ndarray:
    """Return where heat is given as usual, shape (n,)."""
    heat = history.heat_kw
    given = heat[np.isfinite(heat) & (heat > 0.0)]
    usual = float(np.median(given)) if len(given) else np.inf
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isfinite(heat) & (heat > _LEAST_HEAT * usual))


def _smooth(values: Floats, width: int) -> Floats:
    """Return the mean of what is known within a window around each moment, shape (n,)."""
    known = np.isfinite(values)
    kernel = np.ones(min(width, max(len(values), 1)))
    total = np.convolve(np.where(known, values, 0.0), kernel, mode="same")
    number = np.convolve(known.astype(np.float64), kernel, mode="same")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number >= 0.3 * len(kernel), total / number, np.nan)
