"""Subscriptions of other programs: server-sent events and WebSocket on one address."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Header, Query, Request, WebSocket
from pydantic import AwareDatetime
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from heatloop.app.open_choice import Cursor, Wish
from heatloop.app.open_subscribe import EVENTS, text
from heatloop.app.platform import Platform
from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.security.access import Permission, Principal, Role
from heatloop.web.access import Platformed, Viewer, platform_of
from heatloop.web.credentials import find_session, token_of
from heatloop.web.errors import response
from heatloop.web.params import Codes, split_codes

_log = structlog.get_logger("heatloop.web")
router = APIRouter(tags=["subscribe"])
_MOST_POINTS, _MOST_WORDS = 2_000, 200
_SEND_TIMEOUT_S = 30.0
_LOOK_S = 5.0
_TOUCH_S = 60.0
_POLICY_VIOLATION, _TRY_AGAIN = 1008, 1013
_Line = Annotated[str, Query(max_length=60, description="Cursor of the last message worked off")]
_Events = Annotated[
    str, Query(max_length=60, description="Of alarm, finding, command; joined by commas")
]
_Since = Annotated[
    AwareDatetime | None, Query(description="Begin here, from the historian; ISO 8601 with offset")
]


def _wish(
    viewer: Principal, points: str, asset: str, kinds: str, values: bool, events: str
) -> Wish:
    names = tuple(split_codes(events, _MOST_WORDS))
    for name in names:
        if name not in EVENTS:
            raise Refused("invalid", thing=name, place="events")
    return Wish(
        scope=viewer.scope,
        points=tuple(split_codes(points, _MOST_POINTS)),
        assets=tuple(split_codes(asset, _MOST_WORDS)),
        kinds=tuple(split_codes(kinds, _MOST_WORDS)),
        values=values,
        events=names,
    )


class _Door:
    """Whether a subscriber's session still stands; a program's own use of it keeps it open."""

    def __init__(self, platform: Platform, viewer: Principal, token: str) -> None:
        self._platform, self._token = platform, token
        # A person's session ends when idle; a program at work is not idle.
        self._program = Role.INTEGRATOR in viewer.roles
        self._looked_s = self._touched_s = machine_s()

    async def holds(self) -> bool:
        """Return whether he may go on; asked often, looks seldom."""
        now_s = machine_s()
        if now_s - self._looked_s < _LOOK_S:
            return True
        self._looked_s = now_s
        if self._program and now_s - self._touched_s >= _TOUCH_S:
            self._touched_s = now_s
            return await self._platform.sessions.find(self._token) is not None
        return await self._platform.sessions.holds(self._token)


class _Quiet(EventSourceResponse):
    """A stream that ends quietly when its client does not take what it asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client or the session goes."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("subscriber too slow, let go", client=str(scope.get("client")))


@router.get(
    "/subscribe",
    summary="Subscribe to values, alarms and findings (server-sent events; also as WebSocket)",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def subscribe(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    points: Codes = "",
    asset: Codes = "",
    kinds: Codes = "",
    values: bool = True,
    events: _Events = "alarm,finding",
    cursor: _Line = "",
    since: _Since = None,
    last_event_id: Annotated[str, Header(max_length=60)] = "",
) -> EventSourceResponse:
    """Stream what is chosen by points, asset subtrees and kinds; without any, the whole scope.

    Every message has a cursor, which is also the event's id: come back with it (`cursor` or
    `Last-Event-ID`) and nothing is missed. Messages: `hello`, `values`, `alarm`, `alarms_open`,
    `finding`, `command`, `gap`, `filled`, `ledger`, `clock`.
    """
    wish = _wish(viewer, points, asset, kinds, values, events)
    place = last_event_id or cursor
    begin = Cursor.read(place) if place else None
    since_s = None if since is None else max(int(since.timestamp()), 0)
    door = _Door(platform, viewer, token_of(request))
    stack = contextlib.ExitStack()
    # Choosing points of a large company walks its ledger.
    enter = stack.enter_context(platform.outside.subscribers.enter(wish, viewer.user, "sse"))

    async def stream() -> AsyncIterator[ServerSentEvent]:
        with stack:
            async with contextlib.aclosing(enter.messages(begin, since_s)) as messages:
                async for message in messages:
                    if not await door.holds():
                        return
                    name, place = str(message["event"]), str(message["cursor"])
                    yield ServerSentEvent(data=text(message), event=name, id=place)

    return _Quiet(
        stream(), ping=15, send_timeout=_SEND_TIMEOUT_S, headers={"cache-control": "no-store"}
    )


@router.websocket("/subscribe")
async def subscribe_socket(
    socket: WebSocket,
    points: Codes = "",
    asset: Codes = "",
    kinds: Codes = "",
    values: bool = True,
    events: _Events = "alarm,finding",
    cursor: _Line = "",
    since: _Since = None,
) -> None:
    """Send the same messages as text frames; what the client sends is not looked at."""
    platform = platform_of(socket)
    try:
        viewer = await _viewer(socket, platform)
        wish = _wish(viewer, points, asset, kinds, values, events)
        begin = Cursor.read(cursor) if cursor else None
        since_s = None if since is None else max(int(since.timestamp()), 0)
        with platform.outside.subscribers.enter(wish, viewer.user, "websocket") as made:
            await socket.accept()
            door = _Door(platform, viewer, token_of(socket))
            async with contextlib.aclosing(made.messages(begin, since_s)) as messages:
                await _pump(socket, messages, door)
    except HeatloopError as error:
        await _refuse(socket, error)


async def _refuse(socket: WebSocket, error: HeatloopError) -> None:
    """Say why, in a message: a browser shows its page no answer to a refused handshake."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.accept()
        body = json.loads(bytes(response(error).body))
        await socket.send_text(json.dumps({"event": "error", **body}, ensure_ascii=False))
        await socket.close(_POLICY_VIOLATION, error.message[:100])


async def _pump(socket: WebSocket, messages: AsyncIterator[dict[str, object]], door: _Door) -> None:
    async def gone() -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass

    async def send() -> None:
        async for message in messages:
            if not await door.holds():
                await socket.close(_POLICY_VIOLATION, "the session has ended")
                return
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await socket.send_text(text(message))

    tasks = {asyncio.create_task(gone()), asyncio.create_task(send())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except TimeoutError:
        _log.info("subscriber too slow, let go", client=str(socket.client))
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(_TRY_AGAIN, "too slow")
    except (WebSocketDisconnect, RuntimeError):
        pass  # The client went away in the middle of a message.
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _viewer(socket: WebSocket, platform: Platform) -> Principal:
    """Return who opens a socket.

    Raises:
        Refused: Nobody is signed in, he may not look, or a foreign page opened it in his name.
    """
    origin = socket.headers.get("origin")
    if origin and urlsplit(origin).netloc != socket.headers.get("host", ""):
        raise Refused("csrf", thing=origin[:200])
    session = await find_session(socket)
    if session is None:
        raise Refused("unauthenticated")
    if session.waits_for:
        raise Refused(session.waits_for, thing=session.principal.user)
    if Permission.VIEW not in session.principal.permissions:
        path = socket.url.path
        await platform.audit.refused(session.principal.user, "WEBSOCKET", path)
        raise Refused("forbidden", thing=session.principal.user)
    return session.principal
