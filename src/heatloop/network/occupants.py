"""People and what they run: heat gains over the day, the week and their days away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.network.arrays import Floats, Index

DWELLING, OFFICE, SCHOOL = 0, 1, 2
# Gains over their mean, by hour; a workday, then a day off. Shapes after ISO 17772-1 annex I.
_SHAPES = np.array(
    [
        [
            [6, 6, 6, 6, 6, 7, 11, 13, 9, 7, 7, 9, 12, 9, 7, 7, 8, 11, 15, 17, 17, 16, 12, 8],
            [6, 6, 6, 6, 6, 6, 7, 9, 12, 12, 12, 13, 14, 13, 12, 12, 12, 13, 15, 16, 16, 15, 12, 8],
        ],
        [
            [2, 2, 2, 2, 2, 2, 4, 12, 24, 28, 28, 26, 22, 26, 28, 28, 26, 18, 8, 4, 3, 2, 2, 2],
            [2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2],
        ],
        [
            [1, 1, 1, 1, 1, 1, 3, 18, 34, 36, 36, 34, 20, 28, 34, 32, 18, 6, 3, 2, 1, 1, 1, 1],
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ],
    ],
    dtype=np.float64,
)
_WEEK = (_SHAPES[:, 0].sum(axis=1) * 5.0 + _SHAPES[:, 1].sum(axis=1) * 2.0) / 168.0
_AWAY_FACTOR = 0.25
_DAY_S = 86400.0
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Occupants:
    """Who lives and works in the zones."""

    use: Index
    """DWELLING, OFFICE or SCHOOL, shape (n_zone,)."""
    late_s: Floats
    """How much later than others they live, shape (n_zone,)."""
    away_share: Floats
    """Share of days they are not there, shape (n_zone,)."""
    seed: int = 0
    """Which days those are."""


def gain_factors(occupants: Occupants, local_s: float, weekday: int) -> Floats:
    """Return gains now over their mean over a week, shape (n_zone,).

    Nothing is kept between calls: days away follow from seed, zone and day.

    Args:
        occupants: Who lives there.
        local_s: Local time, s since any midnight that all calls share.
        weekday: 0 Monday to 6 Sunday, of that time.
    """
    own_s = local_s - occupants.late_s
    day_before = own_s // _DAY_S - local_s // _DAY_S
    off = np.mod(weekday + day_before, 7.0) >= 5.0
    hour = np.mod(own_s, _DAY_S) / 3600.0
    low = hour.astype(np.intp) % 24
    part = hour - np.floor(hour)
    # Straight lines between the middles of the hours would need the hour before; starts suffice.
    shape = _SHAPES[occupants.use, off.astype(np.intp)]
    rows = np.arange(len(low))
    level = (1.0 - part) * shape[rows, low] + part * shape[rows, (low + 1) % 24]
    away = _chance(occupants.seed, len(low), int(local_s // _DAY_S)) < occupants.away_share
    return np.asarray(level / _WEEK[occupants.use] * np.where(away, _AWAY_FACTOR, 1.0))


def _chance(seed: int, n: int, day: int) -> Floats:
    """Return a number in [0, 1) for each zone and day, the same every time.

    Reference: splitmix64, Steele, Lea and Flood, OOPSLA 2014, doi 10.1145/2660193.2660195.
    """
    # Whole numbers beyond 64 bits are cut by Python here; arrays wrap round without a word.
    key = np.uint64((seed * 1_000_003 + day) * int(_MIX[1]) % 2**64)
    z: NDArray[np.uint64] = np.arange(1, n + 1, dtype=np.uint64) * _MIX[0] + key
    z = (z ^ (z >> np.uint64(30))) * _MIX[1]
    z = (z ^ (z >> np.uint64(27))) * _MIX[2]
    z = z ^ (z >> np.uint64(31))
    return np.asarray((z >> np.uint64(11)).astype(np.float64) / 2.0**53)
