"""No write without a trace: who writes is known to the records, and every write is audited.

A route says in the audit trail what it did; where one does not, this does, before the answer
goes out. The journal of the records names the same user (clause 9.2.2). What a request is for is
known to the exports behind it (clause 9.2.3).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatloop.app.governance_audit import watching
from heatloop.app.governance_purpose import for_purpose
from heatloop.store.records.governance_actor import SYSTEM, acting
from heatloop.web.access import platform_of, token_of

_PURPOSE = "x-heatloop-purpose"
_SAFE = ("GET", "HEAD", "OPTIONS")
QUESTIONS = frozenset(
    ("/api/v1/network/what-if", "/api/v1/device-profiles/check", "/api/v1/links/audit/verify")
)
"""Paths that are asked by POST because the question is long; they change nothing."""


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

    async def _write(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        platform = platform_of(request)
        session = await platform.sessions.find(token_of(request))
        user = SYSTEM if session is None else session.principal.user
        with acting(user), watching() as seen:

            async def answer(message: Message) -> None:
                if (
                    message["type"] == "http.response.start"
                    and message["status"] < 400
                    and not seen.entries
                ):
                    path, method = scope["path"], scope["method"]
                    await platform.audit.add(
                        user, "web.write", path, method=method, status=message["status"]
                    )
                await send(message)

            await self._app(scope, receive, answer)
