"""The values of one IEC 104 station as they come: newest ones kept, old ones set aside."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding
from heatloop.protocols.iec104.asdu import (
    COUNTERS_REQUESTED,
    INTERROGATED,
    REQUESTED,
    Asdu,
    type_kinds,
)
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.sources import Source
from heatloop.protocols.iec104.times import stamp_s
from heatloop.protocols.real32 import shortest

MONITORED = frozenset((*range(1, 22), *range(30, 41)))
"""Types that carry values."""
_AHEAD_S = 60.0
_UNCERTAIN = frozenset(("blocked", "substituted", "overflow", "adjusted", "elapsed_invalid"))
_DOUBLE = (math.nan, 0.0, 1.0, math.nan)


@dataclass(frozen=True, slots=True)
class Held:
    """The newest value of an information object."""

    type: int
    """Type it came as."""
    raw: float
    """As the station gives it; not a number where it gives none."""
    quality: Quality
    """How far the station trusts it."""
    at_s: float | None
    """Its own time, plant seconds; None: it came without one."""


def quality_of(point: Point) -> Quality:
    """Return what a station's quality bits mean here."""
    if "invalid" in point.quality:
        return Quality.BAD
    if "not_topical" in point.quality:
        return Quality.STALE
    if point.transient or not _UNCERTAIN.isdisjoint(point.quality):
        return Quality.UNCERTAIN
    return Quality.GOOD


def raw_of(type_id: int, point: Point) -> float:
    """Return a point's value as a number: double points 0 off, 1 on, else none."""
    elements = type_kinds()[type_id].elements
    value = point.value
    if value is None:
        return math.nan
    if "DIQ" in elements:
        return _DOUBLE[int(value)]
    if "SCD" in elements:
        return float(int(value) & 0xFFFF)
    return shortest(value) if "R32" in elements else float(value)


class StationValues:
    """Newest values by address, for one common address.

    Args:
        now_s: Plant time.
        zone_s: How far the station's clock is ahead of UTC.
    """

    def __init__(self, now_s: Callable[[], float], zone_s: float) -> None:
        self._now_s, self._zone_s = now_s, zone_s
        self.newest: dict[int, Held] = {}
        self.bindings: dict[int, Binding] = {}
        """By address, for values that come late."""
        self.counters = False
        """Whether any point is an integrated total."""
        self.interrogated_s: float | None = None
        """Plant time of the last whole interrogation on this connection."""

    def expect(self, bindings: Iterable[tuple[Binding, Source]]) -> None:
        """Say which points are wanted, so that late values of theirs can be kept."""
        for binding, source in bindings:
            self.bindings[source.address] = binding
            self.counters = self.counters or source.type in (15, 16, 37)

    def forget(self) -> None:
        """Forget everything: what was known before a reconnect is not the newest."""
        self.newest.clear()
        self.interrogated_s = None

    def take(self, asdu: Asdu, late: SampleBatch) -> None:
        """Take one message; values that are older than their period go to `late`."""
        if asdu.test or asdu.type not in MONITORED:
            return
        now_s = self._now_s()
        asked = asdu.cause == REQUESTED or INTERROGATED <= asdu.cause <= COUNTERS_REQUESTED + 4
        for point in asdu.points:
            at_s = None
            if point.stamp is not None:
                at_s = stamp_s(point.stamp, now_s, self._zone_s)
            if at_s is not None and at_s > now_s + _AHEAD_S:
                at_s = None  # its clock is wrong
            held = Held(asdu.type, raw_of(asdu.type, point), quality_of(point), at_s)
            binding = self.bindings.get(point.address)
            old = binding is not None and at_s is not None and now_s - at_s >= binding.period_s
            if old and not asked and binding is not None and at_s is not None:
                _set_aside(late, binding, held, at_s)
                continue
            before = self.newest.get(point.address)
            stamped = before is not None and before.at_s is not None and at_s is not None
            if stamped and not asked and before is not None and (before.at_s or 0.0) > (at_s or 0):
                continue  # overtaken on its way
            self.newest[point.address] = held


def counted(binding: Binding, held: Held) -> float:
    """Return a raw value; totals are 32 bits, signed unless the profile says otherwise."""
    if binding.dtype == "uint32" and held.raw < 0 and held.type in (15, 16, 37):
        return held.raw + 2.0**32
    return held.raw


def _set_aside(late: SampleBatch, binding: Binding, held: Held, at_s: float) -> None:
    slot = int(at_s // binding.period_s) * binding.period_s
    value = counted(binding, held) * binding.factor + binding.offset
    quality = held.quality if value == value else Quality.BAD
    late.append(binding.key, slot, value, quality)


def last_of_each(batch: SampleBatch) -> SampleBatch:
    """Return the rows with only the last one of every point and slot."""
    rows = {(key, slot): (value, quality) for key, slot, value, quality in batch.rows()}
    return SampleBatch(
        array("I", (key for key, _ in rows)),
        array("I", (slot for _, slot in rows)),
        array("d", (value for value, _ in rows.values())),
        array("B", (quality for _, quality in rows.values())),
    )
