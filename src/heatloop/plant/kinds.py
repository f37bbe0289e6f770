"""The kinds of measuring and setting points: `points.csv` as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.kinds_added import added_rows
from heatloop.plant.resources import table

PERIODS_S = (30, 60, 300, 600, 1800, 3600, 86400)
"""Scheduled poll periods a point kind may have, plant seconds (clause 6.1.2 b #3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointKind:
    """One row of `points.csv`: what a kind of point measures or sets."""

    kind: str
    """Name in full, unique."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """House unit, see `kernel.units`."""
    group: str
    """Where it stands: source, primary, secondary, unit, unit_setting ..."""
    class_: str
    """process, metering, status, setting, service or weather."""
    low: float
    """Lowest plausible value; for settings the lowest that may be written."""
    high: float
    """Highest plausible value; for settings the highest that may be written."""
    alarm_low: float | None
    """Low alarm limit of the kind, None: no such alarm."""
    alarm_high: float | None
    """High alarm limit of the kind, None: no such alarm."""
    rate_per_min: float | None
    """Fastest plausible change, units a minute, None: not checked."""
    period_s: int
    """Scheduled poll period, plant seconds."""
    decimals: int
    """Decimals shown on screens."""
    access: str
    """`r` or `rw`."""

    @property
    def writable(self) -> bool:
        """Return whether a command may set it."""
        return self.access == "rw"


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _kind(row: dict[str, str]) -> PointKind:
    return PointKind(
        kind=row["kind"],
        zh=row["zh"],
        en=row["en"],
        unit=row["unit"],
        group=row["group"],
        class_=row["class"],
        low=float(row["low"]),
        high=float(row["high"]),
        alarm_low=_number(row["alarm_low"]),
        alarm_high=_number(row["alarm_high"]),
        rate_per_min=_number(row["rate_per_min"]),
        period_s=int(row["period_s"]),
        decimals=int(row["decimals"]),
        access=row["access"],
    )


@cache
def point_kinds() -> Mapping[str, PointKind]:
    """Return every point kind by name, in the order of the table; those of plug-ins last."""
    own = {row["kind"]: _kind(row) for row in table("points.csv")}
    return MappingProxyType(own | {row["kind"]: _kind(row) for row in added_rows(own)})


def point_kind(name: str) -> PointKind:
    """Return one point kind.

    Raises:
        InputError: There is no such kind.
    """
    found = point_kinds().get(name)
    if found is None:
        raise InputError("unknown point kind", thing=name, fix="use a kind of points.csv")
    return found
