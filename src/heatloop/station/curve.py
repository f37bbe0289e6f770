"""The heating curve: how warm the water must be for an outdoor temperature.

Quality regulation of a two-pipe system::

    t_supply, t_return = t_room + 0.5 (t_sd + t_rd - 2 t_room) Q^(1/(1+B))
                         +/- 0.5 (t_sd - t_rd) Q / G

with Q the load over the design load, G the flow over the design flow and B the emitter exponent
(0.3 radiators, 0.05 floors).

Reference: formula and test vectors in the field guide of the standard, section 3.13.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError

TABLE_POINTS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveDesign:
    """The design state a heating curve goes through."""

    supply_c: float = 75.0
    """Supply temperature on the design day."""
    return_c: float = 50.0
    """Return temperature on the design day."""
    room_c: float = 18.0
    """Room temperature kept."""
    outdoor_c: float = -9.0
    """Outdoor temperature of the design day."""
    exponent_b: float = 0.3
    """Emitter exponent B: heat goes with (water - room)^(1 + B)."""

    def __post_init__(self) -> None:
        if not (self.outdoor_c < self.room_c < self.return_c < self.supply_c):
            raise InputError(
                "design temperatures are not in order outdoor < room < return < supply",
                thing="curve design",
                place=f"{self.outdoor_c} {self.room_c} {self.return_c} {self.supply_c} degC",
                fix="correct the design temperatures",
            )
        if self.exponent_b < 0:
            raise InputError(
                "emitter exponent is negative", thing=str(self.exponent_b), fix="give 0 to 0.4"
            )


_EXPONENT_B = {"radiator": 0.3, "floor": 0.05}


def design_from(attributes: Mapping[str, str | float | bool]) -> CurveDesign:
    """Return the design state written in a unit's ledger attributes.

    Missing ones are those of the emitter: 75/50 degC for radiators, 45/35 degC for floors.
    """
    floor = attributes.get("emitter") == "floor"

    def number(name: str, default: float) -> float:
        value = attributes.get(name)
        return default if value is None or value == "" else float(value)

    return CurveDesign(
        supply_c=number("design_supply_c", 45.0 if floor else 75.0),
        return_c=number("design_return_c", 35.0 if floor else 50.0),
        outdoor_c=number("design_outdoor_c", -9.0),
        exponent_b=_EXPONENT_B["floor" if floor else "radiator"],
    )


def load_ratio(design: CurveDesign, outdoor_c: float) -> float:
    """Return the heat load over the design load; 0 when it is warmer outside than in the room."""
    span_k = design.room_c - design.outdoor_c
    return max(0.0, (design.room_c - outdoor_c) / span_k)


def _mean_and_half(
    design: CurveDesign, outdoor_c: float, shift_k: float, flow_ratio: float
) -> tuple[float, float]:
    if flow_ratio <= 0:
        raise InputError("flow ratio must be positive", thing=str(flow_ratio), fix="give G > 0")
    # A shift asks for the curve of a warmer (colder) room: the room, not the water, is shifted.
    load = load_ratio(design, outdoor_c - shift_k)
    room_c = design.room_c + shift_k
    rise_k = 0.5 * (design.supply_c + design.return_c) - design.room_c
    half_k = 0.5 * (design.supply_c - design.return_c) * load / flow_ratio
    return room_c + rise_k * load ** (1.0 / (1.0 + design.exponent_b)), half_k


def supply_c(
    design: CurveDesign, outdoor_c: float, shift_k: float = 0.0, flow_ratio: float = 1.0
) -> float:
    """Return the supply temperature the curve asks for, degC.

    Args:
        design: The design state.
        outdoor_c: Outdoor temperature, degC.
        shift_k: Parallel shift of the room temperature kept, K.
        flow_ratio: Flow over design flow.

    Raises:
        InputError: `flow_ratio` is not positive.
    """
    mean, half = _mean_and_half(design, outdoor_c, shift_k, flow_ratio)
    return mean + half


def return_c(
    design: CurveDesign, outdoor_c: float, shift_k: float = 0.0, flow_ratio: float = 1.0
) -> float:
    """Return the return temperature that belongs to `supply_c`, degC.

    Raises:
        InputError: `flow_ratio` is not positive.
    """
    mean, half = _mean_and_half(design, outdoor_c, shift_k, flow_ratio)
    return mean - half


def flow_for_supply(
    design: CurveDesign,
    outdoor_c: float,
    fixed_supply_c: float,
    shift_k: float = 0.0,
    *,
    low: float = 0.5,
    high: float = 1.0,
) -> float:
    """Return the flow ratio that gives the load at a fixed supply temperature, inside low..high.

    Quantity regulation: the water stays as warm as it is, the pump follows the weather. Outside
    the flow limits the supply temperature has to give; `supply_c` with this ratio says by how much.
    """
    mean, half = _mean_and_half(design, outdoor_c, shift_k, 1.0)
    if fixed_supply_c - mean <= 0:
        return high
    return min(max(half / (fixed_supply_c - mean), low), high)


@dataclass(frozen=True, slots=True)
class CurveTable:
    """The curve as a controller holds it: points joined by straight lines, flat beyond the ends.

    `points` are (outdoor degC, supply degC) pairs; they may come in any order.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.points))
        outdoors = [outdoor for outdoor, _ in ordered]
        if len(ordered) < 2 or len(set(outdoors)) != len(outdoors):
            raise InputError(
                "a curve table needs two or more points at different outdoor temperatures",
                thing="curve table",
                place=str(outdoors),
                fix="give each point its own outdoor temperature",
            )
        object.__setattr__(self, "points", ordered)

    def supply_c(self, outdoor_c: float) -> float:
        """Return the supply temperature at this outdoor temperature, degC."""
        points = self.points
        at = bisect_right(points, (outdoor_c, float("inf")))
        if at == 0:
            return points[0][1]
        if at == len(points):
            return points[-1][1]
        (x0, y0), (x1, y1) = points[at - 1], points[at]
        return y0 + (y1 - y0) * (outdoor_c - x0) / (x1 - x0)


def table_of(
    design: CurveDesign,
    *,
    count: int = TABLE_POINTS,
    mildest_c: float = 15.0,
    shift_k: float = 0.0,
    decimals: int = 1,
) -> CurveTable:
    """Return the curve of `design` as `count` evenly spaced points, rounded as registers hold them.

    The coldest point is the design day: on a colder day the supply stays at its design value.
    """
    step = (mildest_c - design.outdoor_c) / (count - 1)
    outdoors = [round(design.outdoor_c + step * i, decimals) for i in range(count)]
    return CurveTable(
        tuple(
            (outdoor, round(supply_c(design, outdoor, shift_k), decimals)) for outdoor in outdoors
        )
    )
