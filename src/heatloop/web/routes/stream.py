"""The live stream: clock, values, alarms and commands as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import structlog
from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from heatloop.app.live import LiveEvent, Subscriber
from heatloop.app.queries import stations
from heatloop.app.refusals import Refused
from heatloop.web.access import Platformed, Viewer, token_of
from heatloop.web.params import Codes, Word, split_codes

_log = structlog.get_logger("heatloop.web")
router = APIRouter(tags=["stream"])
_CLOCK_S = 1.0
_PAUSE_S = 0.2
_SEND_TIMEOUT_S = 20.0


class _LiveResponse(EventSourceResponse):
    """A stream that ends quietly when its client is too slow to take what it asked for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the client or the session goes."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("live stream too slow, let go", client=str(scope.get("client")))


def _sse(event: LiveEvent) -> ServerSentEvent:
    text = json.dumps(event.data, separators=(",", ":"), ensure_ascii=False)
    return ServerSentEvent(data=text, event=event.name)


@router.get(
    "/stream",
    summary="Live stream (server-sent events)",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def get_stream(
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    points: Codes = "",
    substation: Word = "",
    overview: bool = Query(default=False, description="Values the overview shows"),
) -> EventSourceResponse:
    """Stream events `clock`, `values`, `alarm`, `command` and `lagged`."""
    keys = await asyncio.to_thread(
        stations.stream_keys,
        platform.world,
        viewer.scope,
        codes=split_codes(points, 2000),
        substation=substation,
        overview=overview,
    )
    subscriber = Subscriber(keys, platform.world.codes_in(viewer.scope))
    if not platform.hub.add(subscriber):
        raise Refused("too_many_streams")
    token = token_of(request)

    async def events() -> AsyncIterator[ServerSentEvent]:
        last_clock = ""
        try:
            while await platform.sessions.holds(token):
                clock = platform.health.clock_event()
                if clock.data["plant_time"] != last_clock:
                    last_clock = clock.data["plant_time"]
                    yield _sse(clock)
                for event in subscriber.take(platform.world.latest):
                    yield _sse(event)
                await asyncio.sleep(_PAUSE_S)
                await subscriber.wait(_CLOCK_S)
        finally:
            platform.hub.remove(subscriber)

    return _LiveResponse(
        events(), ping=15, send_timeout=_SEND_TIMEOUT_S, headers={"cache-control": "no-store"}
    )
