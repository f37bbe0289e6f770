"""Plate heat exchangers by effectiveness and number of transfer units, counter-flow."""

from __future__ import annotations

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK

_FILM_EXPONENT = 0.7


def conductance_kw_k(
    design_kw_k: Floats,
    primary_ratio: Floats,
    secondary_ratio: Floats,
    fouling: Floats | float = 0.0,
) -> Floats:
    """Return UA at part flow: two equal film resistances that follow flow^0.7, and fouling.

    Args:
        design_kw_k: UA, clean, at design flows, shape (n,).
        primary_ratio: Primary flow over its design flow, shape (n,).
        secondary_ratio: Secondary flow over its design flow, shape (n,).
        fouling: Added resistance over the clean design resistance, shape (n,) or scalar.

    Reference: film coefficient Nu ~ Re^0.7 of plate exchangers, VDI Heat Atlas N6.
    """
    films = 0.5 * np.maximum(primary_ratio, 1e-3) ** -_FILM_EXPONENT
    films += 0.5 * np.maximum(secondary_ratio, 1e-3) ** -_FILM_EXPONENT
    return np.asarray(design_kw_k / (films + fouling))


def transfer_kw_k(ua_kw_k: Floats, primary_kgs: Floats, secondary_kgs: Floats) -> Floats:
    """Return heat per kelvin between the two inlet temperatures: effectiveness * smaller C.

    Args:
        ua_kw_k: Conductance, shape (n,).
        primary_kgs: Primary flow, shape (n,).
        secondary_kgs: Secondary flow, shape (n,).
    """
    c1, c2 = primary_kgs * CP_KJ_KGK, secondary_kgs * CP_KJ_KGK
    low = np.maximum(np.minimum(c1, c2), 1e-9)
    ratio = low / np.maximum(np.maximum(c1, c2), 1e-9)
    ntu = ua_kw_k / low
    one = 1.0 - ratio
    # Equal streams make the formula 0/0; its limit is ntu / (1 + ntu).
    fall = np.exp(-np.minimum(ntu * one, 700.0))
    plain = (1.0 - fall) / np.maximum(1.0 - ratio * fall, 1e-12)
    return np.asarray(np.where(one < 1e-6, ntu / (1.0 + ntu), plain) * low)


def design_conductance_kw_k(
    load_kw: Floats | float,
    primary_c: tuple[float, float],
    secondary_supply_c: Floats | float,
    secondary_return_c: Floats | float,
) -> Floats:
    """Return the UA that carries a load at design temperatures (log-mean difference).

    Args:
        load_kw: Load, shape (n,).
        primary_c: Primary supply and return temperature.
        secondary_supply_c: Shape (n,).
        secondary_return_c: Shape (n,).
    """
    hot = np.asarray(primary_c[0] - np.asarray(secondary_supply_c, dtype=np.float64))
    cold = np.asarray(primary_c[1] - np.asarray(secondary_return_c, dtype=np.float64))
    same = np.abs(hot - cold) < 1e-6
    mean = np.where(same, hot, (hot - cold) / np.where(same, 1.0, np.log(hot / cold)))
    return np.asarray(load_kw / mean)
