"""Rooms that border on each other, simulated freely together.

Each room is simulated over the whole time with its neighbours as they were in the last round,
until none moves any more. Rooms couple weakly against what they hold, so a few rounds do.

Reference: waveform relaxation, Lelarasmee, Ruehli and Sangiovanni-Vincentelli, IEEE Trans. CAD 1
(1982), doi 10.1109/TCAD.1982.1270004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.room_model import RoomInputs, RoomModel

_SETTLED_K = 1e-6
_MOST_ROUNDS = 500


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class JoinedRoom:
    """A room among others."""

    model: RoomModel
    """What it is; its last boundaries are the rooms it is next to."""
    inputs: RoomInputs
    """What acts on it; `boundary_c` holds only the neighbours that are known."""
    start_c: Floats
    """Temperature of each of its nodes at the first moment."""
    next_to: tuple[int, ...]
    """The rooms it borders on, by number."""


def simulate_together(rooms: Sequence[JoinedRoom]) -> Floats:
    """Return the temperature of every room, free of any measurement, shape (n_time, n_room).

    Args:
        rooms: The rooms, all of one span of time.

    Raises:
        InputError: Spans differ, a room is next to one that is not there, the inputs do not fit
            the models, or the rooms are so closely joined that they are one.
    """
    if not rooms:
        raise InputError("there is no room", thing="rooms")
    length, dt_s = len(rooms[0].inputs.heat_kw), rooms[0].inputs.dt_s
    if any(len(r.inputs.heat_kw) != length or r.inputs.dt_s != dt_s for r in rooms):
        raise InputError("rooms must share one span of time", thing="rooms")
    if any(not 0 <= k < len(rooms) for r in rooms for k in r.next_to):
        raise InputError("a room is next to one that is not there", thing="rooms")
    path = np.tile([float(r.start_c[0]) for r in rooms], (length, 1))
    for _ in range(_MOST_ROUNDS):
        moved = 0.0
        for k, room in enumerate(rooms):
            seen = np.column_stack([room.inputs.boundary_c, path[:, list(room.next_to)]])
            new = room.model.simulate(replace(room.inputs, boundary_c=seen), room.start_c)[:, 0]
            moved = max(moved, float(np.abs(new - path[:, k]).max()))
            path[:, k] = new
        if moved < _SETTLED_K:
            return path
    raise InputError(
        "rooms do not settle: they are one room rather than neighbours",
        thing="rooms",
        fix="join rooms with open doors into one",
    )
