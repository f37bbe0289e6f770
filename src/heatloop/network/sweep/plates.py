"""The effectiveness of plate exchangers inside compiled loops; the law of `network.exchanger`."""

from __future__ import annotations

import math

from heatloop.network.compiled import compiled

_FILM_EXPONENT = 0.7


@compiled
def transfer_of(
    ua_kw_k: float,
    hot_ratio: float,
    cold_ratio: float,
    fouling: float,
    hot_kw_k: float,
    cold_kw_k: float,
) -> float:
    """Return heat a kelvin between the two inlets of a counter-flow exchanger, kW/K.

    Args:
        ua_kw_k: Clean conductance at design flows.
        hot_ratio: Flow over design flow, warm side.
        cold_ratio: Flow over design flow, cold side.
        fouling: Fouling over clean resistance.
        hot_kw_k: Heat capacity flow, warm side.
        cold_kw_k: Heat capacity flow, cold side.

    Reference: VDI Heat Atlas C1 and N6.
    """
    if hot_kw_k <= 0.0 or cold_kw_k <= 0.0:
        return 0.0
    films = 0.5 * max(hot_ratio, 1e-3) ** -_FILM_EXPONENT
    films += 0.5 * max(cold_ratio, 1e-3) ** -_FILM_EXPONENT
    low, high = min(hot_kw_k, cold_kw_k), max(hot_kw_k, cold_kw_k)
    ntu = ua_kw_k / (films + fouling) / low
    one = 1.0 - low / high
    if one < 1e-6:
        return float(low * ntu / (1.0 + ntu))
    fall = math.exp(-min(ntu * one, 700.0))
    return float(low * (1.0 - fall) / (1.0 - low / high * fall))
