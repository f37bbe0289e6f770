"""What flowing water does at a pipe's wall and along its axis: general laws, nothing fitted."""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.friction import LAMINAR_RE, TURBULENT_RE
from heatloop.network.flow.laws import looked_up

_LAMINAR_NU = 3.66


@compiled
def conductivity_w_mk(temperature_c: float) -> float:
    """Return the heat conductivity of water.

    Reference: quadratic through IAPWS R15-11, within 0.5 % from 0 to 100 degC.
    """
    t = min(max(temperature_c, 0.0), 180.0)
    return 0.5611 + t * (2.06e-3 - t * 8.5e-6)


@compiled
def film_w_m2k(
    temperature_c: float, flow_kgs: float, diameter_m: float, table: Floats, low_c: float,
    step_k: float,
) -> float:  # fmt: skip
    """Return the heat transfer coefficient between water and a pipe's inner wall.

    Args:
        temperature_c: Of the water.
        flow_kgs: Flow, either sign.
        diameter_m: Inner diameter.
        table: `Fluid.table()`, shape (n, 3).
        low_c: Its first temperature.
        step_k: Its step.

    Reference: Gnielinski 1976 with Filonenko's smooth friction factor; Nu = 3.66 in laminar flow;
    straight between Re 2,300 and 4,000 (VDI Heat Atlas G1).
    """
    viscosity = looked_up(table, low_c, step_k, temperature_c, 1)
    cp = looked_up(table, low_c, step_k, temperature_c, 2)
    conducts = conductivity_w_mk(temperature_c)
    re = 4.0 * abs(flow_kgs) / (math.pi * diameter_m * viscosity)
    if re <= LAMINAR_RE:
        return _LAMINAR_NU * conducts / diameter_m
    prandtl = 1000.0 * cp * viscosity / conducts
    rough = max(re, TURBULENT_RE)
    eighth = (0.79 * math.log(rough) - 1.64) ** -2 / 8.0
    rise = 1.0 + 12.7 * math.sqrt(eighth) * (prandtl ** (2.0 / 3.0) - 1.0)
    nusselt = eighth * (rough - 1000.0) * prandtl / rise
    if re < TURBULENT_RE:
        share = (re - LAMINAR_RE) / (TURBULENT_RE - LAMINAR_RE)
        nusselt = share * nusselt + (1.0 - share) * _LAMINAR_NU
    return float(nusselt * conducts / diameter_m)


@compiled
def dispersion_m2_s(
    temperature_c: float, flow_kgs: float, diameter_m: float, table: Floats, low_c: float,
    step_k: float,
) -> float:  # fmt: skip
    """Return how fast flow mixes water along a pipe: its faster middle overtakes its slower rim.

    Args:
        temperature_c: Of the water.
        flow_kgs: Flow, either sign.
        diameter_m: Inner diameter.
        table: `Fluid.table()`, shape (n, 3).
        low_c: Its first temperature.
        step_k: Its step.

    Reference: turbulent, Wen and Fan 1975, Models for Flow Systems and Chemical Reactors,
    D / (u d) = 3.0e7 Re^-2.1 + 1.35 Re^-0.125; laminar, Taylor 1953 (doi 10.1098/rspa.1953.0139),
    D / (u d) = Pe / 192, no more than the turbulent law gives where it begins.
    """
    density = looked_up(table, low_c, step_k, temperature_c, 0)
    viscosity = looked_up(table, low_c, step_k, temperature_c, 1)
    re = 4.0 * abs(flow_kgs) / (math.pi * diameter_m * viscosity)
    speed_d = re * viscosity / density
    seen = max(re, LAMINAR_RE)
    ratio = 3.0e7 * seen**-2.1 + 1.35 * seen**-0.125
    if re < LAMINAR_RE:
        cp = looked_up(table, low_c, step_k, temperature_c, 2)
        diffusivity = conductivity_w_mk(temperature_c) / (1000.0 * density * cp)
        ratio = min(ratio, speed_d / diffusivity / 192.0)
    return float(ratio * speed_d)
