"""What happens in one pipe in a part of a step, each by itself.

Segment and wall exchange heat by the analytic solution of two capacities; wall and rings of
insulation conduct outwards implicitly.
"""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.laws import looked_up
from heatloop.network.heat.films import dispersion_m2_s, film_w_m2k
from heatloop.network.heat.ring import place_of
from heatloop.network.model.net import Ints

LENGTH, DIAMETER, WALL_J_MK, OUTSIDE_MK_W, CP_J_KGK = range(5)
"""Places in `pipe`."""
BARE = 1e-9


@compiled
def leave(
    segment: Floats, ring: Ints, at_end: bool, excess_m3: float, table: Floats, low_c: float,
    step_k: float, last_c: float,
) -> tuple[float, float]:  # fmt: skip
    """Take a volume out at an end; return its mass times temperature, and last temperature.

    Args:
        segment: Mass and temperature, shape (n, 2).
        ring: Head and count, changed.
        at_end: At the end or at the start of the pipe.
        excess_m3: Volume.
        table: Fluid.
        low_c: Its first temperature.
        step_k: Its step.
        last_c: Temperature of the last water out, kept when none leaves.
    """
    room = segment.shape[0]
    heat = 0.0
    while excess_m3 > 0.0 and ring[1] > 0:
        row = place_of(0, room, ring[0], ring[1] - 1 if at_end else 0)
        last_c = segment[row, 1]
        density = looked_up(table, low_c, step_k, last_c, 0)
        volume = segment[row, 0] / density
        whole = volume <= excess_m3 and ring[1] > 1
        part = segment[row, 0] if whole else min(excess_m3 * density, 0.999 * segment[row, 0])
        heat += part * last_c
        excess_m3 -= volume
        if whole:
            ring[1] -= 1
            if not at_end:
                ring[0] = ring[0] + 1 if ring[0] + 1 < room else 0
        else:
            segment[row, 0] -= part
            break
    return heat, last_c


@compiled
def touch_walls(
    segment: Floats, ring: Ints, wall: Floats, gained: Floats, pipe: Floats, flow_kgs: float,
    dt_s: float, table: Floats, low_c: float, step_k: float,
) -> None:  # fmt: skip
    """Exchange heat between every segment and the cells it lies on; `gained` collects J a cell."""
    room, cells = segment.shape[0], len(gained)
    d, cp = pipe[DIAMETER], pipe[CP_J_KGK]
    area = math.pi * d * d / 4.0
    cell_m = pipe[LENGTH] / cells
    gained[:] = 0.0
    reach, j = 0.0, 0
    for i in range(ring[1]):
        row = place_of(0, room, ring[0], i)
        kg, warm = segment[row, 0], segment[row, 1]
        long_m = kg / (looked_up(table, low_c, step_k, warm, 0) * area)
        film = film_w_m2k(warm, flow_kgs, d, table, low_c, step_k) * math.pi * d
        each = kg * cp / long_m
        joint = each * pipe[WALL_J_MK] / (each + pipe[WALL_J_MK])
        share = joint * (1.0 - math.exp(-film * dt_s / joint))
        given, rest = 0.0, long_m
        while rest > 0.0:
            here = rest
            if j < cells - 1:
                here = min(rest, (j + 1) * cell_m - reach)
            heat = (warm - wall[j, 0]) * share * here
            given += heat
            gained[j] += heat
            rest -= here
            reach += here
            if j < cells - 1 and rest > 0.0:
                j += 1
        segment[row, 1] -= given / (kg * cp)


@compiled
def conduct_out(
    wall: Floats, gained: Floats, pipe: Floats, held: Floats, link: Floats, ambient_c: float,
    dt_s: float,
) -> float:  # fmt: skip
    """Conduct heat from wall through rings to the surroundings, implicitly; return J lost.

    Args:
        wall: Temperatures of wall and rings, shape (n_cell, n), changed.
        gained: From the water, J, shape (n_cell,).
        pipe: See the places above.
        held: Heat capacities, J/(m K), shape (n,).
        link: Conductances outwards, W/(m K), shape (n,).
        ambient_c: Surroundings.
        dt_s: Step.
    """
    cells, n = wall.shape
    cell_m = pipe[LENGTH] / cells
    pivot, factor = np.empty(n), np.zeros(n)
    for k in range(n):
        pivot[k] = held[k] / dt_s + link[k] + (link[k - 1] if k > 0 else 0.0)
        if k > 0:
            factor[k] = link[k - 1] / pivot[k - 1]
            pivot[k] -= factor[k] * link[k - 1]
    lost = 0.0
    for j in range(cells):
        wall[j, 0] += gained[j] / (held[0] * cell_m)
        before = 0.0
        for k in range(n):
            side = held[k] / dt_s * wall[j, k] + factor[k] * before
            if k == n - 1:
                side += link[k] * ambient_c
            before = wall[j, k] = side
        for k in range(n - 1, -1, -1):
            inward = link[k] * wall[j, k + 1] if k < n - 1 else 0.0
            wall[j, k] = (wall[j, k] + inward) / pivot[k]
        lost += link[n - 1] * (wall[j, n - 1] - ambient_c)
    return float(lost * cell_m * dt_s)


