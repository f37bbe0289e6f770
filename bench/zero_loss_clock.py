"""A gateway's clock one can put wrong: a relay between the clock's publisher and one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path


class WrongClock:
    """Relays published plant time, moved by an offset while time runs freely.

    Args:
        publisher: Socket of the true clock.
        path: Socket to offer.
    """

    def __init__(self, publisher: Path, path: Path) -> None:
        self._publisher, self.path = publisher, path
        self._offset_s = 0.0
        self._last: dict[str, object] | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def put_wrong(self, offset_s: float) -> None:
        """Move the clock by so much from now on; 0 puts it right again."""
        self._offset_s = offset_s
        if self._last is not None and not self._last.get("lockstep"):
            for writer in tuple(self._clients):
                self._say(writer, self._last)

    def _say(self, writer: asyncio.StreamWriter, message: dict[str, object]) -> None:
        told = dict(message)
        if told.get("type") == "clock" and not told.get("lockstep"):
            told["origin_plant_s"] = float(str(told["origin_plant_s"])) + self._offset_s
        with contextlib.suppress(OSError, RuntimeError):
            writer.write(json.dumps(told).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(str(self._publisher))
            try:
                ways = [
                    asyncio.create_task(self._down(far_reader, writer)),
                    asyncio.create_task(self._up(reader, far_writer)),
                ]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
            finally:
                far_writer.close()
        except OSError:
            pass
        finally:
            self._clients.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if message.get("type") in ("clock", "tick"):
                self._last = message if message["type"] == "clock" else None
            self._say(writer, message)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
