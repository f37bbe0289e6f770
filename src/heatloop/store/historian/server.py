"""The historian process: sole owner of the engine's folder, serving a unix socket."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog
from numpy.typing import NDArray

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError
from heatloop.store.historian import wire
from heatloop.store.historian.group_writer import GroupWriter
from heatloop.store.historian.ops import answer, columns_of
from heatloop.store.historian.port import Historian

READERS = 2
IN_FLIGHT = 128
"""Requests a connection may have open; more are left in its socket."""
PENDING_ROWS = 2_000_000
"""Samples that may wait for the writer over all connections."""

_LONG = frozenset({"refresh_rollups", "seed_rollup"})
_CARE = frozenset(
    {
        "differing",
        "changed",
        "keys_of",
        "as_received",
        "day_digest",
        "compare_kept",
        "measure",
        "drop_partition",
        "compact",
    }
)


class HistorianServer:
    """Answers frames; appends go to the group writer, all else to a bounded pool of readers."""

    def __init__(self, historian: Historian, path: Path) -> None:
        self._historian = historian
        self._path = path
        self._writer = GroupWriter(historian)
        self._readers = ThreadPoolExecutor(READERS, "historian-reader")
        # Long work has a thread of its own, so that it never keeps readers waiting.
        self._long = ThreadPoolExecutor(1, "historian-long")
        self._care = ThreadPoolExecutor(1, "historian-care")
        self._rows_free = asyncio.Condition()
        self._rows_waiting = 0
        self._requests: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._log = structlog.get_logger("historian")

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: Another historian listens there, or the path cannot be a socket.
        """
        _clear(self._path)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        finally:
            os.umask(before)
        self._log.info("historian listens", socket=str(self._path))

    async def stop(self) -> None:
        """Answer what was asked, write what waits, close the engine."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        if self._requests:
            await asyncio.wait(self._requests, timeout=30)
        for pool in (self._readers, self._long, self._care):
            await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._historian.close)
        self._path.unlink(missing_ok=True)
        self._log.info("historian stopped")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = asyncio.Semaphore(IN_FLIGHT)
        try:
            while True:
                prefix = await reader.readexactly(wire.LENGTH.size)
                payload = await reader.readexactly(wire.frame_size(prefix))
                head, arrays = wire.decode(payload)
                await room.acquire()
                task = asyncio.create_task(self._reply(head, arrays, writer))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)
                task.add_done_callback(lambda _: room.release())
        except InputError as error:
            # After a malformed frame nobody knows where the next one begins.
            self._log.warning("malformed frame", error=str(error))
            await _send(writer, {"id": None, **wire.error_head(error)}, ())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _reply(
        self, head: wire.Head, arrays: list[NDArray[Any]], writer: asyncio.StreamWriter
    ) -> None:
        told: wire.Head
        found: wire.Arrays
        try:
            told, found = await self._do(head, arrays)
            told = {"ok": True, **told}
        except HeatloopError as error:
            told, found = wire.error_head(error), ()
        except Exception as error:  # noqa: BLE001 - the asker is told, the process goes on
            self._log.exception("historian failed", op=str(head.get("op"))[:80])
            text = f"historian failed: {type(error).__name__} {error}"[:500]
            told, found = wire.error_head(HeatloopError(text)), ()
        try:
            await _send(writer, {"id": head.get("id"), **told}, found)
        except InputError as error:
            await _send(writer, {"id": head.get("id"), **wire.error_head(error)}, ())

    async def _do(
        self, head: wire.Head, arrays: list[NDArray[Any]]
    ) -> tuple[wire.Head, wire.Arrays]:
        if self._stopping:
            raise LinkError("historian is stopping", fix="ask again when it is back")
        op = head.get("op")
        if op == "append":
            await self._append(arrays)
            return {}, ()
        if op == "ping":
            return {}, ()
        pool = self._readers
        if op in _LONG:
            pool = self._long
        elif op in _CARE:
            pool = self._care
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, answer, self._historian, head, arrays)

    async def _append(self, arrays: list[NDArray[Any]]) -> None:
        columns = columns_of(arrays)
        rows = len(columns.keys)
        async with self._rows_free:
            await self._rows_free.wait_for(
                lambda: self._rows_waiting == 0 or self._rows_waiting + rows <= PENDING_ROWS
            )
            self._rows_waiting += rows
        try:
            await asyncio.wrap_future(self._writer.submit(columns))
        finally:
            async with self._rows_free:
                self._rows_waiting -= rows
                self._rows_free.notify_all()


async def _send(writer: asyncio.StreamWriter, head: wire.Head, arrays: wire.Arrays) -> None:
    # No await between the pieces of a frame: answers share the connection.
    writer.writelines(wire.encode(head, arrays))
    try:
        await writer.drain()
    except ConnectionError:
        pass  # the asker has gone; what it stored is stored


def _clear(path: Path) -> None:
    """Remove the socket a killed process left.

    Raises:
        ConfigError: Somebody answers on it, or the path is too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if len(os.fsencode(path)) > 100:
        raise ConfigError(
            "socket path is too long", thing=str(path), fix="use a shorter data folder"
        )
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ConfigError("a historian already runs here", thing=str(path), fix="stop it first")


async def serve(make: Callable[[], Historian], path: Path, stopping: asyncio.Event) -> None:
    """Open the engine, listen until `stopping` is set, then stop cleanly."""
    server = HistorianServer(await asyncio.to_thread(make), path)
    await server.start()
    try:
        await stopping.wait()
    finally:
        await server.stop()
