"""Connections that would hold the server up: slow heads, and too many from one place.

The server library waits for the head of a request without end. Here a head that is not complete
in time ends its connection, and one address holds a bounded number of connections, all together
another; what is above is closed at once, before it costs anything.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import structlog

from heatloop.app.tls import CertifiedHttp
from heatloop.kernel.clock import machine_s

_log = structlog.get_logger("heatloop.web")
_QUIET_S = 60.0


class Connections:
    """Counts open connections by address.

    Args:
        most: Connections at a time.
        most_an_address: Connections at a time from one address.
    """

    def __init__(self, most: int, most_an_address: int) -> None:
        self._most, self._most_an_address = most, most_an_address
        self._held: Counter[str] = Counter()
        self.refused = 0
        """Connections closed because there were too many."""
        self.slow = 0
        """Connections closed because the head of a request did not come in time."""
        self._told_s = 0.0

    def enter(self, address: str) -> bool:
        """Count a connection; return whether it may stay."""
        if self._held.total() >= self._most or self._held[address] >= self._most_an_address:
            self.refused += 1
            self.tell("too many connections", address)
            return False
        self._held[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count no longer."""
        self._held[address] -= 1
        if self._held[address] <= 0:
            del self._held[address]

    def tell(self, what: str, address: str) -> None:
        """Write it into the log, once a minute: a flood must not flood that too."""
        if machine_s() - self._told_s >= _QUIET_S:
            self._told_s = machine_s()
            _log.warning(what, address=address, refused=self.refused, slow=self.slow)


def guarded_http(connections: Connections, head_wait_s: float) -> type[asyncio.Protocol]:
    """Return the protocol of a server whose connections are counted and whose heads are timed.

    Args:
        connections: Counts them.
        head_wait_s: Longest time a head may take, machine seconds.
    """

    class GuardedHttp(CertifiedHttp):
        """One connection."""

        _timer: asyncio.TimerHandle | None = None
        _address: str | None = None

        def connection_made(self, transport: Any) -> None:
            """Take up a connection, or close it."""
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            if not connections.enter(address):
                transport.abort()
                return
            self._address = address
            self._start()

        def connection_lost(self, exc: Exception | None) -> None:
            """Give it up."""
            self._stop()
            self._leave()
            super().connection_lost(exc)

        def handle_websocket_upgrade(self) -> None:
            """Hand it on: links and streams have bounds of their own."""
            self._leave()
            super().handle_websocket_upgrade()

        def on_message_begin(self) -> None:
            """Time the head of a further request on the same connection too."""
            super().on_message_begin()
            self._start()

        def on_headers_complete(self) -> None:
            """Stop the clock."""
            self._stop()
            super().on_headers_complete()

        def _leave(self) -> None:
            if self._address is not None:
                connections.leave(self._address)
                self._address = None

        def _start(self) -> None:
            if self._timer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(head_wait_s, self._too_slow)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            self._timer = None
            connections.slow += 1
            connections.tell("the head of a request came too slowly", self._address or "")
            self.transport.abort()

    return GuardedHttp
