"""Steel heating pipes by nominal diameter: bore, outer diameter, usual insulation, heat loss."""

from __future__ import annotations

import math

import numpy as np

from heatloop.kernel.errors import InputError

# Nominal, outer and wall in mm (GB/T 3091 and GB/T 9711 series as heating pipes are sold), and
# the insulation of a pre-insulated pipe in mm (GB/T 29047).
_SERIES = np.array(
    [
        (15, 21.3, 2.8, 25), (20, 26.9, 2.8, 27), (25, 33.7, 3.2, 28), (32, 42.4, 3.5, 32),
        (40, 48.3, 3.5, 32), (50, 60.3, 3.8, 35), (65, 76.1, 4.0, 35), (80, 88.9, 4.0, 35),
        (100, 114.3, 4.0, 38), (125, 139.7, 4.5, 40), (150, 168.3, 5.0, 42), (200, 219.1, 6.0, 45),
        (250, 273.0, 7.0, 50), (300, 323.9, 7.0, 53), (350, 377.0, 7.0, 55), (400, 426.0, 7.0, 60),
        (450, 478.0, 7.0, 62), (500, 529.0, 8.0, 65), (600, 630.0, 9.0, 70), (700, 720.0, 10.0, 75),
        (800, 820.0, 10.0, 80), (900, 920.0, 12.0, 80), (1000, 1020.0, 13.0, 85),
        (1200, 1220.0, 14.0, 90), (1400, 1420.0, 15.0, 95), (1600, 1620.0, 16.0, 100),
    ]
)  # fmt: skip
_FOAM_W_MK = 0.033
_STEEL_KJ_M3K = 7850.0 * 0.46
_FOAM_KJ_M3K = 60.0 * 1.5
_SOIL_W_MK = 1.5
_DEPTH_M = 1.2


def _row(nominal_mm: float) -> tuple[float, float, float]:
    """Return outer diameter, wall and insulation in mm; sizes between the series interpolated."""
    sizes = _SERIES[:, 0]
    if not sizes[0] <= nominal_mm <= 2.0 * sizes[-1]:
        raise InputError(
            "no such nominal diameter",
            thing=f"DN {nominal_mm:g}",
            fix=f"use {sizes[0]:g} to {2 * sizes[-1]:g} mm, or give the inner diameter",
        )
    if nominal_mm > sizes[-1]:
        return nominal_mm + 20.0, 16.0, 100.0
    outer, wall, foam = (float(np.interp(nominal_mm, sizes, _SERIES[:, n])) for n in (1, 2, 3))
    return outer, wall, foam


def bore_m(nominal_mm: float) -> float:
    """Return the inner diameter of a steel pipe of this nominal diameter, m.

    Raises:
        InputError: There is no such pipe.
    """
    outer, wall, _ = _row(nominal_mm)
    return (outer - 2.0 * wall) / 1000.0


def loss_w_mk(nominal_mm: float, insulation_mm: float = math.nan, buried: bool = True) -> float:
    """Return the heat loss of one pipe a metre and kelvin between water and surroundings.

    Args:
        nominal_mm: Nominal diameter.
        insulation_mm: Insulation thickness; nan: the usual one of a pre-insulated pipe.
        buried: Under 1.2 m of soil, instead of in still air.

    Raises:
        InputError: There is no such pipe.

    Reference: EN 13941-1, insulation and soil resistance of one buried pipe.
    """
    outer, _, usual = _row(nominal_mm)
    foam = usual if math.isnan(insulation_mm) else insulation_mm
    casing = (outer + 2.0 * foam) / 1000.0
    resistance = math.log(casing / (outer / 1000.0)) / (2.0 * math.pi * _FOAM_W_MK)
    if buried:
        depth = max(_DEPTH_M, casing)
        resistance += math.log(4.0 * depth / casing) / (2.0 * math.pi * _SOIL_W_MK)
    else:
        resistance += 1.0 / (10.0 * math.pi * casing)
    return 1.0 / resistance


def wall_kj_mk(nominal_mm: float, insulation_mm: float = math.nan) -> float:
    """Return the heat capacity of a metre of wall and half its insulation, kJ/(m K).

    Raises:
        InputError: There is no such pipe.
    """
    outer, wall, usual = _row(nominal_mm)
    foam = usual if math.isnan(insulation_mm) else insulation_mm
    steel = math.pi * (outer - wall) * wall * 1e-6
    shell = math.pi * (outer + foam) * foam * 1e-6
    return steel * _STEEL_KJ_M3K + 0.5 * shell * _FOAM_KJ_M3K
