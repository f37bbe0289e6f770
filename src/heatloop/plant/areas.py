"""Do heated areas add up from building to unit, substation and company (6.1.1.1 a 4)?"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset

_AREA = {
    "company": "heated_area_m2",
    "community": "heated_area_m2",
    "substation": "heated_area_m2",
    "unit": "heated_area_m2",
    "building": "area_m2",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaDifference:
    """An asset whose area is not the sum of what it is made of."""

    asset: str
    """Asset code."""
    declared_m2: float
    """What the ledger says."""
    summed_m2: float
    """Sum of the parts."""


def area_m2(asset: Asset) -> float:
    """Return the heated area an asset declares, 0 if it declares none."""
    value = asset.attributes.get(_AREA.get(asset.kind, ""), 0.0)
    return float(value)


def _parts(ledger: Ledger, asset: Asset) -> list[Asset]:
    match asset.kind:
        case "unit":
            return [below for below in ledger.below(asset.code) if below.kind == "building"]
        case "substation":
            return [child for child in ledger.children(asset.code) if child.kind == "unit"]
        case _:
            return ledger.of_kind("substation")


def company_area_m2(ledger: Ledger) -> float:
    """Return the heated area of all substations."""
    return fsum(area_m2(station) for station in ledger.of_kind("substation"))


def area_differences(ledger: Ledger, tolerance_m2: float = 0.01) -> list[AreaDifference]:
    """Return the assets whose declared area is not the sum of their parts.

    Args:
        ledger: What to add up.
        tolerance_m2: Difference that counts as none, m2.
    """
    found: list[AreaDifference] = []

    def compare(asset: Asset, parts: list[Asset]) -> None:
        summed = fsum(area_m2(part) for part in parts)
        if parts and abs(area_m2(asset) - summed) > tolerance_m2:
            found.append(
                AreaDifference(asset=asset.code, declared_m2=area_m2(asset), summed_m2=summed)
            )

    for kind in ("unit", "substation"):
        for asset in ledger.of_kind(kind):
            compare(asset, _parts(ledger, asset))
    for asset in ledger.of_kind("company"):
        if area_m2(asset):  # A company need not declare what its stations already say.
            compare(asset, _parts(ledger, asset))
    members: dict[str, list[Asset]] = {}
    for building in ledger.of_kind("building"):
        members.setdefault(str(building.attributes.get("community", "")), []).append(building)
    for asset in ledger.of_kind("community"):
        if area_m2(asset):
            compare(asset, members.get(asset.code, []))
    return found
