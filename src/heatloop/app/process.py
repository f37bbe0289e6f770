"""Running a platform: start, stop, the clock it follows, and the server around its web face.

One event loop runs intake, jobs and web. What the web looks like is given by the caller, because
the web is built on the application and not the other way round.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import structlog
import uvicorn

from heatloop.app.emergency_socket import serve_emergency
from heatloop.app.historian_ledger import HistorianLedger
from heatloop.app.history import in_thread
from heatloop.app.http_guard import Connections, guarded_http
from heatloop.app.patience import until_done
from heatloop.app.platform import Platform
from heatloop.app.settings import Settings
from heatloop.app.standby import Shared
from heatloop.app.standby_duty import Duty
from heatloop.app.standby_view import follow_ledger, refresh_view
from heatloop.app.tls import GatewayDoor, redirect, server_context
from heatloop.app.wiring import build_platform
from heatloop.edge.clock_link import ClockLink
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.errors import ConfigError

_log = structlog.get_logger("heatloop.platform")
_WS_BYTES = 16 * 1024 * 1024
_STOP_S = 5
_CLOCK_WAIT_S = 60.0


async def start(platform: Platform) -> None:
    """Take up what was there before: keys, commands, alarms, stages and latest values."""

    async def latest() -> None:
        platform.world.latest.update(await platform.historian.latest())
        # Before the first samples: points of one device are to lie together from the start.
        await HistorianLedger(platform).tell()

    await platform.gateways.load()
    await platform.stages.load()
    await platform.commands.load()
    await platform.alarming.load()
    await platform.curve.load()
    await platform.forecasts.load()
    await platform.models.load()
    await platform.savings.baselines.load()
    await platform.tuned_run.load()
    await platform.strategy.load()
    await in_thread(platform.records.jobs.release, at=platform.world.now_s())
    await until_done("historian", latest)
    await platform.keeping.start()
    await platform.key_room.resume()
    await platform.devices.load()
    await platform.acceptance.load()


async def _work(platform: Platform) -> None:
    """Do what only one instance does, until cancelled or one part of it fails."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, part in _parts(platform):
                tasks.create_task(part, name=name)
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


def _parts(platform: Platform) -> list[tuple[str, Coroutine[Any, Any, None]]]:
    return [
        ("intake", platform.intake.run()),
        ("mqtt", platform.mqtt.run()),
        ("jobs", platform.schedule.run()),
        ("emergency", platform.emergency.run()),
        ("emergency door", serve_emergency(platform)),
        ("security events", platform.security_events.run()),
        ("outside", platform.outside.run()),
        ("zones", platform.zones.run()),
        ("audit", platform.audit_room.keeper.run()),
    ]


def _duty(platform: Platform, standing: Shared) -> Duty:
    """Return the life of one of several instances."""

    async def take_over() -> None:
        await follow_ledger(platform)
        await start(platform)

    return Duty(
        standing,
        url=standing.settings.url,
        key_id=platform.keys.signing.key_id,
        refresh=lambda: refresh_view(platform),
        take_over=take_over,
        work=lambda: _work(platform),
        stop=lambda: platform.links.drop_all("this instance does not work any more"),
    )


