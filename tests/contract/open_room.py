"""Subscribers, receivers and peers for the tests of the open interfaces."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx

from heatloop.kernel.clock import machine_s
from heatloop.security.access import Role
from heatloop.security.passwords import new_token, token_hash
from heatloop.web.access import COOKIE
from tests.unit.app_town import START_S

SLOT = int(START_S)
KINDS = ("primary_flow", "primary_supply_temperature", "primary_return_temperature")


def signed_in(here, user, *roles, scope=""):
    """Add a user and return the cookies of his session."""
    if roles:
        here.add_user(user, *roles, scope=scope)
    token, now = new_token(), machine_s()
    here.platform.records.sessions.create(
        token_hash(token), user=user, at=now, expires_at=now + 12 * 3600
    )
    return {COOKIE: token}


class Subscriber:
    """Somebody who reads a subscription, is cut off again and again, and comes back."""

    def __init__(self, url, cookies, **asked):
        self.url, self.cookies, self.asked = url, cookies, asked
        self.cursor, self.messages = "", []
        self.got, self.late_s, self.times = {}, [], 0
        self.sent_at = {}

    def take(self, name, cursor, message):
        self.cursor = cursor
        self.messages.append(message)
        assert message["event"] == name
        assert message["cursor"] == cursor
        for point, slot, value, _ in message.get("rows", ()) if name == "values" else ():
            self.times += 1
            if not message.get("filled") and (point, slot) in self.sent_at:
                self.late_s.append(machine_s() - self.sent_at[point, slot])
            self.got[point, slot] = value

    async def read(self, until):
        """Read until something holds."""
        headers = {"Last-Event-ID": self.cursor} if self.cursor else {}
        async with (
            # Nothing here is TLS; reading the system's authorities would take most of the time.
            httpx.AsyncClient(
                base_url=self.url, cookies=self.cookies, timeout=20, verify=False
            ) as client,
            client.stream("GET", "/api/v1/subscribe", params=self.asked, headers=headers) as reply,
        ):
            assert reply.status_code == 200, await reply.aread()
            event = {}
            async for line in reply.aiter_lines():
                if line and not line.startswith(":"):
                    name, _, text = line.partition(": ")
                    event[name] = text
                elif event.get("data"):
                    self.take(event["event"], event["id"], json.loads(event["data"]))
                    event = {}
                    if until():
                        return

    def of(self, name):
        return [message for message in self.messages if message["event"] == name]


async def until(condition, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Receiver:
    """A real HTTP server for webhooks; answers what it is told to."""

    def __init__(self, *, tls=None):
        self.got, self.answers, self.default, self._tls = [], [], 204, tls
        self.hang = False
        self.url = ""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}/hook?x=1"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["Content-Length"]))
            self.got.append((head[0], headers, body))
            if self.hang:
                await reader.read()
            else:
                answer = self.answers.pop(0) if self.answers else self.default
                extra = "Location: http://127.0.0.1:1/\r\n" if answer == 302 else ""
                writer.write(f"HTTP/1.1 {answer} X\r\n{extra}Content-Length: 0\r\n\r\n".encode())
                await writer.drain()
        writer.close()

    def bodies(self):
        return [json.loads(body) for _, _, body in self.got]


__all__ = ["KINDS", "SLOT", "Receiver", "Role", "Subscriber", "signed_in", "until"]
