"""The rows of a data set for others: one a household, from ledger and history, no name in clear.

Names, telephones and identity numbers become pseudonyms of the receiver's own; what could betray
somebody (building, area, floor ...) is made coarser in steps; measured values are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.app.history import AsyncHistorian
from heatloop.app.world import World
from heatloop.kernel.scope import Scope
from heatloop.plant.model import Asset
from heatloop.security.anonymity import Coarser, bands
from heatloop.security.masking import pseudonym

PSEUDONYM, GENERALISED, MEASURED = "pseudonym", "generalised", "measured"
_DAY_S = 86_400
_KEYS_A_READ = 2_000
_AREAS_M2 = (10.0, 30.0)
_FLOORS = (3.0, 10.0)
_KINDS_ABOVE = ("building", "community", "substation", "branch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """A field others may be given."""

    zh: str
    """Chinese name."""
    en: str
    """English name."""
    how: str
    """`pseudonym`, `generalised` or `measured`."""
    purposes_class: str
    """Class of data it comes from."""


OFFERED: Mapping[str, Offered] = {
    "household": Offered(zh="住户假名", en="pseudonym of the household", how=PSEUDONYM,
                         purposes_class="household"),
    "person": Offered(zh="用户假名", en="pseudonym of the heat user", how=PSEUDONYM,
                      purposes_class="personal"),
    "phone": Offered(zh="电话假名", en="pseudonym of the telephone", how=PSEUDONYM,
                     purposes_class="personal"),
    "id_number": Offered(zh="证件假名", en="pseudonym of the identity number", how=PSEUDONYM,
                         purposes_class="personal"),
    "place": Offered(zh="位置（楼栋→小区或热力站→分公司）",
                     en="place (building, then community or substation, then branch)",
                     how=GENERALISED, purposes_class="household"),
    "area_m2": Offered(zh="面积", en="area", how=GENERALISED, purposes_class="household"),
    "floor": Offered(zh="楼层", en="floor", how=GENERALISED, purposes_class="household"),
    "position": Offered(zh="户型位置", en="position in the building", how=GENERALISED,
                        purposes_class="household"),
    "orientation": Offered(zh="朝向", en="orientation", how=GENERALISED,
                           purposes_class="household"),
    "tariff": Offered(zh="计费方式", en="tariff", how=GENERALISED, purposes_class="household"),
    "room_temperature_c": Offered(zh="室温均值", en="mean room temperature", how=MEASURED,
                                  purposes_class="household"),
}  # fmt: skip
"""What a data set can have; a household's pseudonym is always in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """A flat with what is known of it; never leaves the platform as it is."""

    flat: Asset
    """The flat."""
    contract: Asset | None
    """Its contract, when there is one."""
    places: tuple[str, ...]
    """Building, then the ever larger parts of the company it lies in."""


def households(world: World, scope: Scope, asset: str) -> list[Household]:
    """Return the flats below an asset (empty: all) inside a scope, ordered by code.

    Raises:
        Refused: The asset is not inside the scope.
    """
    ledger = world.ledger
    wanted = world.at_or_below(world.asset(scope, asset).code) if asset else None
    found = []
    for flat in sorted(ledger.of_kind("flat"), key=lambda each: each.code):
        if (wanted is not None and flat.code not in wanted) or not world.sees(scope, flat.code):
            continue
        below = [each for each in ledger.children(flat.code) if each.kind == "contract"]
        found.append(
            Household(flat=flat, contract=below[0] if below else None, places=_places(world, flat))
        )
    return found


def _places(world: World, flat: Asset) -> tuple[str, ...]:
    """Return codes from the building upwards, one a kind of place there is."""
    assets = world.ledger.assets
    above = {
        assets[code].kind: code
        for path in world.ledger.paths(flat.code)
        for code in path.split("/")
        if code in assets
    }
    building = assets.get(above.get("building", ""))
    community = str(building.attributes.get("community") or "") if building is not None else ""
    if community:
        above["community"] = community
    steps = [above[kind] for kind in _KINDS_ABOVE if kind in above]
    return tuple(steps) or ("",)


async def mean_temperatures(
    world: World, historian: AsyncHistorian, flats: Sequence[Household], start_s: int, end_s: int
) -> dict[str, float]:
    """Return the mean room temperature of each flat in a time window, degC, where there is one."""
    owner: dict[int, str] = {}
    for each in flats:
        for asset in (each.flat, *world.ledger.below(each.flat.code)):
            for point in world.ledger.points_of(asset.code):
                if point.kind == "room_temperature":
                    owner[point.key] = each.flat.code
    keys = np.asarray(sorted(owner), "u4")
    sums: dict[str, tuple[float, int]] = {}
    for first in range(0, len(keys), _KEYS_A_READ):
        part = await historian.rollup(keys[first : first + _KEYS_A_READ], start_s, end_s, _DAY_S)
        for key, mean, good in zip(
            part.keys.tolist(), part.mean.tolist(), part.good_count.tolist(), strict=True
        ):
            if good and np.isfinite(mean):
                total, count = sums.get(owner[key], (0.0, 0))
                sums[owner[key]] = (total + mean, count + 1)
    return {flat: total / count for flat, (total, count) in sums.items()}


def plain_rows(
    flats: Sequence[Household],
    fields: Sequence[str],
    key: bytes,
    temperatures: Mapping[str, float],
) -> list[dict[str, object]]:
    """Return a row a household: pseudonyms and exact values, not yet made coarser."""
    return [
        {"household": pseudonym(key, each.flat.code)}
        | {name: _value(each, name, key, temperatures) for name in fields if name != "household"}
        for each in flats
    ]


def _value(each: Household, name: str, key: bytes, temperatures: Mapping[str, float]) -> object:
    contract = each.contract.attributes if each.contract is not None else {}
    match name:
        case "place":
            return each.places[0]
        case "person" | "phone" | "id_number":
            text = str(contract.get("user_name" if name == "person" else name) or "")
            # The same name is not the same person: the number tells them apart where there is one.
            own = str(contract.get("id_number") or each.flat.code) if name == "person" else ""
            return pseudonym(key, f"{name}/{text}/{own}") if text else None
        case "room_temperature_c":
            mean = temperatures.get(each.flat.code)
            return None if mean is None else round(mean * 2.0) / 2.0
        case "tariff":
            return contract.get("tariff")
        case _:
            return each.flat.attributes.get(name)


def coarser(flats: Sequence[Household], fields: Sequence[str]) -> dict[str, Sequence[Coarser]]:
    """Return how each quasi-identifier of a data set is made coarser, step by step."""
    above = {each.places[0]: each.places for each in flats}
    deepest = max((len(places) for places in above.values()), default=1)

    def larger(step: int) -> Coarser:
        def place(value: object) -> str:
            places = above.get(str(value), ("",))
            return places[min(step, len(places) - 1)]

        return place

    ways: dict[str, Sequence[Coarser]] = {
        "place": tuple(larger(step) for step in range(1, deepest)),
        "area_m2": bands(*_AREAS_M2),
        "floor": bands(*_FLOORS),
    }
    return {name: ways.get(name, ()) for name in fields if OFFERED[name].how == GENERALISED}
