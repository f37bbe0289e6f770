"""Devices and platforms that push over HTTP: one small server, one path a protocol and source.

`POST /report/<source>` takes JSON reports, `/lorawan/<source>` what LoRaWAN network servers push,
`/wmbus/<source>` wireless M-Bus telegrams. A source proves itself by the secret
`http.<source>.token` (header `Authorization: Bearer ...`) or `http.<source>.hmac` (header
`X-Signature: sha256=<HMAC of the body, hexadecimal>`); without such a secret it is refused.

200: kept (or kept before). 400: damaged. 401: not proven. 403: unknown device. 409: its counter
was used before. 413: too long. 422: its time or values cannot be true. 429: too many. 503: no
room, try again.

Measured: uvicorn's protocol with a bare ASGI function costs the gateway 3 MB.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from heatloop.edge.drivers.http_limits import RateLimit, valid_source
from heatloop.edge.drivers.listener import Listener, ListenerTools
from heatloop.edge.report_book import Verdict
from heatloop.kernel.errors import ConfigError, InputError

NAME = "listener.http"
MAX_BODY_BYTES = 256 << 10
STATUS = {
    Verdict.NEW: 200,
    Verdict.KEPT: 200,
    Verdict.UNKNOWN: 403,
    Verdict.TIME: 422,
    Verdict.REPLAYED: 409,
    Verdict.RANGE: 422,
    Verdict.FULL: 503,
}
_QUIET = logging.getLogger("heatloop.edge.http")
_QUIET.setLevel(logging.CRITICAL)
_MAX_HEAD_BYTES = 32 << 10
_MOST_CONNECTIONS = 512
_SLOW_S = 15.0
Answer = tuple[int, dict[str, Any]]
Route = Callable[[str, bytes], Awaitable[Answer]]
"""Takes source and body."""


class _Connection(HttpToolsProtocol):
    """A connection that is closed when no request comes, or one whose head does not end."""

    _head_bytes = 0
    """Bytes since the last request began or ended."""
    _in_body = False
    """Whether a body is coming, which the application bounds."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.logger = _QUIET  # what is refused is counted and said here, not at every request

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_body and self._head_bytes > _MAX_HEAD_BYTES:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request; the head of another may follow."""
        self._head_bytes, self._in_body = 0, False
        super().on_message_complete()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > _MOST_CONNECTIONS:
            transport.abort()
        else:
            self.loop.call_later(_SLOW_S, self._hurry, transport)

    def _hurry(self, transport: asyncio.Transport) -> None:
        begun: object = self.cycle
        if begun is None and not transport.is_closing():
            transport.abort()


class HttpListener(Listener):
    """Answers what is pushed.

    Args:
        tools: What the gateway lends.
        host: Address to listen on.
        port: TCP port, 0: any.
        routes: Path before the source -> who takes it.
        certificate: PEM of the server's certificate chain; None: plain HTTP.
        key: PEM of its private key.
        rate: Most requests a second from a source.
    """

    def __init__(
        self,
        tools: ListenerTools,
        host: str,
        port: int,
        routes: Mapping[str, Route],
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        rate: float = 200.0,
    ) -> None:
        super().__init__(tools)
        self._bind, self._routes = (host, port), routes
        self._tls = (certificate, key)
        self._rate, self._failures = RateLimit(rate, 10.0 * rate), RateLimit(0.5, 20.0)
        self._server: asyncio.Server | None = None
        self._state = ServerState()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            OSError: The port is taken.
            ConfigError: The certificate cannot be used.
        """
        config = Config(
            self._answer,
            http=_Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(config=config, server_state=self._state, app_state={}),
            *self._bind,
            ssl=self._context(),
        )

    def _context(self) -> ssl.SSLContext | None:
        certificate, key = self._tls
        if certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:
            fix = "give http_certificate and http_key as PEM files"
            raise ConfigError(f"certificate cannot be used: {error}", fix=fix) from error
        return context

    async def stop(self) -> None:
        """Stop listening; what is being answered is still answered, within a second."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=1.0)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await self._server.wait_closed()

    async def _answer(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Take one request: the ASGI application."""
        status, text = await self._judged(scope, receive)
        body = json.dumps(text, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json")]
        headers.append((b"content-length", str(len(body)).encode()))
        if status in {429, 503}:
            headers.append((b"retry-after", b"5"))
        if status in {408, 413}:
            headers.append((b"connection", b"close"))  # the rest of the body is not read
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _judged(self, scope: dict[str, Any], receive: Any) -> Answer:
        parts = str(scope["path"]).strip("/").split("/")
        route = self._routes.get(parts[0]) if len(parts) == 2 else None
        if route is None or not valid_source(parts[1]):
            return 404, {"error": f"post to /{'|'.join(self._routes)}/<source>"}
        if scope["method"] != "POST":
            return 405, {"error": "use POST"}
        source, now_s = parts[1], asyncio.get_running_loop().time()
        peer = (scope.get("client") or ("", 0))[0]
        if not self._failures.left(peer, now_s):
            return 429, {"error": "too many requests without proof"}
        try:
            async with asyncio.timeout(_SLOW_S):
                body = await self._body(receive)
        except TimeoutError:
            return 408, {"error": "the body does not come"}
        if body is None:
            self.intake.refuse(NAME, "length", f"more than {MAX_BODY_BYTES} bytes from {source}")
            return 413, {"error": f"at most {MAX_BODY_BYTES} bytes"}
        if not self._proven(source, dict(scope["headers"]), body):
            self._failures.take(peer, now_s)
            self.intake.refuse(NAME, "refused", f"source {source} at {peer} is not proven")
            return 401, {"error": "token or signature is missing or wrong"}
        if not self._rate.take(source, now_s):
            return 429, {"error": "too many requests"}
        return await route(source, body)

    async def _body(self, receive: Any) -> bytes | None:
        """Return the body; None when it is too long."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                return None
        return bytes(body)

    def _proven(self, source: str, headers: dict[bytes, bytes], body: bytes) -> bool:
        given = headers.get(b"authorization", b"")
        token = self._secret(f"http.{source}.token")
        if token and given[:7].lower() == b"bearer ":
            return hmac.compare_digest(given[7:].strip(), token)
        key = self._secret(f"http.{source}.hmac")
        if key:
            wanted = b"sha256=" + hmac.digest(key, body, "sha256").hex().encode()
            return hmac.compare_digest(headers.get(b"x-signature", b"").lower(), wanted)
        return False

    def _secret(self, name: str) -> bytes:
        try:
            return self.tools.secret(name)
        except InputError:
            return b""
