"""No write without a trace: who writes is known to the records, and every write is audited.

A route says in the audit trail what it did; where one does not, this does, before the answer
goes out. What was refused or failed is written down too. The journal of the records names the
same user (clause 9.2.2). What a request is for is known to the exports behind it (clause 9.2.3).
While the trail cannot be written no write is begun, but for those that may not wait.
"""

from __future__ import annotations

import secrets

import structlog
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatloop.app.audit_origin import Origin, coming_from, origin, roles_of
from heatloop.app.governance_audit import watching
from heatloop.app.governance_purpose import for_purpose
from heatloop.app.platform import Platform
from heatloop.app.refusals import Refused
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records.governance_actor import SYSTEM, acting
from heatloop.web.access import platform_of
from heatloop.web.credentials import find_session
from heatloop.web.errors import envelope

REQUEST_ID = "x-request-id"
_PURPOSE = "x-heatloop-purpose"
_SAFE = ("GET", "HEAD", "OPTIONS")
_TURNED_AWAY = (401, 403)
NOBODY = "nobody"
QUESTIONS = frozenset(
    ("/api/v1/network/what-if", "/api/v1/device-profiles/check", "/api/v1/links/audit/verify")
)
"""Paths that are asked by POST because the question is long; they change nothing."""
MAY_NOT_WAIT = ("/api/v1/session", "/api/v1/emergency")
"""Beginnings of paths that go on without the trail: they are kept in the local journal."""
_log = structlog.get_logger("heatloop.web")


class RequestMark:
    """Gives every request an id and its address, which stand in what is written down of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, telling the id in the answer."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        client = HTTPConnection(scope).client
        # Made here: an id the caller chose could make two requests look like one.
        where = Origin(request=secrets.token_hex(8), address=client.host if client else "")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = where.request
            await send(message)

        with coming_from(where):
            await self._app(scope, receive, marked)


class WriteTrail:
    """Names the actor of every write, and writes it down if nobody else does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        with for_purpose(request.headers.get(_PURPOSE, "")[:40]):
            if scope["method"] in _SAFE or scope["path"] in QUESTIONS:
                await self._app(scope, receive, send)
            else:
                await self._write(request, scope, receive, send)

    async def _name(self, request: Request) -> str:
        """Return who asks, empty when nobody is signed in; his roles are noted."""
        session = await find_session(request)
        if session is None:
            return ""
        origin().role = roles_of(session.principal)
        return session.principal.user

    async def _write(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        platform = platform_of(request)
        if not scope["path"].startswith(MAY_NOT_WAIT):
            try:
                await platform.audit.must()
            except Refused as error:
                await JSONResponse(envelope(error.code), 503)(scope, receive, send)
                return
        user = await self._name(request)
        with acting(user or SYSTEM), watching() as seen:

            async def answer(message: Message) -> None:
                if message["type"] == "http.response.start" and not seen.entries:
                    await _tell(platform, user, scope, int(message["status"]))
                await send(message)

            await self._app(scope, receive, answer)


async def _tell(platform: Platform, user: str, scope: Scope, status: int) -> None:
    """Write down a request of which the route wrote nothing."""
    path, method = scope["path"], scope["method"]
    if status < 400:
        await platform.audit.add(user or SYSTEM, "web.write", path, method=method, status=status)
        return
    if status in _TURNED_AWAY:
        return  # `RefusalTrail` has it.
    # By its pattern: invented paths must not fill the disk.
    pattern = str(getattr(scope.get("route"), "path", "")) or "(other)"
    told = user or NOBODY
    if not platform.audit.first_in_a_minute(told, origin().address, method, pattern, str(status)):
        return
    action = "web.refused" if status < 500 else "web.failed"
    try:
        await platform.audit.add(
            told, action, path[:200] if user else pattern, method=method, status=status
        )
    except HeatloopError as error:
        # It was refused all the same; that nothing can be written is an alarm of its own.
        _log.warning("a refusal is not in the audit trail", path=pattern, error=str(error))
