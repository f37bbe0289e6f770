"""How a Modbus question reaches a device: over its own TCP connection, or on a shared line.

On a serial line or a DTU a frame is `unit | function and data | CRC` (Modbus over serial line
1.02); the questions and answers themselves are pymodbus's.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU, ModbusPDU

from heatloop.edge.drivers.line_link import LineLink, Usual
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import DriverTools
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Device
from heatloop.protocols.cursor import ChecksumError

OWN = ("gap", "words", "write", "mask_write")
_THING = "Modbus RTU frame"
_ANSWERS = DecodePDU(False)
_RTU = Usual(baud=9600, quiet_bits=38.5)
_MBAP = 7
_WRITES = (5, 6, 15, 16)
_MASK_WRITE = 22


class Bus(Protocol):
    """Takes questions to one device."""

    parameters: Parameters
    """What the ledger says about the device."""

    async def turn(self) -> AbstractAsyncContextManager[None]:
        """Return what is held for as long as nobody else may ask."""

    async def call(self, request: ModbusPDU) -> ModbusPDU:
        """Return the answer to a question.

        Raises:
            LinkError: There is no connection.
            TimeoutError: Nothing came.
        """

    def drop(self) -> None:
        """Give up what is under way."""


class TcpBus:
    """A device's own connection, Modbus TCP."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        self._device, self._tools = device, tools
        self.parameters = Parameters(device, ("timeout", "retries", *OWN))
        timeout_s = self.parameters.number("timeout", tools.timeout_s, 0.05, 30.0)
        self._client = AsyncModbusTcpClient(
            device.host,
            port=device.port,
            timeout=timeout_s,
            retries=int(self.parameters.number("retries", 0, 0, 3)),
            reconnect_delay=0,
        )

    async def turn(self) -> AbstractAsyncContextManager[None]:
        """Return nothing to wait for: nobody shares the connection."""
        return nullcontext()

    async def call(self, request: ModbusPDU) -> ModbusPDU:
        """Return the answer to a question."""
        loop, stats = asyncio.get_running_loop(), self._tools.stats
        request.dev_id = self._device.unit_id
        try:
            if not self._client.connected and not await self._client.connect():
                raise LinkError("cannot connect", thing=self._device.code)
            stats.asked(self._device.code)
            began = loop.time()
            answer: ModbusPDU = await self._client.execute(False, request)
        except ModbusIOException as error:
            raise TimeoutError(str(error)) from error
        except ModbusException as error:
            raise LinkError(str(error), thing=self._device.code) from error
        # Counted, not encoded again: function, byte count, then registers or bits.
        up = _MBAP + 2 + 2 * len(answer.registers) + len(answer.bits) // 8
        down = _MBAP + 5 + 2 * len(request.registers)
        stats.answered(self._device.code, loop.time() - began, up, down)
        return answer

    def drop(self) -> None:
        """Close the connection, so that a late answer is never taken for the next one."""
        self._client.close()


class RtuBus:
    """A device's unit number on a serial line or behind a DTU."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        self._unit = device.unit_id
        self._link = LineLink(device, tools, _RTU, OWN)
        self.parameters = self._link.parameters

    async def turn(self) -> AbstractAsyncContextManager[None]:
        """Return the line's turn."""
        return await self._link.turn()

    async def call(self, request: ModbusPDU) -> ModbusPDU:
        """Return the answer to a question.

        Raises:
            DamagedError: It is no frame.
            InputError: It is no Modbus answer.
        """
        function = request.function_code
        frame = bytes((self._unit, function)) + request.encode()
        frame += FramerRTU.compute_CRC(frame).to_bytes(2, "big")

        def mine(data: bytes) -> bool:
            return data[0] == self._unit and data[1] & 0x7F == function

        data = await self._link.ask(frame, take_rtu_answer, mine)
        answer = _ANSWERS.decode(data[1:-2])
        if answer is None:
            raise InputError("no Modbus answer", thing=_THING, place=f"function {function}")
        return answer

    def drop(self) -> None:
        """Throw away what is still on the way."""
        self._link.drop()


def take_rtu_answer(data: bytes) -> tuple[bytes, int] | None:
    """Return the frame that the bytes begin with and its end, None while it is incomplete.

    Raises:
        InputError: No answer begins so, or its CRC is wrong.
    """
    if len(data) < 3:
        return None
    function = data[1]
    if function & 0x80:
        size = 5
    elif 1 <= function <= 4:
        size = 5 + data[2]
    elif function in _WRITES or function == _MASK_WRITE:
        size = 10 if function == _MASK_WRITE else 8
    else:
        raise InputError(f"{function} is no function we ask for", thing=_THING, place="byte 1")
    if len(data) < size:
        return None
    frame = data[:size]
    if not FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
        raise ChecksumError("CRC does not fit", thing=_THING, place=f"byte {size - 2}")
    return frame, size


def make_bus(device: Device, tools: DriverTools) -> Bus:
    """Return the way to a device.

    Raises:
        ConfigError: A parameter is wrong.
    """
    return TcpBus(device, tools) if device.protocol == "modbus_tcp" else RtuBus(device, tools)
