"""No refusal without a trace: whoever is turned away stands in the audit trail.

A route's own check writes down what it refuses; this sees every other 401 and 403, whoever gave
it. Nobody in particular is named by the route and not by the path he made up, so that a flood of
invented paths does not flood the trail; the same within a minute is one entry.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatloop.app.platform import Platform

NOBODY = "nobody"
"""Who asked without having signed in."""
_REFUSED = (401, 403)
_OTHER = "(other)"


class RefusalTrail:
    """Writes down requests that were answered 401 or 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSED:
                await _write(scope)
            await send(message)

        await self._app(scope, receive, answer)


async def _write(scope: Scope) -> None:
    platform: Platform = scope["app"].state.platform
    user = str(scope.get("state", {}).get("user", ""))
    path = scope["path"] if user else _route(scope)
    await platform.audit.refused(user or NOBODY, scope["method"], path)


def _route(scope: Scope) -> str:
    """Return a path with the names of its parameters in place of what they were."""
    if "endpoint" not in scope:
        return _OTHER
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    parts = str(scope["path"]).split("/")
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in parts)
