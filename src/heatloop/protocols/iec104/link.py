"""The IEC 60870-5-104 connection, either end of it, without sockets or clocks.

The caller feeds what arrives, and the time, and sends what `output` gives::

    link = Link(controlling=True)
    link.start(now)                       # ask for data transfer
    transport.write(link.output())
    for event in link.received(data, now): ...
    for event in link.tick(now): ...      # at the latest at link.deadline_s

Frames are numbered; at most k may wait for an acknowledgement, the receiver acknowledges at the
latest after w frames or t2 seconds; t1 bounds the wait for any answer, t3 the silence after
which the line is tested. t0 bounds the making of the connection and belongs to the caller.

Reference: IEC 60870-5-104:2006 5.2 to 5.5 and 9.6.
"""

from __future__ import annotations

import math
from collections import deque

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.iec104.apci import (
    NUMBERS,
    STARTDT_ACT,
    STARTDT_CON,
    STOPDT_ACT,
    STOPDT_CON,
    TESTFR_ACT,
    TESTFR_CON,
    U_NAMES,
    Information,
    Supervisory,
    Unnumbered,
    encode_apdu,
    take_apdu,
)
from heatloop.protocols.iec104.asdu import Asdu, decode_asdu, encode_asdu
from heatloop.protocols.iec104.link_events import (
    Arrived,
    Broken,
    Event,
    Limits,
    Refused,
    Started,
    Stopped,
)


