"""A CoAP client as small as a battery device's: confirmable POSTs over one socket.

Message: `01 type(2) token length(4) | code u8 | message id u16 | token | options | FF | payload`
(RFC 7252 3). One context serves all collectors. The gateway's side is another library, so the two
prove each other; libcoap's tools are the third peer.
"""

from __future__ import annotations

import asyncio
import functools
import struct
from collections.abc import Callable
from typing import cast

_HEAD = struct.Struct(">BBH")
_CONFIRMABLE, _NON_CONFIRMABLE, _ACK, _RESET = 0, 1, 2, 3
_POST = 0x02
_URI_PATH, _CONTENT_FORMAT, _OCTETS = 11, 12, 42
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 4.0
_MAX_RETRANSMIT = 4
_PORTS = 8

Answered = Callable[[int | None], None]


def encode_post(path: str, payload: bytes, message_id: int, token: bytes) -> bytes:
    """Return a confirmable POST of octets to a one-part path of at most 12 letters."""
    part = path.encode()
    options = bytes((_URI_PATH << 4 | len(part),)) + part
    options += bytes(((_CONTENT_FORMAT - _URI_PATH) << 4 | 1, _OCTETS))
    head = _HEAD.pack(0x40 | _CONFIRMABLE << 4 | len(token), _POST, message_id)
    return head + token + options + b"\xff" + payload


class _Exchange:
    """One POST that waits for its answer."""

    __slots__ = ("address", "answered", "datagram", "message", "sent", "timer", "wait_s")

    def __init__(
        self,
        datagram: bytes,
        address: tuple[str, int],
        message: tuple[int, int],
        answered: Answered,
    ) -> None:
        self.datagram = datagram
        self.address = address
        self.message = message
        self.answered = answered
        self.sent = 0
        self.wait_s = _FIRST_WAIT_S
        self.timer: asyncio.TimerHandle | None = None


class _Port(asyncio.DatagramProtocol):
    """One of the context's UDP ports."""

    __slots__ = ("_client", "number", "transport")

    def __init__(self, client: CoapClient, number: int) -> None:
        self._client = client
        self.number = number
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        reply = self._client.heard(self.number, data)
        if reply and self.transport is not None:
            self.transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        # A gateway that is down makes the system say so; the timer sends again.
        del exc


class CoapClient:
    """Sends POSTs and reports each one's response code, or None when nobody answered.

    A message id may not be used again for four minutes (RFC 7252 4.8.2), or the server takes the
    message for an old one. A city at a thousand times its speed uses them up in less, so the
    context owns several ports and uses one id of each in turn.
    """

    def __init__(self, message_id: int = 1) -> None:
        self._ports: list[_Port] = []
        self._by_token: dict[bytes, _Exchange] = {}
        self._by_message: dict[tuple[int, int], bytes] = {}
        self._next = message_id & 0xFFFF
        self._count = 0
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, message_id: int = 1) -> CoapClient:
        """Return a client on free UDP ports, whose ids begin after `message_id`."""
        client = cls(message_id)
        loop = asyncio.get_running_loop()
        for number in range(_PORTS):
            port = _Port(client, number)
            await loop.create_datagram_endpoint(
                functools.partial(_same, port), local_addr=("127.0.0.1", 0)
            )
            client._ports.append(port)
        return client

    @property
    def in_flight(self) -> int:
        """Return how many POSTs wait for an answer."""
        return len(self._by_token)

    def post(self, address: tuple[str, int], path: str, payload: bytes, answered: Answered) -> None:
        """Send a POST; `answered` is called once with the response code, or None."""
        number = self._count % _PORTS
        if number == 0:
            self._next = self._next % 0xFFFF + 1
        self._count += 1
        token = (self._count & 0xFFFFFFFF).to_bytes(4, "big")
        datagram = encode_post(path, payload, self._next, token)
        message = (number, self._next)
        exchange = _Exchange(datagram, address, message, answered)
        self._by_token[token] = exchange
        self._by_message[message] = token
        self._send(token, exchange)

    def close(self) -> None:
        """Close the ports and forget what waits."""
        for exchange in self._by_token.values():
            if exchange.timer is not None:
                exchange.timer.cancel()
        self._by_token.clear()
        self._by_message.clear()
        for port in self._ports:
            if port.transport is not None:
                port.transport.close()

    def heard(self, port: int, data: bytes) -> bytes:
        """Match an acknowledgement or a separate response to its POST; return what to reply."""
        if len(data) < 4 or data[0] >> 6 != 1:
            return b""
        first, code, message_id = _HEAD.unpack_from(data)
        kind, length = first >> 4 & 3, first & 15
        token = self._by_message.get((port, message_id), b"")
        if kind == _RESET:
            self._finish(token, None)
        elif code == 0:
            # An empty acknowledgement: the response follows by itself, perhaps after a while.
            waiting = self._by_token.get(token)
            if waiting is not None and waiting.timer is not None:
                waiting.timer.cancel()
                waiting.timer = self._loop.call_later(_LONGEST_WAIT_S, self._late, token)
        else:
            self._finish(data[4 : 4 + length], code)
            if kind == _CONFIRMABLE:
                return _HEAD.pack(0x40 | _ACK << 4, 0, message_id)
        return b""

    def _send(self, token: bytes, exchange: _Exchange) -> None:
        exchange.sent += 1
        transport = self._ports[exchange.message[0]].transport
        if transport is not None:
            transport.sendto(exchange.datagram, exchange.address)
        exchange.timer = self._loop.call_later(exchange.wait_s, self._late, token)
        exchange.wait_s = min(2.0 * exchange.wait_s, _LONGEST_WAIT_S)

    def _late(self, token: bytes) -> None:
        exchange = self._by_token.get(token)
        if exchange is None:
            return
        if exchange.sent > _MAX_RETRANSMIT:
            self._finish(token, None)
        else:
            self._send(token, exchange)

    def _finish(self, token: bytes, code: int | None) -> None:
        exchange = self._by_token.pop(token, None)
        if exchange is None:
            return
        self._by_message.pop(exchange.message, None)
        if exchange.timer is not None:
            exchange.timer.cancel()
        exchange.answered(code)


def _same(port: _Port) -> _Port:
    return port
