"""A token bucket: so many at once, so many a minute, whoever counts and by whichever clock."""

from __future__ import annotations

_MOST = 10_000


class Buckets:
    """One bucket a name.

    Args:
        per_minute: How many come back in a minute.
        burst: How many may be taken at once.
    """

    def __init__(self, per_minute: float, burst: float) -> None:
        self._per_s, self._burst = per_minute / 60.0, burst
        self._kept: dict[str, tuple[float, float]] = {}

    def _level(self, name: str, now_s: float) -> float:
        level, at_s = self._kept.get(name, (self._burst, now_s))
        # A clock that is set back fills nothing and empties nothing.
        return min(self._burst, level + max(now_s - at_s, 0.0) * self._per_s)

    def take(self, name: str, now_s: float, count: int = 1) -> bool:
        """Take `count` from the bucket of a name; False, and nothing taken, if there are fewer."""
        level = self._level(name, now_s)
        if level < count:
            self._kept[name] = (level, now_s)
            return False
        if len(self._kept) >= _MOST and name not in self._kept:
            # Full buckets say nothing that a new one would not.
            full = [n for n in self._kept if self._level(n, now_s) >= self._burst]
            for each in full or list(self._kept)[: _MOST // 10]:
                del self._kept[each]
        self._kept[name] = (level - count, now_s)
        return True
