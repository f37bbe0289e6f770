"""Which routes each zone serves, and the application of the customer zone.

The customer zone mounts a closed list. Nothing here may import `web.factory` or anything of the
command path; a test loads this module in a process of its own and looks.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from heatloop import __version__
from heatloop.app.zone_customer import CustomerPlatform
from heatloop.web import errors
from heatloop.web.access import WriteGuard
from heatloop.web.errors import ErrorEnvelope
from heatloop.web.headers import SecurityHeaders
from heatloop.web.limits import RequestLimits
from heatloop.web.refused import RefusalTrail
from heatloop.web.rights import check_rights
from heatloop.web.routes import alarms, audit, people, session, zone_customer, zones
from heatloop.web.written import RequestMark, WriteTrail

API = "/api/v1"
CUSTOMER_ROUTES: tuple[APIRouter, ...] = (
    zone_customer.status,
    session.router,
    people.router,
    audit.router,
    alarms.router,
    zones.router,
    zone_customer.router,
)
"""All the customer zone serves: itself, its users, its own alarms, what the feed tells."""
CONTROL_LEAVES_OUT = ("sync",)
"""Modules of `web.routes` the control zone does not serve: billing speaks to the other zone."""


def _operation_id(route: APIRoute) -> str:
    return route.name


def customer_api() -> FastAPI:
    """Return the customer zone's routes alone, enough to describe them."""
    return _app(None)


def _app(middleware: list[Middleware] | None) -> FastAPI:
    app = FastAPI(
        title="heatloop customer zone",
        summary="智慧供热平台 客户区: what heat users and those who serve them may know",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        generate_unique_id_function=_operation_id,
        middleware=middleware,
    )
    api = APIRouter(
        prefix=API, responses={"4XX": {"model": ErrorEnvelope, "description": "What to correct"}}
    )
    for router in CUSTOMER_ROUTES:
        api.include_router(router)
    app.include_router(api)
    errors.install(app)
    return app


def create_customer_app(platform: CustomerPlatform) -> FastAPI:
    """Return the application that serves the customer zone.

    Raises:
        ConfigError: A route would stand open without anybody having said so.
    """
    server = platform.settings.server
    most = server.max_upload_mb * 1024 * 1024
    app = _app(
        [
            Middleware(RequestMark),
            Middleware(SecurityHeaders, tls=bool(server.tls_certificate)),
            Middleware(
                RequestLimits,
                watch=platform.settings.watch,
                events=platform.security_events,
                max_bytes=most,
            ),
            Middleware(RefusalTrail),
            Middleware(WriteGuard, max_bytes=most),
            Middleware(WriteTrail),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ]
    )
    app.state.platform = platform
    check_rights(app.routes)
    return app
