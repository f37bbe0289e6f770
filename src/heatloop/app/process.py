"""The platform process: `python -m heatloop.app.process --data DIR`.

One event loop runs intake, jobs and web. The web application is named, not imported, because
the web is built on the application and not the other way round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from heatloop.app.history import in_thread
from heatloop.app.patience import until_done
from heatloop.app.platform import Platform
from heatloop.app.settings import Settings, load_settings
from heatloop.app.wiring import build_platform
from heatloop.edge.clock_link import ClockLink
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.errors import ConfigError, HeatloopError

_log = structlog.get_logger("heatloop.platform")
WEB = "heatloop.web.factory:create_app"
_WS_BYTES = 16 * 1024 * 1024
_STOP_S = 5
_CLOCK_WAIT_S = 60.0


def _named(name: str) -> Callable[..., Any]:
    """Return what `module:attribute` names.

    Raises:
        ConfigError: There is no such thing.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError("no such extension", thing=name, fix="give module:attribute") from error
    if not callable(found):
        raise ConfigError("the extension is not callable", thing=name, fix="give a function")
    return found  # type: ignore[no-any-return]


async def start(platform: Platform) -> None:
    """Take up what was there before: keys, commands, alarms, stages and latest values."""

    async def latest() -> None:
        platform.world.latest.update(await platform.historian.latest())

    await platform.gateways.load()
    await platform.stages.load()
    await platform.commands.load()
    await platform.alarming.load()
    await platform.curve.load()
    await in_thread(platform.records.jobs.release, at=platform.world.now_s())
    await until_done("historian", latest)


@contextlib.asynccontextmanager
async def running(platform: Platform) -> AsyncIterator[None]:
    """Run intake, jobs and the lag watch for as long as the block lasts."""
    await start(platform)
    tasks = [
        asyncio.create_task(part, name=name)
        for name, part in (
            ("intake", platform.intake.run()),
            ("jobs", platform.schedule.run()),
            ("lag", platform.lag.run()),
        )
    ]
    try:
        yield
    finally:
        await platform.links.drop_all("the platform stops")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close = getattr(platform.historian, "close", None)
        if close is not None:
            await close()
        platform.records.close()


@contextlib.asynccontextmanager
async def plant_clock(settings: Settings) -> AsyncIterator[SharedClock]:
    """Give plant time, followed for as long as the block lasts.

    Raises:
        ConfigError: Plant time is to be followed and nobody publishes it.
    """
    clock = SharedClock()
    if not settings.clock.socket:
        yield clock
        return
    link = ClockLink(Path(settings.clock.socket), "platform", clock)
    follower = asyncio.create_task(link.run(), name="clock")
    try:
        await _within(_CLOCK_WAIT_S, link.ready.wait(), settings.clock.socket)
        yield clock
    finally:
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)


async def _within(seconds: float, ready: Awaitable[object], socket: str) -> None:
    try:
        await asyncio.wait_for(ready, seconds)
    except TimeoutError as error:
        raise ConfigError(
            "nobody publishes plant time", thing=socket, fix="start the city first"
        ) from error


async def serve(settings: Settings, *, web: str = WEB, extras: tuple[str, ...] = ()) -> None:
    """Run the platform until SIGTERM or SIGINT.

    Args:
        settings: Settings of the installation.
        web: Names the function that builds the web application.
        extras: Names of functions that, given the platform, return further routers.
    """
    # A full collection walks the whole ledger, a tenth of a second and more on the event loop:
    # none while it is built, and what exists when all is built is never walked again.
    gc.disable()
    async with contextlib.AsyncExitStack() as stack:
        clock = await stack.enter_async_context(plant_clock(settings))
        platform = build_platform(settings, clock=clock)
        await stack.enter_async_context(running(platform))
        routers = tuple(_named(name)(platform) for name in extras)
        app = _named(web)(platform, routers)
        server = uvicorn.Server(uvicorn_config(settings, app))
        gc.freeze()
        gc.enable()
        _log.info("platform ready", host=settings.server.host, port=settings.server.port)
        await server.serve()


def uvicorn_config(settings: Settings, app: Any) -> uvicorn.Config:
    """Return how the web application is served."""
    server = settings.server
    return uvicorn.Config(
        app,
        host=server.host,
        port=server.port,
        ws="websockets-sansio",
        ws_max_size=_WS_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ssl_certfile=server.tls_certificate or None,
        ssl_keyfile=server.tls_key or None,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the process; return the exit code."""
    parser = argparse.ArgumentParser(prog="heatloop-platform", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="plant data folder")
    parser.add_argument("--config", type=Path, help="heatloop.toml")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--clock", metavar="SOCKET", help="unix socket that publishes plant time")
    parser.add_argument("--demo", action="store_true", help="say DEMO on every screen")
    parser.add_argument("--web", default=WEB, help=argparse.SUPPRESS)
    parser.add_argument("--extra", action="append", default=[], help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    overrides: dict[str, dict[str, Any]] = {"server": {}, "clock": {}, "company": {}}
    if given.host is not None:
        overrides["server"]["host"] = given.host
    if given.port is not None:
        overrides["server"]["port"] = given.port
    if given.clock is not None:
        overrides["clock"]["socket"] = given.clock
    if given.demo:
        overrides["company"]["demo"] = True
    try:
        settings = load_settings(given.data, given.config, os.environ, overrides)
        run = serve(settings, web=given.web, extras=tuple(given.extra))
        if sys.platform == "win32":
            asyncio.run(run)
        else:
            import uvloop

            uvloop.run(run)
    except HeatloopError as error:
        sys.stderr.write(f"platform: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
