"""Whether a unit's learnt model gives back what was measured, before curves are tried on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.control.unit_model import UnitModel

HEAT_OFF = 0.15
"""Most the heat the model needs may differ from the heat measured."""
EMITTERS_OFF = 0.20
"""Most the heat its emitters give at the measured water may differ from it."""
_LEAST_HOURS = 7 * 24
_LEAST_HEAT = 0.2
"""Of the usual heat; below it a meter says little about the emitters."""
_USUAL_SPREAD_K, _SPREADS_K, _FEW = 0.8, (0.3, 2.0), 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCheck:
    """How a model stands beside what was measured; a ratio is nan where too little was."""

    heat_ratio: float
    """Heat the rooms need by the model over heat measured."""
    emitter_ratio: float
    """Heat its emitters give at the measured water and rooms over heat measured."""
    spread_k: float
    """How far rooms lie apart, one standard deviation."""

    @property
    def heat_off(self) -> bool:
        """Return whether the model misses the heat, or nobody knows."""
        return not abs(self.heat_ratio - 1.0) <= HEAT_OFF

    @property
    def emitters_off(self) -> bool:
        """Return whether its emitters miss the heat, or nobody knows."""
        return not abs(self.emitter_ratio - 1.0) <= EMITTERS_OFF


def check_unit(history: UnitHistory, model: UnitModel, believed: tuple[str, ...]) -> ModelCheck:
    """Return how a model stands beside some weeks of its unit.

    Args:
        history: Of the unit.
        model: Its model.
        believed: Room sensors the model learned from; none of them: all that are there.
    """
    at = [n for n, name in enumerate(history.sensors) if name in believed]
    rooms = history.sensors_c[:, at] if at else history.sensors_c
    known = np.isfinite(rooms)
    count = known.sum(axis=1)
    total = np.where(known, rooms, 0.0).sum(axis=1)
    room = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    sun = np.nan_to_num(history.sun_kw_m2)
    need = model.loss_kw_k() * (room - history.outdoor_c) - model.gain_kw - model.sun_m2 * sun
    heat = history.heat_kw
    flow = np.where(np.isfinite(history.flow_kgs), history.flow_kgs, 0.0)
    given = model.heat_kw(np.nan_to_num(history.supply_c), np.nan_to_num(room), flow)
    given = np.where(np.isfinite(history.supply_c) & np.isfinite(room), given, np.nan)
    usual = float(np.nanmedian(heat)) if np.isfinite(heat).any() else np.nan
    with np.errstate(invalid="ignore"):
        heated = heat > _LEAST_HEAT * usual
    return ModelCheck(
        heat_ratio=_ratio(need, heat, np.isfinite(heat), history.step_s),
        emitter_ratio=_ratio(given, heat, heated, history.step_s),
        spread_k=_spread_k(rooms),
    )


def _ratio(told: Floats, heat: Floats, where: np.ndarray, step_s: float) -> float:
    known = where & np.isfinite(told) & np.isfinite(heat)
    if known.sum() * step_s < _LEAST_HOURS * 3600.0 or not heat[known].sum() > 0.0:
        return float("nan")
    return float(told[known].sum() / heat[known].sum())


def _spread_k(rooms: Floats) -> float:
    """Return how far sensors lie apart in the mean; what is usual where there are few."""
    known = np.isfinite(rooms)
    count = known.sum(axis=0)
    seen = count >= max(0.2 * len(rooms), 1)
    if seen.sum() < _FEW:
        return _USUAL_SPREAD_K
    mean = np.where(known, rooms, 0.0).sum(axis=0)[seen] / count[seen]
    return float(np.clip(np.std(mean, ddof=1), *_SPREADS_K))
