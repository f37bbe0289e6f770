"""What happens to the water of one pipe in a step: old water leaves, new water enters, all cools.

Temperatures in `segment` are kept in a scale of the pipe's own, T = scale * s + shift. Cooling
towards the surroundings is the same straight map for all water of a pipe, so a step changes scale
and shift and touches only the segments at the ends. The wall's heat capacity travels with the
water as added mass: at steps well above the few seconds a wall needs to follow the water this is
the exact limit, and a warm front runs slower by just that share.

A pipe's numbers stand in one row of `state`, whole numbers too: a row is what a step reads, and
few arguments keep calls between compiled functions cheap.
"""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.inlined import inlined
from heatloop.network.heat.ring import enter

MASS, RATE, SCALE, SHIFT, SUM, LEAST, NEAR, BASE, ROOM, HEAD, COUNT = range(11)
"""Places in a pipe's row of `state`: kg with wall; loss over heat capacity, 1/s; scale and shift;
sum of mass times s; shortest segment, kg; difference at which segments join; first row in
`segment`, number of rows, place of the first segment, number of segments."""
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


@inlined
def rescale(k: int, state: Floats, segment: Floats) -> None:
    """Bring the segments of pipe `k` back to degC."""
    scale, shift = state[k, SCALE], state[k, SHIFT]
    base, room, row = int(state[k, BASE]), int(state[k, ROOM]), int(state[k, HEAD])
    total = 0.0
    for _ in range(int(state[k, COUNT])):
        segment[base + row, 1] = scale * segment[base + row, 1] + shift
        total += segment[base + row, 0] * segment[base + row, 1]
        row = row + 1 if row + 1 < room else 0
    state[k, SCALE] = 1.0
    state[k, SHIFT] = 0.0
    state[k, SUM] = total


@inlined
def cool(
    k: int, kg: float, ambient: float, dt_s: float, state: Floats, segment: Floats
) -> float:
    """Cool the `kg` that stay in pipe `k`; return what is lost over heat capacity, kg K."""
    kept = fell(state[k, RATE] * dt_s)
    excess = state[k, SCALE] * state[k, SUM] + (state[k, SHIFT] - ambient) * kg
    state[k, SCALE] *= kept
    state[k, SHIFT] = state[k, SHIFT] * kept + (1.0 - kept) * ambient
    if state[k, SCALE] < _SMALLEST_SCALE:
        rescale(k, state, segment)
    return float((1.0 - kept) * excess)


@inlined
def take_out(
    k: int, m: float, at_end: bool, ambient: float, dt_s: float, state: Floats, segment: Floats
) -> tuple[float, float]:
    """Let water leave pipe `k` and cool what stays; return kg K that left, and kg K lost.

    Args:
        k: Link.
        m: Flow, kg/s, above 0.
        at_end: Whether water leaves at the pipe's end.
        ambient: Surroundings.
        dt_s: Step.
        state: See the places above, shape (n_link, 11).
        segment: Mass and scaled temperature, shape (n, 2).
    """
    mass = state[k, MASS]
    scale, shift = state[k, SCALE], state[k, SHIFT]
    base, room = int(state[k, BASE]), int(state[k, ROOM])
    head, count = int(state[k, HEAD]), int(state[k, COUNT])
    flushed = m * dt_s >= mass
    left = mass if flushed else m * dt_s
    # Water from further inside leaves later and cools a little longer.
    fall = state[k, RATE] / m
    gone = heat = lost = taken = 0.0
    while count > 0:
        at = head
        if at_end:
            at += count - 1
            at = at - room if at >= room else at
        kg, s = segment[base + at, 0], segment[base + at, 1]
        whole = flushed or (kg <= left and count > 1)
        part = kg if whole else min(left, kg)
        warm = scale * s + shift - ambient
        out = warm * fell(fall * gone) * mean_fell(fall * part)
        heat += part * (ambient + out)
        lost += part * (warm - out)
        taken += part * s
        gone += part
        left -= part
        if not whole:
            segment[base + at, 0] = kg - part
            break
        count -= 1
        if not at_end:
            head = head + 1 if head + 1 < room else 0
        if left <= 0.0 and not flushed:
            break
    state[k, SUM] -= taken
    state[k, HEAD] = head
    state[k, COUNT] = count
    if not flushed:
        lost += cool(k, mass - m * dt_s, ambient, dt_s, state, segment)
    return heat, lost


