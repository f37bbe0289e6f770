"""Radiators and heated floors: what they give at which water, and how large they must be.

Along an emitter the water cools by m cp dT = -k (T - room)^(1 + B) da over its relative surface a
from 0 to 1. That integrates in closed form for any exponent, so outlet, heat and size need no
iteration; with B = 0 it is the logarithmic mean difference.

Reference: EN 442-2:2014 (characteristic heat = K * excess^n, n = 1 + B, some 1.3 for radiators);
EN 1264-2:2008 (floors: heat a m2 = 8.92 * (surface - room)^1.1).
"""

from __future__ import annotations

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index, summed
from heatloop.network.water import CP_KJ_KGK

RADIATOR_B = 0.3
FLOOR_B = 0.1
FLOOR_KW_M2 = 8.92e-3
"""Of a floor at 1 K over the room, before the exponent."""
FLOOR_LIMIT_C = 29.0
"""Warmest floor where people stay, EN 1264-2."""
_LEAST_KGS = 1e-9


def emitter_outlet_c(
    supply_c: Floats,
    room_c: Floats | float,
    flow_kgs: Floats,
    emitter_kw: Floats,
    exponent: Floats | float = RADIATOR_B,
) -> Floats:
    """Return the temperature at which the water leaves, shape (n,).

    Args:
        supply_c: Water inlet, shape (n,).
        room_c: Room, shape (n,) or a number.
        flow_kgs: Water, shape (n,); standing water ends at room temperature.
        emitter_kw: Heat at 1 K of excess, shape (n,).
        exponent: B of excess^(1 + B), shape (n,) or a number.
    """
    excess = np.asarray(supply_c - room_c, dtype=np.float64)
    k = emitter_kw / (np.maximum(flow_kgs, _LEAST_KGS) * CP_KJ_KGK)
    b = np.broadcast_to(np.asarray(exponent, dtype=np.float64), excess.shape)
    size = np.maximum(np.abs(excess), 1e-300)
    power = np.where(b > 1e-6, b, 1.0)
    curved = size * (1.0 + power * k * size**power) ** (-1.0 / power)
    # A cold supply takes heat out of the room by the same law.
    left = np.where(b > 1e-6, curved, size * np.exp(-np.minimum(k, 700.0)))
    return np.asarray(room_c + np.sign(excess) * left)


def emitter_heat_kw(
    supply_c: Floats,
    room_c: Floats | float,
    flow_kgs: Floats,
    emitter_kw: Floats,
    exponent: Floats | float = RADIATOR_B,
) -> Floats:
    """Return the heat given to the room; arguments as in `emitter_outlet_c`, shape (n,)."""
    outlet = emitter_outlet_c(supply_c, room_c, flow_kgs, emitter_kw, exponent)
    return np.asarray(flow_kgs * CP_KJ_KGK * (supply_c - outlet))


def heat_shares(
    group: Index,
    count: int,
    *,
    supply_c: Floats,
    room_c: Floats,
    flow_kgs: Floats,
    emitter_kw: Floats,
    exponent: Floats | float = RADIATOR_B,
) -> Floats:
    """Return which share of the heat of its riser (or house) each flat gets, shape (n_flat,).

    Shares add up to 1 in every group, so heat that a loop gave away can be handed on by them.

    Args:
        group: Riser or house of each flat, shape (n_flat,).
        count: Number of those.
        supply_c: Water inlet of each flat, shape (n_flat,).
        room_c: Its rooms, shape (n_flat,).
        flow_kgs: Its water, shape (n_flat,).
        emitter_kw: Heat at 1 K of its emitters, shape (n_flat,).
        exponent: B, shape (n_flat,) or a number.
    """
    heat = np.maximum(emitter_heat_kw(supply_c, room_c, flow_kgs, emitter_kw, exponent), 0.0)
    total = summed(group, heat, count)
    # Without flow or warmth what is left in the emitters goes out by their size.
    size = summed(group, emitter_kw, count)
    cold = total <= 0.0
    weight = np.where(cold[group], emitter_kw, heat)
    return np.asarray(weight / np.where(cold, size, total)[group])


