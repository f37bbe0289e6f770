"""The parameters of a room model by name: which there are, and how large they usually are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.room_model import RADIANT_SHARE, SUN_SHARE, RoomModel

_CAPACITIES = ("room_kj_k", "wall_kj_k", "inner_kj_k")
_HOURS = {"room_kj_k": 10.0, "wall_kj_k": 100.0, "inner_kj_k": 100.0}
"""Capacity over loss: a room alone cools within hours, its walls within days."""
_LOSSES = {
    "room_wall_kw_k": 5.0,
    "wall_out_kw_k": 1.0,
    "room_out_kw_k": 0.5,
    "room_inner_kw_k": 10.0,
    "gain_kw": 2.0,
}
"""Over the whole loss; gains as kelvins they hold a room above the outside."""
_LONE_ROOM_HOURS = 50.0
_BOUNDARY, _SUN_M2 = 0.5, 10.0


def parameter_names(
    order: int, n_boundary: int, n_sun: int, *, lived_in: bool = False
) -> tuple[str, ...]:
    """Return the names of a model's parameters.

    Args:
        order: Number of heat nodes, 1 to 3.
        n_boundary: Number of known neighbours.
        n_sun: Number of orientations.
        lived_in: Whether gains are one of them.
    """
    names = ["room_kj_k", "room_out_kw_k"]
    if order > 1:
        names += ["wall_kj_k", "room_wall_kw_k", "wall_out_kw_k"]
    if order > 2:
        names += ["inner_kj_k", "room_inner_kw_k"]
    if lived_in:
        names.append("gain_kw")
    names += [f"boundary_{i}_kw_k" for i in range(n_boundary)]
    return (*names, *(f"sun_{i}_m2" for i in range(n_sun)))


def usual_size(name: str, loss_kw_k: float, order: int) -> float:
    """Return how large a parameter usually is.

    Args:
        name: One of `parameter_names`.
        loss_kw_k: The scale of the house: mean heat over mean difference to the outside.
        order: Number of heat nodes.
    """
    if name in _HOURS:
        hours = _HOURS[name] if order > 1 else _LONE_ROOM_HOURS
        return hours * 3600.0 * loss_kw_k
    if name in _LOSSES:
        return _LOSSES[name] * loss_kw_k
    return (_BOUNDARY if name.startswith("boundary") else _SUN_M2) * loss_kw_k


def model_of(
    names: Sequence[str],
    values: Floats,
    order: int,
    surface_shares: tuple[float, float] = (RADIANT_SHARE, SUN_SHARE),
) -> RoomModel:
    """Return the model these values make.

    Args:
        names: As from `parameter_names`.
        values: Shape (n_parameter,).
        order: Number of heat nodes.
        surface_shares: See `RoomModel`.
    """
    value = dict(zip(names, values.tolist(), strict=True))
    return RoomModel(
        capacity_kj_k=np.array([value[x] for x in _CAPACITIES[:order]]),
        room_out_kw_k=value["room_out_kw_k"],
        boundary_kw_k=np.array([v for n, v in value.items() if n.startswith("boundary_")]),
        sun_m2=np.array([v for n, v in value.items() if n.startswith("sun_")]),
        room_wall_kw_k=value.get("room_wall_kw_k", 0.0),
        wall_out_kw_k=value.get("wall_out_kw_k", 0.0),
        room_inner_kw_k=value.get("room_inner_kw_k", 0.0),
        gain_kw=value.get("gain_kw", 0.0),
        surface_shares=surface_shares,
    )
