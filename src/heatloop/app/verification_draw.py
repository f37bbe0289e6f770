"""Drawing the points of a verification task, and how far reading and upload may be apart."""

from __future__ import annotations

import random

from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.plant.kinds import PointKind, point_kinds
from heatloop.plant.model import Point
from heatloop.store.records.governance_verification import ItemRow

_READABLE = frozenset(("degC", "kPa", "m3/h", "m3", "kWh", "kW", "Hz", "%", "A", "V", "m", "m/s"))
_TOLERANCES = {"degC": 1.0, "%": 2.0, "Hz": 0.5}
_RELATIVE = 0.02


def tolerance_of(kind: PointKind, value: float | None) -> float:
    """Return how far reading and upload of a kind may be apart, in its unit.

    Temperatures 1 degC, shares 2 %, frequencies 0.5 Hz; else 2 % of the value, and never less than
    a few steps of the display. These are house defaults.
    """
    step = 3.0 * 10.0**-kind.decimals
    fixed = _TOLERANCES.get(kind.unit)
    if fixed is not None:
        return max(fixed, step)
    return max(_RELATIVE * abs(value or 0.0), step)


def choices_of(world: World, asset: str, kinds: list[str]) -> list[Point]:
    """Return the points a device gives and a person can read, by key.

    Args:
        world: The present.
        asset: Asset they belong to, or one above it; empty: any.
        kinds: Point kinds; empty: all with a unit people read.

    Raises:
        Refused: There are none.
    """
    ledger, known = world.ledger, point_kinds()
    codes = None if not asset else world.at_or_below(asset)
    bound = {binding.point for binding in ledger.bindings}
    found = [
        point
        for point in ledger.points.values()
        if point.code in bound
        and (codes is None or point.asset in codes)
        and (point.kind in kinds if kinds else known[point.kind].unit in _READABLE)
    ]
    if not found:
        raise Refused("nothing_to_verify", thing=asset or "*")
    return sorted(found, key=lambda point: point.key)


def drawn(world: World, choices: list[Point], count: int, seed: str) -> list[ItemRow]:
    """Return the points of the task `seed`, drawn at random from its own id."""
    # Anybody can draw them again and see that nobody chose them.
    draw = random.Random(seed)
    picked = draw.sample(choices, min(count, len(choices)))
    kinds = point_kinds()
    return [
        ItemRow(
            task=seed,
            point=point.code,
            kind=point.kind,
            tolerance=tolerance_of(kinds[point.kind], world.latest.value(point.key)),
        )
        for point in picked
    ]
