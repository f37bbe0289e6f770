"""How well a unit model foretells: every day simulated freely from its midnight, one error each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.learning.free_run import bridged_inputs
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.control.learning.room_cleaning import cleaned
from heatloop.control.learning.unit_rooms import coarser, room_inputs, room_model
from heatloop.control.unit_model import UnitModel
from heatloop.network.arrays import Index

_DAY_S = 86400.0
_WARM_UP_DAYS = 2
_LEAST_MEASURED = 0.5


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayErrors:
    """Errors of a model, one a day."""

    day: Index
    """Number of the local day since 1970, ascending, shape (n_day,)."""
    mae_k: Floats
    """Mean absolute error of the room temperature, shape (n_day,)."""
    bias_k: Floats
    """Mean error, above 0: foretold too warm, shape (n_day,)."""

    def between(self, first: float, end: float) -> DayErrors:
        """Return the days in [first, end)."""
        at = (self.day >= first) & (self.day < end)
        return DayErrors(day=self.day[at], mae_k=self.mae_k[at], bias_k=self.bias_k[at])


def day_of(at_s: float, history: UnitHistory) -> int:
    """Return the number of the local day a time lies in."""
    return int((at_s + history.local_offset_s) // _DAY_S)


def daily_errors(model: UnitModel, history: UnitHistory, room_c: Floats) -> DayErrors:
    """Return the error of a day's free simulation, for every day it can be made.

    Each day starts from the measured room and from walls that followed the measured rooms so far,
    so that a day's error tells of the model and not of the day before.

    Args:
        model: To be judged.
        history: Of the unit, some days longer than what is to be judged.
        room_c: The unit's rooms as believed sensors tell them, nan where unknown, shape (n,).
    """
    path, room, day = _simulated(model, history, room_c)
    error = path - room
    days, mae, bias = [], [], []
    per_day = max(round(_DAY_S / max(len(day) and _step(history), 1.0)), 1)
    for d in np.unique(day):
        own = error[day == d]
        known = np.isfinite(own)
        if known.sum() >= _LEAST_MEASURED * per_day:
            days.append(int(d))
            mae.append(float(np.mean(np.abs(own[known]))))
            bias.append(float(np.mean(own[known])))
    return DayErrors(day=np.array(days, dtype=np.intp), mae_k=np.array(mae), bias_k=np.array(bias))


def modelled_room_c(model: UnitModel, history: UnitHistory, room_c: Floats) -> Floats:
    """Return the rooms as the model simulates them day by day, at the history's own steps.

    Args:
        model: The model.
        history: Of the unit.
        room_c: The rooms each day starts from, shape (n,).
    """
    path, _, _ = _simulated(model, history, room_c)
    many = max(len(history) // max(len(path), 1), 1)
    fine = np.repeat(path, many)[: len(history)]
    return np.concatenate([fine, np.full(len(history) - len(fine), np.nan)])


def _step(history: UnitHistory) -> float:
    return coarser(history).step_s if len(history) else 1800.0


def _simulated(
    model: UnitModel, history: UnitHistory, room_c: Floats
) -> tuple[Floats, Floats, Index]:
    """Return simulated and measured rooms and the day, in the longer steps."""
    even = coarser(replace(history, sensors_c=room_c[:, None], sensors=("room",)))
    inputs, room, _ = cleaned(room_inputs(even, model.lag_s), even.sensors_c[:, 0])
    inputs = bridged_inputs(inputs)
    day = np.floor((even.times_s() + even.local_offset_s) / _DAY_S).astype(np.intp)
    path = np.full(len(room), np.nan)
    if not np.isfinite(room).any():
        return path, room, day
    rooms = room_model(model)
    walls = _walls(model, inputs.outdoor_c, room, inputs.dt_s)
    whole = (
        np.isfinite(inputs.heat_kw)
        & np.isfinite(inputs.outdoor_c)
        & np.isfinite(inputs.sun_kw_m2).all(axis=1)
    )
    known = np.flatnonzero(np.isfinite(room))
    first_day = day[known[0]] + (_WARM_UP_DAYS if model.order == 2 else 0)
    for d in np.unique(day[day >= first_day]):
        at = np.flatnonzero(day == d)
        a, b = int(at[0]), int(at[-1]) + 1
        near = room[max(a - 1, 0) : a + 2]
        if not whole[a:b].all() or not np.isfinite(near).any() or b - a < 2:
            continue
        start = [float(np.nanmean(near))]
        if model.order == 2:
            start.append(float(walls[a]))
        path[a:b] = rooms.simulate(inputs.part(a, b), np.array(start))[:, 0]
    return path, room, day


def _walls(model: UnitModel, outdoor_c: Floats, room_c: Floats, dt_s: float) -> Floats:
    """Return where walls stand that followed measured rooms, shape (n,)."""
    inner, outer = model.room_wall_kw_k, model.wall_out_kw_k
    n = len(room_c)
    if model.order == 1:
        return np.full(n, np.nan)

    def filled(values: Floats) -> Floats:
        known = np.flatnonzero(np.isfinite(values))
        if len(known) == 0:
            return np.zeros(len(values))
        return np.asarray(np.interp(np.arange(len(values)), known, values[known]))

    goal = (inner * filled(room_c) + outer * filled(outdoor_c)) / (inner + outer)
    keep = float(np.exp(-dt_s * (inner + outer) / model.capacity_kj_k[1]))
    wall = np.empty(n)
    day = max(round(_DAY_S / dt_s), 1)
    at = float(goal[: 3 * day].mean())
    for i, g in enumerate(goal.tolist()):
        at = keep * at + (1.0 - keep) * g
        wall[i] = at
    return wall