@inlined
def put_in(
    k: int, m: float, at_start: bool, inlet_c: float, ambient: float, dt_s: float, state: Floats,
    segment: Floats,
) -> tuple[float, float]:  # fmt: skip
    """Let water enter pipe `k`; return kg K that passed right through, and kg K lost.

    Args:
        k: Link.
        m: Flow, kg/s, above 0.
        at_start: Whether water enters at the pipe's start.
        inlet_c: Temperature of the water that enters.
        ambient: Surroundings.
        dt_s: Step.
        state: See the places above, shape (n_link, 11).
        segment: Mass and scaled temperature, shape (n, 2).
    """
    mass, rate = state[k, MASS], state[k, RATE]
    base = int(state[k, BASE])
    kg = m * dt_s
    excess = inlet_c - ambient
    if kg >= mass:
        z = rate * mass / m
        stays = ambient + excess * mean_fell(z)
        passes = ambient + excess * fell(z)
        segment[base, 0] = mass
        segment[base, 1] = stays
        state[k, HEAD] = 0.0
        state[k, COUNT] = 1.0
        state[k, SCALE] = 1.0
        state[k, SHIFT] = 0.0
        state[k, SUM] = mass * stays
        through = kg - mass
        return through * passes, mass * (inlet_c - stays) + through * (inlet_c - passes)
    warm = ambient + excess * mean_fell(rate * dt_s)
    s = (warm - state[k, SHIFT]) / state[k, SCALE]
    head, count = enter(
        segment,
        base,
        int(state[k, ROOM]),
        int(state[k, HEAD]),
        int(state[k, COUNT]),
        at_start,
        kg,
        s,
        state[k, LEAST],
        state[k, NEAR],
    )
    state[k, HEAD] = head
    state[k, COUNT] = count
    state[k, SUM] += kg * s
    return 0.0, kg * (inlet_c - warm)


@compiled
def end_c(k: int, at_end: bool, state: Floats, segment: Floats) -> float:
    """Return the temperature of the water that stands at an end of pipe `k`."""
    row = int(state[k, HEAD])
    if at_end:
        row += int(state[k, COUNT]) - 1
    if row >= int(state[k, ROOM]):
        row -= int(state[k, ROOM])
    return float(state[k, SCALE] * segment[int(state[k, BASE]) + row, 1] + state[k, SHIFT])


@compiled
def mix_content(
    k: int, conducts: float, state: Floats, segment: Floats, low: Floats, side: Floats
) -> None:
    """Let heat conduct along the content of pipe `k` for a step, implicitly.

    Args:
        k: Link.
        conducts: Conductance times distance in kg and step, over heat capacity: kg^2.
        state: See the places above.
        segment: Mass and scaled temperature, shape (n, 2).
        low: Room for one number a segment.
        side: Room for one number a segment.
    """
    base, room, n = int(state[k, BASE]), int(state[k, ROOM]), int(state[k, COUNT])
    row = int(state[k, HEAD])
    before = 0.0
    for i in range(n):
        kg = segment[base + row, 0]
        value = kg * segment[base + row, 1]
        row = row + 1 if row + 1 < room else 0
        after = 2.0 * conducts / (kg + segment[base + row, 0]) if i < n - 1 else 0.0
        pivot = kg + before + after
        if i > 0:
            pivot -= before * low[i - 1]
            value += before * side[i - 1]
        low[i] = after / pivot
        side[i] = value / pivot
        before = after
    warm = 0.0
    for i in range(n - 1, -1, -1):
        row = row - 1 if row > 0 else room - 1
        warm = side[i] + low[i] * warm
        segment[base + row, 1] = warm
