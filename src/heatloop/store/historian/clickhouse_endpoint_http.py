"""ClickHouse's HTTP interface, the server's side: requests in, statements out."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import ssl
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import structlog

from heatloop.kernel.errors import HeatloopError, InputError, LinkError, UnsafeError
from heatloop.store.historian.clickhouse_endpoint_body import multipart, numbered, parted
from heatloop.store.historian.clickhouse_endpoint_engine import (
    EndpointEngine,
    EngineError,
    External,
    Request,
)

MAX_BODY = 64 << 20
MAX_CONNECTIONS = 64
IDLE_S = 60.0
_OWN = {
    *("query", "database", "default_format", "query_id", "wait_end_of_query", "readonly"),
    *("buffer_size", "send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    *("cancel_http_readonly_queries_on_client_close", "enable_http_compression"),
}
# Sessions are taken and forgotten: no statement that would leave anything in one is served.
_OWN |= {"session_id", "session_timeout", "session_check"}
_REFUSED = {"user", "password", "compress", "decompress", "stacktrace"}
_STATUS = {60: 404, 81: 404, 62: 400, 36: 400, 73: 400, 115: 400, 117: 400, 164: 403, 497: 403}
_STATUS |= {516: 401, 48: 501, 241: 500, 210: 503}
_TYPES = {"JSON": "application/json", "JSONCompact": "application/json"}
_TYPES |= {"JSONEachRow": "application/x-ndjson", "CSV": "text/csv; charset=UTF-8"}
_TYPES |= {"Arrow": "application/octet-stream", "ArrowStream": "application/octet-stream"}
_TYPES |= {"Native": "application/octet-stream", "Parquet": "application/octet-stream"}


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """One who may ask."""

    password: str
    """Password."""
    reader: bool
    """Whether the user only reads."""


class EndpointServer(ThreadingHTTPServer):
    """Serves one engine to named users, a thread a connection, a bounded number of them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        engine: EndpointEngine,
        users: Mapping[str, User],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.engine = engine
        self.users = users
        self.room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.log = structlog.get_logger("endpoint")
        super().__init__(address, _Handler)
        if tls is not None:
            # The handshake waits for the first read, in the connection's own thread.
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, or close it when there are too many."""
        if not self.room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell the log of a connection that broke."""
        self.log.info("connection ended", client=str(client_address))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EndpointServer
    timeout = IDLE_S
    # Else head and body of an answer travel 40 ms apart.
    disable_nagle_algorithm = True
    wbufsize = 65536
    server_version, sys_version = "heatloop-endpoint", ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        del format, args  # addresses hold statements; the log of the machine is no place for them

    def do_GET(self) -> None:
        self._serve(reads=True)

    def do_POST(self) -> None:
        self._serve(reads=False)

    def _serve(self, *, reads: bool) -> None:
        path = urlsplit(self.path)
        try:
            words = dict(parse_qsl(path.query, keep_blank_values=True))
            if path.path in ("/ping", "/replicas_status") or (reads and not words.get("query")):
                return self._send(200, b"Ok.\n", {})
            # Before the body is read: a stranger takes no memory.
            user = self._user()
            body = self._body()
            if path.path != "/":
                return self._send(404, b"There is no such place.\n", {})
            only = reads or user.reader or words.get("readonly", "0") not in ("", "0")
            kind, found = self.server.engine.run(self._request(words, body, reader=only))
            self._send(200, found, {"X-ClickHouse-Format": kind} if kind else {}, kind)
        except EngineError as error:
            self._fail(error.code, error.message)
        except UnsafeError as error:
            self._fail(497, f"Not enough privileges: {error} (ACCESS_DENIED)")
        except InputError as error:
            self._fail(48, f"{error} (NOT_IMPLEMENTED)")
        except LinkError as error:
            self._fail(210, f"{error} (NETWORK_ERROR)")
        except HeatloopError as error:
            self._fail(1002, str(error))

    def _request(self, words: dict[str, str], body: bytes, *, reader: bool) -> Request:
        tables: tuple[External, ...] = ()
        text = words.pop("query", "")
        used = set(_OWN)
        if self.headers.get_content_type() == "multipart/form-data":
            files = multipart(body, self.headers.get_boundary() or "")
            text += files.pop("query", b"").decode()
            found = []
            for name, data in files.items():
                used |= {f"{name}_format", f"{name}_structure", f"{name}_types"}
                kind = words.get(f"{name}_format", "TabSeparated")
                columns = words.get(f"{name}_structure", "") or numbered(
                    words.get(f"{name}_types", "")
                )
                found.append(External(name=name, format=kind, structure=columns, body=data))
            tables, body = tuple(found), b""
        text, rows = parted(text, body)
        refused = _REFUSED & {name for name, value in words.items() if value not in ("", "0")}
        if refused:
            raise InputError("not served here", thing=", ".join(sorted(refused)))
        given = {k.removeprefix("param_"): v for k, v in words.items() if k.startswith("param_")}
        return Request(
            text=text,
            reader=reader,
            database=words.get("database") or self._told("X-ClickHouse-Database"),
            format=words.get("default_format")
            or self._told("X-ClickHouse-Format")
            or "TabSeparated",
            settings={
                name: value
                for name, value in words.items()
                if name not in used | _REFUSED and not name.startswith("param_")
            },
            parameters=given,
            tables=tables,
            data=rows,
        )

    def _user(self) -> User:
        name = self.headers.get("X-ClickHouse-User", "")
        given = self.headers.get("X-ClickHouse-Key", "")
        basic = self.headers.get("Authorization", "")
        if not name and basic.startswith("Basic "):
            try:
                name, _, given = base64.b64decode(basic[6:]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                name = ""
        user = self.server.users.get(name)
        # Compared even for a name nobody has, so that the time taken does not tell.
        right = hmac.compare_digest(given.encode(), (user.password if user else "\0").encode())
        if user is None or not right:
            self.server.log.warning("sign-in refused", user=name[:80])
            self.close_connection = True
            raise EngineError(516, "Authentication failed (AUTHENTICATION_FAILED)")
        return user

    def _told(self, name: str) -> str:
        return str(self.headers.get(name, ""))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                raise InputError("body is too large", thing=f"{length} bytes", fix="send less")
            body = self.rfile.read(int(length))
        packed = self.headers.get("Content-Encoding", "identity").lower()
        if packed == "identity":
            return body
        if packed not in ("gzip", "lz4", "zstd"):
            raise InputError("body is packed", thing=packed, fix="send it plain or by gzip")
        try:
            with pa.input_stream(pa.BufferReader(body), compression=packed) as stream:
                body = bytes(stream.read(MAX_BODY + 1))
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"body is no {packed}: {error}", fix="send it plain") from error
        if len(body) > MAX_BODY:
            raise InputError("body is too large", fix="send less")
        return body

    def _chunks(self) -> bytes:
        parts, size = [], 0
        while True:
            line = self.rfile.readline(64).split(b";")[0].strip()
            length = int(line, 16) if re.fullmatch(rb"[0-9a-fA-F]{1,8}", line) else MAX_BODY + 1
            size += length
            if size > MAX_BODY:
                self.close_connection = True
                raise InputError("body is too large or malformed", fix="send less")
            parts.append(self.rfile.read(length))
            self.rfile.readline(64)
            if not length:
                return b"".join(parts)

    def _fail(self, code: int, text: str) -> None:
        if not text.startswith("Code:"):
            text = f"Code: {code}. DB::Exception: {text}"
        more = {"X-ClickHouse-Exception-Code": str(code)}
        if code == 516:
            more["WWW-Authenticate"] = 'Basic realm="heatloop"'
        self._send(_STATUS.get(code, 500), text.encode() + b"\n", more)

    def _send(self, status: int, body: bytes, more: Mapping[str, str], kind: str = "") -> None:
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", _TYPES.get(kind, "text/tab-separated-values"))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Server-Display-Name", "heatloop")
        self.send_header("X-ClickHouse-Query-Id", str(uuid.uuid4()))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
