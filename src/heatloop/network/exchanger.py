"""Plate heat exchangers by effectiveness and number of transfer units, counter-flow."""

from __future__ import annotations

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK

_FILM_EXPONENT = 0.7
STEEL_KW_MK = 0.0163
"""Conductivity of stainless steel 1.4401."""


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


def effectiveness(ntu: Floats | float, ratio: Floats | float) -> Floats:
    """Return heat over the most that could pass, counter-flow, shape (n,).

    Args:
        ntu: UA over the smaller heat capacity flow, shape (n,).
        ratio: Smaller over larger heat capacity flow, 0 to 1, shape (n,).

    Reference: Kays and London, Compact Heat Exchangers, 3rd ed., table 2-2.
    """
    n, r = np.asarray(ntu, dtype=np.float64), np.asarray(ratio, dtype=np.float64)
    one = 1.0 - r
    # 1 - e^-x without loss of digits; equal streams make the formula 0/0, its limit is n / (1 + n).
    gone = -np.expm1(-np.minimum(n * one, 700.0))
    plain = gone / np.where(one > 0.0, one + r * gone, 1.0)
    return np.asarray(np.where(one > 1e-12, plain, n / (1.0 + n)))


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
    return np.asarray(effectiveness(ua_kw_k / low, ratio) * low)


def log_mean_k(one_end_k: Floats | float, other_end_k: Floats | float) -> Floats:
    """Return the logarithmic mean of the differences at both ends of a counter-flow exchanger.

    Args:
        one_end_k: Warm inlet less cold outlet, shape (n,).
        other_end_k: Warm outlet less cold inlet, shape (n,).

    Raises:
        InputError: A difference is not above 0: the temperatures cross.
    """
    a = np.asarray(one_end_k, dtype=np.float64)
    b = np.asarray(other_end_k, dtype=np.float64)
    if not (np.all(a > 0.0) and np.all(b > 0.0)):
        raise InputError(
            "temperatures cross: no exchanger does that",
            thing="exchanger",
            fix="the warm side must be warmer than the cold side at both ends",
        )
    # x / ln(1 + x) with x = (a - b) / b, by its series where the ends are alike.
    x = (a - b) / b
    near = np.abs(x) < 1e-5
    safe = np.where(near, 1.0, x)
    return np.asarray(b * np.where(near, 1.0 + x / 2.0 - x * x / 12.0, safe / np.log1p(safe)))


def design_conductance_kw_k(
    load_kw: Floats | float,
    primary_c: tuple[Floats | float, Floats | float],
    secondary_supply_c: Floats | float,
    secondary_return_c: Floats | float,
) -> Floats:
    """Return the UA that carries a load at design temperatures (log-mean difference).

    Args:
        load_kw: Load, shape (n,).
        primary_c: Primary supply and return temperature.
        secondary_supply_c: Shape (n,).
        secondary_return_c: Shape (n,).

    Raises:
        InputError: The temperatures cross.
    """
    hot = np.asarray(primary_c[0] - np.asarray(secondary_supply_c, dtype=np.float64))
    cold = np.asarray(primary_c[1] - np.asarray(secondary_return_c, dtype=np.float64))
    return np.asarray(load_kw / log_mean_k(hot, cold))


def overall_kw_m2k(
    hot_film_kw_m2k: Floats | float,
    cold_film_kw_m2k: Floats | float,
    *,
    plate_m: float = 0.5e-3,
    plate_kw_mk: float = STEEL_KW_MK,
    fouling_m2k_kw: float = 0.0,
) -> Floats:
    """Return the heat transfer coefficient of a plate between two films, shape (n,).

    Args:
        hot_film_kw_m2k: Film of the warm side, shape (n,).
        cold_film_kw_m2k: Film of the cold side, shape (n,).
        plate_m: Thickness of the plate.
        plate_kw_mk: Its conductivity.
        fouling_m2k_kw: Deposits of both sides together.

    Raises:
        InputError: A film or the plate is not above 0.

    Reference: resistances in series, VDI Heat Atlas C1.
    """
    hot = np.asarray(hot_film_kw_m2k, dtype=np.float64)
    cold = np.asarray(cold_film_kw_m2k, dtype=np.float64)
    if not (np.all(hot > 0.0) and np.all(cold > 0.0) and plate_m > 0.0 and plate_kw_mk > 0.0):
        raise InputError("films and plate must be above 0", thing="exchanger")
    return np.asarray(1.0 / (1.0 / hot + 1.0 / cold + plate_m / plate_kw_mk + fouling_m2k_kw))


def area_m2(
    ua_kw_k: Floats | float, overall_kw_m2k: Floats | float, reserve: float = 0.1
) -> Floats:
    """Return the plate area that gives a UA, shape (n,).

    Args:
        ua_kw_k: Conductance needed, shape (n,).
        overall_kw_m2k: Heat transfer coefficient, some 3 to 5 for water on both sides.
        reserve: Area on top, as share, for fouling.

    Raises:
        InputError: The coefficient is not above 0, or the reserve is below 0.
    """
    if not np.all(np.asarray(overall_kw_m2k) > 0.0) or reserve < 0.0:
        raise InputError("coefficient must be above 0, reserve not below", thing="exchanger")
    return np.asarray(np.asarray(ua_kw_k) / overall_kw_m2k * (1.0 + reserve))


def fouling_of(
    design_kw_k: Floats, measured_kw_k: Floats, primary_ratio: Floats, secondary_ratio: Floats
) -> Floats:
    """Return the fouling that explains a measured UA (inverse of `conductance_kw_k`), shape (n,).

    Args:
        design_kw_k: UA, clean, at design flows, shape (n,).
        measured_kw_k: UA from measured heat and temperatures, shape (n,).
        primary_ratio: Primary flow over its design flow, shape (n,).
        secondary_ratio: Secondary flow over its design flow, shape (n,).
    """
    clean = conductance_kw_k(design_kw_k, primary_ratio, secondary_ratio)
    return np.asarray(design_kw_k / measured_kw_k - design_kw_k / clean)
