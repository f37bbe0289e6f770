"""Faults of room collectors: a dead battery, a place in the sun, a place over a radiator."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from heatloop.demo.faults_kinds import Fault
from heatloop.demo.orders import Flags
from heatloop.network.arrays import Floats

SUN_K = 8.0
"""What a full winter sun adds to a collector it shines on."""
LYING_K = 12.0
"""What a collector right over a radiator shows beyond its room."""
_FULL_SUN_W_M2 = 500.0
# Behind the glass it stays warmer than the room for a while, and in the dusk a little.
_LEAST_SUN_W_M2 = 50.0


class CollectorFaults:
    """What active faults do to the room collectors.

    Args:
        count: Number of collectors of the city.
    """

    def __init__(self, count: int) -> None:
        self.dead: Flags = np.zeros(count, dtype=bool)
        """Collectors that report no more, shape (n_collector,)."""
        self._sunny: Flags = np.zeros(count, dtype=bool)
        self._lying: Flags = np.zeros(count, dtype=bool)

    def knows(self, index: int) -> bool:
        """Return whether there is such a collector."""
        return 0 <= index < len(self.dead)

    def apply(self, faults: Iterable[Fault]) -> None:
        """Take over which collector faults are on."""
        marks = {
            "collector_dead": self.dead,
            "collector_sun": self._sunny,
            "collector_lying": self._lying,
        }
        for flags in marks.values():
            flags[:] = False
        for fault in faults:
            marks[fault.kind][fault.index] = True

    def error_k(self, sun_w_m2: float) -> Floats:
        """Return what each collector shows beyond its room's temperature, K, (n_collector,)."""
        sun_k = SUN_K * max(sun_w_m2, _LEAST_SUN_W_M2) / _FULL_SUN_W_M2
        return self._sunny * sun_k + self._lying * LYING_K
