"""Gateways: list, enrol, and the link they send everything over."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from heatloop.app.links import GatewayLine
from heatloop.app.platform import Platform
from heatloop.app.views.system import Enrolled, GatewayList
from heatloop.kernel.errors import HeatloopError, InputError
from heatloop.protocols.link import pack_text, unpack_text
from heatloop.web.access import Platformed, Viewer, platform_of
from heatloop.web.bodies import EnrolRequest

router = APIRouter(prefix="/gateways", tags=["gateways"])
_HELLO_TIMEOUT_S = 10.0
_POLICY_VIOLATION, _TRY_AGAIN_LATER = 1008, 1013


@router.get("", summary="Gateways and their links")
async def list_gateways(platform: Platformed, viewer: Viewer) -> GatewayList:
    """Return the gateways inside the viewer's scope."""
    return platform.gateways.views(viewer.scope)


@router.post("/enrol", summary="Exchange keys with a new gateway")
async def enrol_gateway(body: EnrolRequest, platform: Platformed) -> Enrolled:
    """Spend a one-time token, keep the gateway's key, and give its signed profile."""
    asked = body.certificate_request
    return await platform.gateways.enrol(
        body.gateway,
        bytes.fromhex(body.public_key),
        body.token,
        None if asked is None else asked.model_dump(),
    )


class _Link:
    """One socket: its gateways, and the sending half; sends are put in a line."""

    def __init__(self, socket: WebSocket, platform: Platform) -> None:
        self._socket, self._platform = socket, platform
        self._lock = asyncio.Lock()
        self._challenge = platform.gateways.challenge()
        self._lines: dict[str, GatewayLine] = {}

    async def send(self, message: dict[str, Any]) -> None:
        async with self._lock:
            if self._socket.application_state is WebSocketState.CONNECTED:
                try:
                    await self._socket.send_text(pack_text(message))
                except WebSocketDisconnect as error:
                    # The gateway died: to whoever sends, a link like any other that broke.
                    raise ConnectionResetError("gateway went away") from error

    async def hang_up(self, reason: str) -> None:
        """Close the socket when no gateway is left on it."""
        async with self._lock:
            alone = not any(line.open for line in self._lines.values())
            if alone and self._socket.application_state is WebSocketState.CONNECTED:
                await self._socket.close(_POLICY_VIOLATION, reason[:100])

    async def run(self) -> None:
        """Talk until the socket goes away."""
        await self.send(self._challenge)
        while True:
            async with asyncio.timeout(None if self._lines else _HELLO_TIMEOUT_S):
                message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes"):
                await self._platform.intake.take(self._lines, message["bytes"])
            elif not await self._text(message.get("text") or ""):
                return

    async def _text(self, text: str) -> bool:
        """Take a hello; return whether the link is still wanted."""
        name = ""
        try:
            hello = unpack_text(text)
            name = str(hello.get("gateway", ""))
            if hello["type"] != "hello":
                raise InputError("hello expected", thing=hello["type"])
            shown = self._socket.scope.get("state", {}).get("client_certificate")
            self._platform.gateways.certificates.check(name, shown)
            line = await self._platform.gateways.open(
                hello, self._challenge["nonce"], self.send, self.hang_up
            )
        except HeatloopError as error:
            client = self._socket.client
            address = client.host if client else ""
            self._platform.watch.sources.gateway_refused(name[:80], address, error.message)
            await self.send({"type": "refused", "gateway": name, "reason": str(error)})
            await self.hang_up(error.message)
            return bool(self._lines)
        self._lines[line.gateway] = line
        return True

    def closed(self) -> None:
        for line in self._lines.values():
            self._platform.links.closed(line)


@router.websocket("/link")
async def gateway_link(socket: WebSocket) -> None:
    """Challenge the gateways, then take envelopes and send acknowledgements and commands."""
    await socket.accept()
    platform = platform_of(socket)
    if not platform.standing.active:
        where = platform.standing.active_url
        reason = "this instance stands by" + (f", try {where}" if where else "")
        await socket.send_text(pack_text({"type": "refused", "gateway": "", "reason": reason}))
        await socket.close(_TRY_AGAIN_LATER, reason[:100])
        return
    link = _Link(socket, platform)
    try:
        await link.run()
    except TimeoutError:
        await link.hang_up("hello expected")
    except (WebSocketDisconnect, RuntimeError):
        pass  # The gateway went away in the middle of a message; it will come back.
    finally:
        link.closed()
