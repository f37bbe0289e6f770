"""What station control knows of one unit: its emitters, rooms and walls as a few numbers.

The rooms of a unit are taken together: one node for the air and what follows it, one for walls
and slabs (2R2C), or one for both (1R1C, wall figures zero). Water of flow `flow_kgs` gives heat

    heat = design_heat * ((supply - heat / (2 flow cp) - room) / design_mean_over_room)^(1 + B).

Reference: 2R2C and 1R1C as in Bacher and Madsen, Energy and Buildings 43 (2011),
doi 10.1016/j.enbuild.2011.02.005; emitters EN 442-2 with the arithmetic mean of the water.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitModel:
    """One unit as its model predictive controller sees it."""

    capacity_kj_k: tuple[float, float]
    """Heat capacity of room (air, furniture, inner surfaces) and wall; wall 0: 1R1C."""
    room_wall_kw_k: float
    """Room to wall; 0 with 1R1C."""
    wall_out_kw_k: float
    """Wall to the outside; 0 with 1R1C."""
    room_out_kw_k: float
    """Room straight to the outside."""
    gain_kw: float
    """From people and appliances, mean over the day."""
    sun_m2: float
    """Horizontal sun times this area is heat in the rooms."""
    design_heat_kw: float
    """Heat of the emitters at `design_mean_over_room_k`."""
    design_mean_over_room_k: float
    """Mean water over room temperature in the design state."""
    exponent: float
    """B of excess^(1 + B)."""
    flow_kgs: float
    """Circulation of the unit."""
    lag_s: float = 0.0
    """From heat at the exchanger to heat in the rooms, first order: water, pipes, emitters."""
    relative_sigma: Mapping[str, float] = field(default_factory=dict)
    """Relative uncertainty (one sigma over value) of a figure by its name; missing: unknown."""

    @property
    def order(self) -> int:
        """Return 2 with a wall node, else 1."""
        return 2 if self.capacity_kj_k[1] > 0.0 else 1

    def supply_lag_s(self) -> float:
        """Return the lag from the supply temperature to heat in the rooms, first order.

        Emitters of capacity C that give K a kelvin follow the heat they get with C / K, but the
        supply temperature with C / (K + 2 flow cp): warmer water at once brings more heat, most
        of which goes into the screed.
        """
        give = (1.0 + self.exponent) * self.design_heat_kw / self.design_mean_over_room_k
        return self.lag_s * give / (give + 2.0 * CP_KJ_KGK * self.flow_kgs)

    def loss_kw_k(self) -> float:
        """Return the steady loss to the outside a kelvin."""
        if self.order == 1:
            return self.room_out_kw_k
        through = 1.0 / (1.0 / self.room_wall_kw_k + 1.0 / self.wall_out_kw_k)
        return self.room_out_kw_k + through

    def supply_c(
        self, heat_kw: Floats | float, room_c: Floats | float, flow_kgs: Floats | float = 0.0
    ) -> Floats:
        """Return the supply temperature at which the emitters give a heat.

        Args:
            heat_kw: Heat wanted, below 0 taken as 0.
            room_c: Room.
            flow_kgs: Circulation; 0: the unit's own.
        """
        heat = np.maximum(np.asarray(heat_kw, dtype=np.float64), 0.0)
        flow = np.where(np.asarray(flow_kgs) > 0.0, flow_kgs, self.flow_kgs)
        excess = self.design_mean_over_room_k * (heat / self.design_heat_kw) ** (
            1.0 / (1.0 + self.exponent)
        )
        return np.asarray(room_c + excess + heat / (2.0 * CP_KJ_KGK * flow))

    def heat_kw(
        self, supply_c: Floats | float, room_c: Floats | float, flow_kgs: Floats | float = 0.0
    ) -> Floats:
        """Return the heat the emitters give; no less than 0.

        Args:
            supply_c: Water at the exchanger's outlet.
            room_c: Room.
            flow_kgs: Circulation; 0: the unit's own.
        """
        flow = np.where(np.asarray(flow_kgs) > 0.0, flow_kgs, self.flow_kgs)
        over = np.maximum(np.asarray(supply_c, dtype=np.float64) - room_c, 0.0)
        # Newton on the excess x of  x + cool x^(1+B) = over: convex, from above it only comes down.
        n = 1.0 + self.exponent
        cool = self.design_heat_kw / self.design_mean_over_room_k**n / (2.0 * CP_KJ_KGK * flow)
        x = over.copy()
        for _ in range(5):
            power = cool * x**self.exponent
            x = np.maximum(x - (x + power * x - over) / (1.0 + n * power), 0.0)
        return np.asarray(self.design_heat_kw * (x / self.design_mean_over_room_k) ** n)

    def given_kw(self, water_c: float, room_c: float) -> float:
        """Return the heat the emitters give at a mean temperature of their water; no less than 0.

        Args:
            water_c: Mean of supply and return as measured, whatever the supply has just done.
            room_c: Room.
        """
        over = max(water_c - room_c, 0.0) / self.design_mean_over_room_k
        return float(self.design_heat_kw * over ** (1.0 + self.exponent))

    def steady_heat_kw(self, room_c: float, outdoor_c: float, sun_kw_m2: float = 0.0) -> float:
        """Return the heat that keeps a room temperature, no less than 0."""
        lost = self.loss_kw_k() * (room_c - outdoor_c)
        return max(lost - self.gain_kw - self.sun_m2 * sun_kw_m2, 0.0)

    def steady_wall_c(self, room_c: float, outdoor_c: float) -> float:
        """Return where a steady flow of heat puts the wall."""
        if self.order == 1:
            return room_c
        inner, outer = self.room_wall_kw_k, self.wall_out_kw_k
        return (inner * room_c + outer * outdoor_c) / (inner + outer)

    def transition(self, dt_s: float) -> tuple[Floats, Floats, Floats]:
        """Return (A, b_room, b_wall) of x(t + dt) = A x + b_room load_room + b_wall load_wall.

        x is (room, wall), the loads are kW into each node with the outdoor air's share
        (`room_out_kw_k * outdoor`, `wall_out_kw_k * outdoor`) in them, constant over the step.
        Exact by the two modes; with 1R1C the wall stays where it is.

        Args:
            dt_s: Step.
        """
        c_room, c_wall = self.capacity_kj_k
        a11 = -(self.room_out_kw_k + self.room_wall_kw_k) / c_room
        if self.order == 1:
            e = math.exp(a11 * dt_s)
            b = math.expm1(a11 * dt_s) / a11 / c_room if a11 else dt_s / c_room
            return np.array([[e, 0.0], [0.0, 1.0]]), np.array([b, 0.0]), np.zeros(2)
        a12, a21 = self.room_wall_kw_k / c_room, self.room_wall_kw_k / c_wall
        a22 = -(self.room_wall_kw_k + self.wall_out_kw_k) / c_wall
        half, root = 0.5 * (a11 + a22), math.sqrt(0.25 * (a11 - a22) ** 2 + a12 * a21)
        slow, fast = half + root, half - root
        # exp(M t) = p I + r M by Sylvester; its integral has the same form.
        e1, e2 = math.exp(slow * dt_s), math.exp(fast * dt_s)
        i1, i2 = (math.expm1(x * dt_s) / x if x else dt_s for x in (slow, fast))
        m = np.array([[a11, a12], [a21, a22]])
        eye, span = np.eye(2), slow - fast
        a = ((slow * e2 - fast * e1) * eye + (e1 - e2) * m) / span
        whole = ((slow * i2 - fast * i1) * eye + (i1 - i2) * m) / span
        return a, whole[:, 0] / c_room, whole[:, 1] / c_wall

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values, as records and files keep it."""
        plain = asdict(self)
        plain["capacity_kj_k"] = list(self.capacity_kj_k)
        plain["relative_sigma"] = dict(self.relative_sigma)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read a model from plain values.

        Raises:
            InputError: A figure is missing, unknown, or makes no model.
        """
        unknown = set(plain) - {f.name for f in fields(cls)}
        if unknown:
            raise InputError("a unit model has no such figure", thing=min(unknown))
        values = dict(plain)
        try:
            values["capacity_kj_k"] = tuple(float(x) for x in values["capacity_kj_k"])
            model = cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"unit model: {error}", fix="give every figure") from error
        check_model(model)
        return model


_POSITIVE = ("design_heat_kw", "design_mean_over_room_k", "flow_kgs")
_NOT_NEGATIVE = ("room_wall_kw_k", "wall_out_kw_k", "room_out_kw_k", "sun_m2", "lag_s", "exponent")


def check_model(model: UnitModel) -> None:
    """Refuse a model no controller can use.

    Raises:
        InputError: A figure is not finite or out of range.
    """
    if len(model.capacity_kj_k) != 2:
        raise InputError("a unit model has two capacities, room and wall", thing="capacity_kj_k")
    room, wall = model.capacity_kj_k
    wrong = [name for name in _POSITIVE if not 0.0 < getattr(model, name) < math.inf]
    wrong += [name for name in _NOT_NEGATIVE if not 0.0 <= getattr(model, name) < math.inf]
    if not (0.0 < room < math.inf and 0.0 <= wall < math.inf):
        wrong.append("capacity_kj_k")
    if not math.isfinite(model.gain_kw):
        wrong.append("gain_kw")
    if wall > 0.0 and not (model.room_wall_kw_k > 0.0 and model.wall_out_kw_k > 0.0):
        wrong.append("room_wall_kw_k")
    if wrong:
        raise InputError("a figure of the unit model is out of range", thing=wrong[0])
    if not model.loss_kw_k() > 0.0:
        raise InputError("a unit model must lose heat", thing="room_out_kw_k")


_HOURS_ROOM, _HOURS_WALL, _LOAD_MARGIN = 9.0, 80.0, 1.15
_SUN_M2_PER_KW_K, _GAIN_K = 8.0, 2.0


def model_from_design(
    design: CurveDesign, design_heat_kw: float, *, margin: float = _LOAD_MARGIN
) -> UnitModel:
    """Return a cautious 2R2C model of a unit of which only the design state is known.

    Buildings heated for the whole design load have time constants of some 3 days; emitters are
    sized with some margin. Identification replaces it.

    Args:
        design: Design state of its heating curve.
        design_heat_kw: Heat of the emitters in that state.
        margin: Emitters over load.

    Raises:
        InputError: The heat is not above 0.
    """
    if not 0.0 < design_heat_kw < math.inf:
        raise InputError("the design heat must be above 0", thing="design_heat_kw")
    loss = design_heat_kw / margin / (design.room_c - design.outdoor_c)
    return UnitModel(
        capacity_kj_k=(_HOURS_ROOM * 3600.0 * loss, _HOURS_WALL * 3600.0 * loss),
        room_wall_kw_k=1.5 * loss,
        wall_out_kw_k=0.75 * loss,
        room_out_kw_k=0.5 * loss,
        gain_kw=_GAIN_K * loss,
        sun_m2=_SUN_M2_PER_KW_K * loss,
        design_heat_kw=design_heat_kw,
        design_mean_over_room_k=0.5 * (design.supply_c + design.return_c) - design.room_c,
        exponent=design.exponent_b,
        flow_kgs=design_heat_kw / (CP_KJ_KGK * (design.supply_c - design.return_c)),
        lag_s=1200.0 if design.exponent_b > 0.2 else 7200.0,
        relative_sigma={"capacity_kj_k": 0.4, "room_out_kw_k": 0.2, "wall_out_kw_k": 0.2},
    )
