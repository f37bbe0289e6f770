"""What is plausible for each point, as arrays in the order of the points' keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import PointKind, point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Point

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_COUNTER_TOP = float(2**32 - 1)
# What an actuator or a switch does is not noise: it may jump and it may stand still.
_MOVED_BY_HAND = ("valve", "pump_frequency", "boiler_load", "pump_current")
# Weather and water stand still or jump by themselves in ways that prove nothing.
_NEVER_FROZEN = (*_MOVED_BY_HAND, "tank_level", "wind", "solar", "weather", "_max", "_min")

# Make-up pumps move a pressure by their whole band (20-50 kPa) between two polls.
_FLOORS = {"kPa": 50.0}


class CheckRules(NamedTuple):
    """One entry per point, shape (n_point,), keys ascending."""

    keys: NDArray[np.uint32]
    low: Floats
    """Lowest plausible value."""
    high: Floats
    """Highest plausible value; of a counter, where it rolls over."""
    rate_per_s: Floats
    """Fastest plausible change; inf: not checked."""
    jump_floor: Floats
    """A jump below this is never a spike; inf: not checked."""
    may_freeze: NDArray[np.bool_]
    """Whether standing still is suspicious."""
    counter: NDArray[np.bool_]
    """Whether it only counts up."""
    period_s: Floats
    """Scheduled poll period."""


def _row(point: Point, kind: PointKind, factor: float) -> tuple[float | bool, ...]:
    counter = kind.class_ == "metering"
    process = kind.class_ == "process" or kind.kind in ("outdoor_temperature", "outdoor_humidity")
    resolution = 10.0**-kind.decimals
    jumps = (process and not any(part in kind.kind for part in _MOVED_BY_HAND)) or counter
    span = 0.0 if counter else kind.high - kind.low
    rate = kind.rate_per_min
    return (
        kind.low,
        _COUNTER_TOP * factor if counter else kind.high,
        rate / 60.0 if rate is not None else np.inf,
        max(20.0 * resolution, 0.01 * span, _FLOORS.get(kind.unit, 0.0)) if jumps else np.inf,
        process and not any(part in kind.kind for part in _NEVER_FROZEN),
        counter,
        float(kind.period_s),
    )


def rules_for(points: Iterable[tuple[Point, float]]) -> CheckRules:
    """Return the rules of these points, taken from their kinds.

    Args:
        points: Pairs of point and raw-to-unit factor of its binding (counters roll over at
            4294967295 raw).

    Raises:
        InputError: Two points have one key.
    """
    ordered = sorted(points, key=lambda pair: pair[0].key)
    keys = np.array([point.key for point, _ in ordered], "u4")
    twice = keys[1:][keys[1:] == keys[:-1]]
    if twice.size:
        raise InputError("two points share a key", thing=str(twice[0]), fix="give each its own")
    kinds = point_kinds()
    rows = [_row(point, kinds[point.kind], factor) for point, factor in ordered]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    low, high, rate, floor, freeze, counter, period = columns
    return CheckRules(
        keys=keys,
        low=np.array(low, "f8"),
        high=np.array(high, "f8"),
        rate_per_s=np.array(rate, "f8"),
        jump_floor=np.array(floor, "f8"),
        may_freeze=np.array(freeze, bool),
        counter=np.array(counter, bool),
        period_s=np.array(period, "f8"),
    )


def rules_of(ledger: Ledger) -> CheckRules:
    """Return the rules of all points of a ledger."""
    factors = {binding.point: binding.factor for binding in ledger.bindings}
    return rules_for((p, factors.get(p.code, 1.0)) for p in ledger.points.values())


class KeyIndex:
    """Finds the position of point keys in a sorted key column, many at once."""

    __slots__ = ("_keys", "_table")

    def __init__(self, keys: NDArray[np.uint32]) -> None:
        self._keys = keys
        top = int(keys[-1]) if keys.size else 0
        # Ledger keys count up from 1, so a table answers in one gather; sparse keys fall back.
        self._table: Index | None = None
        if top <= 16 * keys.size + 65536:
            self._table = np.full(top + 1, -1, np.intp)
            self._table[keys] = np.arange(keys.size)

    def find(self, keys: NDArray[np.uint32]) -> Index:
        """Return positions, -1 where a key is unknown; shape of `keys`."""
        if self._table is not None:
            inside = keys < self._table.size
            if inside.all():
                return self._table[keys]
            return np.where(inside, self._table[np.where(inside, keys, 0)], -1)
        at = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        return np.where(self._keys[at] == keys, at, -1)
