"""How fast a building cools when no heat comes any more.

A room with outer walls and inner mass (`room_model`), its capacities known from the floor area
and its losses from the heat index. The model is linear, so one curve of falling ratios
(T - outdoor) / (start - outdoor) serves every start and every outdoor temperature.

Reference: VDI 6007-1 as in `room_model`; capacities over floor area as usual for masonry
(ISO 13790:2008 table 12, class medium: 165 kJ/(m2 K) in reach of a day, more behind it).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from heatloop.network.cooling_hours import HOURS
from heatloop.network.room_model import RoomInputs, RoomModel

_INDEX_W_M2 = {"poor": 50.0, "fair": 40.0, "good": 32.0, "excellent": 22.0}
_DESIGN_K = 38.0
"""Design room over design outdoor temperature, for indices of northern cities."""
_AIR_KJ_M2K, _WALL_KJ_M2K, _INNER_KJ_M2K = 25.0, 220.0, 160.0
_WINDOW_SHARE = 0.45
_WALL_OVER_LOSS, _INNER_OVER_LOSS = 6.0, 8.0
_STEP_S = 600.0


def heat_index_w_m2(given: float | None, envelope: str) -> float:
    """Return a building's heat index: its own, or what its envelope class usually has."""
    if given is not None and math.isfinite(given) and given > 0:
        return min(max(given, 10.0), 150.0)
    return _INDEX_W_M2.get(envelope, _INDEX_W_M2["fair"])


@lru_cache(maxsize=256)
def _curve(index_w_m2: int) -> tuple[float, ...]:
    loss = index_w_m2 / _DESIGN_K / 1000.0
    walls = (1.0 - _WINDOW_SHARE) * loss
    inside = _WALL_OVER_LOSS * loss
    model = RoomModel(
        capacity_kj_k=np.array([_AIR_KJ_M2K, _WALL_KJ_M2K, _INNER_KJ_M2K]),
        room_out_kw_k=_WINDOW_SHARE * loss,
        boundary_kw_k=np.zeros(0),
        sun_m2=np.zeros(0),
        room_wall_kw_k=inside,
        wall_out_kw_k=1.0 / (1.0 / walls - 1.0 / inside),
        room_inner_kw_k=_INNER_OVER_LOSS * loss,
    )
    n = int(HOURS[-1] * 3600.0 / _STEP_S) + 1
    nothing = np.zeros(n)
    inputs = RoomInputs(
        dt_s=_STEP_S,
        heat_kw=nothing,
        outdoor_c=nothing,
        sun_kw_m2=np.zeros((n, 0)),
        boundary_c=np.zeros((n, 0)),
        supply_air_c=nothing,
    )
    # Walls stand where the heat that flows through them put them; inner mass is as warm as air.
    wall = inside / (inside + model.wall_out_kw_k)
    room = model.simulate(inputs, np.array([1.0, wall, 1.0]))[:, 0]
    at = np.asarray(HOURS) * 3600.0
    told = np.interp(at, np.arange(n) * _STEP_S, room)
    return tuple(np.minimum.accumulate(np.clip(told, 0.0, 1.0)).round(4).tolist())


def fall(index_w_m2: float) -> tuple[float, ...]:
    """Return the falling ratios at `HOURS` of a building with this heat index, W/m2."""
    return _curve(round(index_w_m2))
