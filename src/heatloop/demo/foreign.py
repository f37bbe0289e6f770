"""Somebody else on the device network: writes registers over Modbus TCP from their own connection.

As in Lviv in January 2024: no password is asked, a plain write is obeyed. The gateways' guard
must find it, raise it and put the register back.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Collection

from heatloop.demo.devices.modbus_rtu import crc16
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Binding, Device
from heatloop.protocols.registers import encode_raw

AGAIN_S = 300.0
_HEAD = struct.Struct(">HHH")
_WRITE_MANY = 16
_ANSWER_BYTES = 4
_TIMEOUT_S = 3.0


def harmful_value(binding: Binding) -> float:
    """Return the value somebody with ill will writes: heat off, guards as wide as they go."""
    kind = point_kinds()[binding.kind]
    low = kind.low if binding.low is None else binding.low
    high = kind.high if binding.high is None else binding.high
    return high if binding.kind.startswith("limit_") else low


async def write_register(
    device: Device, binding: Binding, value: float, timeout_s: float = _TIMEOUT_S
) -> None:
    """Open a connection of one's own, write one point, and close it.

    Args:
        device: Its address, port and unit identifier.
        binding: Register to write.
        value: In the point's unit.
        timeout_s: Longest wait for the answer, machine time.

    Raises:
        InputError: The device refuses the write.
        LinkError: The device does not answer.

    Reference: Modbus Messaging on TCP/IP 1.0b; function 16 of Modbus Application Protocol 1.1b3.
    """
    raw = (value - binding.offset) / binding.factor
    words = encode_raw(raw, binding.dtype, device.word_order)
    body = struct.pack(f">HHB{len(words)}H", binding.register, len(words), 2 * len(words), *words)
    request = bytes((device.unit_id, _WRITE_MANY)) + body
    serial = device.protocol == "modbus_rtu_tcp"
    frame = request + crc16(request) if serial else _HEAD.pack(1, 0, len(request)) + request
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(device.host, device.port)
            try:
                writer.write(frame)
                if not serial:
                    await reader.readexactly(_HEAD.size)
                function = (await reader.readexactly(2))[1]
                if function == _WRITE_MANY:
                    await reader.readexactly(_ANSWER_BYTES)
            finally:
                writer.close()
    except (OSError, EOFError) as error:  # a TimeoutError is an OSError
        raise LinkError(f"device does not answer: {error}", thing=device.code) from error
    if function != _WRITE_MANY:
        raise InputError("device refuses the write", thing=binding.point, fix="check the register")


class Intruder:
    """Writes to the points it is told to, again and again.

    Args:
        ledger: Where the points stand.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._written_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures: dict[str, str] = {}
        """Why the last write of a point did not come through, by point."""

    def follow(self, points: Collection[str], now_s: float) -> None:
        """Write to points that are new or were written a while ago; forget all others.

        Args:
            points: Writable points to meddle with, see `Faults.meddled`.
            now_s: Plant time.
        """
        for point in self._written_s.keys() - set(points):
            del self._written_s[point]
        for point in points:
            if now_s - self._written_s.get(point, -AGAIN_S) >= AGAIN_S:
                self._written_s[point] = now_s
                task = asyncio.create_task(self._write(point))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, point: str) -> None:
        binding = self._ledger.binding_of(point)
        device = self._ledger.devices[binding.device]
        try:
            await write_register(device, binding, harmful_value(binding))
            self.failures.pop(point, None)
        except (InputError, LinkError) as error:
            # A device without power cannot be meddled with; the next turn tries again.
            self.failures[point] = str(error)
