"""What a room's history says that cannot be true, left out before anything is learned of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.control.learning.regular import Floats
from heatloop.network.room_model import RoomInputs

_ROOM_C = (2.0, 45.0)
_OUTDOOR_C = (-55.0, 50.0)
_SPIKE_K = 6.0


def cleaned(inputs: RoomInputs, room_c: Floats) -> tuple[RoomInputs, Floats, dict[str, int]]:
    """Return a history without values that cannot be true, and how many were left out.

    Args:
        inputs: What acted on the room.
        room_c: Measured, shape (n,).
    """
    removed: dict[str, int] = {}

    def keep(name: str, values: Floats, low: float, high: float, spike: float) -> Floats:
        bad = (values < low) | (values > high)
        kept = np.where(bad, np.nan, values)
        lone = _spikes(kept, spike)
        kept[lone] = np.nan
        number = int(bad.sum() + lone.sum())
        if number:
            removed[name] = number
        return np.asarray(kept)

    room = keep("room", room_c, *_ROOM_C, spike=_SPIKE_K)
    outdoor = keep("outdoor", inputs.outdoor_c, *_OUTDOOR_C, spike=2.0 * _SPIKE_K)
    heat = inputs.heat_kw
    given = heat[np.isfinite(heat)]
    top = 5.0 * float(np.percentile(np.abs(given), 99.0)) if len(given) else 0.0
    heat = keep("heat", heat, -top, max(top, 1e-9), spike=np.inf)
    sun = inputs.sun_kw_m2
    if sun.shape[1]:
        sun = np.column_stack([keep("sun", c, -0.05, 1.6, np.inf) for c in sun.T])
        sun = np.where(sun < 0.0, 0.0, sun)
    air = inputs.supply_air_c
    air = outdoor if air is inputs.outdoor_c else air
    made = replace(inputs, heat_kw=heat, outdoor_c=outdoor, sun_kw_m2=sun, supply_air_c=air)
    return made, room, removed


def _spikes(values: Floats, most_k: float) -> np.ndarray:
    """Return which values stand alone far from both neighbours that agree, shape (n,)."""
    lone = np.zeros(len(values), dtype=bool)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 3 or not np.isfinite(most_k):
        return lone
    v = values[known]
    to_left, to_right = v[1:-1] - v[:-2], v[1:-1] - v[2:]
    far = (np.abs(to_left) > most_k) & (np.abs(to_right) > most_k) & (to_left * to_right > 0)
    lone[known[1:-1][far]] = True
    return lone
