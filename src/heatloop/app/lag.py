"""Watches how late the event loop runs: nothing on it may take over 20 ms."""

from __future__ import annotations

import asyncio

_EVERY_S = 0.1


class LagWatch:
    """Sleeps a tenth of a second again and again, and sees how much longer it took."""

    def __init__(self) -> None:
        self.worst_ms = 0.0
        """Largest lag since the start."""
        self.recent_ms = 0.0
        """Lag, decaying by a tenth every tenth of a second."""

    async def run(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            start = loop.time()
            await asyncio.sleep(_EVERY_S)
            lag_ms = max(0.0, (loop.time() - start - _EVERY_S) * 1000.0)
            self.worst_ms = max(self.worst_ms, lag_ms)
            self.recent_ms = max(lag_ms, 0.9 * self.recent_ms)
