"""The screens rest while the module of visualisation is off; the interface goes on."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from heatloop.app.extensions_own import SCREENS
from heatloop.web.errors import envelope

_STREAM = "/api/v1/stream"
_TEXT = "可视化模块已停用。\nThe visualisation module is disabled.\n"


class ScreenGate:
    """Answers 503 for screens and their stream while they are off."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 503."""
        if scope["type"] == "http":
            path: str = scope["path"]
            if not path.startswith("/api/") or path == _STREAM:
                platform = scope["app"].state.platform
                if not platform.outside.extensions.runs(SCREENS):
                    answer: Response = PlainTextResponse(_TEXT, 503)
                    if path == _STREAM:
                        detail = "visualisation is disabled"
                        answer = JSONResponse(envelope("unavailable", detail=detail), 503)
                    await answer(scope, receive, send)
                    return
        await self.app(scope, receive, send)
