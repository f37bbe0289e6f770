"""Bodies that would hold a request up: sent drop by drop, or compressed.

Nothing here unpacks what a client compressed, so a small body cannot become a large one.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatloop.web.errors import envelope

_LEAST_BYTES_S = 512.0
"""Slowest sender that is waited for, after the first wait."""


class BodyGuard:
    """Ends requests whose body does not come, and refuses compressed ones.

    Args:
        wait_s: Longest time between two pieces of a body, machine seconds.
    """

    def __init__(self, app: ASGIApp, *, wait_s: float) -> None:
        self.app = app
        self._wait_s = wait_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 415."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        coding = dict(scope["headers"]).get(b"content-encoding", b"").strip().lower()
        if coding not in (b"", b"identity"):
            shown = coding[:40].decode("latin-1")
            answer = JSONResponse(envelope("body_encoded", detail=shown), 415)
            await answer(scope, receive, send)
            return
        await self.app(scope, self._timed(receive), send)

    def _timed(self, receive: Receive) -> Receive:
        """Return a `receive` that gives up on a body that does not come; never after its end."""
        loop = asyncio.get_running_loop()
        begun, taken, ended = loop.time(), 0, False

        async def timed() -> Message:
            nonlocal taken, ended
            if ended:
                return await receive()  # Waits for the client to hang up, however long.
            try:
                async with asyncio.timeout(self._wait_s):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408) from error
            taken += len(message.get("body", b""))
            ended = message["type"] != "http.request" or not message.get("more_body", False)
            spent = loop.time() - begun
            if not ended and spent > self._wait_s and taken < _LEAST_BYTES_S * spent:
                raise HTTPException(408)
            return message

        return timed
