"""Heating cost by source and station: what is spent is shared out to the cent, and nothing is left.

What heat sources spend is carried by the stations of their network in proportion to the heat they
took; electricity and water of a station are its own (4.2.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GJ_KWH = 3.6e-3
"""Gigajoules of a kilowatt-hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationUse:
    """What a station took and used."""

    code: str
    """Station."""
    network: str
    """Network that feeds it."""
    area_m2: float
    """Heated area."""
    heat_kwh: float
    """Heat."""
    power_yuan: float
    """Its own electricity."""
    water_yuan: float
    """Its own make-up water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationCost:
    """What a station costs, in whole cents."""

    code: str
    """Station."""
    heat_cents: int
    """Its share of what the sources spent."""
    power_cents: int
    """Its electricity."""
    water_cents: int
    """Its water."""

    @property
    def total_cents(self) -> int:
        """Return all together."""
        return self.heat_cents + self.power_cents + self.water_cents


def cents(yuan: float) -> int:
    """Return an amount in whole cents, halves away from 0."""
    return int(np.sign(yuan) * np.floor(abs(yuan) * 100.0 + 0.5))


def split_cents(total: int, weights: Floats) -> Ints:
    """Return whole cents in proportion to weights whose sum is exactly the total, shape (n,).

    Largest remainder; ties go to the first. All alike where all weights are 0.

    Args:
        total: Cents; negative where revenue is larger than cost.
        weights: At least 0, shape (n,), n > 0.

    Raises:
        InputError: There is nobody to share with, or a weight is negative or not finite.
    """
    if not len(weights) or not np.isfinite(weights).all() or (weights < 0.0).any():
        raise InputError("needs weights of 0 or more", thing="weights", fix="give one a station")
    whole = float(weights.sum())
    share = weights / whole if whole > 0.0 else np.full(len(weights), 1.0 / len(weights))
    exact = abs(total) * share
    found = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - found), kind="stable")
    missing = abs(total) - int(found.sum())
    found[order[:missing]] += 1
    return found if total >= 0 else -found


def station_costs(
    sources_yuan: Mapping[str, float], stations: Sequence[StationUse]
) -> tuple[list[StationCost], int]:
    """Return what each station costs, and the cents of networks without any station.

    The costs of all stations and the rest add up to the company's total exactly.

    Args:
        sources_yuan: What the sources of each network spent, by network.
        stations: What stations took; heat below 0 counts as none.
    """
    shares = dict.fromkeys((each.code for each in stations), 0)
    rest = 0
    for network, yuan in sources_yuan.items():
        mine = [each for each in stations if each.network == network]
        if not mine:
            rest += cents(yuan)
            continue
        weights = np.array([max(each.heat_kwh, 0.0) for each in mine])
        if not weights.any():
            # Nobody measured heat: area is what is left to go by.
            weights = np.array([max(each.area_m2, 0.0) for each in mine])
        for each, part in zip(mine, split_cents(cents(yuan), weights).tolist(), strict=True):
            shares[each.code] = part
    found = [
        StationCost(
            code=each.code,
            heat_cents=shares[each.code],
            power_cents=cents(each.power_yuan),
            water_cents=cents(each.water_yuan),
        )
        for each in stations
    ]
    return found, rest


def per_gj(yuan: float, heat_kwh: float) -> float | None:
    """Return yuan a gigajoule, None without heat."""
    return yuan / (heat_kwh * GJ_KWH) if heat_kwh > 0.0 else None


def per_m2(yuan: float, area_m2: float) -> float | None:
    """Return yuan a square metre, None without area."""
    return yuan / area_m2 if area_m2 > 0.0 else None