class Link:
    """One end of a connection.

    Args:
        controlling: Whether this end starts and stops the transfer (the centre).
        limits: Parameters.
        now_s: When the connection was made, seconds of any steady clock.
    """

    def __init__(
        self, *, controlling: bool, limits: Limits | None = None, now_s: float = 0.0
    ) -> None:
        self.controlling = controlling
        self.limits = limits or Limits()
        self.started = False
        self.broken = False
        self._buffer = bytearray()
        self._out = bytearray()
        self._queue: deque[bytes] = deque()
        self._send = self._receive = 0
        self._sent_at: deque[float] = deque()
        self._unacknowledged = 0
        self._ack_due = math.inf
        self._confirm: dict[int, float] = {}
        self._heard_at = now_s

    @property
    def waiting(self) -> int:
        """How many messages wait for their turn."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """How many messages are sent and not acknowledged."""
        return len(self._sent_at)

    @property
    def deadline_s(self) -> float:
        """When `tick` must be called at the latest."""
        if self.broken:
            return math.inf
        oldest = self._sent_at[0] + self.limits.t1_s if self._sent_at else math.inf
        idle = math.inf if TESTFR_CON in self._confirm else self._heard_at + self.limits.t3_s
        return min(oldest, idle, self._ack_due, *self._confirm.values(), math.inf)

    def output(self) -> bytes:
        """Return what is to be sent now, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def start(self, now_s: float) -> None:
        """Ask for data transfer.

        Raises:
            InputError: This end is not the controlling one.
        """
        self._command(STARTDT_ACT, STARTDT_CON, now_s)

    def stop(self, now_s: float) -> None:
        """Ask for the end of data transfer.

        Raises:
            InputError: This end is not the controlling one.
        """
        self._acknowledge()
        self._command(STOPDT_ACT, STOPDT_CON, now_s)

    def send(self, asdu: Asdu, now_s: float) -> None:
        """Send a message as soon as the transfer is on and k allows.

        Raises:
            InputError: The message cannot be written.
            LinkError: The link is broken, or too many messages wait.
        """
        data = encode_asdu(asdu)
        if self.broken:
            raise LinkError("connection is broken", thing="IEC 104", fix="connect again")
        if len(self._queue) >= self.limits.waiting:
            raise LinkError("too many messages wait", thing="IEC 104", fix="send more slowly")
        self._queue.append(data)
        self._pump(now_s)

    def received(self, data: bytes, now_s: float) -> list[Event]:
        """Take what arrived, and say what happened."""
        events: list[Event] = []
        if self.broken:
            return events
        self._buffer += data
        try:
            while taken := take_apdu(bytes(self._buffer[:256])):
                del self._buffer[: taken[1]]
                self._heard_at = now_s
                events += self._on_apdu(taken[0], now_s)
        except (InputError, LinkError) as error:
            events.append(self._break(str(error), damaged=isinstance(error, InputError)))
        if not self.broken:
            self._pump(now_s)
        return events

    def tick(self, now_s: float) -> list[Event]:
        """Let time pass: acknowledge, test the line, or give it up."""
        if self.broken:
            return []
        late = [U_NAMES[code] for code, due in self._confirm.items() if now_s >= due]
        if late:
            return [self._break(f"no {late[0]} within t1")]
        if self._sent_at and now_s >= self._sent_at[0] + self.limits.t1_s:
            return [self._break("no acknowledgement within t1")]
        if now_s >= self._ack_due:
            self._acknowledge()
        idle = now_s >= self._heard_at + self.limits.t3_s
        if idle and TESTFR_CON not in self._confirm:
            self._unnumbered(TESTFR_ACT)
            self._confirm[TESTFR_CON] = now_s + self.limits.t1_s
        return []

    def _break(self, reason: str, *, damaged: bool = False) -> Broken:
        self.broken, self.started = True, False
        self._queue.clear()
        self._buffer.clear()
        error = LinkError(reason, thing="IEC 104 connection", fix="connect again")
        return Broken(error=error, damaged=damaged)

    def _command(self, act: int, con: int, now_s: float) -> None:
        if not self.controlling:
            raise InputError("only the controlling end starts and stops", thing=U_NAMES[act])
        self._unnumbered(act)
        self._confirm[con] = now_s + self.limits.t1_s

    def _unnumbered(self, function: int) -> None:
        self._out += encode_apdu(Unnumbered(function=function))

    def _acknowledge(self) -> None:
        if self._unacknowledged:
            self._out += encode_apdu(Supervisory(receive=self._receive))
        self._unacknowledged, self._ack_due = 0, math.inf

    def _pump(self, now_s: float) -> None:
        stopping = STOPDT_CON in self._confirm
        while self._queue and self.started and not stopping and len(self._sent_at) < self.limits.k:
            frame = Information(send=self._send, receive=self._receive, asdu=self._queue.popleft())
            self._out += encode_apdu(frame)
            self._send = (self._send + 1) % NUMBERS
            self._sent_at.append(now_s)
            self._unacknowledged, self._ack_due = 0, math.inf

    def _on_apdu(self, apdu: Information | Supervisory | Unnumbered, now_s: float) -> list[Event]:
        match apdu:
            case Unnumbered():
                return self._on_unnumbered(apdu.function)
            case Supervisory():
                self._on_acknowledged(apdu.receive)
                return []
            case Information():
                return self._on_information(apdu, now_s)

    def _on_acknowledged(self, receive: int) -> None:
        first = (self._send - len(self._sent_at)) % NUMBERS
        count = (receive - first) % NUMBERS
        if count > len(self._sent_at):
            raise LinkError(f"acknowledges {receive}, which was never sent", thing="IEC 104")
        for _ in range(count):
            self._sent_at.popleft()

    def _on_information(self, frame: Information, now_s: float) -> list[Event]:
        if not self.started and STOPDT_CON not in self._confirm:
            raise LinkError("data before the transfer was started", thing="IEC 104")
        if frame.send != self._receive:
            raise LinkError(f"frame {frame.send} came instead of {self._receive}", thing="IEC 104")
        self._on_acknowledged(frame.receive)
        self._receive = (self._receive + 1) % NUMBERS
        self._unacknowledged += 1
        self._ack_due = min(self._ack_due, now_s + self.limits.t2_s)
        if self._unacknowledged >= self.limits.w:
            self._acknowledge()
        try:
            return [Arrived(asdu=decode_asdu(frame.asdu))]
        except InputError as error:
            return [Refused(error=error, data=frame.asdu)]

    def _on_unnumbered(self, function: int) -> list[Event]:
        if function == TESTFR_ACT:
            self._unnumbered(TESTFR_CON)
            return []
        if function in {STARTDT_ACT, STOPDT_ACT}:
            if self.controlling:
                raise LinkError(f"{U_NAMES[function]} from the controlled end", thing="IEC 104")
            starts = function == STARTDT_ACT
            if not starts:
                self._acknowledge()
            self._unnumbered(STARTDT_CON if starts else STOPDT_CON)
            changed, self.started = self.started != starts, starts
            return ([Started()] if starts else [Stopped()]) if changed else []
        if self._confirm.pop(function, None) is None:
            raise LinkError(f"{U_NAMES[function]} without a request", thing="IEC 104")
        if function == TESTFR_CON:
            return []
        self.started = function == STARTDT_CON
        return [Started()] if self.started else [Stopped()]
