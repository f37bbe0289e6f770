"""What a gateway asks of IEC 104 stations: interrogations, commands, single values.

Stations that answer on one socket share it; each has its own values and its own questions.
"""

from __future__ import annotations

import asyncio

from heatloop.edge.drivers.iec104_socket import Endpoint, StationSocket
from heatloop.edge.drivers.iec104_values import MONITORED
from heatloop.edge.drivers.port import DriverTools
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.iec104.asdu import REQUESTED, TERMINATED, UNKNOWN_TYPE, Asdu
from heatloop.protocols.iec104.commands import (
    CONFIRMED_STATE,
    DONE,
    INTERROGATION,
    LATE,
    READ,
    REFUSED,
    Command,
    interrogate,
    interrogate_counters,
    read,
)
from heatloop.protocols.iec104.elements import Point

_LONGEST_INTERROGATION_S = 60.0
_TERMINATION_S = 0.5


class StationLink(StationSocket):
    """A connection with its questions.

    Args:
        endpoint: Where and how.
        tools: What the gateway lends.
    """

    def __init__(self, endpoint: Endpoint, tools: DriverTools) -> None:
        super().__init__(endpoint, tools)
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._commanding = asyncio.Lock()

    async def interrogated(self, station: int, every_s: float) -> None:
        """Return when the values of a station are known and asked for often enough.

        Args:
            station: Common address.
            every_s: Plant seconds between interrogations; 0: one for every call.

        Raises:
            InputError: The station refuses.
            LinkError: The connection is gone.
        """
        last = self.stations[station].interrogated_s
        asking = self._asking.get(station)
        if asking is None or asking.done():
            if last is not None and 0.0 <= self._tools.now_s() - last < every_s:
                return
            asking = self._asking[station] = asyncio.create_task(self._interrogate(station))
            asking.add_done_callback(lambda t: t.cancelled() or t.exception())
        if last is None or every_s <= 0.0:
            await self._within(asking)

    async def _interrogate(self, station: int) -> None:
        values = self.stations[station]
        requests = [interrogate(station)]
        if values.counters:
            requests.append(interrogate_counters(station))
        for request in requests:
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            def hear(asdu: Asdu, of: int = request.type, end: asyncio.Future[None] = ended) -> None:
                if (asdu.type, asdu.station) != (of, station) or end.done():
                    return
                if asdu.negative or asdu.cause >= UNKNOWN_TYPE:
                    text = f"station refuses the interrogation, cause {asdu.cause}"
                    fix = "check its common address"
                    end.set_exception(InputError(text, thing=str(station), fix=fix))
                elif asdu.cause == TERMINATED:
                    end.set_result(None)

            with self._listening(hear):
                self._send(request)
                try:
                    async with asyncio.timeout(_LONGEST_INTERROGATION_S):
                        await self._or_broken(ended)
                except InputError:
                    # Totals may come unasked; what then is missing is said point by point.
                    if request.type == INTERROGATION:
                        raise
        values.interrogated_s = self._tools.now_s()

    async def command(self, station: int, type_id: int, point: Point, *, select: bool) -> None:
        """Carry out one command; return when the station has confirmed it.

        Raises:
            InputError: The station refuses it, or the value does not fit the type.
            LinkError: It does not answer.
        """
        loop, limit = asyncio.get_running_loop(), self._tools.timeout_s
        async with self._commanding:
            machine = Command(type_id, station, point, select=select, timeout_s=limit)
            moved = asyncio.Event()

            def hear(asdu: Asdu) -> None:
                for out in machine.received(asdu, loop.time()):
                    self._send(out)
                moved.set()

            with self._listening(hear):
                self._send(machine.start(loop.time()))
                await self._until(machine, moved, {CONFIRMED_STATE, DONE}, 2.0 * limit)
                if machine.state == CONFIRMED_STATE:
                    await self._until(machine, moved, {DONE}, min(limit, _TERMINATION_S))
        if machine.state == REFUSED:
            raise InputError("station refuses the command", thing=f"{station}/{point.address}")
        if machine.state not in {CONFIRMED_STATE, DONE}:
            raise LinkError("station does not confirm the command", thing=str(station))

    async def _until(
        self, machine: Command, moved: asyncio.Event, states: set[str], limit_s: float
    ) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + limit_s
        while machine.state not in {*states, REFUSED, LATE} and loop.time() < due:
            moved.clear()
            try:
                async with asyncio.timeout_at(due):
                    await self._or_broken(asyncio.ensure_future(moved.wait()))
            except TimeoutError:
                machine.tick(loop.time())
                return

    async def fetch(self, station: int, address: int) -> None:
        """Ask a station for one value anew; it stands among the newest on return.

        A station that knows no read command is interrogated as a whole.

        Raises:
            InputError: The station refuses to be interrogated.
            LinkError: It does not answer.
        """
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def hear(asdu: Asdu) -> None:
            if asdu.station != station or answered.done():
                return
            here = any(point.address == address for point in asdu.points)
            if asdu.type == READ and (asdu.negative or asdu.cause >= UNKNOWN_TYPE):
                answered.set_result(False)
            elif asdu.type in MONITORED and asdu.cause == REQUESTED and here:
                answered.set_result(True)

        with self._listening(hear):
            self._send(read(station, address))
            try:
                async with asyncio.timeout(self._tools.timeout_s):
                    known = await self._or_broken(answered)
            except TimeoutError:
                known = False
        if not known:
            asking = self._asking.get(station)
            if asking is not None and not asking.done():
                await self._within(asking)  # it may have passed this value before it changed
            await self.interrogated(station, 0.0)

    def reset(self) -> None:
        """Cut the connection and drop all questions."""
        for asking in self._asking.values():
            asking.cancel()
        self._asking.clear()
        super().reset()
