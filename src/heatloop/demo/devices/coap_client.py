"""A CoAP client as small as a battery device's: confirmable POSTs over one socket.

Message: `01 type(2) token length(4) | code u8 | message id u16 | token | options | FF | payload`
(RFC 7252 3). One context serves all collectors. The gateway's side is another library, so the two
prove each other; libcoap's tools are the third peer.
"""

from __future__ import annotations

import asyncio
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

    __slots__ = ("address", "answered", "datagram", "message_id", "sent", "timer", "wait_s")

    def __init__(
        self, datagram: bytes, address: tuple[str, int], message_id: int, answered: Answered
    ) -> None:
        self.datagram = datagram
        self.address = address
        self.message_id = message_id
        self.answered = answered
        self.sent = 0
        self.wait_s = _FIRST_WAIT_S
        self.timer: asyncio.TimerHandle | None = None


class CoapClient(asyncio.DatagramProtocol):
    """Sends POSTs and reports each one's response code, or None when nobody answered."""

    def __init__(self, message_id: int = 1) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._by_token: dict[bytes, _Exchange] = {}
        self._by_message: dict[int, bytes] = {}
        self._next = message_id & 0xFFFF
        self._token = 0
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def open(cls, message_id: int = 1) -> CoapClient:
        """Return a client on a free UDP port."""
        loop = asyncio.get_running_loop()
        _, client = await loop.create_datagram_endpoint(
            lambda: cls(message_id), local_addr=("127.0.0.1", 0)
        )
        return client

    @property
    def in_flight(self) -> int:
        """Return how many POSTs wait for an answer."""
        return len(self._by_token)

    def post(self, address: tuple[str, int], path: str, payload: bytes, answered: Answered) -> None:
        """Send a POST; `answered` is called once with the response code, or None."""
        self._next = self._next % 0xFFFF + 1
        self._token = (self._token + 1) & 0xFFFFFFFF
        token = self._token.to_bytes(4, "big")
        datagram = encode_post(path, payload, self._next, token)
        exchange = _Exchange(datagram, address, self._next, answered)
        self._by_token[token] = exchange
        self._by_message[self._next] = token
        self._send(token, exchange)

    def close(self) -> None:
        """Close the socket and forget what waits."""
        for exchange in self._by_token.values():
            if exchange.timer is not None:
                exchange.timer.cancel()
        self._by_token.clear()
        self._by_message.clear()
        if self._transport is not None:
            self._transport.close()

    def _send(self, token: bytes, exchange: _Exchange) -> None:
        exchange.sent += 1
        if self._transport is not None:
            self._transport.sendto(exchange.datagram, exchange.address)
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
        self._by_message.pop(exchange.message_id, None)
        if exchange.timer is not None:
            exchange.timer.cancel()
        exchange.answered(code)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """Match an acknowledgement or a separate response to its POST."""
        if len(data) < 4 or data[0] >> 6 != 1:
            return
        first, code, message_id = _HEAD.unpack_from(data)
        kind, length = first >> 4 & 3, first & 15
        token = data[4 : 4 + length]
        if kind == _RESET:
            self._finish(self._by_message.get(message_id, b""), None)
        elif code == 0:
            # An empty acknowledgement: the response follows by itself, perhaps after a while.
            waiting = self._by_token.get(self._by_message.get(message_id, b""))
            if waiting is not None and waiting.timer is not None:
                waiting.timer.cancel()
                waiting.timer = self._loop.call_later(
                    _LONGEST_WAIT_S, self._late, self._by_message[message_id]
                )
        else:
            if kind == _CONFIRMABLE and self._transport is not None:
                self._transport.sendto(_HEAD.pack(0x40 | _ACK << 4, 0, message_id), addr)
            self._finish(token, code)

    def error_received(self, exc: Exception) -> None:
        """Go on: a gateway that is down makes the system say so; the timer sends again."""
        del exc
