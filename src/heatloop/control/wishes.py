"""What heat users wish for, as a proposal for the arbiter: small, bounded, heard last.

A wish moves the value the strategies above prefer by at most some kelvins; it has no value of its
own and narrows nobody's bounds. Without a proposal of a strategy there is nothing to move, so a
wish alone never leads to anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from heatloop.control.arbiter import Priority, Proposal

SOURCE = "wish"
_SUPPLY_PER_ROOM = 1.6
"""Supply temperature over room temperature: how a radiator curve shifts, field guide 3.13."""


def supply_shift_k(
    room_shifts_k: Iterable[float], flats: int, most_k: float, per_room: float = _SUPPLY_PER_ROOM
) -> float:
    """Return by how much all wishes below a unit move its supply temperature.

    Args:
        room_shifts_k: Wished minus usual room temperature, one a wish.
        flats: Flats the unit heats; those without a wish count as content.
        most_k: Largest shift.
        per_room: Supply over room temperature.
    """
    wished = [shift for shift in room_shifts_k if math.isfinite(shift)]
    if not wished or not most_k > 0:
        return 0.0
    shift = per_room * sum(wished) / max(flats, len(wished))
    return min(max(shift, -most_k), most_k)


def room_shift_k(supply_shift_k: float) -> float:
    """Return what a shift of the supply temperature means in the rooms."""
    return supply_shift_k / _SUPPLY_PER_ROOM if math.isfinite(supply_shift_k) else 0.0


def propose_wish(
    proposals: Iterable[Proposal], point: str, shift_k: float, most_k: float
) -> Proposal | None:
    """Return the wish as a proposal beside those of others, or None when there is none to move.

    Args:
        proposals: Of the strategies, for this point.
        point: The unit's supply temperature set-point.
        shift_k: From `supply_shift_k`.
        most_k: Largest shift; a larger one is cut here once more.
    """
    if not math.isfinite(shift_k) or not most_k > 0 or shift_k == 0:
        return None
    heard = [
        p
        for p in sorted(proposals, key=lambda p: (-p.priority, p.source))
        if p.point == point
        and p.priority > Priority.WISH
        and p.value is not None
        and math.isfinite(p.value)
    ]
    if not heard:
        return None
    base = heard[-1]
    assert base.value is not None
    moved = base.value + min(max(shift_k, -most_k), most_k)
    return Proposal(
        point=point,
        value=min(max(moved, base.low), base.high),
        source=SOURCE,
        priority=Priority.WISH,
        reason=f"{base.reason} wish".strip(),
    )