@contextlib.asynccontextmanager
async def running(platform: Platform) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run intake, jobs and the lag watch for as long as the block lasts; gives their tasks."""
    parts = [("lag", platform.lag.run())]
    if isinstance(platform.standing, Shared):
        parts.append(("duty", _duty(platform, platform.standing).run()))
    else:
        await start(platform)
        parts += _parts(platform)
    tasks = [asyncio.create_task(part, name=name) for name, part in parts]
    try:
        yield tasks
    finally:
        await platform.acceptance.close()
        await platform.emergency.close()
        await platform.links.drop_all("the platform stops")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.key_room.close()
        await platform.keeping.close()
        await platform.imports.close()
        await platform.workers.close()
        await platform.fleet.close()
        await platform.twin.close()
        close = getattr(platform.historian, "close", None)
        if close is not None:
            await close()
        await platform.audit_room.close()
        await platform.audit.close()
        platform.sessions.close()
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
        async with asyncio.timeout(seconds):
            await ready
    except TimeoutError as error:
        raise ConfigError(
            "nobody publishes plant time", thing=socket, fix="start the city first"
        ) from error


async def serve(settings: Settings, build_web: Callable[[Platform], Any]) -> None:
    """Run the platform until SIGTERM or SIGINT.

    Args:
        settings: Settings of the installation.
        build_web: Builds the web application around a platform.
    """
    # A full collection walks the whole ledger, a tenth of a second and more on the event loop:
    # none while it is built, and what exists when all is built is never walked again.
    gc.disable()
    async with contextlib.AsyncExitStack() as stack:
        clock = await stack.enter_async_context(plant_clock(settings))
        platform = build_platform(settings, clock=clock)
        parts = await stack.enter_async_context(running(platform))
        web = build_web(platform)
        server = uvicorn.Server(uvicorn_config(settings, web))
        parts += await stack.enter_async_context(side_doors(platform, web))
        gc.freeze()
        gc.enable()
        _log.info("platform ready", host=settings.server.host, port=settings.server.port)
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({serving, *parts}, return_when=asyncio.FIRST_COMPLETED)
        # A platform that has lost its intake or its jobs must not look alive: it ends, says
        # why, and is started again.
        server.should_exit = True
        await serving
        for part in parts:
            if part.done():
                part.result()


class _Door(uvicorn.Server):
    """A second server in this process; signals are the first one's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@contextlib.asynccontextmanager
async def side_doors(platform: Platform, web: Any) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Open the gateways' own listener and the redirect to HTTPS; gives their tasks.

    Raises:
        ConfigError: The authority's key cannot be opened.
        OSError: A port is taken.
    """
    tasks: list[asyncio.Task[None]] = []
    settings, door = platform.settings, None
    moved: asyncio.Server | None = None
    if settings.crypto.redirect_port and settings.server.tls_certificate:
        host, port = settings.server.host, settings.crypto.redirect_port
        moved = await redirect(host, port, settings.server.port)
    if platform.gateways.certificates.door is not None:
        door = _Door(await in_thread(gateway_door, platform, web))
        tasks.append(asyncio.create_task(door.serve(), name="gateway door"))
    try:
        yield tasks
    finally:
        if moved is not None:
            moved.close()
            await moved.wait_closed()
        if door is not None:
            door.should_exit = True
            await asyncio.gather(*tasks, return_exceptions=True)


def gateway_door(platform: Platform, web: Any) -> uvicorn.Config:
    """Return how gateways are served: certificates on both sides, nothing but their routes.

    Raises:
        ConfigError: There is no such listener in the settings, or the authority cannot be opened.
    """
    certificates = platform.gateways.certificates
    if certificates.door is None:
        raise ConfigError("no listener for gateways", thing="crypto.gateway_port", fix="set it")
    host, port = certificates.door
    files = certificates.authority.server_files(certificates.door_names())
    context = server_context(*files, client_ca=certificates.authority.certificate_file)
    return _config(GatewayDoor(web), host, port, context, _guarded(platform.settings))


def uvicorn_config(settings: Settings, app: Any) -> uvicorn.Config:
    """Return how the web application is served."""
    server = settings.server
    context = None
    if server.tls_certificate:
        context = server_context(server.tls_certificate, server.tls_key)
    return _config(app, server.host, server.port, context, _guarded(settings))


def _guarded(settings: Settings) -> type[asyncio.Protocol]:
    """Return the protocol of one listener, with connections counted and heads timed."""
    server = settings.server
    connections = Connections(server.max_connections, server.max_connections_an_address)
    return guarded_http(connections, server.head_wait_s)


def _config(
    app: Any,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    http: type[asyncio.Protocol],
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http,
        ws="websockets-sansio",
        ws_max_size=_WS_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
    )
