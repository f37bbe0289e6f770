"""From the counts of an analogue input to what its sensor measures.

A transmitter's signal is a straight line: `span` gives the factor and offset that a binding
takes. A platinum resistance thermometer is not: `platinum_celsius` inverts its curve.

Reference: IEC 60751:2022 (platinum, A, B and C), IEC 60381-1 (4-20 mA), IEC 60381-2 (0-10 V).
"""

from __future__ import annotations

import math

from heatloop.kernel.errors import InputError

PT100_OHM, PT1000_OHM = 100.0, 1000.0
LOWEST_C, HIGHEST_C = -200.0, 850.0
"""Range of the platinum curve, degC."""
_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12
_STEPS = 20
_MARGIN_K = 0.1


def span(
    raw_low: float, raw_high: float, value_low: float, value_high: float
) -> tuple[float, float]:
    """Return factor and offset of a straight line: value = raw * factor + offset.

    Args:
        raw_low: Counts at the low end of the signal (4 mA, 0 V).
        raw_high: Counts at its high end (20 mA, 10 V).
        value_low: What is measured at the low end.
        value_high: What is measured at the high end.

    Raises:
        InputError: Both ends have the same counts.
    """
    if raw_low == raw_high:
        raise InputError("a span needs two different counts", thing=str(raw_low))
    factor = (value_high - value_low) / (raw_high - raw_low)
    return factor, value_low - raw_low * factor


def platinum_ohm(celsius: float, r0: float = PT1000_OHM) -> float:
    """Return the resistance of a platinum thermometer, ohm.

    Args:
        celsius: Its temperature, degC.
        r0: Its resistance at 0 degC, ohm.

    Raises:
        InputError: The temperature is outside the curve.
    """
    if not LOWEST_C <= celsius <= HIGHEST_C:
        raise InputError(f"{celsius:g} degC is outside the platinum curve", fix="-200 to 850 degC")
    cubic = _C * (celsius - 100.0) * celsius**3 if celsius < 0.0 else 0.0
    return r0 * (1.0 + _A * celsius + _B * celsius * celsius + cubic)


def platinum_celsius(ohm: float, r0: float = PT1000_OHM) -> float:
    """Return the temperature of a platinum thermometer, degC; not a number outside its curve.

    Args:
        ohm: Its resistance. A broken wire or a short circuit gives one outside the curve.
        r0: Its resistance at 0 degC, ohm.
    """
    ratio = ohm / r0
    root = _A * _A - 4.0 * _B * (1.0 - ratio)
    if root < 0.0:
        return math.nan
    celsius = (math.sqrt(root) - _A) / (2.0 * _B)
    if ratio < 1.0:
        # Below 0 degC the curve is of fourth order; Newton from the quadratic's answer.
        for _ in range(_STEPS):
            value = 1.0 + celsius * (_A + celsius * (_B + _C * celsius * (celsius - 100.0)))
            slope = _A + celsius * (2.0 * _B + _C * celsius * (4.0 * celsius - 300.0))
            step = (value - ratio) / slope
            celsius -= step
            if abs(step) < 1e-9:
                break
    return celsius if LOWEST_C - _MARGIN_K <= celsius <= HIGHEST_C + _MARGIN_K else math.nan
