"""ClickHouse's HTTP interface: one statement a request, tables as Arrow, errors by their code.

The `clickhouse-connect` driver was tried and left out: what is needed here is one POST with
external tables, which `httpx` (shipped anyway) does, and its own pools, threads and type system
would come on top.
"""

from __future__ import annotations

import io
import re
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import pyarrow as pa
import structlog

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError

CONNECT_S = 3.0
ANSWER_S = 75.0
"""Longer than the engine lets a statement run, so that it is the engine that gives up first."""

_CODE = re.compile(r"Code: (\d+)")
_TOO_LARGE = {158, 159, 160, 241, 307, 396}
_NOT_ALLOWED = {192, 193, 194, 195, 497, 516}
_FULL = {75, 76, 164, 242, 243, 252}
_AWAY = {
    *(3, 202, 203, 209, 210, 225, 236, 244, 254, 279, 285, 286, 319, 341, 373),
    *(394, 425, 439, 447, 473, 999),
}

_TYPES = {
    pa.uint8(): "UInt8",
    pa.uint32(): "UInt32",
    pa.uint64(): "UInt64",
    pa.int64(): "Int64",
    pa.float64(): "Float64",
    pa.string(): "String",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Who asks."""

    user: str
    """User name."""
    password: str = ""
    """Password; never logged."""
    ca_file: str = ""
    """PEM of the certificate authority; empty: the system's."""


class HttpLink:
    """One server; safe between threads. Logs once that it broke and once that it healed."""

    def __init__(
        self,
        base: str,
        login: Login,
        *,
        connections: int = 6,
        answer_s: float = ANSWER_S,
        connect_s: float = CONNECT_S,
    ) -> None:
        self.base = base
        headers = {"X-ClickHouse-User": login.user, "X-ClickHouse-Key": login.password}
        self._client = httpx.Client(
            base_url=base,
            headers=headers,
            verify=_trust(login.ca_file) if base.startswith("https") else True,
            trust_env=False,
            timeout=httpx.Timeout(answer_s, connect=connect_s),
            limits=httpx.Limits(max_connections=connections),
        )
        self._broken = False
        self._lock = threading.Lock()
        self._log = structlog.get_logger("historian")

    def ask(
        self,
        sql: str,
        tables: Mapping[str, pa.Table] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run one statement and return the body of its answer.

        Args:
            sql: The statement; tables stand in it by their names.
            tables: External tables.
            settings: Settings of the interface and the engine.

        Raises:
            LinkError: The server is away, full, or read only: the statement may be sent again.
            InputError: The question is too large for it.
            ConfigError: It does not let this user do that.
            HeatloopError: It refused the statement.
        """
        given, files = dict(settings or {}), {}
        for name, table in (tables or {}).items():
            given[f"{name}_format"] = "ArrowStream"
            given[f"{name}_structure"] = structure(table)
            files[name] = (name, _arrow(table), "application/octet-stream")
        try:
            if files:
                answer = self._client.post("/", params=given | {"query": sql}, files=files)
            else:
                answer = self._client.post("/", params=given, content=sql.encode())
        except httpx.HTTPError as error:
            raise self._away(error) from error
        code = answer.headers.get("X-ClickHouse-Exception-Code", "")
        if answer.is_success and not code:
            self._heal()
            return answer.content
        if answer.status_code in (502, 503, 504) and not code:
            raise self._away(LinkError(f"answered {answer.status_code}"))
        self._heal()
        # Servers of old told the code in the text alone.
        told = _CODE.match(answer.text)
        raise refusal(int(code or (told[1] if told else 0)), answer.text, sql, self.base)

    def alive(self) -> bool:
        """Return whether the server answers."""
        try:
            return self._client.get("/ping", timeout=CONNECT_S).is_success
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _away(self, error: Exception) -> LinkError:
        with self._lock:
            first, self._broken = not self._broken, True
        if first:
            self._log.warning("historian server lost", server=self.base, error=str(error)[:200])
        return LinkError(
            "historian server is not reachable",
            thing=self.base,
            fix=f"look after that server ({type(error).__name__}); try again",
        )

    def _heal(self) -> None:
        if not self._broken:
            return
        with self._lock:
            healed, self._broken = self._broken, False
        if healed:
            self._log.info("historian server is back", server=self.base)


def refusal(code: int, text: str, sql: str, server: str) -> HeatloopError:
    """Return the error for an answer of the engine, by its code."""
    text = text.strip()[:500]
    if code in _TOO_LARGE:
        return InputError(
            "the question is too large for the historian",
            thing=text[:200],
            fix="ask for fewer points or a shorter time",
        )
    if code in _NOT_ALLOWED:
        return ConfigError(
            "historian server does not let this user in, or not do that",
            thing=text[:200],
            place=server,
            fix="check user, password file and grants",
        )
    if code in _FULL or "No space left" in text or "Read-only file system" in text:
        return LinkError(
            "historian server cannot write: disk full or read only",
            thing=text[:200],
            place=server,
            fix="make room on that server; nothing was acknowledged, what waits is sent again",
        )
    if code in _AWAY:
        return LinkError(
            "historian server cannot do that now", thing=text[:200], place=server, fix="try again"
        )
    return HeatloopError(f"historian engine failed: {text}", thing=sql.strip()[:80], place=server)


def structure(table: pa.Table) -> str:
    """Return the columns of an Arrow table in ClickHouse's types.

    Raises:
        InputError: A column's type is none the historian sends.
    """
    try:
        return ", ".join(f"{field.name} {_TYPES[field.type]}" for field in table.schema)
    except KeyError as error:
        raise InputError(
            "column of a type the historian does not send", thing=str(table.schema)[:200]
        ) from error


def table_of(body: bytes) -> pa.Table:
    """Return the Arrow table of an answer; no columns where there is no answer."""
    if not body:
        return pa.table({})
    with pa.ipc.open_stream(body) as reader:
        return reader.read_all()


def _arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise ConfigError(
            f"certificate authority cannot be read: {error}", thing=ca_file, fix="give a PEM file"
        ) from error
