"""Asking another system for what changed: pages of records after a cursor, over HTTPS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

from heatloop.kernel.errors import InputError, LinkError

PAGE = 500
MOST_PAGES = 200
_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class PulledPage:
    """One page of another system's changes."""

    records: list[Any]
    """Records as plain values."""
    cursor: str
    """Where the next page begins."""
    more: bool
    """Whether there is more at once."""


class PullClient:
    """The door of another system.

    Args:
        url: Address; `since` and `size` are added to it.
        token: Bearer token; empty: none.
        ca_file: PEM of its certificate authority; empty: the system's.
        timeout_s: Machine time to wait for an answer.
    """

    def __init__(self, url: str, *, token: str, ca_file: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._headers = {"accept": "application/json", "user-agent": "heatloop"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._verify = httpx.create_ssl_context()
        if ca_file:
            self._verify.load_verify_locations(cafile=ca_file)

    async def page(self, since: str) -> PulledPage:
        """Return one page of what changed after a cursor; empty: from the beginning.

        Raises:
            LinkError: The system does not answer, or is ill.
            InputError: It refuses, or its answer is not `{records, cursor, more}`.
        """
        query = {"since": since, "size": str(PAGE)}
        try:
            async with (
                httpx.AsyncClient(timeout=self._timeout_s, verify=self._verify) as http,
                http.stream("GET", self._url, params=query, headers=self._headers) as reply,
            ):
                body = bytearray()
                async for chunk in reply.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise InputError("the page is too large", fix="send smaller pages")
        except httpx.HTTPError as error:
            raise LinkError(
                f"the other system does not answer: {type(error).__name__}",
                fix="check address, certificate and network",
            ) from error
        if reply.status_code >= 500 or reply.status_code == 429:
            raise LinkError("the other system is ill", place=f"HTTP {reply.status_code}")
        if not reply.is_success:
            raise InputError("the other system refuses", place=f"HTTP {reply.status_code}")
        return _read(bytes(body))


def _read(body: bytes) -> PulledPage:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError("the other system gave no JSON") from error
    if not isinstance(told, dict) or not isinstance(told.get("records"), list):
        raise InputError("the other system gave no list of records", place="records")
    cursor = told.get("cursor")
    if not isinstance(cursor, str) or len(cursor) > 200:
        raise InputError("the other system gave no cursor", place="cursor")
    return PulledPage(records=told["records"], cursor=cursor, more=bool(told.get("more")))
