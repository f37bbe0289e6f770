"""Where the demo city lies on the map."""

from __future__ import annotations

_LAT, _LON = 43.88, 125.32
_M_PER_DEG_LAT, _M_PER_DEG_LON = 111_200.0, 80_200.0


def lat_lon(east_m: float, north_m: float) -> tuple[float, float]:
    """Return latitude and longitude of a place given by its distance from the first source."""
    return round(_LAT + north_m / _M_PER_DEG_LAT, 6), round(_LON + east_m / _M_PER_DEG_LON, 6)
