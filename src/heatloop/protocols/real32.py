"""Numbers that travelled in 32 bits, as whoever sent them meant them."""

from __future__ import annotations

import struct

_FLOAT = struct.Struct("<f")


def shortest(value: float) -> float:
    """Return the number with the fewest digits that is the same in 32 bits.

    87.3 travels as 87.30000305; whoever sent it meant 87.3.
    """
    if value != value or value in (float("inf"), float("-inf")):
        return value
    packed = _FLOAT.pack(value)
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if abs(short) <= 3.4028234e38 and _FLOAT.pack(short) == packed:
            return short
    return float(f"{value:.9g}")
