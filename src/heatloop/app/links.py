"""The open links of gateways: one line per gateway, wherever its socket is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from heatloop.app.sequence import Sequences
from heatloop.kernel.clock import machine_s
from heatloop.kernel.messages import Command
from heatloop.security.keys import KeyRing

_log = structlog.get_logger("heatloop.links")
SEND_S = 10.0
Send = Callable[[dict[str, Any]], Awaitable[None]]
Drop = Callable[[str], Awaitable[None]]


class GatewayLine:
    """One gateway on one open link."""

    def __init__(
        self, gateway: str, ring: KeyRing, stored: dict[int, int], send: Send, drop: Drop
    ) -> None:
        self.gateway = gateway
        """Gateway code."""
        self.ring = ring
        """The gateway's own key."""
        self.sequences = Sequences()
        """What it has sent on this link."""
        for epoch, through in stored.items():
            self.sequences.know(epoch, through)
        self.open = True
        """Whether the link still stands."""
        self.heard_s = machine_s()
        """Machine time of the last envelope."""
        self.profile_version = 0
        """Profile the gateway works with."""
        self.channel = "main"
        """What the gateway calls the way it came by: `main` or `spare`."""
        self._send, self._drop = send, drop

    async def send(self, message: dict[str, Any]) -> bool:
        """Send a frame to the gateway; False when the link is gone."""
        if not self.open:
            return False
        try:
            async with asyncio.timeout(SEND_S):
                await self._send({**message, "gateway": self.gateway})
        except (OSError, RuntimeError):
            # The socket went away between the check and the sending, or takes nothing: one deaf
            # gateway must not hold up what the others wait for (a TimeoutError is an OSError).
            self.open = False
        return self.open

    async def drop(self, reason: str) -> None:
        """Tell the gateway why and hang up; it will come back and go on where it was told."""
        if self.open:
            await self.send({"type": "refused", "reason": reason})
            self.open = False
            try:
                await self._drop(reason)
            except (OSError, RuntimeError):
                pass  # Already gone.


class Links:
    """Which gateways are connected, and how to reach them."""

    def __init__(self) -> None:
        self._lines: dict[str, GatewayLine] = {}
        self._last_heard: dict[str, float] = {}
        self._on_open: list[Callable[[str], None]] = []

    def when_opened(self, call: Callable[[str], None]) -> None:
        """Have `call` called with the gateway's code whenever its link comes up."""
        self._on_open.append(call)

    async def opened(self, line: GatewayLine) -> None:
        """Take a line in; an older one of the same gateway is hung up."""
        older = self._lines.get(line.gateway)
        self._lines[line.gateway] = line
        if older is not None:
            await older.drop("a newer link of this gateway took over")
        _log.info("gateway connected", gateway=line.gateway, channel=line.channel)
        for call in self._on_open:
            call(line.gateway)

    def closed(self, line: GatewayLine) -> None:
        """Let a line go."""
        line.open = False
        self._last_heard[line.gateway] = line.heard_s
        if self._lines.get(line.gateway) is line:
            del self._lines[line.gateway]
            _log.info("gateway disconnected", gateway=line.gateway)

    def line(self, gateway: str) -> GatewayLine | None:
        """Return a gateway's open line."""
        return self._lines.get(gateway)

    def connected(self) -> list[str]:
        """Return the codes of the connected gateways."""
        return sorted(self._lines)

    def heard_s(self, gateway: str) -> float | None:
        """Return the machine time a gateway was last heard, since this process started."""
        line = self._lines.get(gateway)
        return line.heard_s if line is not None else self._last_heard.get(gateway)

    async def send_command(self, command: Command) -> bool:
        """Send a command to its gateway; False when the gateway is not connected."""
        line = self._lines.get(command.gateway)
        if line is None:
            return False
        return await line.send({"type": "command", "command": command.to_dict()})

    async def drop_all(self, reason: str) -> None:
        """Hang up every link, at the end."""
        await asyncio.gather(*(line.drop(reason) for line in list(self._lines.values())))
