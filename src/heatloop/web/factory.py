"""Builds the web application around a platform."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute

from heatloop import __version__
from heatloop.app.platform import Platform
from heatloop.app.zone_settings import CONTROL
from heatloop.web import errors
from heatloop.web.access import WriteGuard
from heatloop.web.body_guard import BodyGuard
from heatloop.web.errors import ErrorEnvelope
from heatloop.web.headers import SecurityHeaders
from heatloop.web.limits import RequestLimits
from heatloop.web.refused import RefusalTrail
from heatloop.web.rights import check_rights
from heatloop.web.routes import (
    account,
    alarms,
    audit,
    balance,
    bulk,
    commands,
    coverage,
    data,
    device_life,
    device_life_runs,
    device_profiles,
    dispatch,
    edge_rules,
    emergency,
    exports,
    forecasts,
    gateways,
    governance,
    imports,
    instances,
    interfaces,
    keeping,
    keys,
    labels,
    lineage,
    link_history,
    links,
    metrics,
    models,
    network,
    people,
    personal,
    plant,
    quality,
    savings,
    security,
    semantic,
    service_keys,
    session,
    status,
    storage,
    strategies,
    strategy_levels,
    stream,
    subscribe,
    supervision,
    sync,
    trends,
    verification,
    weather,
    webhooks,
    zones,
)
from heatloop.web.screen_gate import ScreenGate
from heatloop.web.screens import Screens
from heatloop.web.standby import StandbyGuard
from heatloop.web.written import RequestMark, WriteTrail
from heatloop.web.zones import CONTROL_LEAVES_OUT

API = "/api/v1"
_STATIC = Path(__file__).parent / "static"
_ROUTES = (
    status,
    session,
    account,
    service_keys,
    audit,
    plant,
    network,
    trends,
    storage,
    alarms,
    commands,
    emergency,
    stream,
    data,
    device_profiles,
    exports,
    keys,
    gateways,
    keeping,
    links,
    link_history,
    edge_rules,
    people,
    quality,
    device_life,
    device_life_runs,
    instances,
    governance,
    lineage,
    coverage,
    verification,
    semantic,
    bulk,
    imports,
    subscribe,
    webhooks,
    interfaces,
    metrics,
    weather,
    forecasts,
    supervision,
    dispatch,
    strategies,
    strategy_levels,
    balance,
    savings,
    models,
    sync,
    personal,
    labels,
    security,
    zones,
)


def _operation_id(route: APIRoute) -> str:
    return route.name


def api_router(leave_out: tuple[str, ...] = ()) -> APIRouter:
    """Return all routes of version 1, without a platform behind them.

    Args:
        leave_out: Modules of `web.routes` that are not served here.
    """
    router = APIRouter(
        prefix=API, responses={"4XX": {"model": ErrorEnvelope, "description": "What to correct"}}
    )
    for module in _ROUTES:
        if module.__name__.rpartition(".")[2] not in leave_out:
            router.include_router(module.router)
    return router


def bare_app(
    middleware: list[Middleware] | None = None, leave_out: tuple[str, ...] = ()
) -> FastAPI:
    """Return the application with its routes alone, enough to describe it."""
    app = FastAPI(
        title="heatloop",
        summary="智慧供热平台: runs a district-heating company's heat",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        generate_unique_id_function=_operation_id,
        middleware=middleware,
    )
    app.router.routes.extend(_included(leave_out))
    errors.install(app)
    return app


@cache
def _included(leave_out: tuple[str, ...]) -> tuple[BaseRoute, ...]:
    """Return the routes of version 1 as an application holds them.

    They know no platform and take seconds to build: once a process for all applications in it.
    """
    holder = FastAPI(openapi_url=None, generate_unique_id_function=_operation_id)
    holder.include_router(api_router(leave_out))
    return tuple(holder.router.routes)


def create_app(platform: Platform, extra: tuple[APIRouter, ...] = ()) -> FastAPI:
    """Return the application that serves this platform.

    Args:
        platform: What to serve.
        extra: Further routers below `/api/v1`, for example the demo's control.

    Raises:
        ConfigError: A route would stand open without anybody having said so.
    """
    server = platform.settings.server
    app = bare_app(
        [
            Middleware(RequestMark),
            Middleware(SecurityHeaders, tls=bool(server.tls_certificate)),
            Middleware(
                RequestLimits,
                watch=platform.settings.watch,
                events=platform.security_events,
                max_bytes=server.max_upload_mb * 1024 * 1024,
            ),
            Middleware(RefusalTrail),
            Middleware(WriteGuard, max_bytes=server.max_upload_mb * 1024 * 1024),
            Middleware(StandbyGuard, standing=platform.standing),
            Middleware(WriteTrail),
            Middleware(BodyGuard, wait_s=server.body_wait_s),
            Middleware(ScreenGate),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
        CONTROL_LEAVES_OUT if platform.settings.zones.zone == CONTROL else (),
    )
    app.state.platform = platform
    for router in extra:
        app.include_router(router, prefix=API)
    # Where Prometheus looks first.
    app.include_router(metrics.root)
    app.add_route(
        "/{path:path}", Screens(_STATIC).serve, methods=["GET", "HEAD"], include_in_schema=False
    )
    check_rights(app.routes)
    return app
