"""Every kind of link brought to one law: loss = q m|m| + friction + linear m - lift.

Reverse flow through pumps and check valves meets a large linear resistance instead.
"""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.friction import friction
from heatloop.network.model.net import Flags, Ints

GRAVITY = 9.80665
BLOCKED_KPA_KGS = 1e9
"""Resistance against running backwards through a check valve."""
LEAST_SLOPE = 1e-4
"""kPa/(kg/s): keeps a link without loss of its own in the matrix."""
FLATTEST_SLOPE = 1e-9
"""kPa/(kg/s): of the widest, shortest pipe that is told from none."""
STILL_KGS = 1e-4
"""Below this a quadratic law becomes linear, so that standing water has a slope."""
TIGHT_SHARE = 1e-5
"""Leakage of a shut control valve over its kvs, IEC 60534-4 class III to IV."""
_PIPE, _VALVE, _CHECK, _PUMP, _LIFT, _FLOW, _HEAT, _RESISTANCE, _DP_CONTROL = range(9)


@compiled
def looked_up(table: Floats, low_c: float, step_k: float, c: float, which: int) -> float:
    """Return a property from a fluid table, straight between entries, held beyond the ends."""
    at = (c - low_c) / step_k
    top = len(table) - 1
    if not at > 0.0:
        return float(table[0, which])
    if at >= top:
        return float(table[top, which])
    i = int(at)
    share = at - i
    return float(table[i, which] * (1.0 - share) + table[i + 1, which] * share)


@compiled
def valve_share(opening_pct: float, rangeability: float) -> float:
    """Return kv over kvs; equal percentage with a straight foot below 2 %, or linear.

    Reference: IEC 60534-2-4.
    """
    opening = min(max(opening_pct, 0.0), 100.0)
    if rangeability > 1.0:
        share = rangeability ** (opening / 100.0 - 1.0) * min(opening / 2.0, 1.0)
    else:
        share = opening / 100.0
    return float(max(share, TIGHT_SHARE))


@compiled
def prepare(
    kind: Ints,
    shape: Floats,
    parts: Floats,
    settings: Floats,
    mean_c: Floats,
    rise_m: Floats,
    table: Floats,
    low_c: float,
    step_k: float,
    laws: Floats,
    one_way: Flags,
) -> None:
    """Write each link's law: q, friction factor, Reynolds number a kg/s, linear part, lift.

    Args:
        kind: `LinkKind`, shape (n_link,).
        shape: Length, diameter, minor loss of pipes, shape (n_link, 3).
        parts: kvs, rangeability, resistance, shut-off, linear and quadratic fall, (n_link, 6).
        settings: Opening, speed, lift, throttling resistance of a controller, (n_link, 4).
        mean_c: Mean water temperature, shape (n_link,).
        rise_m: Height of the end over the start, shape (n_link,).
        table: Fluid, see `Fluid.table`.
        low_c: Its first temperature.
        step_k: Its step.
        laws: Written, shape (n_link, 5).
        one_way: Written, shape (n_link,).
    """
    for k in range(len(kind)):
        what = kind[k]
        density = looked_up(table, low_c, step_k, mean_c[k], 0)
        q, f, re, linear, lift = 0.0, 0.0, 0.0, 0.0, 0.0
        one_way[k] = what in (_CHECK, _PUMP)
        if what == _PIPE:
            length, d = shape[k, 0], shape[k, 1]
            area = math.pi * d * d / 4.0
            dynamic = 1.0 / (2000.0 * density * area * area)
            q = shape[k, 2] * dynamic
            f = length / d * dynamic
            re = d / (area * looked_up(table, low_c, step_k, mean_c[k], 1))
        elif what in (_VALVE, _CHECK, _DP_CONTROL):
            share = 1.0
            if what == _VALVE:
                share = valve_share(settings[k, 0], parts[k, 1])
            kv = parts[k, 0] * share
            q = 100.0 * (3.6 / kv) ** 2 * (1000.0 / density)
            if what == _DP_CONTROL:
                q = max(q, settings[k, 3])
        elif what == _RESISTANCE:
            q = parts[k, 2]
        elif what == _PUMP:
            speed = settings[k, 1]
            q = parts[k, 5]
            linear = parts[k, 4] * speed
            lift = parts[k, 3] * speed * speed
        elif what == _LIFT:
            q = parts[k, 2]
            lift = settings[k, 2]
        laws[k, 0] = q
        laws[k, 1] = f
        laws[k, 2] = re
        laws[k, 3] = linear
        laws[k, 4] = lift - density * GRAVITY / 1000.0 * rise_m[k]


@compiled
def loss(
    law: int,
    q: float,
    f: float,
    re: float,
    linear: float,
    lift: float,
    one_way: bool,
    rough: float,
    m: float,
    x: float,
) -> tuple[float, float, float]:
    """Return the loss of a link at flow `m`, kPa, its slope, and the friction law's next start."""
    if one_way and m < 0.0:
        return BLOCKED_KPA_KGS * m - lift, BLOCKED_KPA_KGS, x
    size = abs(m)
    if f > 0.0:
        if re * size > 1e-6:
            factor, rise, x = friction(law, re * size, rough, x)
            rub = factor * f * size
            value = (q * size + rub) * m
            slope = 2.0 * q * size + (2.0 + rise) * rub
        else:
            rub = 64.0 * f / re
            value, slope = rub * m, rub
    else:
        still = math.sqrt(size * size + STILL_KGS * STILL_KGS)
        value = q * m * still
        slope = q * (2.0 * size * size + STILL_KGS * STILL_KGS) / still
    # A bare lift has no slope at all; whatever rubs keeps its own, however small.
    least = LEAST_SLOPE if f == 0.0 and q == 0.0 and linear == 0.0 else FLATTEST_SLOPE
    return value + linear * m - lift, max(slope + linear, least), x
