"""What is expected in a period, row by row as arrays, and where gap records lie in it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_protocols
from heatloop.plant.ledger import Ledger
from heatloop.store.records.gaps import GapRow

MOST_DAYS = 400
_EVER = 1 << 32
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """What is expected of whom; arrays of one length (n_row,), one row a binding."""

    keys: NDArray[np.uint32]
    """Point keys."""
    periods: Ints
    """Poll period, plant seconds."""
    since: Ints
    """First plant second a sample is expected in."""
    until: Ints
    """Plant second after the last."""
    device: Ints
    """Index into `devices`."""
    reports: NDArray[np.bool_]
    """Whether nobody asks for it: the device reports by itself."""
    devices: tuple[str, ...]
    """Device codes."""

    @classmethod
    def of_ledger(cls, ledger: Ledger, codes: frozenset[str] | None) -> Rows:
        """Return the rows of all devices that serve these assets (None: of all)."""
        devices = tuple(d for d, v in ledger.devices.items() if codes is None or v.asset in codes)
        number = {code: n for n, code in enumerate(devices)}
        bindings = [b for b in ledger.bindings if b.device in number]
        bindings.sort(key=lambda b: (b.key, b.since))
        until = [after.since if after.key == b.key else _EVER for b, after in pairwise(bindings)]
        protocols = field_protocols()
        pushes = {
            code
            for code in devices
            if (p := protocols.get(ledger.devices[code].protocol)) is not None and p.reports
        }
        return cls(
            keys=np.array([b.key for b in bindings], "u4"),
            periods=np.array([b.period_s for b in bindings], "i8"),
            since=np.array([b.since for b in bindings], "i8"),
            until=np.array([*until, _EVER] if bindings else [], "i8"),
            device=np.array([number[b.device] for b in bindings], "i8"),
            reports=np.array([b.device in pushes for b in bindings], bool),
            devices=devices,
        )

    def slots(self, rows: Ints, low: Ints | int, high: Ints | int) -> Ints:
        """Return how many slots of some rows lie in [low, high), binding or not."""
        periods = self.periods[rows]
        found = (np.asarray(high) - 1) // periods - (np.asarray(low) - 1) // periods
        return np.maximum(found, 0)


@dataclass(slots=True)
class Piece:
    """A day, or the part of it that lies in the period; arrays go with `Rows`."""

    date: str
    """Day in the company's zone."""
    start: int
    """First plant second."""
    end: int
    """Plant second after the last."""
    expected: Ints = field(default_factory=lambda: np.zeros(0, "i8"))
    """Slots that should be there."""
    stored: Ints = field(default_factory=lambda: np.zeros(0, "i8"))
    """Slots that are there."""
    unexplained: Ints = field(default_factory=lambda: np.zeros(0, "i8"))
    """Slots that are not there, for no known reason."""
    causes: Counter[str] = field(default_factory=Counter)
    """Slots that are not there, by reason."""


def pieces(start_s: int, end_s: int, time_zone: str) -> list[Piece]:
    """Return a period cut at the midnights of a zone.

    Raises:
        InputError: It is empty, or longer than `MOST_DAYS`.
    """
    if not 0 < end_s - start_s <= MOST_DAYS * 86400:
        raise InputError("no such period", thing=f"{start_s}..{end_s}", fix="at most 400 days")
    zone = ZoneInfo(time_zone)
    found: list[Piece] = []
    while start_s < end_s:
        day = dt.datetime.fromtimestamp(start_s, zone).date()
        after = day + dt.timedelta(days=1)
        midnight = int(dt.datetime(after.year, after.month, after.day, tzinfo=zone).timestamp())
        found.append(Piece(day.isoformat(), start_s, min(midnight, end_s)))
        start_s = midnight
    return found


def alike(low: Ints, high: Ints) -> Iterator[tuple[tuple[int, int], Ints]]:
    """Yield the rows of each distinct range; usually there is one."""
    ranges, which = np.unique(np.stack((low, high)), axis=1, return_inverse=True)
    for n, (start, end) in enumerate(ranges.T.tolist()):
        if start < end:
            yield (start, end), np.flatnonzero(which.reshape(-1) == n)


def rows_by_device(rows: Rows) -> dict[int, Ints]:
    """Return the rows of each device."""
    order = np.argsort(rows.device, kind="stable")
    devices, first = np.unique(rows.device[order], return_index=True)
    parts = np.split(order, first[1:])
    return dict(zip(devices.tolist(), parts, strict=True))


def apart(gaps: Sequence[GapRow], number: dict[str, int]) -> Iterator[tuple[int, int, int, str]]:
    """Yield (device, first, last, cause) of gaps cut so that none of a device overlap."""
    end: dict[str, int] = {}
    for gap in sorted(gaps, key=lambda g: g.slots_from):
        last = _EVER if gap.slots_to is None else gap.slots_to
        first = max(gap.slots_from, end.get(gap.device, -1) + 1)
        if first <= last and gap.device in number:
            end[gap.device] = last
            yield number[gap.device], first, last, gap.cause


def runs(slots: list[int], period: int) -> Iterator[tuple[int, int]]:
    """Yield (first, last) of slots that follow each other a period apart."""
    first = last = None
    for slot in slots:
        if first is None or last is None or slot - last > period:
            if first is not None and last is not None:
                yield first, last
            first = slot
        last = slot
    if first is not None and last is not None:
        yield first, last
