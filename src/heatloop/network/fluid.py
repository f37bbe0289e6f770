"""Fluids as tables over temperature, evenly spaced, so that a look-up is two multiplications."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK, density_kg_m3

_VISCOSITY_C = (
    0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0,
    110.0, 120.0, 130.0, 140.0, 150.0, 160.0, 170.0, 180.0,
)  # fmt: skip
_VISCOSITY_MPA_S = (
    1.7916, 1.5182, 1.3060, 1.1375, 1.0016, 0.8901, 0.7972, 0.7191, 0.6527, 0.5465, 0.4660,
    0.4035, 0.3540, 0.3142, 0.2816, 0.2547, 0.2320, 0.2130, 0.1966, 0.1825, 0.1702, 0.1594,
    0.1502,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Fluid:
    """Properties at `low_c + i * step_k`, each of shape (n,); the ends hold beyond them."""

    name: str
    """For reports."""
    low_c: float
    """Temperature of the first entry."""
    step_k: float
    """Distance between entries."""
    density_kg_m3: Floats
    """Density."""
    viscosity_pa_s: Floats
    """Dynamic viscosity."""
    cp_kj_kgk: Floats
    """Heat capacity."""

    def table(self) -> Floats:
        """Return density, viscosity and heat capacity as one array (n, 3) for the loops."""
        return np.ascontiguousarray(
            np.column_stack([self.density_kg_m3, self.viscosity_pa_s, self.cp_kj_kgk])
        )


def constant_fluid(
    density_kg_m3: float, viscosity_pa_s: float, cp_kj_kgk: float, name: str = "constant"
) -> Fluid:
    """Return a fluid with the same properties at every temperature."""
    return tabled_fluid(
        name,
        np.array([0.0, 200.0]),
        np.full(2, density_kg_m3),
        np.full(2, viscosity_pa_s),
        np.full(2, cp_kj_kgk),
    )


def tabled_fluid(
    name: str, temperature_c: Floats, density: Floats, viscosity: Floats, cp: Floats
) -> Fluid:
    """Return a fluid given at any rising temperatures.

    Raises:
        InputError: Temperatures do not rise, or a property is not positive.
    """
    if len(temperature_c) < 2 or np.any(np.diff(temperature_c) <= 0.0):
        raise InputError("temperatures must rise", thing=name)
    for what, values in (("density", density), ("viscosity", viscosity), ("cp", cp)):
        if not np.all(values > 0.0):
            raise InputError("a property must be above 0", thing=name, place=what)
    low, high = float(temperature_c[0]), float(temperature_c[-1])
    grid = np.linspace(low, high, max(round(high - low), 1) + 1)
    return Fluid(
        name=name,
        low_c=low,
        step_k=float(grid[1] - grid[0]),
        density_kg_m3=np.interp(grid, temperature_c, density),
        viscosity_pa_s=np.interp(grid, temperature_c, viscosity),
        cp_kj_kgk=np.interp(grid, temperature_c, cp),
    )


@cache
def water() -> Fluid:
    """Return water between 0 and 180 degC: the house's density and constant heat capacity.

    Reference: viscosity of the saturated liquid, IAPWS R12-08, straight in its logarithm.
    """
    t = np.linspace(0.0, 180.0, 181)
    viscosity = np.exp(np.interp(t, _VISCOSITY_C, np.log(_VISCOSITY_MPA_S))) * 1e-3
    return tabled_fluid("water", t, density_kg_m3(t), viscosity, np.full(len(t), CP_KJ_KGK))
