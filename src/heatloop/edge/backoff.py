"""How long to leave a broken link alone before trying again, and saying so only once."""

from __future__ import annotations

from random import Random

from structlog.typing import FilteringBoundLogger


class Backoff:
    """Doubling waits between attempts, in whatever time the caller counts.

    Args:
        first_s: Wait after the first failure.
        last_s: Longest wait.
        rng: Spreads waits by a quarter, so that many links do not come back in one instant.
    """

    __slots__ = ("_first_s", "_last_s", "_rng", "due_s", "failures")

    def __init__(self, first_s: float, last_s: float, rng: Random | None = None) -> None:
        self._first_s, self._last_s, self._rng = first_s, last_s, rng
        self.failures = 0
        self.due_s = 0.0

    def failed(self, now_s: float) -> float:
        """Count a failure and return how long to wait from now."""
        wait = min(self._first_s * 2.0 ** min(self.failures, 30), self._last_s)
        if self._rng is not None:
            wait *= 0.75 + 0.5 * self._rng.random()
        self.failures += 1
        self.due_s = now_s + wait
        return wait

    def succeeded(self) -> bool:
        """Forget failures; return whether there were any."""
        healed = self.failures > 0
        self.failures = 0
        self.due_s = 0.0
        return healed


class LinkLog:
    """Logs a link's break once and its recovery once."""

    __slots__ = ("_broken", "_log", "_name")

    def __init__(self, log: FilteringBoundLogger, name: str) -> None:
        self._log, self._name = log, name
        self._broken = False

    def broken(self, reason: object) -> None:
        """Say why, unless it is already known to be broken."""
        if not self._broken:
            self._broken = True
            self._log.warning("link broken, trying on", link=self._name, reason=str(reason))

    def healed(self) -> None:
        """Say so, if it was broken."""
        if self._broken:
            self._broken = False
            self._log.info("link is back", link=self._name)
