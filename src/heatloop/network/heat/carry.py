"""What happens to the water of one pipe in a step: old water leaves, new water enters, all cools.

Temperatures in `segment` are kept in a scale of the pipe's own, T = scale * s + shift. Cooling
towards the surroundings is the same straight map for all water of a pipe, so a step changes scale
and shift and touches only the segments at the ends. The wall's heat capacity travels with the
water as added mass: at steps well above the few seconds a wall needs to follow the water this is
the exact limit, and a warm front runs slower by just that share.
"""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.ring import enter, place_of
from heatloop.network.model.net import Ints

MASS, RATE, SCALE, SHIFT, SUM, LEAST, NEAR, AMBIENT = range(8)
"""Places in a pipe's row of `state`: kg with wall; loss over heat capacity, 1/s; scale and shift;
sum of mass times s; shortest segment, kg; difference at which segments join; surroundings."""
BASE, ROOM, HEAD, COUNT = range(4)
"""Places in a pipe's row of `place`."""
_SMALLEST_SCALE = 0.5


@compiled
def fell(z: float) -> float:
    """Return exp(-z), by its series where that is exact to 3e-11 and much faster."""
    if z < 0.02:
        return 1.0 - z * (1.0 - z * (0.5 - z * (1.0 / 6.0 - z / 24.0)))
    return math.exp(-z)


@compiled
def mean_fell(z: float) -> float:
    """Return the mean of exp(-z') for z' from 0 to z."""
    if z < 0.02:
        return 1.0 - z * (0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z / 120.0)))
    return (1.0 - math.exp(-z)) / z


@compiled
def rescale(k: int, state: Floats, place: Ints, segment: Floats) -> None:
    """Bring the segments of pipe `k` back to degC."""
    scale, shift = state[k, SCALE], state[k, SHIFT]
    total = 0.0
    for i in range(place[k, COUNT]):
        row = place_of(place[k, BASE], place[k, ROOM], place[k, HEAD], i)
        segment[row, 1] = scale * segment[row, 1] + shift
        total += segment[row, 0] * segment[row, 1]
    state[k, SCALE] = 1.0
    state[k, SHIFT] = 0.0
    state[k, SUM] = total


@compiled
def cool(k: int, kg: float, dt_s: float, state: Floats, place: Ints, segment: Floats) -> float:
    """Cool the `kg` that stay in pipe `k`; return what is lost over heat capacity, kg K."""
    ambient = state[k, AMBIENT]
    kept = fell(state[k, RATE] * dt_s)
    excess = state[k, SCALE] * state[k, SUM] + (state[k, SHIFT] - ambient) * kg
    state[k, SCALE] *= kept
    state[k, SHIFT] = state[k, SHIFT] * kept + (1.0 - kept) * ambient
    if state[k, SCALE] < _SMALLEST_SCALE:
        rescale(k, state, place, segment)
    return (1.0 - kept) * excess


@compiled
def take_out(
    k: int, m: float, at_end: bool, dt_s: float, state: Floats, place: Ints, segment: Floats
) -> tuple[float, float]:
    """Let water leave pipe `k` and cool what stays; return kg K that left, and kg K lost.

    Args:
        k: Link.
        m: Flow, kg/s, above 0.
        at_end: Whether water leaves at the pipe's end.
        dt_s: Step.
        state: See the places above, shape (n_link, 8).
        place: See the places above, shape (n_link, 4).
        segment: Mass and scaled temperature, shape (n, 2).
    """
    mass, rate, ambient = state[k, MASS], state[k, RATE], state[k, AMBIENT]
    scale, shift = state[k, SCALE], state[k, SHIFT]
    base, room, head, count = place[k, BASE], place[k, ROOM], place[k, HEAD], place[k, COUNT]
    flushed = m * dt_s >= mass
    left = mass if flushed else m * dt_s
    gone = heat = lost = 0.0
    while count > 0 and (left > 0.0 or flushed):
        row = place_of(base, room, head, count - 1 if at_end else 0)
        kg, s = segment[row, 0], segment[row, 1]
        whole = flushed or (kg <= left and count > 1)
        part = kg if whole else min(left, kg)
        # Water from further inside leaves later and cools a little longer.
        z = rate * part / m
        warm = scale * s + shift
        out = ambient + (warm - ambient) * fell(rate * gone / m) * mean_fell(z)
        heat += part * out
        lost += part * (warm - out)
        gone += part
        left -= part
        state[k, SUM] -= part * s
        if not whole:
            segment[row, 0] = kg - part
            break
        count -= 1
        if not at_end:
            head = head + 1 if head + 1 < room else 0
    place[k, HEAD] = head
    place[k, COUNT] = count
    if not flushed:
        lost += cool(k, mass - m * dt_s, dt_s, state, place, segment)
    return heat, lost


