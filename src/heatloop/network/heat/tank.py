"""Heat that conducts along the content of a pipe, as in a storage tank that stands still."""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.heat.carry import BASE, COUNT, HEAD, ROOM
from heatloop.network.model.net import Ints


@compiled
def conduct_along(
    links: Ints, conducts: Floats, dt_s: float, state: Floats, segment: Floats, low: Floats,
    side: Floats,
) -> None:  # fmt: skip
    """Let heat conduct along the content of some pipes for a step, implicitly.

    Args:
        links: Pipes, shape (n,).
        conducts: Conductance between two places times kg between them, over heat capacity,
            kg^2/s, shape (n,).
        dt_s: Step.
        state: See `carry`.
        segment: See `carry`, changed.
        low: Scratch, one number a segment.
        side: Scratch, one number a segment.
    """
    for j in range(len(links)):
        k = links[j]
        base, room, n = int(state[k, BASE]), int(state[k, ROOM]), int(state[k, COUNT])
        row = int(state[k, HEAD])
        before = 0.0
        for i in range(n):
            kg = segment[base + row, 0]
            value = kg * segment[base + row, 1]
            row = row + 1 if row + 1 < room else 0
            after = 0.0
            if i < n - 1:
                after = 2.0 * conducts[j] * dt_s / (kg + segment[base + row, 0])
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
