"""A room, flat or whole house as one to three heat nodes, simulated freely from its inputs.

Node 0 is the room (air, furniture), node 1 the outer walls, node 2 the inner walls and slabs,
which also border on the known neighbours (attic, cellar, other flats).

Reference: VDI 6007-1 (two wall capacities), ISO 52016-1 (split of gains); 2R2C and 1R1C as in
Bacher and Madsen, Energy and Buildings 43 (2011), doi 10.1016/j.enbuild.2011.02.005.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.modes import Modes, modes_of

RADIANT_SHARE = 0.3
"""Of a heater's heat to surfaces rather than air: convectors and radiators, VDI 6007-1."""
SUN_SHARE = 0.7
"""Of the sun through windows that surfaces take in before the air does."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RoomInputs:
    """What acts on a room, evenly spaced in time; nothing of it depends on the room."""

    dt_s: float
    """Time between two moments."""
    heat_kw: Floats
    """Heat given off inside, shape (n,)."""
    outdoor_c: Floats
    """Shape (n,)."""
    sun_kw_m2: Floats
    """Radiation on each orientation, shape (n, n_sun); n_sun may be 0."""
    boundary_c: Floats
    """Known temperatures of neighbours, shape (n, n_boundary); n_boundary may be 0."""
    supply_air_c: Floats
    """Temperature of mechanically supplied air, shape (n,); without any: the outdoor air."""
    supply_air_kw_k: float = 0.0
    """Heat capacity flow of that air."""

    def part(self, start: int, stop: int) -> RoomInputs:
        """Return the moments `start` to `stop`."""
        cut = slice(start, stop)
        return RoomInputs(
            dt_s=self.dt_s,
            heat_kw=self.heat_kw[cut],
            outdoor_c=self.outdoor_c[cut],
            sun_kw_m2=self.sun_kw_m2[cut],
            boundary_c=self.boundary_c[cut],
            supply_air_c=self.supply_air_c[cut],
            supply_air_kw_k=self.supply_air_kw_k,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RoomModel:
    """Capacities, conductances and windows of a room."""

    capacity_kj_k: Floats
    """Room, outer walls, inner walls; 1 to 3 of them."""
    room_out_kw_k: float
    """Straight out: windows, infiltration."""
    boundary_kw_k: Floats
    """To each known neighbour, shape (n_boundary,)."""
    sun_m2: Floats
    """Area of full transmission behind each orientation, shape (n_sun,)."""
    room_wall_kw_k: float = 0.0
    """Room to outer walls."""
    wall_out_kw_k: float = 0.0
    """Outer walls to the outside."""
    room_inner_kw_k: float = 0.0
    """Room to inner walls."""
    gain_kw: float = 0.0
    """From people and appliances, always."""
    surface_shares: tuple[float, float] = (RADIANT_SHARE, SUN_SHARE)
    """Shares of heat and of sun that the last node takes rather than the first."""

    @property
    def order(self) -> int:
        """Number of heat nodes."""
        return len(self.capacity_kj_k)

    def loss_kw_k(self) -> float:
        """Return the steady loss to the outside a kelvin, supplied air and neighbours apart."""
        walls = 0.0
        if self.order > 1:
            walls = 1.0 / (1.0 / self.room_wall_kw_k + 1.0 / self.wall_out_kw_k)
        return self.room_out_kw_k + walls

    def modes(self, dt_s: float, supply_air_kw_k: float = 0.0) -> Modes:
        """Return the room in its modes for this step."""
        n = self.order
        g = np.zeros((n, n))
        last = self._neighbour_node
        g[0, 0] = self.room_out_kw_k + supply_air_kw_k
        g[last, last] += float(self.boundary_kw_k.sum())
        links = [(1, self.room_wall_kw_k), (2, self.room_inner_kw_k)][: n - 1]
        for node, kw_k in links:
            g[0, 0] += kw_k
            g[node, node] += kw_k
            g[0, node] -= kw_k
            g[node, 0] -= kw_k
        if n > 1:
            g[1, 1] += self.wall_out_kw_k
        return modes_of(self.capacity_kj_k, g, dt_s)

    def load_kw(self, inputs: RoomInputs) -> Floats:
        """Return the heat into each node from all that is known, shape (n_time, n_node)."""
        n, surface = self.order, self.order - 1
        load = np.zeros((len(inputs.heat_kw), n))
        sun = inputs.sun_kw_m2 @ self.sun_m2
        heat_in, sun_in = self.surface_shares if n > 1 else (0.0, 0.0)
        load[:, 0] = (1.0 - heat_in) * inputs.heat_kw + (1.0 - sun_in) * sun
        load[:, surface] += heat_in * inputs.heat_kw + sun_in * sun
        load[:, 0] += self.gain_kw + self.room_out_kw_k * inputs.outdoor_c
        load[:, 0] += inputs.supply_air_kw_k * inputs.supply_air_c
        load[:, self._neighbour_node] += inputs.boundary_c @ self.boundary_kw_k
        if n > 1:
            load[:, 1] += self.wall_out_kw_k * inputs.outdoor_c
        return load

    def simulate(self, inputs: RoomInputs, start_c: Floats) -> Floats:
        """Return the temperature of every node, free of any measurement, shape (n_time, n_node).

        Args:
            inputs: What acts on the room.
            start_c: Temperatures at the first moment, shape (n_node,).

        Raises:
            InputError: The inputs have another number of orientations or neighbours, or gaps.
        """
        if inputs.sun_kw_m2.shape[1] != len(self.sun_m2) or inputs.boundary_c.shape[1] != len(
            self.boundary_kw_k
        ):
            raise InputError(
                "the inputs do not fit the model",
                thing="room model",
                fix="give as many orientations and neighbours as it was identified with",
            )
        load = self.load_kw(inputs)
        if not np.all(np.isfinite(load)):
            raise InputError("inputs of a free simulation have gaps", thing="room model")
        return self.modes(inputs.dt_s, inputs.supply_air_kw_k).run(load, start_c)

    @property
    def _neighbour_node(self) -> int:
        """Neighbours border on the inner walls; where there are none, on the room."""
        return 2 if self.order == 3 else 0
