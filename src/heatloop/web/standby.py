"""An instance that stands by serves reads, and tells whoever writes where to go."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from heatloop.app.standby import Standing
from heatloop.web.errors import envelope

_SAFE = ("GET", "HEAD", "OPTIONS")
# Signing in and checking a signature change nothing that two instances could disagree about.
_ANYWHERE = ("/api/v1/session", "/api/v1/links/audit/verify")
_AGAIN_S = "5"


class StandbyGuard:
    """Refuses writes with 503 and the address of the instance that works."""

    def __init__(self, app: ASGIApp, standing: Standing) -> None:
        self.app, self._standing = app, standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 503."""
        if (
            scope["type"] == "http"
            and scope["method"] not in _SAFE
            and not self._standing.active
            and scope["path"] not in _ANYWHERE
            and not scope["path"].startswith("/api/v1/session/")
        ):
            url = self._standing.active_url
            headers = {"Retry-After": _AGAIN_S} | ({"X-Heatloop-Active": url} if url else {})
            answer = JSONResponse(envelope("standby", place=url), 503, headers=headers)
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)
