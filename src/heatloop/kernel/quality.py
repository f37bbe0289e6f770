"""How far a value can be trusted; a missing value is missing plus a reason, never invented."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """Quality code stored with every sample (clause 6.1.2 b)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2
    STALE = 3
    ESTIMATED = 4
