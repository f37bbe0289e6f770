"""Water in a pipe as a row of segments in a ring buffer, open at both ends.

A row of `segment` is (mass, temperature); a pipe owns rows `base` to `base + room` and knows where
its first segment (at its start) stands (`head`) and how many there are (`count`). Water that enters
joins the segment it touches while that one is short or equally warm, so the number of segments is
bounded by the pipe's length over the shortest segment, whatever the step.
"""

from __future__ import annotations

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled


@compiled
def place_of(base: int, room: int, head: int, i: int) -> int:
    """Return the row of the i-th segment from the pipe's start."""
    at = head + i
    return base + (at - room if at >= room else at)


@compiled
def enter(
    segment: Floats, base: int, room: int, head: int, count: int, at_start: bool, kg: float,
    warm: float, least_kg: float, near: float,
) -> tuple[int, int]:  # fmt: skip
    """Put water in at an end; return the new head and count.

    Args:
        segment: Mass and temperature, shape (n, 2).
        base: First row of the pipe.
        room: Its number of rows.
        head: Place of its first segment, below `room`.
        count: Number of its segments.
        at_start: At the start or at the end of the pipe.
        kg: Mass, above 0.
        warm: Temperature (in the scale of `segment`).
        least_kg: Segments below this take in what follows.
        near: Difference at which two are the same.
    """
    if count > 0:
        row = place_of(base, room, head, 0 if at_start else count - 1)
        held = segment[row, 0]
        apart = abs(segment[row, 1] - warm)
        if held < least_kg or apart <= near or count == room:
            both = held + kg
            segment[row, 1] = (held * segment[row, 1] + kg * warm) / both
            segment[row, 0] = both
            return head, count
    if at_start:
        head = head - 1 if head > 0 else room - 1
        row = base + head
    else:
        row = place_of(base, room, head, count)
    segment[row, 0] = kg
    segment[row, 1] = warm
    return head, count + 1
