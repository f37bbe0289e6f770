"""A unit's rooms as the room engine sees them: its model and what acted on them, evenly spaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from heatloop.control.learning.history import COLUMNS, UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.control.unit_model import UnitModel
from heatloop.network.room_model import RoomInputs, RoomModel

ALL_TO_ROOM = (0.0, 0.0)
"""Station control gives all heat and sun to the room node, so identification does too."""
_STEP_S = 1800.0


def room_model(model: UnitModel) -> RoomModel:
    """Return a unit's rooms as the room engine simulates them."""
    room, wall = model.capacity_kj_k
    two = model.order == 2
    return RoomModel(
        capacity_kj_k=np.array([room, wall] if two else [room]),
        room_out_kw_k=model.room_out_kw_k,
        boundary_kw_k=np.empty(0),
        sun_m2=np.array([model.sun_m2]),
        room_wall_kw_k=model.room_wall_kw_k,
        wall_out_kw_k=model.wall_out_kw_k,
        gain_kw=model.gain_kw,
        surface_shares=ALL_TO_ROOM,
    )


def room_inputs(history: UnitHistory, lag_s: float) -> RoomInputs:
    """Return what acted on a unit's rooms: heat as it reaches them, behind water and emitters.

    Args:
        history: Of the unit.
        lag_s: From the exchanger to the rooms, first order.
    """
    sun = history.sun_kw_m2
    # Without a radiation sensor the sun is part of the gains.
    sun = np.where(np.isfinite(sun), sun, 0.0) if not np.isfinite(sun).any() else sun
    return RoomInputs(
        dt_s=history.step_s,
        heat_kw=lagged(history.heat_kw, lag_s, history.step_s),
        outdoor_c=history.outdoor_c,
        sun_kw_m2=sun[:, None],
        boundary_c=np.empty((len(sun), 0)),
        supply_air_c=history.outdoor_c,
    )


def lagged(values: Floats, lag_s: float, step_s: float) -> Floats:
    """Return values behind a first-order lag; gaps stay gaps, shape (n,)."""
    if lag_s < 0.1 * step_s:
        return values
    keep = float(np.exp(-step_s / lag_s))
    made = np.full(len(values), np.nan)
    at = np.nan
    for i, value in enumerate(values.tolist()):
        if value != value:
            continue
        at = value if at != at else keep * at + (1.0 - keep) * value
        made[i] = at
    return made


def coarser(history: UnitHistory, step_s: float = _STEP_S) -> UnitHistory:
    """Return a history in longer steps, means of what is known, if it is finer."""
    many = int(step_s // history.step_s)
    n = len(history) // many if many else 0
    if many <= 1 or n == 0:
        return history

    def mean(values: Floats) -> Floats:
        cut = values[: n * many].reshape(n, many, *values.shape[1:])
        known = np.isfinite(cut)
        total = np.where(known, cut, 0.0).sum(axis=1)
        number = known.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(number > 0, total / number, np.nan)

    means: dict[str, Any] = {name: mean(getattr(history, name)) for name in COLUMNS}
    return replace(
        history,
        step_s=history.step_s * many,
        sensors_c=mean(history.sensors_c),
        **means,
    )
