"""The OPC UA library's client with bytes counted, memory bounded and damage remembered."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient, UaClientState, UASocketProtocol
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from heatloop.kernel.errors import LinkError

# The driver says once what is wrong; the library would say it at every attempt.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)
_MOST_WAITING = 16 << 20
_GOODBYE_S = 2.0
_SESSION_MS = 60_000
BROKEN = (OSError, TimeoutError, UaError)
"""What the library raises where a link or a server fails."""


class CountingProtocol(UASocketProtocol):
    """Counts bytes, bounds what waits for its end, and remembers that a frame was damaged."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.up = self._waiting = 0
        self.damage: str | None = None

    def data_received(self, data: bytes) -> None:
        """Count what comes; what never ends is cut off."""
        self.up += len(data)
        self._waiting += len(data)
        if self._waiting > _MOST_WAITING:
            self.damage = "length"
            super().disconnect_socket()
            return
        super().data_received(data)

    def _call_callback(self, request_id: int, body: Any) -> None:
        self._waiting = 0
        super()._call_callback(request_id, body)

    def disconnect_socket(self) -> None:
        """Close the socket; called while an error is handled, that is why."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, UaStatusCodeError | OSError):
            signed = type(error).__name__ == "InvalidSignature"
            kind = "checksum" if signed else "malformed"
            self.damage = self.damage or kind
        super().disconnect_socket()


class _Transport(UaClient):
    """The library's transport with our protocol in it."""

    def _make_protocol(self) -> UASocketProtocol:
        usual = super()._make_protocol()
        made = CountingProtocol(self._timeout, security_policy=self.security_policy)
        made.pre_request_hook = usual.pre_request_hook
        made.on_connection_lost = usual.on_connection_lost
        made.is_session_closing = usual.is_session_closing
        self.protocol = made
        return made


class UaDeviceClient(Client):
    """The library's client on our transport."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(url, timeout=timeout_s, watchdog_intervall=10.0)
        self.uaclient = _Transport(timeout_s)
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = type(self.nodes)(self.uaclient.session)
        self.session_timeout = _SESSION_MS


async def goodbye(client: UaDeviceClient) -> None:
    """Close a session the way servers like it, but not for long."""
    try:
        if client.state is UaClientState.CONNECTED:
            async with asyncio.timeout(_GOODBYE_S):
                await client.disconnect()
    except BROKEN:
        pass
    finally:
        client.uaclient.request_disconnect()
        client.disconnect_socket()


async def server_certificate(url: str, timeout_s: float) -> bytes:
    """Return the certificate a server shows, DER, for a person to compare and trust.

    Raises:
        LinkError: It does not answer, or shows none.
    """
    client = UaDeviceClient(url, timeout_s)
    try:
        for end in await client.connect_and_get_server_endpoints():
            if end.ServerCertificate:
                return bytes(end.ServerCertificate)
    except BROKEN as error:
        raise LinkError(f"{type(error).__name__}: {error}", thing=url) from error
    raise LinkError("server shows no certificate", thing=url)
