"""The city's clock and control door: JSON lines over a unix socket.

The server sends `{"type": "clock", ...}` on connection and at each change, and in lockstep
`{"type": "tick", "slot": n}`. Clients say `hello` with their name, report `done` with a slot, and
may send `control` requests, which are answered by `reply` with the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from heatloop.kernel.clock import ClockState
from heatloop.kernel.errors import HeatloopError, InputError

Control = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
_log = logging.getLogger(__name__)
_LONGEST_LINE = 1 << 20
_SLOWEST_CLIENT_BYTES = 1 << 20


class _Client:
    """One connection."""

    __slots__ = ("lockstep", "name", "writer")

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.name = ""
        self.lockstep = False

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message; a client that never reads is cut off."""
        transport = self.writer.transport
        if transport.get_write_buffer_size() > _SLOWEST_CLIENT_BYTES:
            transport.abort()
            return
        # uvloop raises RuntimeError where asyncio stays silent: the client was killed.
        with contextlib.suppress(ConnectionError, RuntimeError):
            self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")


class ClockService:
    """Tells everybody the time, and in lockstep waits until everybody is done with a tick.

    Args:
        expected: Names that must report every tick, connected or not.
        control: Answers control requests.
        state: The clock to begin with.
    """

    def __init__(self, expected: Iterable[str], control: Control, state: ClockState) -> None:
        self.state = state
        self._expected = set(expected)
        self._control = control
        self._clients: set[_Client] = set()
        self._done: dict[str, int] = {}
        self._progress = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, path: Path) -> None:
        """Listen on a unix socket, taking the place of a dead one."""
        _make_room(path)
        self._server = await asyncio.start_unix_server(
            self._serve, path=str(path), limit=_LONGEST_LINE
        )

    async def stop(self) -> None:
        """Close the socket and all connections."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.writer.close()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=1.0)

    def publish(self, state: ClockState) -> None:
        """Make this the clock and tell everybody."""
        self.state = state
        for client in tuple(self._clients):
            client.send(self._clock_message())

    def publish_tick(self, slot: int, state: ClockState) -> None:
        """Make this the tick and tell everybody."""
        self.state = state
        for client in tuple(self._clients):
            client.send({"type": "tick", "slot": slot})

    def waiting_for(self, slot: int) -> set[str]:
        """Return who has not reported a tick done."""
        names = self._expected | {c.name for c in self._clients if c.lockstep}
        return {name for name in names if self._done.get(name, -1) < slot}

    async def wait_done(self, slot: int) -> None:
        """Return when everybody expected has reported this tick done."""
        while self.waiting_for(slot):
            self._progress.clear()
            await self._progress.wait()

    def _clock_message(self) -> dict[str, Any]:
        return {"type": "clock", **self.state.to_dict()}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client = _Client(writer)
        self._clients.add(client)
        client.send(self._clock_message())
        if self.state.lockstep:
            # Who comes back after a restart does the present tick again.
            client.send({"type": "tick", "slot": int(self.state.origin_plant_s)})
        try:
            while line := await reader.readline():
                await self._hear(client, line)
        except ConnectionError:
            # It went away, as processes do.
            pass
        except (asyncio.LimitOverrunError, ValueError) as error:
            _log.warning("clock client %s cut off: %s", client.name or "unnamed", error)
        finally:
            self._clients.discard(client)
            self._tasks.discard(task)
            # Who only joined while connected is no longer waited for.
            self._progress.set()
            writer.close()

    async def _hear(self, client: _Client, line: bytes) -> None:
        message = json.loads(line)
        match message:
            case {"type": "hello", "name": str(name)}:
                client.name = name
                client.lockstep = bool(message.get("lockstep", False))
            case {"type": "done", "name": str(name), "slot": int(slot)}:
                self._done[name] = max(self._done.get(name, -1), slot)
                self._progress.set()
            case {"type": "control", "op": str(op)}:
                reply = await self._answer(op, message)
                client.send({"type": "reply", "id": message.get("id"), **reply})
            case _:
                client.send({"type": "reply", "id": None, "ok": False, "error": "unknown message"})

    async def _answer(self, op: str, message: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, **await self._control(message)}
        except HeatloopError as error:
            what = {"message": error.message, "thing": error.thing, "fix": error.fix}
            return {"ok": False, "error": f"{op}: {error}", **what}


def _make_room(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


async def request(path: Path, op: str, timeout_s: float = 10.0, **values: Any) -> dict[str, Any]:
    """Send one control request to a running city and return its reply.

    Raises:
        InputError: The city refused it; its words are kept.
        OSError: There is no city.
        TimeoutError: It did not answer in time.
    """
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=_LONGEST_LINE)
        try:
            message = {"type": "control", "id": 1, "op": op, **values}
            writer.write(json.dumps(message).encode() + b"\n")
            while line := await reader.readline():
                reply: dict[str, Any] = json.loads(line)
                if reply.get("type") == "reply":
                    break
            else:
                raise ConnectionError("the city closed the connection")
        finally:
            writer.close()
    if not reply.pop("ok", False):
        raise InputError(
            str(reply.get("message", reply.get("error", "refused"))),
            thing=str(reply.get("thing", "")),
            fix=str(reply.get("fix", "")),
        )
    return {k: v for k, v in reply.items() if k not in ("type", "id")}
