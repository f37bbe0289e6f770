"""The command line as a user of the platform's own HTTP API."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import numpy as np
import pyarrow as pa

from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.security.passwords import random_password


@dataclass(slots=True)
class Api:
    """A signed-in session."""

    http: httpx.AsyncClient

    @classmethod
    async def sign_in(cls, url: str, user: str, password: str) -> Self:
        """Sign in, changing a first password to a random one if that is asked for.

        A second factor is taken from `HEATLOOP_CODE`.

        Raises:
            InputError: The password is wrong, or a second factor is wanted and not given.
        """
        http = httpx.AsyncClient(
            base_url=url + "/api/v1", headers={"X-Heatloop": "1"}, timeout=120, trust_env=False
        )
        api = cls(http)
        session = await api.send("POST", "/session", {"user": user, "password": password})
        if session["must_prove"]:
            code = os.environ.get("HEATLOOP_CODE", "")
            if not code:
                raise InputError(
                    "a second factor is wanted", thing=user, fix="set HEATLOOP_CODE to a code"
                )
            session = await api.send("POST", "/session/second", {"code": code})
        if session["must_change"]:
            await api.send("POST", "/session/password", {"old": password, "new": random_password()})
        return api

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request and return the answer's JSON.

        Raises:
            InputError: The platform refused it.
            LinkError: The platform does not answer.
        """
        try:
            reply = await self.http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise LinkError(f"platform does not answer: {error}", thing=path) from error
        if reply.is_error:
            raise InputError(f"refused with {reply.status_code}: {reply.text[:300]}", thing=path)
        return reply.json() if reply.content else None

    async def samples(self, start_s: int, end_s: int) -> Columns:
        """Return every stored sample with a slot in [start_s, end_s), as the read API gives it."""
        query = urlencode(
            {
                "all": "true",
                "start": np.datetime_as_string(np.datetime64(start_s, "s")) + "Z",
                "end": np.datetime_as_string(np.datetime64(end_s, "s")) + "Z",
            }
        )
        reply = await self.http.get(f"/samples?{query}")
        if reply.is_error:
            raise InputError(f"refused with {reply.status_code}: {reply.text[:300]}")
        table = pa.ipc.open_stream(io.BytesIO(reply.content)).read_all()
        return Columns(*(table[n].to_numpy() for n in ("key", "slot", "value", "quality")))

    async def pages(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """Return the items of every page of a list."""
        items: list[dict[str, Any]] = []
        page = 1
        while True:
            answer = await self.send(
                "GET", f"{path}?{urlencode({**query, 'page': page, 'size': 500})}"
            )
            items += answer["items"]
            page += 1
            if not answer["items"] or len(items) >= answer["total"]:
                return items

    async def close(self) -> None:
        """Sign out of the network."""
        await self.http.aclose()
