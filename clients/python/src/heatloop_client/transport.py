"""Requests to a platform: the session, the header of writes, errors, times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx

from heatloop_client.stream import Event, events_of

SILENCE_S = 60.0
"""Longest time a live stream may say nothing; the platform writes every 15 seconds."""


class Upload(NamedTuple):
    """A file to send."""

    name: str
    """Its name."""
    data: bytes
    """Its content."""


class ApiError(Exception):
    """The platform refused or failed.

    Args:
        status: HTTP status.
        error: The error envelope: `code`, `message_en`, `message_zh`, `thing`, `place`, `fix` ..
    """

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        self.status = status
        self.error = dict(error)
        self.code = str(error.get("code", ""))
        parts = [f"{status} {self.code}", str(error.get("message_en", ""))]
        parts += [str(error[name]) for name in ("thing", "place", "fix") if error.get(name)]
        super().__init__("; ".join(parts))


class Transport:
    """One signed-in session with a platform.

    Args:
        url: Address, for example `https://heat.example`.
        timeout_s: Time to wait for the next piece of an answer.
        verify: Whether the certificate is checked, or a file of authorities.
        http: An own `httpx` client, for tests.
        key: Key of a program, instead of signing in.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout_s: float = 30.0,
        verify: bool | str = True,
        http: httpx.Client | None = None,
    ) -> None:
        self.http = http or httpx.Client(base_url=url, timeout=timeout_s, verify=verify)
        # Writes carry a header that no foreign web site can add.
        self.http.headers["X-Heatloop"] = "1"
        if key:
            self.http.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def quoted(self, value: object) -> str:
        """Return a value as part of a path."""
        return quote(str(value), safe="")

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Return the JSON of an answer.

        Raises:
            ApiError: The platform refused or failed.
        """
        return self._checked(self._send(method, path, **more)).json()

    def fetch(self, method: str, path: str, **more: Any) -> bytes:
        """Return the bytes of an answer.

        Raises:
            ApiError: The platform refused or failed.
        """
        return self._checked(self._send(method, path, **more)).content

    def do(self, method: str, path: str, **more: Any) -> None:
        """Make a request whose answer says nothing.

        Raises:
            ApiError: The platform refused or failed.
        """
        self._checked(self._send(method, path, **more))

    def listen(self, method: str, path: str, **more: Any) -> Iterator[Event]:
        """Yield the events of a live stream until the caller stops or the session ends.

        Raises:
            ApiError: The platform refused.
        """
        more.setdefault("read_timeout_s", SILENCE_S)
        with self.streamed(method, path, **more) as answer:
            yield from events_of(answer.iter_lines())

    @contextmanager
    def streamed(self, method: str, path: str, **more: Any) -> Iterator[httpx.Response]:
        """Give an answer whose bytes are read as they come.

        Raises:
            ApiError: The platform refused or failed.
        """
        answer = self.http.send(self._request(method, path, **more), stream=True)
        try:
            if answer.is_error:
                answer.read()
            yield self._checked(answer)
        finally:
            answer.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        files: Mapping[str, Upload] | None = None,
        content: bytes | None = None,
        media: str = "",
        read_timeout_s: float | None = None,
    ) -> httpx.Request:
        extra: dict[str, Any] = {}
        if body is not None:
            extra["json"] = body
        if files is not None:
            extra["files"] = {name: (each[0], each[1]) for name, each in files.items()}
        if content is not None:
            extra |= {"content": content, "headers": {"content-type": media}}
        if read_timeout_s is not None:
            usual = self.http.timeout.connect
            extra["timeout"] = httpx.Timeout(usual, read=read_timeout_s)
        params = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        return self.http.build_request(method, path, params=params, **extra)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.send(self._request(method, path, **more))

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            error = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = {"code": "http", "message_en": answer.text[:200]}
        raise ApiError(answer.status_code, error)


def _text(value: Any) -> str:
    """Return a value as a query holds it.

    Raises:
        ValueError: A time has no zone.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: give datetime(..., tzinfo=...)")
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return str(value)
