"""The loop of one pipe: segments of water over cells of wall, with rings of insulation outside.

Water moves by volume: what enters pushes out what no longer fits, so a warm front runs at the speed
of warm water.
"""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.flow.laws import looked_up
from heatloop.network.heat.films import film_w_m2k
from heatloop.network.heat.ring import enter, place_of
from heatloop.network.heat.single_parts import (
    BARE,
    CP_J_KGK,
    DIAMETER,
    LENGTH,
    OUTSIDE_MK_W,
    WALL_J_MK,
    conduct_out,
    content_m3,
    fill_pipe,
    held_heat,
    leave,
    lose_straight,
    mix_along,
    touch_walls,
)


@compiled
def parts_of_step(dt_s: float, flow_kgs: float, pipe: Floats, cells: int, density: float,
                  film_w_mk: float) -> int:  # fmt: skip
    """Return into how many parts a step is cut.

    About a cell each, and not far above the wall's time constant: moving first and exchanging
    afterwards would blur a front.
    """
    if flow_kgs == 0.0:
        longest = 30.0
    else:
        through = density * math.pi * pipe[DIAMETER] ** 2 / 4.0 * pipe[LENGTH] / abs(flow_kgs)
        follows = pipe[WALL_J_MK] / film_w_mk
        longest = min(through / cells, max(2.0 * follows, through / 1000.0))
    return min(max(math.ceil(dt_s / longest - 1e-9), 1), 400)


@compiled
def run_pipe(
    time_s: Floats, inlet_c: Floats, flow: Floats, far_c: Floats, ambient_c: Floats, meter: int,
    start_c: Floats, pipe: Floats, held: Floats, line: Floats, conductivity: Floats,
    cells: int, room: int, table: Floats, low_c: float, step_k: float, outlet_c: Floats,
    books: Floats,
) -> None:  # fmt: skip
    """Run one pipe through all times; write its outlet temperatures and heat books.

    Args:
        time_s: Shape (n,).
        inlet_c: At the start of the pipe, shape (n,).
        flow: kg/s or m3/s, see `meter`, shape (n,).
        far_c: Of water that enters at the end when the flow is negative; nan: what last left.
        ambient_c: Surroundings, shape (n,).
        meter: 0 flow is kg/s; 1 m3/s at the start; 2 m3/s at the end.
        start_c: First temperature at the start and at the end, straight between, shape (2,).
        pipe: See the places above.
        held: Heat capacities of wall and rings, J/(m K), shape (n_ring + 1,).
        line: Resistance times conductivity outwards from each, shape (n_ring + 1,).
        conductivity: Of the insulation: value at 0 degC, slope, least value, shape (3,).
        cells: Cells of wall.
        room: Rows for segments.
        table: Fluid.
        low_c: Its first temperature.
        step_k: Its step.
        outlet_c: Written, shape (n,).
        books: Written, J: held at first, entered, left, lost, held at last, shape (5,).
    """
    area = math.pi * pipe[DIAMETER] ** 2 / 4.0
    whole_m3 = area * pipe[LENGTH]
    cp = pipe[CP_J_KGK]
    n_ring = len(held)
    bare = pipe[WALL_J_MK] <= BARE
    segment = np.zeros((room, 2))
    ring = np.zeros(2, np.int64)
    wall = np.zeros((cells, n_ring))
    gained = np.zeros(cells)
    link = np.zeros(n_ring)
    conducts = conductivity[2]
    for k in range(-1, len(time_s)):
        # The insulation conducts by its own mean temperature.
        inner = start_c.mean() if k < 0 else wall[:, 0].mean()
        mean_c = 0.5 * (inner + ambient_c[max(k, 0)])
        conducts = max(conductivity[0] + conductivity[1] * mean_c, conductivity[2])
        for i in range(n_ring):
            resists = line[i] / conducts + (pipe[OUTSIDE_MK_W] if i == n_ring - 1 else 0.0)
            link[i] = 1.0 / resists
        if k < 0:
            fill_pipe(
                segment, ring, wall, link, start_c, ambient_c[0], whole_m3, table, low_c, step_k
            )
            books[0] = held_heat(segment, ring, wall, pipe, held)
            end_c = start_c[1]
            front_c = start_c[0]
            continue
        if k == 0:
            outlet_c[0] = start_c[1]
            continue
        dt_all = time_s[k] - time_s[k - 1]
        middle = segment[place_of(0, room, ring[0], ring[1] // 2), 1]
        density = looked_up(table, low_c, step_k, middle, 0)
        usual = 0.5 * (flow[k - 1] + flow[k]) * (density if meter > 0 else 1.0)
        film = film_w_m2k(middle, usual, pipe[DIAMETER], table, low_c, step_k)
        parts = parts_of_step(dt_all, usual, pipe, cells, density, film * math.pi * pipe[DIAMETER])
        dt_s = dt_all / parts
        for part in range(parts):
            share = (part + 0.5) / parts
            m = flow[k - 1] + (flow[k] - flow[k - 1]) * share
            warm = inlet_c[k - 1] + (inlet_c[k] - inlet_c[k - 1]) * share
            around = ambient_c[k - 1] + (ambient_c[k] - ambient_c[k - 1]) * share
            if m < 0.0:
                warm = far_c[k]
                if math.isnan(warm):
                    warm = end_c
            if meter == 1:
                m *= looked_up(table, low_c, step_k, warm if m > 0.0 else front_c, 0)
            elif meter == 2:
                m *= looked_up(table, low_c, step_k, end_c if m > 0.0 else warm, 0)
            if m != 0.0:
                kg = abs(m) * dt_s
                density = looked_up(table, low_c, step_k, warm, 0)
                least = density * whole_m3 / (4.0 * cells)
                ring[0], ring[1] = enter(
                    segment, 0, room, ring[0], ring[1], m > 0.0, kg, warm, least, 0.0
                )
                excess = content_m3(segment, ring, table, low_c, step_k) - whole_m3
                out_heat, last = leave(
                    segment, ring, m > 0.0, excess, table, low_c, step_k,
                    end_c if m > 0.0 else front_c,
                )  # fmt: skip
                books[1] += kg * warm * cp
                books[2] += out_heat * cp
                if m > 0.0:
                    end_c, front_c = last, warm
                else:
                    front_c, end_c = last, warm
            if bare:
                loss = link[n_ring - 1]
                books[3] += lose_straight(
                    segment, ring, pipe, loss, around, dt_s, table, low_c, step_k
                )
            else:
                touch_walls(segment, ring, wall, gained, pipe, m, dt_s, table, low_c, step_k)
                books[3] += conduct_out(wall, gained, pipe, held, link, around, dt_s)
            mix_along(segment, ring, pipe, m, dt_s, table, low_c, step_k)
        back = segment[place_of(0, room, ring[0], ring[1] - 1), 1]
        # The sample stands between the last water out and the next.
        outlet_c[k] = 0.5 * (end_c + back) if flow[k] > 0.0 else back
    books[4] = held_heat(segment, ring, wall, pipe, held)
