"""Measured history of a room, checked, with short gaps bridged and cut at long ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.room_model import RoomInputs

BRIDGED_S = 3.0 * 3600.0
"""Gaps of an input up to here are bridged by a straight line; longer ones cut the history."""
_LEAST_STRETCH_S = 12.0 * 3600.0
_LEAST_HISTORY_S = 24.0 * 3600.0
_SENSIBLE_C = (-60.0, 100.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """A piece of history without long gaps."""

    start: int
    """First moment in the whole history."""
    inputs: RoomInputs
    """Without gaps."""
    room_c: Floats
    """Measured; nan where it was not, shape (n,); the first is measured."""


def stretches_of(inputs: RoomInputs, room_c: Floats) -> tuple[Stretch, ...]:
    """Return the usable pieces of a history, oldest first.

    Args:
        inputs: What acted on the room; nan where it was not measured.
        room_c: Measured room temperature, nan where it was not, shape (n,).

    Raises:
        InputError: Shapes differ, a value is out of all sense, nothing moved, or less than a day
            of measurements is left between the gaps.
    """
    _check(inputs, room_c)
    columns = np.column_stack(
        [
            inputs.heat_kw,
            inputs.outdoor_c,
            inputs.supply_air_c,
            inputs.sun_kw_m2,
            inputs.boundary_c,
        ]
    )
    bridged = np.column_stack([_bridge(column, inputs.dt_s) for column in columns.T])
    whole = np.all(np.isfinite(bridged), axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(np.int8)))
    n_sun = inputs.sun_kw_m2.shape[1]
    found = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        measured = np.flatnonzero(np.isfinite(room_c[start:stop]))
        if len(measured) == 0:
            continue
        first, last = start + int(measured[0]), start + int(measured[-1]) + 1
        if (last - first) * inputs.dt_s < _LEAST_STRETCH_S or len(measured) < 10:
            continue
        cut = bridged[first:last]
        found.append(
            Stretch(
                start=first,
                inputs=RoomInputs(
                    dt_s=inputs.dt_s,
                    heat_kw=cut[:, 0],
                    outdoor_c=cut[:, 1],
                    supply_air_c=cut[:, 2],
                    sun_kw_m2=cut[:, 3 : 3 + n_sun],
                    boundary_c=cut[:, 3 + n_sun :],
                    supply_air_kw_k=inputs.supply_air_kw_k,
                ),
                room_c=room_c[first:last],
            )
        )
    left_s = sum(int(np.isfinite(x.room_c).sum()) for x in found) * inputs.dt_s
    if left_s < _LEAST_HISTORY_S:
        raise InputError(
            f"only {left_s / 3600.0:.0f} h of usable history",
            thing="room history",
            fix="give at least 24 h with room temperature and all inputs",
        )
    _check_moves(found)
    return tuple(found)


def _check(inputs: RoomInputs, room_c: Floats) -> None:
    n = len(room_c)
    if not inputs.dt_s > 0.0 or inputs.dt_s > 2.0 * 3600.0:
        raise InputError("step must be above 0 and at most 2 h", thing="dt_s")
    if not inputs.supply_air_kw_k >= 0.0:
        raise InputError("must not be below 0", thing="supply_air_kw_k")
    for name in ("sun_kw_m2", "boundary_c"):
        if getattr(inputs, name).ndim != 2:
            raise InputError("must have one column for each of its kind", thing=name)
    for name in ("heat_kw", "outdoor_c", "supply_air_c", "sun_kw_m2", "boundary_c"):
        if len(getattr(inputs, name)) != n:
            raise InputError("must be as long as the room temperature", thing=name)
        if np.any(np.isinf(getattr(inputs, name))):
            raise InputError("holds an infinite value", thing=name)
    low, high = _SENSIBLE_C
    temperatures = {
        "room_c": room_c,
        "outdoor_c": inputs.outdoor_c,
        "supply_air_c": inputs.supply_air_c,
        "boundary_c": inputs.boundary_c,
    }
    for name, values in temperatures.items():
        known = values[~np.isnan(values)]
        if np.any((known < low) | (known > high)):
            raise InputError("temperature out of all sense, degC", thing=name)
    sun = inputs.sun_kw_m2[~np.isnan(inputs.sun_kw_m2)]
    if np.any((sun < -0.05) | (sun > 2.0)):
        raise InputError("radiation must lie between 0 and 2 kW/m2", thing="sun_kw_m2")


def _check_moves(found: list[Stretch]) -> None:
    room = np.concatenate([x.room_c for x in found])
    if np.nanstd(room) < 0.02:
        raise InputError(
            "the room temperature does not move: nothing can be learned from it",
            thing="room_c",
            fix="check for a frozen sensor",
        )
    heat = np.concatenate([x.inputs.heat_kw for x in found])
    if np.std(heat) < 1e-6 and abs(float(heat.mean())) < 1e-6:
        raise InputError("no heat was given: losses have no scale", thing="heat_kw")


def _bridge(column: Floats, dt_s: float) -> Floats:
    """Return the column with its short inner gaps filled."""
    missing = np.isnan(column)
    if not missing.any() or missing.all():
        return column
    known = np.flatnonzero(~missing)
    filled = np.interp(np.arange(len(column)), known, column[known])
    filled[: known[0]] = np.nan
    filled[known[-1] + 1 :] = np.nan
    gap_s = np.diff(known) * dt_s
    for at in np.flatnonzero(gap_s > BRIDGED_S + dt_s):
        filled[known[at] + 1 : known[at + 1]] = np.nan
    return filled
