"""SNMP 2c agents of the city: one a port, answering GET, GETNEXT and GETBULK from its device.

Written on the library's messages alone, without its management database: an answer costs some
milliseconds and no memory. Sources as in `edge.drivers.snmp_sources`; counters run at the rate
their points show, by an uptime that moves in whole seconds, so that a rate reads as it is shown.

Reference: RFC 3416, RFC 1901.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, cast

from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v2c

from heatloop.demo.devices.face import Face
from heatloop.edge.drivers.snmp_sources import UPTIME, Source, parse_source
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding

_TOTAL = 100_000
_MOST_OBJECTS = 100
_VERSION_2C, _NOT_WRITABLE = 1, 17
_GAUGE_MAX = (1 << 32) - 1
_MESSAGE = v2c.Message()
Oid = tuple[int, ...]


def _oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))


def _is_whole(data: bytes) -> bool:
    """Return whether a datagram is one sequence to its end; spares noise the decoder."""
    if len(data) < 2 or data[0] != 0x30:
        return False
    more = data[1] & 0x7F if data[1] & 0x80 else 0
    length = int.from_bytes(data[2 : 2 + more], "big") if more else data[1]
    return len(data) == 2 + more + length


class _Running:
    """A counter that runs at the rate of a point."""

    def __init__(self) -> None:
        self.count = 0
        self.ticks: int | None = None

    def at(self, ticks: int, rate: float) -> int:
        """Return the count at an uptime, having run at `rate` a second since the last look."""
        if self.ticks is not None:
            self.count += round(rate * (ticks - self.ticks) / 100.0)
        self.ticks = ticks
        return self.count % (1 << 64)


class Agent(asyncio.DatagramProtocol):
    """One device's agent.

    Args:
        face: The device.
        community: What it asks to be let in.

    Raises:
        InputError: A source cannot be read.
    """

    def __init__(self, face: Face, community: str) -> None:
        self._face, self._community = face, community.encode()
        self._objects: dict[Oid, tuple[Binding, Source, int] | None] = {_oid(UPTIME): None}
        for binding in face.bindings:
            source = parse_source(binding.source, face.device.address)
            for place, part in enumerate(source.parts):
                if isinstance(part, str):
                    self._objects[_oid(part)] = binding, source, place
        self._order = sorted(self._objects)
        self._running: dict[Oid, _Running] = {}
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._ticks = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a question; what is none gets no answer."""
        if self._face.silent or self._transport is None or not _is_whole(data):
            return
        try:
            message, rest = decoder.decode(data, asn1Spec=_MESSAGE)
            known = int(v2c.apiMessage.get_version(message)) == _VERSION_2C
            if rest or not known or bytes(message["community"]) != self._community:
                return
            asked = v2c.apiMessage.get_pdu(message)
            answer = v2c.apiMessage.get_response(message)
            self._fill(asked, v2c.apiMessage.get_pdu(answer))
        except (PyAsn1Error, ValueError, TypeError, IndexError):
            return
        self._transport.sendto(encoder.encode(answer), addr)

    def _fill(self, asked: Any, answer: Any) -> None:
        """Put into an answer what was asked for.

        Raises:
            ValueError: It is no question.
        """
        if isinstance(asked, rfc1905.SetRequestPDU):
            v2c.apiPDU.set_varbinds(answer, v2c.apiPDU.get_varbinds(asked))
            v2c.apiPDU.set_error_status(answer, _NOT_WRITABLE)
            v2c.apiPDU.set_error_index(answer, 1)
            return
        # One moment for the whole answer; a new whole second for every question.
        self._ticks = max(self._ticks + 100, int(self._loop.time() - self._began_s) * 100)
        told: list[Binding] = []
        binds = [
            (oid, self._value(oid, told) if value is None else value)
            for oid, value in self._wanted(asked)
        ]
        v2c.apiPDU.set_varbinds(answer, binds)
        self._face.answered(list(dict.fromkeys(told)))

    def _wanted(self, asked: Any) -> list[tuple[Oid, Any]]:
        """Return the objects an answer holds; a value where it is none of ours."""
        oids = [tuple(oid) for oid, _ in v2c.apiPDU.get_varbinds(asked)][:_MOST_OBJECTS]
        end = rfc1905.endOfMibView
        if isinstance(asked, rfc1905.GetRequestPDU):
            return [(o, None if o in self._objects else rfc1905.noSuchObject) for o in oids]
        if isinstance(asked, rfc1905.GetNextRequestPDU):
            return [(o, None) if found else (o, end) for o, found in map(self._next, oids)]
        if not isinstance(asked, rfc1905.GetBulkRequestPDU):
            raise ValueError("not a question")
        single = max(0, int(v2c.apiBulkPDU.get_non_repeaters(asked)))
        repeats = max(0, int(v2c.apiBulkPDU.get_max_repetitions(asked)))
        wanted = [(o, None) if found else (o, end) for o, found in map(self._next, oids[:single])]
        row = oids[single:]
        while row and repeats and len(wanted) < _MOST_OBJECTS:
            step = [self._next(o) for o in row]
            wanted += [(o, None) if found else (o, end) for o, found in step]
            row, repeats = [o for o, found in step if found], repeats - 1
        return wanted[:_MOST_OBJECTS]

    def _next(self, oid: Oid) -> tuple[Oid, bool]:
        at = bisect_right(self._order, oid)
        return (self._order[at], True) if at < len(self._order) else (oid, False)

    def _value(self, oid: Oid, told: list[Binding]) -> Any:
        found = self._objects[oid]
        if found is None:
            return rfc1902.TimeTicks(self._ticks % (1 << 32))
        binding, source, place = found
        shown = self._face.value(binding)
        if shown != shown:
            return rfc1905.noSuchInstance
        raw = (shown - binding.offset) / binding.factor
        told.append(binding)
        if source.form == "rate":
            running = self._running.setdefault(oid, _Running())
            if running.ticks is None:
                told.pop()  # the first reading of a counter tells no rate
            return rfc1902.Counter64(running.at(self._ticks, raw))
        if source.form == "value":
            whole = round(raw)
            return rfc1902.Gauge32(whole) if 0 <= whole <= _GAUGE_MAX else rfc1902.Integer32(whole)
        total = source.parts[1] if isinstance(source.parts[1], float) else float(_TOTAL)
        if place == 1:
            return rfc1902.Gauge32(_TOTAL)
        part = raw if source.form == "pct" else 100.0 - raw
        return rfc1902.Gauge32(round(part * total / 100.0))


class SnmpServed:
    """A running agent."""

    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        self.port: int = transport.get_extra_info("sockname")[1]
        """UDP port."""

    async def close(self) -> None:
        """Stop listening."""
        self._transport.close()
        await asyncio.sleep(0)


async def serve(
    faces: Sequence[Face], host: str, port: int, *, community: str = "public"
) -> SnmpServed:
    """Start the agent of one device.

    Args:
        faces: The device; one agent speaks for one.
        host: Address to listen on.
        port: UDP port; 0 for any.
        community: What it asks to be let in.

    Raises:
        InputError: There are several devices, or a source cannot be read.
        OSError: The port is taken.
    """
    if len(faces) != 1:
        fix = "give each device a port of its own"
        raise InputError("an SNMP agent speaks for one device", thing=f"{host}:{port}", fix=fix)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Agent(faces[0], community), local_addr=(host, port)
    )
    return SnmpServed(transport)
