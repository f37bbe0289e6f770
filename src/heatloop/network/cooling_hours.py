"""Reading a curve of `cooling`: after how long a limit is reached; without any physics library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HOURS = (0.0, 1.0, 2.0, 4.0, 8.0, 12.0, 18.0, 24.0, 36.0, 48.0, 72.0)
"""When the curve is told, hours after the heat stopped."""


def hours_until(
    limit_c: float, start_c: float, outdoor_c: float, ratios: Sequence[float]
) -> float | None:
    """Return after how many hours without heat a room falls to a limit; None: not in 72 hours.

    Args:
        limit_c: Temperature that is reached.
        start_c: Temperature now.
        outdoor_c: Outdoor temperature, taken as lasting.
        ratios: From `fall`.
    """
    if start_c <= limit_c:
        return 0.0
    if outdoor_c >= limit_c:
        return None
    wanted = (limit_c - outdoor_c) / (start_c - outdoor_c)
    if wanted < ratios[-1]:
        return None
    # Ratios fall with time, `interp` wants them to rise.
    return float(np.interp(wanted, ratios[::-1], HOURS[::-1]))
