"""What one uplink channel carries, and how long acknowledgements take on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from heatloop.edge.link_stats import LinkStats

_MOST_FLYING = 4096


class ChannelMeter:
    """Counts one channel into the gateway's link measures.

    Args:
        stats: The gateway's counters.
        channel: `main` or `spare`.
        medium: What it is made of, as in the ledger.
        now_s: Plant time.
    """

    def __init__(
        self, stats: LinkStats, channel: str, medium: str, now_s: Callable[[], float]
    ) -> None:
        self.channel, self.medium = channel, medium
        self._stats, self._now_s = stats, now_s
        self._flying: deque[tuple[int, int, float]] = deque(maxlen=_MOST_FLYING)

    def sent(self, size: int, epoch: int, last: int, machine_s: float) -> None:
        """Count an envelope that went out."""
        self._stats.carried(self.channel, self.medium, self._now_s(), bytes_up=size)
        self._flying.append((epoch, last, machine_s))

    def received(self, size: int) -> None:
        """Count a frame that came in."""
        self._stats.carried(self.channel, self.medium, self._now_s(), bytes_down=size)

    def acked(self, epoch: int, through: int, machine_s: float) -> None:
        """Count the round trips that an acknowledgement ends; it covers all before it."""
        kept = deque[tuple[int, int, float]](maxlen=_MOST_FLYING)
        for each in self._flying:
            if each[0] == epoch and each[1] <= through:
                self._stats.acknowledged(self.channel, self.medium, machine_s - each[2])
            else:
                kept.append(each)
        self._flying = kept

    def broken(self) -> None:
        """Count what was on its way when the link broke; it is sent again on the next one."""
        if self._flying:
            self._stats.lost(self.channel, self.medium, len(self._flying))
            self._flying.clear()
