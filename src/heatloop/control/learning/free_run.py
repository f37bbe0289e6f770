"""A free simulation of a history with gaps, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.learning.regular import Floats
from heatloop.network.identify import Identified
from heatloop.network.room_history import BRIDGED_S
from heatloop.network.room_model import RoomInputs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FreeRun:
    """A free simulation beside what was measured."""

    room_c: Floats
    """Simulated, nan where inputs were missing, shape (n,)."""
    error_k: Floats
    """Simulated less measured, nan where either is missing, shape (n,)."""
    starts: int
    """How often it had to be started: 1, and once more after each long gap of the inputs."""

    def rmse_k(self) -> float:
        """Return the root mean square error."""
        return float(np.sqrt(np.nanmean(self.error_k**2)))

    def mae_k(self) -> float:
        """Return the mean absolute error."""
        return float(np.nanmean(np.abs(self.error_k)))

    def bias_k(self) -> float:
        """Return the mean error; above 0 the model is too warm."""
        return float(np.nanmean(self.error_k))


def free_run(found: Identified, inputs: RoomInputs, room_c: Floats, begin: int) -> FreeRun:
    """Return the free simulation of a history from a moment on.

    It runs on from the end of learning where inputs allow, bridges gaps of up to three hours, and
    starts anew behind longer ones, the room as measured, walls where a steady flow puts them.

    Args:
        found: A model learned from the moments before `begin`.
        inputs: The whole history.
        room_c: Measured, nan where it was not, shape (n,).
        begin: First moment that is foretold.
    """
    n = len(room_c)
    filled = bridged_inputs(inputs)
    whole = _whole(filled)
    path = np.full(n, np.nan)
    starts = 0
    at = found.end
    state: Floats | None = found.end_c
    while at < n:
        if not whole[at]:
            state, at = None, at + 1
            continue
        gap = np.flatnonzero(~whole[at:])
        stop = n if len(gap) == 0 else at + int(gap[0])
        if state is None:
            # Nothing is known of the house here: wait for a measured room.
            known = np.flatnonzero(np.isfinite(room_c[at:stop]))
            if len(known) == 0:
                at = stop
                continue
            at += int(known[0])
            state = _steady_start(found, filled, at, float(room_c[at]))
        starts += 1
        run = found.model.simulate(filled.part(at, stop), state)
        path[at:stop] = run[:, 0]
        path[at] = np.nan  # where it starts it is told
        state, at = None, stop
    path[:begin] = np.nan
    return FreeRun(room_c=path, error_k=path - room_c, starts=max(starts, 1))


def bridged_inputs(inputs: RoomInputs) -> RoomInputs:
    """Return inputs with their short gaps filled by straight lines, of heat and sun too."""

    def fill(values: Floats) -> Floats:
        known = np.flatnonzero(np.isfinite(values))
        if len(known) in (0, len(values)):
            return values
        line = np.interp(np.arange(len(values)), known, values[known])
        gap = np.diff(known) * inputs.dt_s > BRIDGED_S + inputs.dt_s
        for left, right in zip(known[:-1][gap], known[1:][gap], strict=True):
            line[left + 1 : right] = np.nan
        line[: known[0]] = np.nan
        line[known[-1] + 1 :] = np.nan
        return np.asarray(line)

    def each(table: Floats) -> Floats:
        return np.column_stack([fill(c) for c in table.T]) if table.shape[1] else table

    return replace(
        inputs,
        heat_kw=fill(inputs.heat_kw),
        outdoor_c=fill(inputs.outdoor_c),
        supply_air_c=fill(inputs.supply_air_c),
        sun_kw_m2=each(inputs.sun_kw_m2),
        boundary_c=each(inputs.boundary_c),
    )


def _whole(inputs: RoomInputs) -> np.ndarray:
    parts = (inputs.heat_kw, inputs.outdoor_c, inputs.supply_air_c)
    whole = np.all([np.isfinite(x) for x in parts], axis=0)
    for table in (inputs.sun_kw_m2, inputs.boundary_c):
        whole &= np.all(np.isfinite(table), axis=1)
    return np.asarray(whole)


def _steady_start(found: Identified, inputs: RoomInputs, at: int, room_c: float) -> Floats:
    model = found.model
    start = np.full(model.order, room_c)
    if model.order > 1:
        day = max(int(86400.0 / inputs.dt_s), 1)
        out = float(np.nanmean(inputs.outdoor_c[max(at - day, 0) : at + 1]))
        inner, outer = model.room_wall_kw_k, model.wall_out_kw_k
        start[1] = (inner * room_c + outer * out) / (inner + outer)
    return start
