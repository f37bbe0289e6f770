"""What a pipe is made of, and what follows from it: heat loss, heat capacity, insulation shells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats

SHELLS = 4
"""Rings the insulation is cut into; 8 move an outlet temperature by less than 0.01 K."""
USUAL_INSULATION_KJ_M3K = 80.0
"""Density times heat capacity of common insulation: PUR foam 60 kg/m3 x 1.4 kJ/(kg K), elastomer
foam 55 x 1.5, mineral wool 95 x 0.84; EN 253 and EN ISO 10456."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipeMaterials:
    """The cross-section of an insulated pipe; defaults are steel in PUR foam in still air."""

    inner_m: float
    """Inner diameter."""
    outer_m: float
    """Outer diameter of the bare pipe."""
    wall_kg_m3: float = 7850.0
    """Density of the wall."""
    wall_kj_kgk: float = 0.46
    """Heat capacity of the wall."""
    insulation_m: float = 0.0
    """Thickness of the insulation; 0: bare."""
    insulation_w_mk: float = 0.03
    """Its conductivity at `insulation_at_c`."""
    insulation_at_c: float = 50.0
    """Mean temperature of the insulation that the conductivity is given at."""
    insulation_second_w_mk: float | None = None
    """Its conductivity at a second mean temperature; None: the same at all."""
    insulation_second_at_c: float = 10.0
    """The second mean temperature."""
    insulation_kj_m3k: float = USUAL_INSULATION_KJ_M3K
    """Heat capacity of a cubic metre of insulation."""
    outer_w_m2k: float = 8.0
    """Heat transfer to the air, by convection and radiation together; not used when buried."""
    depth_m: float | None = None
    """Depth of the pipe's axis below ground; None: in air."""
    soil_w_mk: float = 1.5
    """Conductivity of the soil around a buried pipe."""

    def __post_init__(self) -> None:
        """Refuse what no pipe can be.

        Raises:
            InputError: A number is out of range.
        """
        for name in ("inner_m", "outer_m", "insulation_w_mk", "outer_w_m2k", "soil_w_mk"):
            _check(name, getattr(self, name), above=0.0)
        for name in ("wall_kg_m3", "wall_kj_kgk", "insulation_m", "insulation_kj_m3k"):
            _check(name, getattr(self, name))
        if self.outer_m < self.inner_m:
            raise InputError("outer diameter below inner", thing="pipe", place="outer_m")
        if self.insulation_second_w_mk is not None:
            _check("insulation_second_w_mk", self.insulation_second_w_mk, above=0.0)
            if self.insulation_second_at_c == self.insulation_at_c:
                raise InputError(
                    "two conductivities at one temperature",
                    thing="pipe",
                    place="insulation_second_at_c",
                    fix="give the second one at another temperature",
                )
        if self.depth_m is not None and not self.depth_m > self.jacket_m / 2.0:
            raise InputError(
                "a buried pipe lies deeper than its radius", thing="pipe", place="depth_m"
            )

    @property
    def jacket_m(self) -> float:
        """Outer diameter with insulation."""
        return self.outer_m + 2.0 * self.insulation_m

    def conductivity_w_mk(self, mean_c: float) -> float:
        """Return the insulation's conductivity at a mean temperature, straight between the two."""
        if self.insulation_second_w_mk is None:
            return self.insulation_w_mk
        rise = self.insulation_w_mk - self.insulation_second_w_mk
        slope = rise / (self.insulation_at_c - self.insulation_second_at_c)
        found = self.insulation_w_mk + slope * (mean_c - self.insulation_at_c)
        return max(found, 0.2 * min(self.insulation_w_mk, self.insulation_second_w_mk))


def _check(name: str, value: float, above: float | None = None) -> None:
    if not math.isfinite(value) or value < 0.0 or (above is not None and value <= above):
        limit = "must not be negative" if above is None else f"must be above {above:g}"
        raise InputError(limit, thing="pipe", place=f"{name} = {value:g}")


def outside_mk_w(pipe: PipeMaterials) -> float:
    """Return the resistance from the jacket to the surroundings, m K/W.

    Reference: buried, a cylinder under a plane, acosh(2 z / d) / (2 pi k); EN 13941.
    """
    if pipe.depth_m is None:
        return 1.0 / (pipe.outer_w_m2k * math.pi * pipe.jacket_m)
    return math.acosh(2.0 * pipe.depth_m / pipe.jacket_m) / (2.0 * math.pi * pipe.soil_w_mk)


def loss_w_mk(pipe: PipeMaterials, *, water_c: float = 60.0, ambient_c: float = 10.0) -> float:
    """Return the heat loss a metre and kelvin between water and surroundings.

    Args:
        pipe: What it is made of.
        water_c: Usual water temperature, for the insulation's conductivity.
        ambient_c: Usual surroundings.
    """
    conducts = pipe.conductivity_w_mk(0.5 * (water_c + ambient_c))
    inside = math.log(pipe.jacket_m / pipe.outer_m) / (2.0 * math.pi * conducts)
    return 1.0 / (inside + outside_mk_w(pipe))


def bare_wall_kj_mk(pipe: PipeMaterials) -> float:
    """Return the heat capacity of a metre of bare pipe."""
    area = math.pi / 4.0 * (pipe.outer_m**2 - pipe.inner_m**2)
    return area * pipe.wall_kg_m3 * pipe.wall_kj_kgk


def wall_kj_mk(pipe: PipeMaterials, *, water_c: float = 60.0, ambient_c: float = 10.0) -> float:
    """Return the heat capacity that follows the water: the wall, and insulation by its share.

    When the water warms by 1 K and all settles, a ring of insulation warms by the share of the
    heat-loss resistance that lies outside it; that much of its capacity counts.

    Args:
        pipe: What it is made of.
        water_c: Usual water temperature.
        ambient_c: Usual surroundings.
    """
    links, rings = insulation_shells(pipe, 16)
    conducts = pipe.conductivity_w_mk(0.5 * (water_c + ambient_c))
    resistance = np.append(links / conducts, outside_mk_w(pipe))
    outside = 1.0 - np.cumsum(resistance)[: len(rings)] / resistance.sum()
    return bare_wall_kj_mk(pipe) + float(outside @ rings) / 1000.0


def insulation_shells(pipe: PipeMaterials, count: int = SHELLS) -> tuple[Floats, Floats]:
    """Return the insulation as rings of equal resistance.

    Args:
        pipe: What it is made of.
        count: Number of rings.

    Returns:
        Resistances times conductivity between wall, ring middles and jacket, shape (n + 1,), and
        capacities of the rings, J/(m K), shape (n,); n = 0 and one zero resistance when bare.
    """
    if pipe.insulation_m <= 0.0:
        return np.zeros(1), np.zeros(0)
    edges = np.geomspace(pipe.outer_m / 2.0, pipe.jacket_m / 2.0, count + 1)
    rings = math.pi * (edges[1:] ** 2 - edges[:-1] ** 2) * pipe.insulation_kj_m3k * 1000.0
    middles = np.sqrt(edges[1:] * edges[:-1])
    points = np.concatenate([edges[:1], middles, edges[-1:]])
    return np.log(points[1:] / points[:-1]) / (2.0 * math.pi), rings
