"""Bounds on requests: rates by address and user, sizes, where administrators may be.

Token buckets: so much at once, so much a second in the long run; above it 429 with Retry-After.
Health is never refused, nor are gateways of this machine. What is denied or asked for in vain is
told to the watch, which knows probing when it sees it.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from ipaddress import ip_address

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatloop.app.security_events import SecurityEvents
from heatloop.app.watch_settings import SELF, WatchSettings, networks_of, within
from heatloop.kernel.clock import machine_s
from heatloop.web.errors import envelope

_MOST_BUCKETS = 20_000
_MOST_HEADERS, _MOST_HEADER_BYTES = 100, 32 * 1024
_MOST_TARGET = 48 * 1024
_EXEMPT = ("/api/v1/health", "/api/v1/info")
_LOCAL_EXEMPT = "/api/v1/gateways/"
_ADMINISTRATION = tuple(
    f"/api/v1/{name}"
    for name in ("users", "audit", "keeping", "security", "service-accounts", "personal", "keys")
)
"""Paths that only administrators use: these may be bound to their own terminals."""
_MISSING, _DENIED = (404, 405), (401, 403)
_SIGN_IN, _SIGN_IN_COST = "/api/v1/session", 10.0
_SAFE = ("GET", "HEAD", "OPTIONS")


class Buckets:
    """Token buckets by name, the longest unused forgotten first."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now_s: float, cost: float = 1.0) -> float:
        """Return 0.0 and take tokens, or the seconds to wait until there are enough.

        Args:
            name: Whose bucket.
            now_s: Machine time.
            cost: Tokens wanted.
        """
        tokens, at_s = self._kept.pop(name, (self._burst, now_s))
        tokens = min(self._burst, tokens + max(now_s - at_s, 0.0) * self._per_s)
        wait_s = 0.0 if tokens >= cost else (cost - tokens) / self._per_s
        self._kept[name] = (tokens if wait_s else tokens - cost, now_s)
        if len(self._kept) > _MOST_BUCKETS:
            self._kept.popitem(last=False)
        return wait_s


class RequestLimits:
    """Refuses what is too much, too large, or not from an administrator's place."""

    def __init__(
        self, app: ASGIApp, *, watch: WatchSettings, events: SecurityEvents, max_bytes: int
    ) -> None:
        self.app = app
        self._watch, self._events, self._max_bytes = watch, events, max_bytes
        self._admin = networks_of(watch.admin_from)
        self._addresses = Buckets(watch.address_per_s, watch.address_burst)
        self._users = Buckets(watch.user_per_s, watch.user_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403, 414, 429 or 431."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if address == SELF:
            # The self-assessment asks as a stranger would; that is no attack.
            refused = self._too_large(scope)
            await (refused or self.app)(scope, receive, send)
            return
        refused = self._too_large(scope) or self._refusal(scope, address)
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope, address, int(message["status"]))
            await send(message)

        await self.app(scope, self._bounded(receive), watched)

    def _too_large(self, scope: Scope) -> JSONResponse | None:
        headers = scope["headers"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_TARGET:
            return JSONResponse(envelope("too_large", detail="URL"), 414)
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > _MOST_HEADERS or size > _MOST_HEADER_BYTES:
            return JSONResponse(envelope("too_large", detail="headers"), 431)
        return None

    def _refusal(self, scope: Scope, address: str) -> JSONResponse | None:
        path: str = scope["path"]
        if self._admin and path.startswith(_ADMINISTRATION) and not within(address, self._admin):
            self._events.note("admin_address", path, address)
            return JSONResponse(envelope("admin_address", detail=address), 403)
        wait_s = self._wait_s(scope, path, address)
        if not wait_s:
            return None
        self._events.note("request_flood", "", address, path=path)
        after = {"retry-after": str(max(math.ceil(wait_s), 1))}
        return JSONResponse(envelope("too_many_requests"), 429, headers=after)

    def _wait_s(self, scope: Scope, path: str, address: str) -> float:
        if not self._watch.limits or path in _EXEMPT:
            return 0.0
        if path.startswith(_LOCAL_EXEMPT) and _is_loopback(address):
            return 0.0
        now_s = machine_s()
        signing_in = path == _SIGN_IN and scope["method"] == "POST"
        wait_s = self._addresses.take(address, now_s, _SIGN_IN_COST if signing_in else 1.0)
        who = _credential(scope)
        return wait_s or (self._users.take(who, now_s) if who else 0.0)

    def _bounded(self, receive: Receive) -> Receive:
        """Return a `receive` that ends a body which grows past the limit, told or not."""
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_bytes:
                raise HTTPException(413)
            return message

        return bounded

    def _answered(self, scope: Scope, address: str, status: int) -> None:
        path: str = scope["path"]
        if status in _MISSING:
            self._events.note("http_missing", path, address)
        elif status in _DENIED and path != _SIGN_IN:
            self._events.note("http_denied", f"{scope['method']} {path}", address)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _credential(scope: Scope) -> str:
    """Return a name for the session or key of a request, empty without one."""
    for name, value in scope["headers"]:
        if name in (b"cookie", b"authorization"):
            return hashlib.sha256(value).hexdigest()[:24]
    return ""
