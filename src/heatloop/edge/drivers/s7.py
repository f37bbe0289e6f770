"""Siemens S7 controllers: data blocks, memory, inputs and outputs over ISO on TCP (port 102).

`source` says where a value stands: `drivers.s7_address`. Parameters: `rack=0`, `slot=1` (2 for
S7-300), `timeout=` s. The controller must allow it: "permit access with PUT/GET", and data
blocks without optimised access.

A bit is written by reading its byte just before and verifying it after: S7's bit write is not
offered by the library's asyncio client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from snap7.async_client import AsyncClient
from snap7.error import S7ConnectionError, S7Error, S7ProtocolError, S7TimeoutError
from snap7.type import Area

from heatloop.edge.drivers.modbus_plan import Unfit, short_float
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.edge.drivers.s7_address import Place, S7Block, place_of, plan_reads
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Binding, Device

_AREAS = {"DB": Area.DB, "M": Area.MK, "I": Area.PE, "Q": Area.PA}
_HEAD = 25


class S7Driver(Driver):
    """Talks to one controller."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        given = Parameters(device, ("rack", "slot", "timeout"))
        self._rack = int(given.number("rack", 0, 0, 7))
        self._slot = int(given.number("slot", 1, 0, 31))
        self._timeout_s = given.number("timeout", tools.timeout_s, 0.05, 30.0)
        self._client: AsyncClient | None = None
        self._leaving: set[asyncio.Task[int]] = set()

    def plan(self, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Return the fewest block reads that cover these points."""
        unfit: list[Planned] = []
        rows: list[tuple[Place, Binding]] = []
        for binding in bindings:
            try:
                rows.append((place_of(binding), binding))
            except InputError as error:
                unfit.append(Unfit(binding, error))
        return (*unfit, *plan_reads(rows))

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        for each in planned:
            if isinstance(each, Unfit):
                self.misfit(each.error, reading)
                continue
            assert isinstance(each, S7Block)
            try:
                data = await self._fetch(each.area, each.db, each.start, each.size)
                values = each.values(data)
            except InputError as error:
                self.misfit(error, reading)
                continue
            shown = zip(values, each.places, strict=True)
            values = [short_float(v) if p.dtype == "float32" else v for v, p in shown]
            reading.add(each.bindings, values)

    async def _fetch(self, area: str, db: int, start: int, size: int) -> bytes:
        """Return bytes of an area, counted.

        Raises:
            InputError: The controller refuses.
            LinkError: There is no connection.
            TimeoutError: Nothing came.
        """
        code, stats, loop = self.device.code, self.tools.stats, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                client = await self._connected()
                stats.asked(code)
                began = loop.time()
                data = bytes(await client.read_area(_AREAS[area], db, start, size))
        except S7Error as error:
            raise self._why(error, f"{area}{db or ''} from byte {start}") from error
        stats.answered(code, loop.time() - began, _HEAD + len(data), _HEAD + 6)
        return data

    def _why(self, error: S7Error, place: str) -> Exception:
        """Return what an error of the library means here."""
        if isinstance(error, S7TimeoutError):
            return TimeoutError(str(error))
        if isinstance(error, S7ProtocolError):
            fix = "check the address; permit PUT/GET, switch off optimised block access"
            return InputError(f"controller refuses: {error}", place=place, fix=fix)
        return LinkError(str(error), thing=self.device.code)

    async def _connected(self) -> AsyncClient:
        if self._client is None:
            client = AsyncClient()
            self._client = client
            await client.connect(self.device.host, self._rack, self._slot, self.device.port)
        if not self._client.get_connected():
            raise S7ConnectionError("connection is closed by the other side")
        return self._client

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        place = place_of(binding)
        if place.area == "I":
            raise InputError("inputs cannot be written", thing=binding.point)
        if place.bit is None:
            data = place.encode(raw)
        elif raw in (0.0, 1.0):
            present = (await self._fetch(place.area, place.db, place.byte, 1))[0]
            mask = 1 << place.bit
            data = bytes((present | mask if raw else present & ~mask,))
        else:
            raise InputError(f"{raw} does not fit a bit", thing=binding.point)
        try:
            async with asyncio.timeout(self._timeout_s):
                client = await self._connected()
                area = _AREAS[place.area]
                await client.write_area(area, place.db, place.byte, bytearray(data))
        except S7Error as error:
            raise self._why(error, binding.source) from error
        if not read_back and place.bit is None:
            return place.decode(data)
        back = place.decode(await self._fetch(place.area, place.db, place.byte, place.size))
        return short_float(back) if place.dtype == "float32" else back

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            task = asyncio.get_running_loop().create_task(client.disconnect())
        except RuntimeError:  # the loop is over, and its sockets with it
            return
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
