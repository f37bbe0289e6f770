"""What a unit's load needs, from the ledger: temperatures, heat indices, ways to its buildings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

_EMITTER_C = {"radiator": (75.0, 50.0), "floor": (45.0, 35.0)}
_M_DEG = 111_195.0
_ROUND_ABOUT = 4.0 / 3.0

# Heat index by use: before energy-saving building codes, and under them, W/m2.
HEAT_INDEX_W_M2: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "dwelling": (61.0, 42.5),
        "school": (70.0, 60.0),
        "kindergarten": (72.5, 62.5),
        "hospital": (72.5, 62.5),
        "office": (70.0, 60.0),
        "shop": (72.5, 62.5),
        "hotel": (65.0, 55.0),
        "sports": (140.0, 125.0),
        "industrial": (70.0, 60.0),
        "other": (63.5, 50.0),
    }
)
"""Middle of the design ranges of CJJ 34-2010."""


def number_of(asset: Asset | None, name: str) -> float | None:
    """Return a numeric attribute, None when there is none."""
    value = asset.attributes.get(name) if asset is not None else None
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and value is not None else None


def log_mean_k(first_k: float, second_k: float) -> float:
    """Return the logarithmic mean of two temperature differences; 0 if one is not positive."""
    if first_k <= 0.0 or second_k <= 0.0:
        return 0.0
    if abs(first_k - second_k) < 1e-9:
        return first_k
    return (first_k - second_k) / math.log(first_k / second_k)


def secondary_c(unit: Asset) -> tuple[float, float]:
    """Return a unit's secondary design supply and return temperature, or those of its emitter."""
    usual = _EMITTER_C.get(str(unit.attributes.get("emitter")), _EMITTER_C["radiator"])
    supply = number_of(unit, "design_supply_c")
    back = number_of(unit, "design_return_c")
    return (supply, back) if supply is not None and back is not None else usual


def source_of(ledger: Ledger, unit: Asset) -> Asset | None:
    """Return the heat source at the root of a unit's heat path."""
    codes = ledger.heat_path(unit.code).split("/")
    found = (ledger.assets.get(code) for code in codes)
    return next((a for a in found if a is not None and a.kind == "heat_source"), None)


class SecondaryWays:
    """Ways along the secondary pipes of a ledger, read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._near: dict[str, list[tuple[str, float]]] = {}
        for pipe in ledger.of_kind("pipe_segment"):
            if pipe.attributes.get("network") == "secondary":
                ends = str(pipe.attributes.get("from_node")), str(pipe.attributes.get("to_node"))
                length = number_of(pipe, "length_m") or 0.0
                self._near.setdefault(ends[0], []).append((ends[1], length))
                self._near.setdefault(ends[1], []).append((ends[0], length))

    def longest_m(self, unit: Asset) -> float | None:
        """Return the longest way to a building of a unit: along pipes, or over the map.

        Over the map a pipe is a third longer than the straight line. None: neither is known.
        """
        buildings = [a for a in self._ledger.below(unit.code) if a.kind == "building"]
        far = self._far(unit.code) if unit.code in self._near else {}
        laid = [far[building.code] for building in buildings if building.code in far]
        if laid:
            return max(laid)
        start = self._place(self._ledger.assets.get(unit.parent))
        ways = []
        for building in buildings:
            end = self._place(building)
            if start is not None and end is not None:
                east = (end[1] - start[1]) * math.cos(math.radians(start[0]))
                ways.append(math.hypot(end[0] - start[0], east) * _M_DEG * _ROUND_ABOUT)
        return max(ways) if ways else None

    @staticmethod
    def _place(asset: Asset | None) -> tuple[float, float] | None:
        lat, lon = number_of(asset, "lat"), number_of(asset, "lon")
        return None if lat is None or lon is None else (lat, lon)

    def _far(self, start: str) -> dict[str, float]:
        far = {start: 0.0}
        waiting = [start]
        while waiting:
            at = waiting.pop()
            for place, length in self._near[at]:
                if far[at] + length < far.get(place, math.inf):
                    far[place] = far[at] + length
                    waiting.append(place)
        return far
