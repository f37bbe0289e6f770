"""How long samples are kept, and which months have had their time (clause 9.2.5 #2).

Whole months go at once where every class in them has expired; else the points of the expired
classes are taken out of them. Points nobody knows the class of are kept longest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from heatloop.store.historian.port import DAY_S, Partition

LEAST_DAYS = 1096
"""Three years with a leap day; nothing may be kept for less."""

SAMPLES = ("raw", "revision")
ROLLUPS = ("rollup_10m", "rollup_1h", "rollup_1d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Days by class; 0 keeps for ever."""

    points: Mapping[str, int]
    """Days of samples by point class."""
    events: int
    """Days of events."""
    rollups: int
    """Days of roll-ups."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expired:
    """A partition of which something has had its time."""

    partition: Partition
    """What it is."""
    classes: tuple[str, ...]
    """Point classes that go, in order; all of them where the whole partition goes."""
    whole: bool
    """Whether the whole partition goes."""


def partition_end_s(name: int) -> int:
    """Return the first second after a month (202611) or a year (2026), UTC."""
    if name < 10_000:
        return int(datetime(name + 1, 1, 1, tzinfo=UTC).timestamp())
    year, month = divmod(name, 100)
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return int(datetime(*following, 1, tzinfo=UTC).timestamp())


def expired(partitions: Sequence[Partition], policy: Policy, now_s: float) -> list[Expired]:
    """Return what has had its time, oldest first.

    Args:
        partitions: What is kept.
        policy: How long it is to be kept.
        now_s: Plant time, seconds.
    """
    out = []
    for partition in sorted(partitions, key=lambda one: (one.name, one.table)):
        if not partition.name or not partition.rows:
            continue
        age_days = (now_s - partition_end_s(partition.name)) / DAY_S
        if partition.table in SAMPLES:
            classes = tuple(
                sorted(name for name, days in policy.points.items() if 0 < days < age_days)
            )
            whole = len(classes) == len(policy.points)
        else:
            days = {"event": policy.events}.get(partition.table, 0)
            if partition.table in ROLLUPS:
                days = policy.rollups
            classes, whole = (), 0 < days < age_days
        if classes or whole:
            out.append(Expired(partition=partition, classes=classes, whole=whole))
    return out
