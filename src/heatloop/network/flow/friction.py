"""Friction factors of pipes, and how they change with the Reynolds number, for compiled loops."""

from __future__ import annotations

import math

from heatloop.network.compiled import compiled

LAMINAR_RE = 2300.0
TURBULENT_RE = 4000.0
_COLEBROOK, _NIKURADSE_SUM, _SWAMEE_JAIN = 0, 1, 2
_PER_LN = 2.0 / math.log(10.0)
_NEARLY_STILL_RE = 20.0


@compiled
def colebrook_x(re: float, rough: float, x: float) -> float:
    """Return 1 / sqrt(lambda) of Colebrook-White, from a start `x` (0: none), to 1e-9.

    Args:
        re: Reynolds number, above 0.
        rough: k / (3.71 d).
        x: What it was last time.

    Reference: Colebrook 1939 (doi 10.1680/ijoti.1939.13150).
    """
    smooth = 2.51 / re
    if x <= 0.0:
        x = -_PER_LN * math.log(rough + 5.74 / re**0.9)
    for _ in range(20):
        inner = rough + smooth * x
        miss = x + _PER_LN * math.log(inner)
        step = miss / (1.0 + _PER_LN * smooth / inner)
        x -= step
        # Newton squares the miss: what is left is below 1e-9.
        if abs(step) < 3e-5 * x:
            break
    return x


@compiled
def colebrook(re: float, rough: float, x: float) -> tuple[float, float, float]:
    """Return lambda, d ln(lambda) / d ln(Re) and x, see `colebrook_x`."""
    x = colebrook_x(re, rough, x)
    smooth = 2.51 / re
    part = _PER_LN * smooth / (rough + smooth * x)
    rise = part * x / (1.0 + part)
    return 1.0 / (x * x), -2.0 * rise / x, x


@compiled
def friction(law: int, re: float, rough: float, x: float) -> tuple[float, float, float]:
    """Return lambda, d ln(lambda) / d ln(Re) and the start for the next call.

    Args:
        law: `Friction`.
        re: Reynolds number, above 0.
        rough: k / (3.71 d).
        x: Start from the last call, 0 at first.

    Reference: pandapipes' laws, doi 10.3390/su12239899; the house's law is Hagen-Poiseuille below
    Re 2,300, Colebrook-White above 4,000 and a straight line in logarithms between.
    """
    if law == _NIKURADSE_SUM:
        laminar = 64.0 / re
        root = -_PER_LN * math.log(rough) if x <= 0.0 else x
        whole = laminar + 1.0 / (root * root)
        return whole, -laminar / whole, root
    if law == _SWAMEE_JAIN:
        if re < _NEARLY_STILL_RE:
            return 64.0 / re, -1.0, 0.0
        term = 5.74 / re**0.9
        inner = rough * (3.71 / 3.7) + term
        root = -_PER_LN * math.log(inner)
        rise = _PER_LN * 0.9 * term / inner
        return 1.0 / (root * root), -2.0 * rise / root, 0.0
    if re <= LAMINAR_RE and (law == _COLEBROOK or re < _NEARLY_STILL_RE):
        return 64.0 / re, -1.0, x
    if law != _COLEBROOK or re >= TURBULENT_RE:
        return colebrook(re, rough, x)
    upper, _, _ = colebrook(TURBULENT_RE, rough, 0.0)
    lower = 64.0 / LAMINAR_RE
    slope = math.log(upper / lower) / math.log(TURBULENT_RE / LAMINAR_RE)
    return lower * (re / LAMINAR_RE) ** slope, slope, 0.0
