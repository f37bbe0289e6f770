"""The controlled station: answers interrogations, and executes commands it was given rightly.

It holds no values and drives nothing: the caller gives the points and carries out what
`Execute` says.

Reference: IEC 60870-5-5:1995 6.6 to 6.10, IEC 60870-5-104:2006 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from heatloop.protocols.iec104.asdu import (
    ACTIVATION,
    CONFIRMED,
    COUNTERS_REQUESTED,
    DEACTIVATED,
    DEACTIVATION,
    GLOBAL_ADDRESS,
    INTERROGATED,
    REQUESTED,
    TERMINATED,
    UNKNOWN_CAUSE,
    UNKNOWN_OBJECT,
    UNKNOWN_STATION,
    UNKNOWN_TYPE,
    Asdu,
    reply,
    split,
)
from heatloop.protocols.iec104.commands import (
    CLOCK,
    COMMANDS,
    COUNTERS,
    INTERROGATION,
    READ,
    STATION_QUALIFIER,
    TEST,
)
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.times import Stamp

COUNTER_TYPES = frozenset((15, 37))
MAX_SELECTED = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Execute:
    """A command to carry out; then send `Station.done` or, failing that, nothing."""

    asdu: Asdu
    """The command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetClock:
    """The centre's time."""

    stamp: Stamp
    """It."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What follows from one message."""

    send: tuple[Asdu, ...] = ()
    """To send, in order."""
    do: Execute | SetClock | None = None
    """To do."""


@dataclass(kw_only=True, slots=True)
class Station:
    """The controlled side of one connection."""

    address: int
    """Common address."""
    commands: Mapping[int, int]
    """Type of command (without time) by object address; others are refused."""
    select_first: frozenset[int] = frozenset()
    """Object addresses that must be selected before they are operated."""
    select_s: float = 10.0
    """How long a selection holds."""
    _selected: dict[int, tuple[Asdu, float]] = field(default_factory=dict, init=False)

    def answer(self, asdu: Asdu, points: Mapping[int, Iterable[Point]], now_s: float) -> Answer:
        """Return what follows from a message of the centre.

        Args:
            asdu: The message.
            points: Present values by type (1, 13, 36, 15, ...).
            now_s: Seconds of any steady clock.

        Raises:
            InputError: A value does not fit its type.
        """
        if asdu.station not in {self.address, GLOBAL_ADDRESS}:
            return Answer(send=(reply(asdu, UNKNOWN_STATION, negative=True),))
        asked = replace(asdu, station=self.address)
        if asdu.type in COMMANDS:
            return self._command(asked, now_s)
        if asdu.type == READ:
            return self._read(asked, points)
        if asdu.type not in {INTERROGATION, COUNTERS, CLOCK, TEST}:
            return Answer(send=(reply(asked, UNKNOWN_TYPE, negative=True),))
        if asdu.cause != ACTIVATION:
            return Answer(send=(reply(asked, UNKNOWN_CAUSE, negative=True),))
        confirmed = reply(asked, CONFIRMED)
        if asdu.type == CLOCK:
            stamp = asdu.points[0].stamp or Stamp(text=None)
            return Answer(send=(confirmed,), do=SetClock(stamp=stamp))
        if asdu.type == TEST:
            return Answer(send=(confirmed,))
        return self._interrogation(asked, confirmed, points)

    def _interrogation(
        self, asked: Asdu, confirmed: Asdu, points: Mapping[int, Iterable[Point]]
    ) -> Answer:
        counters = asked.type == COUNTERS
        qualifier = asked.points[0].qualifier & (0x3F if counters else 0xFF)
        whole = 5 if counters else STATION_QUALIFIER
        if qualifier != whole:
            return Answer(send=(reply(asked, CONFIRMED, negative=True),))
        cause = COUNTERS_REQUESTED if counters else INTERROGATED
        out = [confirmed]
        for type_id, found in points.items():
            if (type_id in COUNTER_TYPES) == counters:
                all_points = Asdu(
                    type=type_id,
                    cause=cause,
                    station=self.address,
                    points=tuple(found),
                    originator=asked.originator,
                )
                out += split(all_points)
        return Answer(send=(*out, reply(asked, TERMINATED)))

    def _read(self, asked: Asdu, points: Mapping[int, Iterable[Point]]) -> Answer:
        wanted = asked.points[0].address
        for type_id, found in points.items():
            for point in found:
                if point.address == wanted:
                    told = replace(asked, type=type_id, cause=REQUESTED, points=(point,))
                    return Answer(send=(told,))
        return Answer(send=(reply(asked, UNKNOWN_OBJECT, negative=True),))

    def _command(self, asked: Asdu, now_s: float) -> Answer:
        point = asked.points[0]
        self._selected = {a: held for a, held in self._selected.items() if held[1] > now_s}
        if asked.type not in {*self.commands.values(), *(t + 13 for t in self.commands.values())}:
            return Answer(send=(reply(asked, UNKNOWN_TYPE, negative=True),))
        wanted = self.commands.get(point.address)
        if wanted is None or asked.type not in {wanted, wanted + 13}:
            return Answer(send=(reply(asked, UNKNOWN_OBJECT, negative=True),))
        if asked.cause == DEACTIVATION:
            held = self._selected.pop(point.address, None)
            return Answer(send=(reply(asked, DEACTIVATED, negative=held is None),))
        if asked.cause != ACTIVATION:
            return Answer(send=(reply(asked, UNKNOWN_CAUSE, negative=True),))
        if point.select:
            free = point.address not in self._selected and len(self._selected) < MAX_SELECTED
            if free:
                self._selected[point.address] = (asked, now_s + self.select_s)
            return Answer(send=(reply(asked, CONFIRMED, negative=not free),))
        held = self._selected.pop(point.address, None)
        if held is None:
            good = point.address not in self.select_first
        else:
            good = _same(held[0], asked)
        if not good:
            return Answer(send=(reply(asked, CONFIRMED, negative=True),))
        return Answer(send=(reply(asked, CONFIRMED),), do=Execute(asdu=asked))

    def done(self, executed: Execute) -> Asdu:
        """Return the message that a command has been carried out."""
        return reply(executed.asdu, TERMINATED)


def _same(selected: Asdu, executed: Asdu) -> bool:
    """Return whether what is to be executed is what was selected, but for the time."""
    first, second = selected.points[0], executed.points[0]
    return (selected.type, selected.originator) == (executed.type, executed.originator) and (
        first.value,
        first.qualifier,
    ) == (second.value, second.qualifier)