@compiled
def lose_straight(
    segment: Floats, ring: Ints, pipe: Floats, loss_w_mk: float, ambient_c: float, dt_s: float,
    table: Floats, low_c: float, step_k: float,
) -> float:  # fmt: skip
    """Let water without a wall lose heat straight to the surroundings; return J lost."""
    area = math.pi * pipe[DIAMETER] ** 2 / 4.0
    lost = 0.0
    for i in range(ring[1]):
        row = place_of(0, segment.shape[0], ring[0], i)
        density = looked_up(table, low_c, step_k, segment[row, 1], 0)
        kept = math.exp(-loss_w_mk * dt_s / (density * area * pipe[CP_J_KGK]))
        fall = (segment[row, 1] - ambient_c) * (1.0 - kept)
        segment[row, 1] -= fall
        lost += fall * segment[row, 0] * pipe[CP_J_KGK]
    return lost


@compiled
def mix_along(
    segment: Floats, ring: Ints, pipe: Floats, flow_kgs: float, dt_s: float, table: Floats,
    low_c: float, step_k: float,
) -> None:  # fmt: skip
    """Mix neighbouring segments by dispersion and, always, conduction of the water itself."""
    room = segment.shape[0]
    area = math.pi * pipe[DIAMETER] ** 2 / 4.0
    middle = segment[place_of(0, room, ring[0], ring[1] // 2), 1]
    spread = dispersion_m2_s(middle, flow_kgs, pipe[DIAMETER], table, low_c, step_k) + 1.5e-7
    density = looked_up(table, low_c, step_k, middle, 0)
    for i in range(ring[1] - 1):
        a, b = place_of(0, room, ring[0], i), place_of(0, room, ring[0], i + 1)
        ka, kb = segment[a, 0], segment[b, 0]
        apart_m = 0.5 * (ka + kb) / (density * area)
        both = ka * kb / (ka + kb)
        passing = density * area * spread / apart_m * dt_s
        moved = (segment[a, 1] - segment[b, 1]) * both * (1.0 - math.exp(-passing / both))
        segment[a, 1] -= moved / ka
        segment[b, 1] += moved / kb


@compiled
def held_heat(segment: Floats, ring: Ints, wall: Floats, pipe: Floats, held: Floats) -> float:
    """Return the heat in water, wall and rings above 0 degC, J."""
    heat = 0.0
    for i in range(ring[1]):
        row = place_of(0, segment.shape[0], ring[0], i)
        heat += segment[row, 0] * segment[row, 1] * pipe[CP_J_KGK]
    cell_m = pipe[LENGTH] / wall.shape[0]
    for j in range(wall.shape[0]):
        for k in range(wall.shape[1]):
            heat += wall[j, k] * held[k] * cell_m
    return float(heat)


@compiled
def content_m3(segment: Floats, ring: Ints, table: Floats, low_c: float, step_k: float) -> float:
    """Return the volume of all segments."""
    total = 0.0
    for i in range(ring[1]):
        row = place_of(0, segment.shape[0], ring[0], i)
        total += segment[row, 0] / looked_up(table, low_c, step_k, segment[row, 1], 0)
    return total


@compiled
def fill_pipe(
    segment: Floats, ring: Ints, wall: Floats, link: Floats, start_c: Floats, ambient_c: float,
    whole_m3: float, table: Floats, low_c: float, step_k: float,
) -> None:  # fmt: skip
    """Fill the pipe straight from its first to its last temperature, insulation settled."""
    cells, n = wall.shape
    count = 2 * cells
    ring[0], ring[1] = 0, count
    for i in range(count):
        warm = start_c[0] + (start_c[1] - start_c[0]) * (i + 0.5) / count
        segment[i, 0] = looked_up(table, low_c, step_k, warm, 0) * whole_m3 / count
        segment[i, 1] = warm
    whole = 0.0
    for k in range(n):
        whole += 1.0 / link[k]
    for j in range(cells):
        wall[j, 0] = start_c[0] + (start_c[1] - start_c[0]) * (j + 0.5) / cells
        passed = 0.0
        for k in range(1, n):
            passed += 1.0 / link[k - 1]
            wall[j, k] = wall[j, 0] + (ambient_c - wall[j, 0]) * passed / whole
