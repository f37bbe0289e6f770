"""A town behind a port the system chose, on an event loop of its own, for a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from heatloop.security.access import Role
from tests.unit.app_town import Town, town

ROLES = (Role.OPERATION_ENGINEER, Role.SYSTEM_ADMIN, Role.MANAGER, Role.DISPATCHER)


class Served(threading.Thread):
    """Serves a town to the user `wang`; what its pages show is given by `prepare`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self.port = 0
        self.ready = threading.Event()
        self._over: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        """Serve until stopped."""
        asyncio.run(self._serve())

    async def prepare(self, made: Town) -> None:
        """Give the town what its pages are to show."""

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with town(self._folder) as made:
            made.add_user("wang", *ROLES)
            await self.prepare(made)
            config = uvicorn.Config(made.app, port=0, log_level="error", lifespan="off")
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            self.port = server.servers[0].sockets[0].getsockname()[1]
            self.ready.set()
            await self._over.wait()
            server.should_exit = server.force_exit = True
            await serving

    def stop(self) -> None:
        """End it and wait."""
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(20)


@contextlib.contextmanager
def serving(served: Served) -> Iterator[str]:
    """Return the address of a town that is served until the end of the block."""
    served.start()
    assert served.ready.wait(60)
    yield f"http://127.0.0.1:{served.port}"
    served.stop()
    assert not served.is_alive()
