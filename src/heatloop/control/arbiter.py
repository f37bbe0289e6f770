"""Many proposals, one value: priority narrows the bounds, the last preference inside them wins.

Proposals are taken from the highest priority down. Each may narrow the bounds for all below it,
and each that names a value overrides the one above, moved into the bounds that are left. Who
must have his way proposes `low == high == value`. Without bounds that can be met there is no
preference: the safe value, or nothing, is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from heatloop.kernel.errors import InputError


class Priority(IntEnum):
    """Who is heard first; any whole number may be used between."""

    EMERGENCY = 1000
    PERSON = 500
    CAPACITY = 300
    OPTIMISER = 100
    CURVE = 50
    WISH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What the plant allows, whoever asks."""

    low: float
    """Lowest safe value."""
    high: float
    """Highest safe value; below `low` when the bounds are lost."""
    safe: float | None = None
    """What to write when there is nothing to choose from; None: write nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What one strategy or person would like one point to be."""

    point: str
    """Point code."""
    value: float | None
    """Preferred value; None: only bounds matter."""
    source: str
    """Who proposes."""
    priority: int
    """Higher is heard first and narrows the bounds of all below."""
    reason: str = ""
    """Why, in a word the screens translate."""
    low: float = -math.inf
    """Lowest value acceptable to the proposer."""
    high: float = math.inf
    """Highest value acceptable to the proposer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The one value for a point, and where it comes from."""

    value: float | None
    """What to write; None: nothing."""
    winner: str
    """Source whose preference it is; `safe` for the safe value, empty when nobody proposed."""
    reason: str
    """The winner's reason, with `clamped` or `ramped` added when it did not get all of it."""
    low: float
    """Lowest value left by all bounds."""
    high: float
    """Highest value left by all bounds."""


def arbitrate(
    proposals: Iterable[Proposal],
    bounds: Bounds | None,
    current: float | None = None,
    ramp_k_per_h: float = math.inf,
    dt_s: float = 0.0,
) -> Decision:
    """Return the one value for the point all proposals are for.

    Args:
        proposals: For one point; equal priorities are heard in order of source name.
        bounds: What is safe; None when it is not known.
        current: Value the point has now; the decision moves away from it no faster than the ramp.
        ramp_k_per_h: Largest change an hour, in the point's unit. Safety knows no ramp: a current
            value outside the bounds is left at once.
        dt_s: Seconds since the last decision.

    Raises:
        InputError: The proposals are for different points.
    """
    ordered = sorted(proposals, key=lambda p: (-p.priority, p.source))
    if len({p.point for p in ordered}) > 1:
        raise InputError("proposals are for several points", thing=ordered[0].point)
    if bounds is None or not bounds.low <= bounds.high:
        safe = None if bounds is None else bounds.safe
        return Decision(
            value=safe, winner="safe", reason="bounds_lost", low=math.nan, high=math.nan
        )
    low, high = bounds.low, bounds.high
    value, winner, reason = None, "", "no_proposal"
    for p in ordered:
        # NaN or crossed bounds of a broken strategy narrow nothing and prefer nothing.
        if not p.low <= p.high or (p.value is not None and not math.isfinite(p.value)):
            continue
        low, high = min(max(low, p.low), high), max(min(high, p.high), low)
        if p.value is not None:
            value, winner, reason = p.value, p.source, p.reason
    if value is None:
        return Decision(value=None, winner=winner, reason=reason, low=low, high=high)
    held = min(max(value, low), high)
    if held != value:
        reason = f"{reason} clamped".strip()
    if current is not None and math.isfinite(current):
        reach = ramp_k_per_h * dt_s / 3600.0 if math.isfinite(ramp_k_per_h) else math.inf
        ramped = min(max(held, current - reach), current + reach)
        ramped = min(max(ramped, low), high)
        if ramped != held:
            reason = f"{reason} ramped".strip()
        held = ramped
    return Decision(value=held, winner=winner, reason=reason, low=low, high=high)
