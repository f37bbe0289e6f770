"""Notices writable registers that somebody else has written, and puts them back.

In January 2024 some 600 buildings in Lviv lost heat to plain, unauthenticated Modbus writes.
What a register should hold is the last order, or, until there is one, what it held when first
read. A unit switched to local belongs to the people at its cabinet: changes there are adopted.
The mode switch itself is theirs too: a change is reported, never undone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from heatloop.edge.index import LatestValues, ProfileIndex, asset_of, same_value
from heatloop.edge.memory import CommandMemory
from heatloop.edge.poller import Poller, Seen
from heatloop.edge.raised import Note, RaisedAlarms
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Binding
from heatloop.station.envelope import SAFE
from heatloop.station.modes import StationMode, mode_of

QUIET_S = 600.0
_RULE = "foreign_write"


@dataclass(frozen=True, slots=True)
class ForeignWrite:
    """A register that holds what nobody here wrote."""

    binding: Binding
    """The point."""
    expected: float
    """What it should hold."""
    found: float
    """What it holds."""


class WriteWatch:
    """Compares what writable registers hold with what they should.

    Args:
        index: The gateway's profile.
        memory: Orders in force.
        poller: Owner of the device connections.
        alarms: Where foreign writes are raised.
        latest: Newest values.
        driven: Keys the station logic here writes all the time; they need no watching.
    """

    def __init__(
        self,
        *,
        index: ProfileIndex,
        memory: CommandMemory,
        poller: Poller,
        alarms: RaisedAlarms,
        latest: LatestValues,
        driven: Collection[int] = (),
    ) -> None:
        self._index, self._memory, self._poller = index, memory, poller
        self._alarms, self._latest = alarms, latest
        self._first: dict[int, float] = {}
        self._last_seen: dict[str, float] = {}
        self._watched: dict[int, tuple[Binding, Binding | None]] = {
            b.key: (b, index.by_asset[asset_of(b)].get("station_mode"))
            for b in index.profile.bindings
            # What no command may set is the controller's own output: it changes as it likes.
            if b.access == "rw" and b.key not in driven and b.kind in SAFE
        }

    def compare(self, seen: Seen) -> list[ForeignWrite]:
        """Return the registers of one answer that hold what they should not."""
        driver = self._poller.drivers[seen.device]
        found: list[ForeignWrite] = []
        for planned, values in seen.reading.blocks:
            for key, value in zip(planned.keys, values, strict=True):
                watched = self._watched.get(key)
                if watched is None or driver.written.get(key, 0) > seen.writes_before:
                    continue
                wanted = self._memory.wanted.get(key)
                expected = wanted.value if wanted else self._first.setdefault(key, value)
                if not same_value(watched[0], value, expected):
                    found.append(ForeignWrite(watched[0], expected, value))
        return found

    async def act(self, found: list[ForeignWrite], at_s: float) -> list[Note]:
        """Raise, and restore or adopt; return the notes this makes."""
        notes: list[Note] = []
        for write in found:
            binding = write.binding
            if binding.kind == "station_mode":
                notes += self._raise(write, at_s)
                self._adopt(write, at_s)
            elif self._is_local(binding):
                self._adopt(write, at_s)
            else:
                notes += self._raise(write, at_s)
                await self._restore(write)
        return notes

    def meddled(self) -> set[str]:
        """Return the devices somebody wrote to from outside, until it was quiet for a while."""
        return {
            self._index.by_point[point].device
            for point in self._last_seen
            if point in self._index.by_point
        }

    def quiet(self, at_s: float) -> list[Note]:
        """Clear the alarms of points nobody has meddled with for a while."""
        notes: list[Note] = []
        for point, last in list(self._last_seen.items()):
            if at_s - last >= QUIET_S:
                del self._last_seen[point]
                notes += self._alarms.clear(point, _RULE, at_s)
        return notes

    def _is_local(self, binding: Binding) -> bool:
        mode = self._watched[binding.key][1]
        if mode is None:
            return False
        return mode_of(self._latest.values.get(mode.key)) is StationMode.LOCAL

    def _raise(self, write: ForeignWrite, at_s: float) -> list[Note]:
        point = write.binding.point
        self._last_seen[point] = at_s
        return self._alarms.raise_(
            point,
            _RULE,
            at_s,
            2,
            value=write.found,
            detail=f"expected={write.expected:g} found={write.found:g}",
        )

    def _adopt(self, write: ForeignWrite, at_s: float) -> None:
        key = write.binding.key
        if key in self._memory.wanted:
            self._memory.order(key, write.found, at_s)
            self._memory.save()
        else:
            self._first[key] = write.found

    async def _restore(self, write: ForeignWrite) -> None:
        binding = write.binding
        try:
            driver = self._poller.drivers[binding.device]
            self._latest.values[binding.key] = await driver.write(binding, write.expected)
        except (LinkError, InputError):
            return  # The next scan finds it again; the alarm is open meanwhile.

    def resume(self, at_s: float) -> None:
        """Take over foreign-write alarms left open by the process before this one."""
        for binding, _ in self._watched.values():
            if (binding.point, _RULE) in self._alarms:
                self._last_seen.setdefault(binding.point, at_s)
