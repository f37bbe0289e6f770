"""How right forecasts were, by lead time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

BANDS_H = (0, 6, 12, 24, 48, 72, 120, 168, 384)
"""Limits of the bands of lead time; a lead is in the band whose start it has reached."""
JUDGED = ("temperature_c", "humidity_pct", "wind_ms", "solar_w_m2")
"""Quantities that can be compared by difference."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A forecast and what came."""

    source: str
    """Source of the forecast."""
    quantity: str
    """What."""
    lead_h: float
    """Hours it was known before."""
    forecast: float
    """What was forecast."""
    observed: float
    """What came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """How right one source was at one quantity in one band of lead time."""

    source: str
    """Source."""
    quantity: str
    """What."""
    lead_from_h: int
    """Start of the band."""
    lead_to_h: int
    """End of the band, not in it."""
    count: int
    """Pairs."""
    bias: float
    """Mean of forecast less observed."""
    mae: float
    """Mean absolute error."""
    rmse: float
    """Root of the mean squared error."""


def band_of(lead_h: float) -> tuple[int, int] | None:
    """Return the band of a lead, None before the first and after the last."""
    for begin, end in itertools.pairwise(BANDS_H):
        if begin <= lead_h < end:
            return begin, end
    return None


def skill(pairs: Iterable[Pair]) -> list[Skill]:
    """Return the figures of every source, quantity and band there are pairs of."""
    errors: dict[tuple[str, str, int, int], list[float]] = {}
    for pair in pairs:
        band = band_of(pair.lead_h)
        if band is not None:
            key = (pair.source, pair.quantity, *band)
            errors.setdefault(key, []).append(pair.forecast - pair.observed)
    order = {name: at for at, name in enumerate(JUDGED)}
    return [
        Skill(
            source=source,
            quantity=quantity,
            lead_from_h=begin,
            lead_to_h=end,
            count=len(all_),
            bias=math.fsum(all_) / len(all_),
            mae=math.fsum(map(abs, all_)) / len(all_),
            rmse=math.sqrt(math.fsum(e * e for e in all_) / len(all_)),
        )
        for (source, quantity, begin, end), all_ in sorted(
            errors.items(), key=lambda each: (each[0][0], order.get(each[0][1], 99), each[0][2])
        )
    ]
