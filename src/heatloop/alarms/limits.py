"""Alarm limits of all points as arrays: from the kinds, the points' own, and operators' changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatloop.plant.kinds import PointKind, point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Point

LOW, HIGH = 0, 1

# unit -> (dead-band as a share of the span, on-delay s); defaults of the field guide 3.4.
_BY_UNIT: dict[str, tuple[float, float]] = {
    "degC": (0.01, 60.0),
    "kPa": (0.02, 15.0),
    "m3/h": (0.05, 15.0),
    "kW": (0.05, 60.0),
    "m": (0.05, 60.0),
}
# 1 critical, 2 high, 3 medium, 4 low; kinds not named are medium.
_PRIORITY: dict[str, int] = {
    "source_supply_temperature": 1,
    "source_supply_pressure": 1,
    "source_return_pressure": 1,
    "boiler_outlet_temperature": 1,
    "primary_supply_pressure": 2,
    "primary_return_pressure": 2,
    "secondary_supply_temperature": 2,
    "secondary_supply_pressure": 2,
    "secondary_return_pressure": 2,
    "tank_level": 2,
    "station_flood": 2,
    "room_temperature": 4,
}
# Bit words have their own monitor, which names the bit.
WORD_KINDS = ("interlock_word", "circulation_pump_fault")


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitOverride:
    """What an operator set for one point; None keeps the limit of the point or its kind."""

    low: float | None = None
    """Low limit, in the point's unit."""
    high: float | None = None
    """High limit."""
    deadband: float | None = None
    """How far back the value must come before the alarm goes."""
    on_delay_s: float | None = None
    """How long the limit must be crossed before the alarm comes."""
    priority: int | None = None
    """1 critical, 2 high, 3 medium, 4 low."""


class AlarmLimits(NamedTuple):
    """One entry per point with a limit, keys ascending."""

    keys: NDArray[np.uint32]
    """Shape (n_point,)."""
    codes: list[str]
    """Point codes."""
    limit: NDArray[np.float64]
    """Low and high limit, shape (2, n_point); -inf and inf where there is none."""
    deadband: NDArray[np.float64]
    """Shape (n_point,)."""
    on_delay_s: NDArray[np.float64]
    """Shape (n_point,)."""
    priority: NDArray[np.int64]
    """Shape (n_point,)."""

    @classmethod
    def of_points(
        cls, points: Iterable[Point], overrides: Mapping[str, LimitOverride] | None = None
    ) -> AlarmLimits:
        """Return the limits of these points.

        Args:
            points: Points in any order; those without any limit are left out.
            overrides: By point code.
        """
        kinds = point_kinds()
        chosen = overrides or {}
        rows = []
        for point in sorted(points, key=lambda p: p.key):
            if point.kind in WORD_KINDS:
                continue
            row = _row(point, kinds[point.kind], chosen.get(point.code, _NO_OVERRIDE))
            if row[0] > -np.inf or row[1] < np.inf:
                rows.append((point.key, point.code, row))
        columns = np.array([row for _, _, row in rows], "f8").reshape(-1, 5).T
        return cls(
            keys=np.array([key for key, _, _ in rows], "u4"),
            codes=[code for _, code, _ in rows],
            limit=columns[:2].copy(),
            deadband=columns[2].copy(),
            on_delay_s=columns[3].copy(),
            priority=columns[4].astype("i8"),
        )

    @classmethod
    def of_ledger(
        cls, ledger: Ledger, overrides: Mapping[str, LimitOverride] | None = None
    ) -> AlarmLimits:
        """Return the limits of all points of a ledger that have one."""
        return cls.of_points(ledger.points.values(), overrides)


_NO_OVERRIDE = LimitOverride()


def _first(*choices: float | None, default: float) -> float:
    return next((float(choice) for choice in choices if choice is not None), default)


def _row(
    point: Point, kind: PointKind, override: LimitOverride
) -> tuple[float, float, float, float, float]:
    share, delay_s = _BY_UNIT.get(kind.unit, (0.0, 0.0))
    low = _first(override.low, point.alarm_low, kind.alarm_low, default=-np.inf)
    high = _first(override.high, point.alarm_high, kind.alarm_high, default=np.inf)
    deadband = share * (kind.high - kind.low)
    # Never wider than what lies between the limits, or the alarm could not clear at all.
    deadband = min(deadband, 0.25 * (high - low))
    return (
        low,
        high,
        _first(override.deadband, default=deadband),
        _first(override.on_delay_s, default=delay_s),
        _first(override.priority, _PRIORITY.get(kind.kind), default=3),
    )
