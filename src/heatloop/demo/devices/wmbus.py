"""Radio meters of the city and the receiver that passes their telegrams on, a line each.

A meter sends the records of its points in one unsolicited telegram, encrypted in mode 5 where it
has a key, with an access number that counts up. The line to the gateway has no answers: what was
handed to the system is said to be answered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.mbus import MbusMeter
from heatloop.protocols.mbus.header import CI_SHORT
from heatloop.protocols.mbus.wireless import encode_wireless

_AGAIN_S = 0.2
_LONGEST_AGAIN_S = 5.0


class RadioMeter:
    """One meter.

    Args:
        face: The device.
        key: Its AES key, 16 bytes; None: it sends in clear.
    """

    def __init__(self, face: Face, key: bytes | None = None) -> None:
        self.face, self._key = face, key
        self._meter = MbusMeter(face)

    def telegram(self) -> bytes:
        """Return what it sends now, in frame format A."""
        said = self._meter[0]
        identity = said.identity
        assert identity is not None
        short = replace(said, identity=None, ci=CI_SHORT)
        return encode_wireless(short, identity, self._key)


class Receiver:
    """Sends the telegrams of some meters to a gateway's TCP port.

    Args:
        meters: The meters it hears.
        host: The gateway's address.
        port: Its `wmbus_port`.
    """

    def __init__(self, meters: Sequence[RadioMeter], host: str, port: int) -> None:
        self._meters, self._address = tuple(meters), (host, port)
        self._writer: asyncio.StreamWriter | None = None

    async def send(self) -> int:
        """Send one telegram of every meter that speaks; return how many went out."""
        if self._writer is None or self._writer.is_closing():
            _, self._writer = await asyncio.open_connection(*self._address)
        sent = 0
        for meter in self._meters:
            if not meter.face.silent:
                self._writer.write(meter.telegram().hex().upper().encode() + b"\n")
                sent += 1
        await self._writer.drain()
        return sent

    async def close(self) -> None:
        """Close the line."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None


class _Served:
    def __init__(self, receiver: Receiver, task: asyncio.Task[None]) -> None:
        self._receiver, self._task = receiver, task

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._receiver.close()


async def serve(
    faces: Sequence[Face],
    host: str,
    port: int,
    *,
    keys: Mapping[str, bytes] | None = None,
    period_s: float = 60.0,
) -> _Served:
    """Send the telegrams of some meters to a gateway, again and again.

    Args:
        faces: The meters.
        host: The gateway's address.
        port: Its `wmbus_port`.
        keys: AES key by device code.
        period_s: From one round to the next, machine time.
    """
    known = keys or {}
    meters = [RadioMeter(face, known.get(face.device.code)) for face in faces]
    receiver = Receiver(meters, host, port)

    async def rounds() -> None:
        again_s = _AGAIN_S
        while True:
            try:
                await receiver.send()
                again_s = _AGAIN_S
                await asyncio.sleep(period_s)
            except OSError:
                await asyncio.sleep(again_s)
                again_s = min(2.0 * again_s, _LONGEST_AGAIN_S)

    return _Served(receiver, asyncio.create_task(rounds()))
