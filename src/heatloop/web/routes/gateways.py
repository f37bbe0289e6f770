"""Gateways: list, enrol, and the link they send everything over."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from heatloop.app.links import LinkSession
from heatloop.app.views.system import Enrolled, GatewayList
from heatloop.kernel.errors import HeatloopError
from heatloop.web.access import Platformed, Viewer, platform_of
from heatloop.web.bodies import EnrolRequest

router = APIRouter(prefix="/gateways", tags=["gateways"])
_HELLO_TIMEOUT_S = 10.0
_POLICY_VIOLATION = 1008


@router.get("", summary="Gateways and their links")
async def list_gateways(platform: Platformed, viewer: Viewer) -> GatewayList:
    """Return the gateways inside the viewer's scope."""
    return await platform.gateways.views(viewer.scope)


@router.post("/enrol", summary="Exchange keys with a new gateway")
async def enrol_gateway(body: EnrolRequest, platform: Platformed) -> Enrolled:
    """Spend a one-time token, keep the gateway's key, and give its signed profile."""
    return await platform.gateways.enrol(body.gateway, bytes.fromhex(body.public_key), body.token)


class _Wire:
    """The sending half of one link; sends are put in a line, as WebSockets ask."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._lock = asyncio.Lock()

    async def send(self, message: dict[str, Any]) -> None:
        async with self._lock:
            if self._socket.application_state is WebSocketState.CONNECTED:
                await self._socket.send_text(json.dumps(message, separators=(",", ":")))

    async def close(self, reason: str) -> None:
        async with self._lock:
            if self._socket.application_state is WebSocketState.CONNECTED:
                await self._socket.close(_POLICY_VIOLATION, reason[:120])


async def _hello(socket: WebSocket) -> dict[str, Any]:
    async with asyncio.timeout(_HELLO_TIMEOUT_S):
        text = await socket.receive_text()
    message = json.loads(text)
    return message if isinstance(message, dict) else {}


@router.websocket("/link")
async def gateway_link(socket: WebSocket) -> None:
    """Challenge the gateway, then take its envelopes and send acknowledgements and commands."""
    platform = platform_of(socket)
    await socket.accept()
    wire = _Wire(socket)
    session: LinkSession | None = None
    try:
        challenge = platform.gateways.challenge()
        await wire.send(challenge)
        hello = await _hello(socket)
        session = await platform.gateways.open(hello, challenge["nonce"], wire.send, wire.close)
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                break
            data = message.get("bytes")
            if data:
                await session.take(data)
    except HeatloopError as error:
        await wire.send({"type": "refused", "reason": str(error)})
        await wire.close(error.message)
    except (TimeoutError, ValueError, KeyError):
        # Not a word of the protocol: say so once and hang up.
        await wire.send({"type": "refused", "reason": "hello expected"})
        await wire.close("hello expected")
    except (WebSocketDisconnect, RuntimeError):
        pass  # The gateway went away in the middle of a message; it will come back.
    finally:
        if session is not None:
            await session.close()