@compiled
def put_in(
    k: int, m: float, at_start: bool, inlet_c: float, dt_s: float, state: Floats, place: Ints,
    segment: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Let water enter pipe `k`; return kg K that passed right through, and kg K lost.

    Args:
        k: Link.
        m: Flow, kg/s, above 0.
        at_start: Whether water enters at the pipe's start.
        inlet_c: Temperature of the water that enters.
        dt_s: Step.
        state: See the places above, shape (n_link, 8).
        place: See the places above, shape (n_link, 4).
        segment: Mass and scaled temperature, shape (n, 2).
    """
    mass, rate, ambient = state[k, MASS], state[k, RATE], state[k, AMBIENT]
    kg = m * dt_s
    excess = inlet_c - ambient
    if kg >= mass:
        z = rate * mass / m
        stays = ambient + excess * mean_fell(z)
        passes = ambient + excess * fell(z)
        row = place[k, BASE]
        segment[row, 0] = mass
        segment[row, 1] = stays
        place[k, HEAD] = 0
        place[k, COUNT] = 1
        state[k, SCALE] = 1.0
        state[k, SHIFT] = 0.0
        state[k, SUM] = mass * stays
        through = kg - mass
        return through * passes, mass * (inlet_c - stays) + through * (inlet_c - passes)
    warm = ambient + excess * mean_fell(rate * dt_s)
    s = (warm - state[k, SHIFT]) / state[k, SCALE]
    head, count = enter(
        segment,
        place[k, BASE],
        place[k, ROOM],
        place[k, HEAD],
        place[k, COUNT],
        at_start,
        kg,
        s,
        state[k, LEAST],
        state[k, NEAR],
    )
    place[k, HEAD] = head
    place[k, COUNT] = count
    state[k, SUM] += kg * s
    return 0.0, kg * (inlet_c - warm)


@compiled
def end_c(k: int, at_end: bool, state: Floats, place: Ints, segment: Floats) -> float:
    """Return the temperature of the water that stands at an end of pipe `k`."""
    i = place[k, COUNT] - 1 if at_end else 0
    row = place_of(place[k, BASE], place[k, ROOM], place[k, HEAD], i)
    return float(state[k, SCALE] * segment[row, 1] + state[k, SHIFT])


@compiled
def mix_content(
    k: int, conducts: float, place: Ints, segment: Floats, low: Floats, side: Floats
) -> None:
    """Let heat conduct along the content of pipe `k` for a step, implicitly.

    Args:
        k: Link.
        conducts: Conductance times distance in kg and step, over heat capacity: kg^2.
        place: See the places above.
        segment: Mass and scaled temperature, shape (n, 2).
        low: Room for one number a segment.
        side: Room for one number a segment.
    """
    base, room, head, n = place[k, BASE], place[k, ROOM], place[k, HEAD], place[k, COUNT]
    before = 0.0
    for i in range(n):
        row = place_of(base, room, head, i)
        kg = segment[row, 0]
        after = 0.0
        if i < n - 1:
            after = 2.0 * conducts / (kg + segment[place_of(base, room, head, i + 1), 0])
        pivot = kg + before + after
        value = kg * segment[row, 1]
        if i > 0:
            pivot -= before * low[i - 1]
            value += before * side[i - 1]
        low[i] = after / pivot
        side[i] = value / pivot
        before = after
    for i in range(n - 1, -1, -1):
        row = place_of(base, room, head, i)
        if i < n - 1:
            next_row = place_of(base, room, head, i + 1)
            segment[row, 1] = side[i] + low[i] * segment[next_row, 1]
        else:
            segment[row, 1] = side[i]
