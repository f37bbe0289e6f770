"""What happens to the water of all pipes in a step: old water leaves, new water enters, all cools.

Temperatures in `segment` are kept in a scale of the pipe's own, T = scale * s + shift. Cooling
towards the surroundings is the same straight map for all water of a pipe, so a step changes scale
and shift and touches only the segments at the ends. The wall's heat capacity travels with the
water as added mass: at steps well above the few seconds a wall needs to follow the water this is
the exact limit, and a warm front runs slower by just that share.

What leaves does not depend on what enters, so all pipes are emptied first and filled last, in the
order they lie in memory; only the mixing between goes in the order of flow. Loops call nothing
that takes arrays: such a call costs more than a pipe's step.
"""

from __future__ import annotations

import math

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Ints

MASS, RATE, SCALE, SHIFT, SUM, LEAST, NEAR, BASE, ROOM, HEAD, COUNT = range(11)
"""Places in a pipe's row of `state`: kg with wall; loss over heat capacity, 1/s; scale and shift;
sum of mass times s; shortest segment, kg; difference at which segments join; first row in
`segment`, number of rows, place of the first segment, number of segments."""
POPPED, THROUGH, KEPT, GUESS = range(4)
"""Places in a link's row of `work`: kg K that left; kg that pass right through in the step and the
share of their excess temperature they keep; kg K its node was promised early."""
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


@compiled
def take_out(
    dt_s: float, flow_kgs: Floats, forward: Ints, ambient_c: Floats, state: Floats,
    segment: Floats, work: Floats, lost: Floats,
) -> None:  # fmt: skip
    """Let water leave every pipe, and cool what stays.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        ambient_c: Surroundings, shape (n_link,).
        state: See the places above, changed, shape (n_link, 11).
        segment: Mass and scaled temperature, changed, shape (n, 2).
        work: See the places above, written, shape (n_link, 4).
        lost: Written: heat lost over heat capacity, kg K, shape (n_link,).
    """
    for k in range(len(forward)):
        mass = state[k, MASS]
        lost[k] = 0.0
        if mass <= 0.0:
            continue
        m, ambient, rate = abs(flow_kgs[k]), ambient_c[k], state[k, RATE]
        scale, shift = state[k, SCALE], state[k, SHIFT]
        gone = heat = cooled = taken = 0.0
        flushed = False
        if forward[k] != 0:
            base, room = int(state[k, BASE]), int(state[k, ROOM])
            head, count = int(state[k, HEAD]), int(state[k, COUNT])
            flushed = m * dt_s >= mass
            left = mass if flushed else m * dt_s
            # Water from further inside leaves later and cools a little longer.
            fall = rate / m
            at = head
            if forward[k] > 0:
                at = head + count - 1
                at = at - room if at >= room else at
            while count > 0:
                kg, s = segment[base + at, 0], segment[base + at, 1]
                whole = flushed or (kg <= left and count > 1)
                part = kg if whole else min(left, kg)
                warm = scale * s + shift - ambient
                out = warm * fell(fall * gone) * mean_fell(fall * part)
                heat += part * (ambient + out)
                cooled += part * (warm - out)
                taken += part * s
                gone += part
                left -= part
                if not whole:
                    segment[base + at, 0] = kg - part
                    break
                count -= 1
                if forward[k] > 0:
                    at = at - 1 if at > 0 else room - 1
                else:
                    at = at + 1 if at + 1 < room else 0
                    head = at
                if left <= 0.0 and not flushed:
                    break
            state[k, HEAD] = head
            state[k, COUNT] = count
            state[k, SUM] -= taken
            work[k, POPPED] = heat
            work[k, THROUGH] = m * dt_s - mass if flushed else 0.0
            work[k, KEPT] = fell(fall * mass) if flushed else 1.0
        if not flushed:
            kept = fell(rate * dt_s)
            stays = mass - m * dt_s if forward[k] != 0 else mass
            cooled += (1.0 - kept) * (scale * state[k, SUM] + (shift - ambient) * stays)
            state[k, SCALE] = scale * kept
            state[k, SHIFT] = shift * kept + (1.0 - kept) * ambient
            if scale * kept < _SMALLEST_SCALE:
                rescale(k, state, segment)
        lost[k] = cooled


@compiled
def put_in(
    dt_s: float, flow_kgs: Floats, forward: Ints, ambient_c: Floats, inlet_c: Floats,
    state: Floats, segment: Floats, lost: Floats,
) -> None:  # fmt: skip
    """Let water enter every pipe that flows.

    Args:
        dt_s: Step.
        flow_kgs: Shape (n_link,).
        forward: 1, -1 or 0, shape (n_link,).
        ambient_c: Surroundings, shape (n_link,).
        inlet_c: Temperature of the water that enters, shape (n_link,).
        state: See the places above, changed, shape (n_link, 11).
        segment: Mass and scaled temperature, changed, shape (n, 2).
        lost: Added to: heat lost over heat capacity, kg K, shape (n_link,).
    """
    for k in range(len(forward)):
        mass = state[k, MASS]
        if mass <= 0.0 or forward[k] == 0:
            continue
        m, ambient, rate = abs(flow_kgs[k]), ambient_c[k], state[k, RATE]
        base = int(state[k, BASE])
        kg = m * dt_s
        excess = inlet_c[k] - ambient
        if kg >= mass:
            z = rate * mass / m
            stays = excess * mean_fell(z)
            lost[k] += mass * (excess - stays) + (kg - mass) * excess * (1.0 - fell(z))
            segment[base, 0] = mass
            segment[base, 1] = ambient + stays
            state[k, HEAD] = 0.0
            state[k, COUNT] = 1.0
            state[k, SCALE] = 1.0
            state[k, SHIFT] = 0.0
            state[k, SUM] = mass * (ambient + stays)
            continue
        stays = excess * mean_fell(rate * dt_s)
        lost[k] += kg * (excess - stays)
        s = (ambient + stays - state[k, SHIFT]) / state[k, SCALE]
        state[k, SUM] += kg * s
        room, head, count = int(state[k, ROOM]), int(state[k, HEAD]), int(state[k, COUNT])
        # As `ring.enter`, written out.
        at = head
        if forward[k] < 0:
            at = head + count - 1
            at = at - room if at >= room else at
        held = segment[base + at, 0]
        if held < state[k, LEAST] or abs(segment[base + at, 1] - s) <= state[k, NEAR]:
            both = held + kg
            segment[base + at, 1] += (s - segment[base + at, 1]) * (kg / both)
            segment[base + at, 0] = both
            continue
        if forward[k] > 0:
            at = head - 1 if head > 0 else room - 1
            state[k, HEAD] = at
        else:
            at = at + 1 if at + 1 < room else 0
        state[k, COUNT] = count + 1
        segment[base + at, 0] = kg
        segment[base + at, 1] = s


@compiled
def end_c(k: int, at_end: bool, state: Floats, segment: Floats) -> float:
    """Return the temperature of the water that stands at an end of pipe `k`."""
    row = int(state[k, HEAD])
    if at_end:
        row += int(state[k, COUNT]) - 1
    if row >= int(state[k, ROOM]):
        row -= int(state[k, ROOM])
    return float(state[k, SCALE] * segment[int(state[k, BASE]) + row, 1] + state[k, SHIFT])
