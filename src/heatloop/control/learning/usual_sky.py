"""Radiation where none was measured: the mean sky of a latitude, as day and season have it."""

from __future__ import annotations

import numpy as np

from heatloop.control.learning.regular import Floats
from heatloop.network.sun import sun_position

LATITUDE = 45.0
"""Where houses are heated; half of the heated buildings of the north stand within 6 degrees."""
_CLEARNESS = 0.45
"""Mean radiation over that of a clear sky in heating seasons."""
_WARMEST_H = 15.0
"""Solar hour at which the daily wave of the outdoor temperature is highest."""
_LEAST_WAVE_K = 0.3
_DAY_S = 86400.0


def usual_sun_kw_m2(
    times_s: Floats, outdoor_c: Floats, latitude: float, local_offset_s: float
) -> Floats:
    """Return the usual horizontal radiation, shape (n,).

    Where noon lies is read from the outdoor temperature, so that a table in another zone's time
    does no harm; without a daily wave it is that of the zone.

    Args:
        times_s: Seconds since 1970, shape (n,).
        outdoor_c: nan where unknown, shape (n,).
        latitude: Degrees north.
        local_offset_s: Local time less UTC.

    Reference: clear sky after Haurwitz, J. Meteorology 2 (1945), 154-166.
    """
    sun = sun_position(times_s + _to_solar_s(times_s, outdoor_c, local_offset_s), latitude, 0.0)
    up = np.maximum(sun.sine, 0.0)
    clear = 1.098 * up * np.exp(-0.057 / np.maximum(up, 1e-3))
    return np.asarray(_CLEARNESS * clear)


def _to_solar_s(times_s: Floats, outdoor_c: Floats, local_offset_s: float) -> float:
    """Return what must be added to the times so that noon is solar noon."""
    known = np.isfinite(outdoor_c)
    if not known.any():
        return local_offset_s
    angle = 2.0 * np.pi * times_s[known] / _DAY_S
    slow = (times_s[known] - times_s[known][0]) / _DAY_S
    columns = np.column_stack([np.cos(angle), np.sin(angle), np.ones(len(slow)), slow])
    (a, b, *_), *_ = np.linalg.lstsq(columns, outdoor_c[known], rcond=None)
    if np.hypot(a, b) < _LEAST_WAVE_K:
        return local_offset_s
    warmest_s = float(np.arctan2(b, a)) / (2.0 * np.pi) * _DAY_S
    return _WARMEST_H * 3600.0 - warmest_s
