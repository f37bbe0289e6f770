"""How much a source may push: a bucket of permissions that fills steadily."""

from __future__ import annotations

import re

_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MOST_NAMES = 1024


def valid_source(name: str) -> bool:
    """Return whether this can be the name of a source: it is part of a file name."""
    return _SOURCE.fullmatch(name) is not None


class RateLimit:
    """A bucket a name.

    Args:
        rate: Permissions a second.
        burst: Most that a full bucket holds.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def left(self, name: str, now_s: float) -> bool:
        """Return whether there is a permission to take.

        Args:
            name: Whose bucket.
            now_s: Machine time.
        """
        return self._level(name, now_s) >= 1.0

    def take(self, name: str, now_s: float) -> bool:
        """Take a permission; return whether there was one."""
        level = self._level(name, now_s)
        if level < 1.0:
            return False
        if name not in self._buckets and len(self._buckets) >= _MOST_NAMES:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[name] = (level - 1.0, now_s)
        return True

    def _level(self, name: str, now_s: float) -> float:
        level, since_s = self._buckets.get(name, (self._burst, now_s))
        return min(self._burst, level + self._rate * (now_s - since_s))
