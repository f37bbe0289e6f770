"""IEC 60870-5-104 stations of the city: the controlled side, several common addresses a port.

Values are read when the centre interrogates. Stations whose ledger row does not say `gi_s=0`
also send what has changed by themselves, once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

from heatloop.demo.devices.face import Face
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding
from heatloop.protocols.iec104.asdu import (
    GLOBAL_ADDRESS,
    SPONTANEOUS,
    TERMINATED,
    UNKNOWN_STATION,
    Asdu,
    reply,
    split,
)
from heatloop.protocols.iec104.commands import COUNTERS, INTERROGATION, READ
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.link import Link
from heatloop.protocols.iec104.link_events import Arrived, Broken, Event
from heatloop.protocols.iec104.sources import COUNTERS as COUNTER_TYPES
from heatloop.protocols.iec104.sources import Source, parse_source
from heatloop.protocols.iec104.station import Execute, Station
from heatloop.protocols.real32 import shortest

_FLOAT = 13
_SCAN_S = 1.0
_ASKS = frozenset((INTERROGATION, COUNTERS, READ))


class StationFace:
    """One device as a station: its points by address, in the types its sources name."""

    def __init__(self, face: Face) -> None:
        self.face = face
        device = face.device
        self.address = int(device.address) if device.address else device.unit_id
        self.by_address: dict[int, tuple[Binding, Source]] = {}
        self.by_command: dict[int, tuple[Binding, Source]] = {}
        for binding in face.bindings:
            source = parse_source(binding.source)
            self.by_address[source.address] = binding, source
            if source.command and binding.access == "rw":
                self.by_command[source.command_address] = binding, source
        self.talks = field_parameters(device.parameters).get("gi_s") != "0"
        """Whether it sends changes by itself."""

    def station(self) -> Station:
        """Return the controlled side of one connection."""
        commands = {
            a: s.command - 13 if s.command >= 58 else s.command
            for a, (_, s) in self.by_command.items()
        }
        first = frozenset(a for a, (_, s) in self.by_command.items() if s.select)
        return Station(address=self.address, commands=commands, select_first=first)

    def points(self) -> dict[int, list[Point]]:
        """Return all present values by type; what has no value now is left out."""
        found: dict[int, list[Point]] = {}
        for address, (binding, source) in self.by_address.items():
            type_id = source.type or _FLOAT
            value = wire_value(type_id, binding, self.face.value(binding))
            if value is not None:
                found.setdefault(type_id, []).append(Point(address=address, value=value))
        return found

    def answered(self, sent: Sequence[Asdu]) -> None:
        """Tell the device which values went out."""
        gone = [
            self.by_address[point.address][0]
            for asdu in sent
            if asdu.type < 45
            for point in asdu.points
        ]
        if gone:
            self.face.answered(gone)

    def execute(self, asdu: Asdu) -> bool:
        """Carry out a command; return whether the device took it."""
        point = asdu.points[0]
        binding, _ = self.by_command[point.address]
        raw = float(point.value or 0)
        if asdu.type in (46, 59):
            raw -= 1.0
        if asdu.type in (50, 63):
            raw = shortest(raw)
        return self.face.write(binding, raw * binding.factor + binding.offset)


def wire_value(type_id: int, binding: Binding, value: float) -> bool | int | float | None:
    """Return a house value as a type carries it; None where there is nothing to send."""
    if value != value:
        return None
    raw = (value - binding.offset) / binding.factor
    if type_id in (1, 30):
        return bool(round(raw))
    if type_id in (3, 31):
        return 2 if round(raw) else 1
    if type_id in COUNTER_TYPES:
        return (round(raw) + (1 << 31)) % (1 << 32) - (1 << 31)
    return raw if type_id in (9, 13, 34, 36) else round(raw)


class _Connection(asyncio.Protocol):
    """One centre's connection."""

    def __init__(self, stations: Mapping[int, StationFace], open_ones: set[_Connection]) -> None:
        self._faces, self._open = stations, open_ones
        self._stations = {a: s.station() for a, s in stations.items()}
        self._loop = asyncio.get_running_loop()
        self._link = Link(controlling=False, now_s=self._loop.time())
        self._said: dict[tuple[int, int], bool | int | float | None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._scan_s = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._open.add(self)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._open.discard(self)
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if all(station.face.silent for station in self._faces.values()):
            return
        self._take(self._link.received(data, self._loop.time()))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Arrived(asdu=asdu):
                    self._on(asdu)
                case Broken():
                    self._flush()
                    if self.transport is not None:
                        self.transport.close()
                    return
                case _:
                    pass
        self._flush()

    def _on(self, asdu: Asdu) -> None:
        wanted = [a for a in self._faces if asdu.station in (a, GLOBAL_ADDRESS)]
        if not wanted:
            self._send(reply(asdu, UNKNOWN_STATION, negative=True))
        for address in wanted:
            station, said = self._stations[address], self._faces[address]
            if said.face.silent:
                continue
            points = said.points() if asdu.type in _ASKS else {}
            answer = station.answer(asdu, points, self._loop.time())
            for out in answer.send:
                self._send(out)
            self._remember(answer.send)
            said.answered(answer.send)
            if isinstance(answer.do, Execute):
                done = said.execute(answer.do.asdu)
                executed = answer.do.asdu
                self._send(reply(executed, TERMINATED, negative=not done))

    def _send(self, asdu: Asdu) -> None:
        try:
            self._link.send(asdu, self._loop.time())
        except (InputError, LinkError):
            if self.transport is not None:
                self.transport.abort()

    def _flush(self) -> None:
        data = self._link.output()
        if data and self.transport is not None:
            self.transport.write(data)

    def _wait(self) -> None:
        """Wake at the link's deadline, and once a second while it sends changes."""
        due = min(self._link.deadline_s, self._loop.time() + _SCAN_S)
        self._timer = self._loop.call_at(due, self._woken)

    def _woken(self) -> None:
        now_s = self._loop.time()
        self._take(self._link.tick(now_s))
        if self._link.started and now_s >= self._scan_s:
            self._scan_s = now_s + _SCAN_S
            for address, station in self._faces.items():
                if station.talks and not station.face.silent:
                    self._changes(address, station)
            self._flush()
        if self.transport is not None and not self.transport.is_closing():
            self._wait()

    def _remember(self, sent: Sequence[Asdu]) -> None:
        for asdu in sent:
            if asdu.type < 45:
                self._said.update({(asdu.station, p.address): p.value for p in asdu.points})

    def _changes(self, address: int, station: StationFace) -> None:
        """Send what is not as it was last said."""
        for type_id, points in station.points().items():
            fresh = []
            for point in points:
                key = address, point.address
                # What was never asked for is nobody's yet.
                if key in self._said and self._said[key] != point.value:
                    fresh.append(point)
            if fresh:
                asdu = Asdu(type=type_id, cause=SPONTANEOUS, station=address, points=tuple(fresh))
                sent = split(asdu)
                for out in sent:
                    self._send(out)
                self._remember(sent)
                station.answered(sent)


class Iec104Served:
    """A running port."""

    def __init__(self, server: asyncio.Server, connections: set[_Connection]) -> None:
        self._server, self._connections = server, connections
        self.port: int = server.sockets[0].getsockname()[1]
        """TCP port."""

    async def close(self) -> None:
        """Stop listening and close every connection."""
        self._server.close()
        for connection in tuple(self._connections):
            if connection.transport is not None:
                connection.transport.abort()
        await self._server.wait_closed()


async def serve(faces: Sequence[Face], host: str, port: int) -> Iec104Served:
    """Start answering for the stations behind one port.

    Args:
        faces: The stations; each has a common address of its own.
        host: Address to listen on.
        port: TCP port; 0 for any.

    Raises:
        InputError: Two share a common address, or a source cannot be read.
        OSError: The port is taken.
    """
    made = [StationFace(face) for face in faces]
    stations = {station.address: station for station in made}
    if len(stations) != len(made):
        fix = "give each device a unit_id of its own"
        raise InputError("stations share a common address", thing=f"{host}:{port}", fix=fix)
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(stations, connections), host, port)
    return Iec104Served(server, connections)
