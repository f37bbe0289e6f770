"""What the centre asks, and commands in one step or two (select before operate).

Reference: IEC 60870-5-5:1995 6.8 (command transmission), IEC 60870-5-104:2006 6.
"""

from __future__ import annotations

from dataclasses import replace

from heatloop.kernel.errors import InputError
from heatloop.protocols.iec104.asdu import (
    ACTIVATION,
    CONFIRMED,
    REQUESTED,
    TERMINATED,
    Asdu,
    decode_asdu,
    encode_asdu,
)
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.times import Stamp

COMMANDS = frozenset((*range(45, 52), *range(58, 65)))
"""Types that act on the process."""
SELECTABLE = COMMANDS - {51, 64}
"""Bit strings have no select bit."""
INTERROGATION, COUNTERS, READ, CLOCK, TEST = 100, 101, 102, 103, 107
STATION_QUALIFIER, COUNTERS_QUALIFIER = 20, 5
IDLE, SELECTING, EXECUTING, CONFIRMED_STATE, DONE, REFUSED, LATE = (
    "idle", "selecting", "executing", "confirmed", "done", "refused", "late",
)  # fmt: skip


def interrogate(station: int, qualifier: int = STATION_QUALIFIER, originator: int = 0) -> Asdu:
    """Return the request for all values of a station (20) or a group (21 to 36)."""
    point = Point(address=0, qualifier=qualifier)
    return _request(INTERROGATION, station, point, originator)


def interrogate_counters(station: int, qualifier: int = COUNTERS_QUALIFIER) -> Asdu:
    """Return the request for all counters (5) or a group (1 to 4); bits 6 and 7 freeze."""
    return _request(COUNTERS, station, Point(address=0, qualifier=qualifier))


def set_clock(station: int, stamp: Stamp) -> Asdu:
    """Return the message that sets a station's clock."""
    return _request(CLOCK, station, Point(address=0, stamp=stamp))


def read(station: int, address: int) -> Asdu:
    """Return the request for one value."""
    asdu = _request(READ, station, Point(address=address))
    return replace(asdu, cause=REQUESTED)


def _request(kind: int, station: int, point: Point, originator: int = 0) -> Asdu:
    return Asdu(
        type=kind, cause=ACTIVATION, station=station, points=(point,), originator=originator
    )


class Command:
    """The centre's side of one command.

    Args:
        type_id: One of `COMMANDS`.
        station: Common address.
        point: Address, value, qualifier and, for types 58 to 64, the time tag.
        select: Whether to select before operating.
        timeout_s: Longest wait for each answer.

    Raises:
        InputError: The type is no command, cannot be selected, or the value does not fit it.
    """

    def __init__(
        self, type_id: int, station: int, point: Point, *, select: bool, timeout_s: float = 10.0
    ) -> None:
        if type_id not in COMMANDS or (select and type_id not in SELECTABLE):
            raise InputError("no command, or none that can be selected", thing=f"type {type_id}")
        self.state = IDLE
        asdu = _request(type_id, station, replace(point, select=False))
        # As it will come back: a set-point is rounded to 32 bits on its way.
        self._asdu = decode_asdu(encode_asdu(asdu))
        self._select = select
        self._timeout_s = timeout_s
        self._due_s = 0.0

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in {DONE, REFUSED, LATE}

    def start(self, now_s: float) -> Asdu:
        """Return the first message to send.

        Raises:
            InputError: It was started before.
        """
        if self.state != IDLE:
            raise InputError("a command is started once", thing="IEC 104 command")
        self._due_s = now_s + self._timeout_s
        self.state = SELECTING if self._select else EXECUTING
        return self._message()

    def _message(self) -> Asdu:
        point = replace(self._asdu.points[0], select=self.state == SELECTING)
        return replace(self._asdu, points=(point,))

    def received(self, asdu: Asdu, now_s: float) -> list[Asdu]:
        """Take a message of the station, and return what to send next.

        A station may or may not tell the end of a command: `confirmed` is as good as `done`
        for one that never does.
        """
        own = self._message()
        same = (asdu.type, asdu.station) == (own.type, own.station)
        if not same or self.finished or asdu.points[0].address != own.points[0].address:
            return []
        if asdu.negative or asdu.cause > TERMINATED:
            self.state = REFUSED
        elif asdu.cause == CONFIRMED:
            if asdu.points != own.points:
                self.state = REFUSED
            elif self.state == SELECTING:
                self.state, self._due_s = EXECUTING, now_s + self._timeout_s
                return [self._message()]
            elif self.state == EXECUTING:
                self.state, self._due_s = CONFIRMED_STATE, now_s + self._timeout_s
        elif asdu.cause == TERMINATED and self.state in {EXECUTING, CONFIRMED_STATE}:
            self.state = DONE
        return []

    def tick(self, now_s: float) -> None:
        """Let time pass: a select or execute without an answer is late."""
        if self.state in {SELECTING, EXECUTING} and now_s >= self._due_s:
            self.state = LATE
