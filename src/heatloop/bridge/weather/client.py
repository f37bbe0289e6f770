"""Asking a weather provider over HTTP: time-outs, proxies, a bound on size, and its rate limits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, LinkError

MOST_BYTES = 8 * 1024 * 1024
_LEAST_REST_S, _LONGEST_REST_S = 60.0, 6 * 3600.0
_TOO_MANY, _SERVER_ERROR = 429, 500


class Resting(LinkError):
    """The provider asked to be left alone for a while."""


class WeatherClient:
    """One provider's door. Keeps to its pace and rests when told to.

    Args:
        name: Name of the source, for errors.
        base_url: Its address; plain HTTP only where the address says so.
        timeout_s: Machine time to wait for an answer.
        proxy: Proxy URL; empty: what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
        least_gap_s: Machine time between two questions.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        timeout_s: float = 20.0,
        proxy: str = "",
        least_gap_s: float = 1.0,
    ) -> None:
        self._name, self._least_gap_s = name, least_gap_s
        self._next_s = 0.0
        self._base_url, self._timeout_s, self._proxy = base_url, timeout_s, proxy
        # Reading the certificates takes longer than an event loop may wait: once, at the start.
        self._verify = httpx.create_ssl_context()

    def _open(self) -> httpx.AsyncClient:
        """Return a client for one question: they come an hour apart, nothing is worth keeping."""
        return httpx.AsyncClient(
            base_url=self._base_url,
            timeout=self._timeout_s,
            proxy=self._proxy or None,
            trust_env=not self._proxy,
            verify=self._verify,
            # A key travels in a header: it must not follow to another address.
            follow_redirects=False,
            headers={"accept": "application/json", "user-agent": "heatloop"},
        )

    async def get(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the JSON of an answer.

        Raises:
            Resting: The provider is to be left alone for a while.
            LinkError: It does not answer, or is ill (5xx).
            InputError: It refuses the question, or the answer is not JSON.
        """
        self._check_pace()
        try:
            async with (
                self._open() as http,
                http.stream("GET", path, params=dict(query), headers=dict(headers or {})) as reply,
            ):
                self._next_s = machine_s() + self._least_gap_s
                body = await self._read(reply)
        except httpx.HTTPError as error:
            self._next_s = machine_s() + self._least_gap_s
            # The text of these errors can hold the address, never a header.
            raise LinkError(
                f"{self._name} does not answer: {type(error).__name__}",
                thing=self._name,
                fix="check the address, the proxy and the way out of the network",
            ) from error
        return self._json(reply, body)

    def _check_pace(self) -> None:
        wait_s = self._next_s - machine_s()
        if wait_s > self._least_gap_s:
            raise Resting(
                f"{self._name} asked to be left alone", thing=self._name, place=f"{wait_s:.0f} s"
            )
        if wait_s > 0.0:
            raise Resting(
                f"{self._name} was asked a moment ago", thing=self._name, place=f"{wait_s:.1f} s"
            )

    async def _read(self, reply: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in reply.aiter_bytes():
            body += chunk
            if len(body) > MOST_BYTES:
                raise InputError("answer is too large", thing=self._name, fix="ask for fewer hours")
        return bytes(body)

    def _json(self, reply: httpx.Response, body: bytes) -> Any:
        if reply.status_code == _TOO_MANY:
            rest_s = rest_asked_s(reply.headers.get("retry-after", ""), machine_s())
            self._next_s = machine_s() + rest_s
            raise Resting(
                f"{self._name} has had too many questions",
                thing=self._name,
                place=f"HTTP 429, {rest_s:.0f} s",
                fix="ask less often or take a larger plan",
            )
        if reply.status_code >= _SERVER_ERROR:
            raise LinkError(
                f"{self._name} is ill", thing=self._name, place=f"HTTP {reply.status_code}"
            )
        if not reply.is_success:
            raise InputError(
                f"{self._name} refuses: {_reason(body)}",
                thing=self._name,
                place=f"HTTP {reply.status_code}",
                fix="check key, place and plan",
            )
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{self._name} gave no JSON", thing=self._name, fix="check the address"
            ) from error


def rest_asked_s(text: str, now_s: float) -> float:
    """Return how long a `Retry-After` header asks to wait, bounded; a minute when it is silent."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now_s
        except (TypeError, ValueError):
            seconds = _LEAST_REST_S
    if not math.isfinite(seconds):
        seconds = _LEAST_REST_S
    return min(max(seconds, _LEAST_REST_S), _LONGEST_REST_S)


def _reason(body: bytes) -> str:
    """Return what an error answer says, in a few words."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "no reason given"
    if not isinstance(told, dict):
        return "no reason given"
    error = told.get("error")
    if isinstance(error, dict):
        told = error
    for name in ("reason", "detail", "title", "code"):
        if isinstance(told.get(name), str):
            return str(told[name])[:200]
    return "no reason given"
