"""One pipe on its own: its outlet temperature from its inlet temperature, flow and surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.fluid import Fluid, water
from heatloop.network.heat.pipe_materials import (
    PipeMaterials,
    bare_wall_kj_mk,
    insulation_shells,
    outside_mk_w,
)
from heatloop.network.heat.single_loop import run_pipe
from heatloop.network.heat.single_parts import BARE

_CELL_M = 0.5
_FEWEST_CELLS = 120
_MOST_CELLS = 200
_LEAST_WALL_SHARE = 0.01
_USUAL_C = 60.0


class FlowUnit(IntEnum):
    """What the flow is given in, and where a volume was measured."""

    KGS = 0
    """kg/s."""
    M3H_AT_START = 1
    """m3/h of water as warm as where it enters the pipe (its start)."""
    M3H_AT_END = 2
    """m3/h of water as warm as where it leaves the pipe: a meter in the cooler return."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipeSpec:
    """A pipe to be simulated on its own."""

    length_m: float
    """Length."""
    materials: PipeMaterials
    """Its cross-section."""
    loss_w_mk: float | None = None
    """Heat loss a metre and kelvin, if known as such; None: from the materials."""

    def __post_init__(self) -> None:
        """Refuse what no pipe can be.

        Raises:
            InputError: A number is out of range.
        """
        if not (math.isfinite(self.length_m) and self.length_m > 0.0):
            raise InputError("must be above 0", thing="pipe", place=f"length_m = {self.length_m:g}")
        if self.loss_w_mk is not None and not 0.0 <= self.loss_w_mk < math.inf:
            raise InputError(
                "must not be negative", thing="pipe", place=f"loss_w_mk = {self.loss_w_mk:g}"
            )

    @classmethod
    def plain(
        cls, *, length_m: float, diameter_m: float, loss_w_mk: float, wall_kj_mk: float = 0.0
    ) -> Self:
        """Return a pipe known only by its heat loss and the heat capacity of its wall."""
        materials = PipeMaterials(
            inner_m=diameter_m,
            outer_m=diameter_m * 1.1,
            wall_kg_m3=wall_kj_mk / (math.pi / 4.0 * 0.21 * diameter_m**2),
            wall_kj_kgk=1.0,
        )
        return cls(length_m=length_m, materials=materials, loss_w_mk=loss_w_mk)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PipeRun:
    """What a pipe did, with its heat books: held_first + entered = left + lost + held_last."""

    outlet_c: Floats
    """Temperature at the pipe's end at each time, shape (n,)."""
    entered_kj: float
    """With water that entered, above 0 degC."""
    left_kj: float
    """With water that left."""
    lost_kj: float
    """To the surroundings."""
    held_first_kj: float
    """In water, wall and insulation at first."""
    held_last_kj: float
    """At last."""


def simulate_pipe(
    spec: PipeSpec,
    times_s: Floats,
    inlet_c: Floats,
    flow: Floats,
    ambient_c: Floats | float,
    *,
    unit: FlowUnit = FlowUnit.KGS,
    far_c: Floats | float = math.nan,
    start_c: float | tuple[float, float] | None = None,
    fluid: Fluid | None = None,
    cells: int | None = None,
) -> Floats:
    """Return the temperature at the pipe's end at each time; see `run_single_pipe`."""
    return run_single_pipe(
        spec,
        times_s,
        inlet_c,
        flow,
        ambient_c,
        unit=unit,
        far_c=far_c,
        start_c=start_c,
        fluid=fluid,
        cells=cells,
    ).outlet_c


