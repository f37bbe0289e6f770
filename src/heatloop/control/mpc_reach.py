"""How warm a station can make its water now: what cannot be reached is not asked for.

A station whose valve stands fully open brings what the network gives. A plan that believes in more
heats too late for a cold night; one that knows the limit heats before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHORT_K = 0.8
"""Supply so far below its set-point counts as out of reach."""
_MARGIN_K, _REACHED_K = 0.4, 0.2
_RISE_K_PER_H, _FADE_K_PER_H = 2.0, 0.25
_FORGET_K = 12.0
_OPEN_PCT = 90.0


@dataclass(kw_only=True, slots=True)
class SupplyReach:
    """The highest supply temperature one unit is believed to reach."""

    most_c: float = math.inf
    """Believed limit; inf: none is known."""

    def step(
        self, *, wanted_c: float, supply_c: float, dt_s: float, valve_pct: float = math.nan
    ) -> float:
        """Return the limit after a step in which a set-point stood.

        Args:
            wanted_c: Set-point that stood over the step; nan: unknown, then nothing is learnt.
            supply_c: Supply temperature at its end; nan likewise.
            dt_s: Step, s.
            valve_pct: Opening of the primary valve; nan: unknown, then it is taken to be open.
        """
        if not (math.isfinite(wanted_c) and math.isfinite(supply_c) and dt_s > 0.0):
            return self.most_c
        short = wanted_c - supply_c
        if short > SHORT_K:
            # A valve on its way is no limit.
            if not valve_pct < _OPEN_PCT:
                self.most_c = supply_c + _MARGIN_K
        elif math.isfinite(self.most_c):
            asked = wanted_c > self.most_c - 1.0
            if not asked:
                self.most_c += _FADE_K_PER_H * dt_s / 3600.0
            elif short < _REACHED_K:
                self.most_c += _RISE_K_PER_H * dt_s / 3600.0
            if self.most_c > wanted_c + _FORGET_K:
                self.most_c = math.inf
        return self.most_c