def emitter_size_kw(
    load_kw: Floats | float,
    supply_c: Floats | float,
    return_c: Floats | float,
    room_c: Floats | float,
    exponent: Floats | float = RADIATOR_B,
) -> Floats:
    """Return the heat at 1 K of an emitter that carries a load at these temperatures, shape (n,).

    Args:
        load_kw: Heat to give, shape (n,).
        supply_c: Water inlet, shape (n,).
        return_c: Water outlet, shape (n,).
        room_c: Room, shape (n,).
        exponent: B, shape (n,).

    Raises:
        InputError: Not supply > return > room.
    """
    hot = np.asarray(np.asarray(supply_c, dtype=np.float64) - room_c)
    cold = np.asarray(np.asarray(return_c, dtype=np.float64) - room_c)
    if not (np.all(hot > cold) and np.all(cold > 0.0)):
        raise InputError("temperatures must fall from supply over return to room", thing="emitter")
    b = np.broadcast_to(np.asarray(exponent, dtype=np.float64), np.broadcast(hot, cold).shape)
    safe = np.where(b > 1e-6, b, 1.0)
    integral = np.where(b > 1e-6, (cold**-safe - hot**-safe) / safe, np.log(hot / cold))
    return np.asarray(load_kw / (hot - cold) * integral)


def emitter_flow_kgs(
    load_kw: Floats,
    supply_c: Floats,
    room_c: Floats,
    emitter_kw: Floats,
    exponent: Floats | float = RADIATOR_B,
) -> Floats:
    """Return the flow at which an emitter gives a heat, nan where no flow can, shape (n,).

    Args:
        load_kw: Heat wanted, shape (n,).
        supply_c: Water inlet, shape (n,).
        room_c: Room, shape (n,).
        emitter_kw: Heat at 1 K of excess, shape (n,).
        exponent: B, shape (n,) or a number.
    """
    hot = np.maximum(supply_c - room_c, 0.0)
    b = np.broadcast_to(np.asarray(exponent, dtype=np.float64), hot.shape)
    reachable = (load_kw < emitter_kw * hot ** (1.0 + b)) & (hot > 0.0)
    # Heat rises with flow: halve the interval of the flow's logarithm until it is down to rounding.
    base = np.maximum(load_kw, 1e-12) / (CP_KJ_KGK * np.maximum(hot, 1e-9))
    low, high = np.log(base), np.log(base) + 40.0
    for _ in range(64):
        middle = 0.5 * (low + high)
        more = emitter_heat_kw(supply_c, room_c, np.exp(middle), emitter_kw, b) < load_kw
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    flow = np.where(load_kw <= 0.0, 0.0, np.exp(0.5 * (low + high)))
    return np.asarray(np.where(reachable, flow, np.nan))


def floor_emitter_kw(
    area_m2: Floats | float, screed_w_m2k: Floats | float = 12.0, design_w_m2: float = 50.0
) -> Floats:
    """Return the heat at 1 K of excess of a heated floor, water to room, shape (n,).

    The cover between water and surface is linear, the surface follows 1.1; together they are met
    at the design heat and follow 1.1 elsewhere.

    Args:
        area_m2: Heated floor, shape (n,).
        screed_w_m2k: Pipe wall, screed and cover together, from water to surface.
        design_w_m2: Where both laws meet.
    """
    surface_k = (design_w_m2 / (1000.0 * FLOOR_KW_M2)) ** (1.0 / (1.0 + FLOOR_B))
    excess = surface_k + design_w_m2 / np.asarray(screed_w_m2k, dtype=np.float64)
    return np.asarray(area_m2 * design_w_m2 / 1000.0 / excess ** (1.0 + FLOOR_B))


def floor_surface_c(heat_kw_m2: Floats | float, room_c: Floats | float) -> Floats:
    """Return the mean temperature of a floor's surface, shape (n,).

    Args:
        heat_kw_m2: Heat it gives, shape (n,).
        room_c: Room, shape (n,).
    """
    heat = np.asarray(heat_kw_m2, dtype=np.float64)
    excess = (np.abs(heat) / FLOOR_KW_M2) ** (1.0 / (1.0 + FLOOR_B))
    return np.asarray(room_c + np.sign(heat) * excess)
