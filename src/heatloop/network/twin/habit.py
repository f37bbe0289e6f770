"""The habit of one signal on quiet days: mean, spread and memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FAST_BLOCKS = 4
"""Blocks that the fast test averages."""
_HABIT_BLOCKS = 288.0
_NOISE_BLOCKS = 864.0


@dataclass(slots=True)
class Habit:
    """Mean, spread and memory of one signal on quiet days."""

    mean: float = 0.0
    scale: float = 0.0
    fast_variance: float = 0.0
    variance: float = 0.0
    lagged: float = 0.0
    last: float = 0.0
    count: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=FAST_BLOCKS))

    def excess(self, value: float, size: float) -> float:
        """Return how much the value is above the habit; the habit goes with the size."""
        usual = self.mean * size / self.scale if self.scale > 0.0 else self.mean
        return value - usual

    def learn(self, value: float, size: float) -> None:
        """Take a quiet block into the habit."""
        self.count += 1
        slow = max(1.0 / self.count, 1.0 / _HABIT_BLOCKS)
        noise = max(1.0 / self.count, 1.0 / _NOISE_BLOCKS)
        away = self.excess(value, size) if self.count > 1 else 0.0
        self.mean += slow * (value - self.mean)
        self.scale += slow * (size - self.scale)
        self.variance += noise * (away * away - self.variance)
        self.lagged += noise * (away * self.last - self.lagged)
        self.last = away
        if len(self.recent) == FAST_BLOCKS:
            mean = sum(self.recent) / FAST_BLOCKS
            self.fast_variance += noise * (mean * mean - self.fast_variance)

    def memory(self) -> float:
        """Return by how much the memory widens long means, as a factor of variance."""
        keep = min(max(self.lagged / self.variance, 0.0), 0.98) if self.variance > 0.0 else 0.0
        return (1.0 + keep) / (1.0 - keep)