def run_single_pipe(
    spec: PipeSpec,
    times_s: Floats,
    inlet_c: Floats,
    flow: Floats,
    ambient_c: Floats | float,
    *,
    unit: FlowUnit = FlowUnit.KGS,
    far_c: Floats | float = math.nan,
    start_c: float | tuple[float, float] | None = None,
    fluid: Fluid | None = None,
    cells: int | None = None,
) -> PipeRun:
    """Run a pipe through measured or planned values; between times all go straight.

    Args:
        spec: The pipe.
        times_s: Rising, any distances, shape (n,).
        inlet_c: Temperature at the pipe's start, shape (n,).
        flow: Flow from start to end, negative backwards, shape (n,).
        ambient_c: Surroundings, shape (n,) or one for all.
        unit: Of `flow`.
        far_c: Temperature of water that enters at the end when it flows backwards; nan: as warm
            as what last left there.
        start_c: First temperature of water and wall, or of both ends with a straight line
            between; None: the first inlet temperature, or the surroundings if nothing flows.
        fluid: What flows; water if none is given.
        cells: Cells of wall; by default one every half metre, 120 to 200.

    Raises:
        InputError: Lengths differ, times do not rise, a value is missing, or water is outside
            the fluid's table.
    """
    fluid = fluid or water()
    times = _column(times_s, "times_s", None)
    n = len(times)
    if n < 1 or np.any(np.diff(times) <= 0.0):
        raise InputError("times must rise", thing="pipe", place="times_s")
    inlet = _column(inlet_c, "inlet_c", n)
    moves = _column(flow, "flow", n)
    ambient = _column(np.broadcast_to(ambient_c, n), "ambient_c", n)
    far = np.ascontiguousarray(np.broadcast_to(far_c, n), np.float64)
    high_c = fluid.low_c + fluid.step_k * (len(fluid.density_kg_m3) - 1)
    if inlet.min() < fluid.low_c or inlet.max() > high_c:
        raise InputError(
            f"{fluid.name} is known from {fluid.low_c:g} to {high_c:g} degC",
            thing="pipe",
            place="inlet_c",
            fix="check the unit and the sensor",
        )
    if start_c is None:
        start_c = float(inlet[0] if moves[0] != 0.0 else ambient[0])
    ends = np.array(start_c if isinstance(start_c, tuple) else (start_c, start_c), np.float64)
    pipe, held, line, conductivity = _numbers(spec, fluid)
    count = cells or min(max(math.ceil(spec.length_m / _CELL_M), _FEWEST_CELLS), _MOST_CELLS)
    outlet, books = np.empty(n), np.zeros(5)
    scale = 1.0 if unit == FlowUnit.KGS else 1.0 / 3600.0
    run_pipe(
        times,
        inlet,
        moves * scale,
        far,
        ambient,
        int(unit),
        ends,
        pipe,
        held,
        line,
        conductivity,
        count,
        4 * count + 16,
        fluid.table(),
        fluid.low_c,
        fluid.step_k,
        outlet,
        books,
    )
    first, entered, left, lost, last = (float(value) / 1000.0 for value in books)
    return PipeRun(
        outlet_c=outlet,
        entered_kj=entered,
        left_kj=left,
        lost_kj=lost,
        held_first_kj=first,
        held_last_kj=last,
    )


def _column(values: Floats, name: str, length: int | None) -> Floats:
    column = np.ascontiguousarray(values, np.float64)
    if column.ndim != 1 or (length is not None and len(column) != length):
        raise InputError("all columns must be as long as the times", thing="pipe", place=name)
    if not np.isfinite(column).all():
        row = int(np.flatnonzero(~np.isfinite(column))[0])
        raise InputError(
            "a value is missing", thing="pipe", place=f"{name}, row {row + 1}", fix="fill or cut it"
        )
    return column


def _numbers(spec: PipeSpec, fluid: Fluid) -> tuple[Floats, Floats, Floats, Floats]:
    """Return geometry, heat capacities, resistances and conductivity as the loop wants them."""
    made = spec.materials
    usual_cp = float(np.interp(_USUAL_C, _grid(fluid), fluid.cp_kj_kgk)) * 1000.0
    usual_density = float(np.interp(_USUAL_C, _grid(fluid), fluid.density_kg_m3))
    line, rings = insulation_shells(made)
    outside = outside_mk_w(made)
    if spec.loss_w_mk is not None:
        line, rings = np.zeros(1), np.zeros(0)
        outside = 1.0 / spec.loss_w_mk if spec.loss_w_mk > 0.0 else math.inf
    wall = bare_wall_kj_mk(made) * 1000.0
    water_j_mk = math.pi / 4.0 * made.inner_m**2 * usual_density * usual_cp
    if wall < _LEAST_WALL_SHARE * water_j_mk:
        # Too little to count, and a cell with hardly any capacity would throttle the loss.
        extra, wall = wall, 0.0
        if len(rings):
            rings = rings + extra / len(rings)
            line, rings, wall = line[1:], rings[1:], float(rings[0])
        if wall < _LEAST_WALL_SHARE * water_j_mk:
            line, rings, wall = np.array([line.sum()]), np.zeros(0), 0.0
    pipe = np.array([spec.length_m, made.inner_m, wall, outside, usual_cp])
    held = np.concatenate([[max(wall, BARE)], rings])
    at_0 = made.conductivity_w_mk(0.0)
    slope = made.conductivity_w_mk(1.0) - at_0
    second = made.insulation_second_w_mk
    if second is None:
        at_0, slope = made.insulation_w_mk, 0.0
        least = at_0
    else:
        slope = (made.insulation_w_mk - second) / (
            made.insulation_at_c - made.insulation_second_at_c
        )
        at_0 = second - slope * made.insulation_second_at_c
        least = 0.2 * min(made.insulation_w_mk, second)
    return pipe, held, line, np.array([at_0, slope, least])


def _grid(fluid: Fluid) -> Floats:
    return np.asarray(fluid.low_c + fluid.step_k * np.arange(len(fluid.cp_kj_kgk)))
