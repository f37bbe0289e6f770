"""Collectors that report JSON over HTTP, through a client as small as a modem's.

A few kept-open connections a gateway, one request at a time on each (RFC 9112). The gateway's side
is another library; httpx and Python's own server prove each of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from heatloop.demo.devices.collectors import Answered, Outcome
from heatloop.plant.model import Binding, Device
from heatloop.protocols.room_report import RoomReport

_CONNECTIONS = 16
_ANSWER_S = 10.0
_MAX_ANSWER_BYTES = 1 << 20
Address = tuple[str, int]
OnStatus = Callable[[int | None], None]


class HttpClient:
    """Posts to gateways and reports each one's status, or None when nobody answered.

    Args:
        token: What the source proves itself with.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._queues: dict[Address, asyncio.Queue[tuple[str, bytes, OnStatus]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def post(self, address: Address, path: str, body: bytes, answered: OnStatus) -> None:
        """Send a body; `answered` is called once."""
        queue = self._queues.get(address)
        if queue is None:
            queue = self._queues[address] = asyncio.Queue()
            self._tasks += [
                asyncio.create_task(self._work(address, queue)) for _ in range(_CONNECTIONS)
            ]
        queue.put_nowait((path, body, answered))

    async def close(self) -> None:
        """Close the connections and forget what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(
        self, address: Address, queue: asyncio.Queue[tuple[str, bytes, OnStatus]]
    ) -> None:
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                path, body, answered = await queue.get()
                status: int | None = None
                try:
                    async with asyncio.timeout(_ANSWER_S):
                        if stream is None or stream[1].is_closing() or stream[0].at_eof():
                            stream = await asyncio.open_connection(*address)
                        status = await self._exchange(*stream, address, path, body)
                except (OSError, asyncio.IncompleteReadError, ValueError):
                    if stream is not None:
                        stream[1].close()
                    stream = None
                answered(status)
        finally:
            if stream is not None:
                stream[1].close()
                with contextlib.suppress(OSError):
                    await stream[1].wait_closed()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: Address,
        path: str,
        body: bytes,
    ) -> int:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
        length = int(fields.get("content-length", "0"))
        if not 0 <= length <= _MAX_ANSWER_BYTES:
            raise ValueError("answer is too long")
        await reader.readexactly(length)
        if fields.get("connection", "").strip() == "close":
            writer.close()
        return int(lines[0].split()[1])


def outcome_of(status: int | None) -> Outcome:
    """Return what a gateway's status means for a report."""
    if status is None:
        return Outcome.NOBODY
    if status in {429, 503}:
        return Outcome.AGAIN
    return Outcome.KEPT if status == 200 else Outcome.REFUSED


def time_text(at_s: int) -> str:
    """Return a time as platforms write it."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


class JsonReports:
    """Brings reports as JSON.

    Args:
        client: The connections.
        addresses: TCP address of each gateway, in code order.
        bindings: Points of each device, by its code.
        source: Name under which they are pushed.
    """

    def __init__(
        self,
        client: HttpClient,
        addresses: list[Address],
        bindings: Mapping[str, tuple[Binding, ...]],
        source: str = "city",
    ) -> None:
        self._client, self._addresses, self._bindings = client, addresses, bindings
        self._path = f"/report/{source}"

    def send(self, gateway: int, device: Device, report: RoomReport, answered: Answered) -> None:
        """Send a report."""
        values = {
            binding.source: report.fields[binding.register]
            for binding in self._bindings[device.code]
            if report.fields[binding.register] is not None
        }
        message = {
            "device": device.address or device.code,
            "time": time_text(report.at_s),
            "counter": report.counter,
            "values": values,
            "rssi_dbm": signal_dbm(device.code),
        }
        body = json.dumps(message).encode()
        self._client.post(
            self._addresses[gateway],
            self._path,
            body,
            lambda status: answered(outcome_of(status)),
        )


def signal_dbm(code: str) -> float:
    """Return how well a device is heard: as its place has it, the same every time."""
    return -70.0 - sum(code.encode()) * 37 % 45
