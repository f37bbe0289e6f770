"""Drawing the streets of the demo city from one seed."""

from __future__ import annotations

import numpy as np

from heatloop.demo.districts import Map, dig, draw_map, junction
from heatloop.demo.plans import (
    FLOOR_HEIGHT_M,
    POSITIONS,
    BuildingPlan,
    Flats,
    Streets,
    SubstationPlan,
    TrenchPlan,
    UnitPlan,
)
from heatloop.demo.plants import draw_plants
from heatloop.demo.sizes import SIZES
from heatloop.kernel.errors import InputError

_NAMES = (
    ("锦绣花园", "Jinxiu Garden"),
    ("幸福里", "Xingfu Lane"),
    ("阳光新城", "Yangguang New Town"),
    ("春晖苑", "Chunhui Court"),
    ("文华小区", "Wenhua Estate"),
    ("翠湖湾", "Cuihu Bay"),
    ("福安里", "Fuan Lane"),
    ("康宁家园", "Kangning Homes"),
    ("松涛苑", "Songtao Court"),
    ("北苑小区", "Beiyuan Estate"),
    ("金河湾", "Jinhe Bay"),
    ("和平里", "Heping Lane"),
)
# (zone, emitter, use) of the two units of a substation; the pattern repeats in larger cities.
_PAIRS = (
    (("low", "radiator", "dwelling"), ("high", "radiator", "dwelling")),
    (("low", "radiator", "dwelling"), ("high", "radiator", "dwelling")),
    (("low", "floor", "dwelling"), ("high", "floor", "dwelling")),
    (("low", "radiator", "dwelling"), ("single", "floor", "dwelling")),
    (("low", "radiator", "dwelling"), ("single", "radiator", "school")),
    (("low", "floor", "dwelling"), ("high", "floor", "dwelling")),
    (("low", "radiator", "dwelling"), ("high", "radiator", "dwelling")),
    (("single", "radiator", "hospital"), ("low", "radiator", "dwelling")),
    (("low", "radiator", "dwelling"), ("high", "floor", "dwelling")),
    (("low", "floor", "dwelling"), ("high", "floor", "dwelling")),
    (("low", "radiator", "dwelling"), ("high", "radiator", "dwelling")),
    (("single", "floor", "dwelling"), ("low", "radiator", "dwelling")),
)
_CELLS = {"medium": 1, "large": 13}
_BOOKED_WHOLE = ("tiny", "small", "medium")
"""Sizes whose books have every flat; larger ones have those of one pilot house a station."""
_COLLECTOR_EVERY = 10
_LARGEST_UNIT_M2 = 76_000.0


def draw_streets(size: str = "small", seed: int = 1) -> Streets:
    """Return the plan of a city of this size.

    Args:
        size: tiny (2 substations), small (12), medium (40) or large (520).
        seed: Which city.

    Raises:
        InputError: No such size.
    """
    if size not in SIZES:
        raise InputError("unknown city size", thing=size, fix=f"use one of: {', '.join(SIZES)}")
    rng = np.random.default_rng((seed, 1))
    town = draw_map(_CELLS[size]) if size in _CELLS else None
    substations: list[SubstationPlan] = []
    units: list[UnitPlan] = []
    buildings: list[BuildingPlan] = []
    count = SIZES[size]
    for index in range(count):
        first = len(units)
        for zone, emitter, use in _PAIRS[index % len(_PAIRS)]:
            unit, own = _draw_unit(rng, index, len(units), zone, emitter, use)
            units.append(unit)
            buildings.extend(own)
        area = sum(unit.area_m2 for unit in units[first:])
        substations.append(_place(rng, index, count, area, town))
    sources, isolations, boosters = draw_plants(substations, units, town)
    trenches = _dig_tree(substations) if town is None else dig(town, _own_rng(seed))
    return Streets(
        size=size,
        seed=seed,
        sources=sources,
        isolations=isolations,
        boosters=boosters,
        trenches=trenches,
        substations=tuple(substations),
        units=tuple(units),
        buildings=tuple(buildings),
        flats=_draw_flats(rng, buildings, pilots_only=size not in _BOOKED_WHOLE),
    )


def _own_rng(seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, 9))


def _names_of(index: int) -> tuple[str, str]:
    """Return the names of a community; the twelve names come again as further phases."""
    phase, number = divmod(index, len(_NAMES))
    zh, en = _NAMES[number]
    return (f"{zh}{phase + 1}期", f"{en} phase {phase + 1}") if phase else (zh, en)


def _place(
    rng: np.random.Generator, index: int, count: int, area_m2: float, town: Map | None
) -> SubstationPlan:
    """Return a substation, at its site or along one of the two streets of a tree."""
    zh, en = _names_of(index)
    regulates = "edge" if index % 2 else "plc"
    if town is not None:
        site = town.sites[index]
        return SubstationPlan(
            zh=zh,
            en=en,
            branch=site.branch,
            east_m=site.junction[0],
            north_m=site.junction[1] + 80.0,
            area_m2=area_m2,
            regulates=regulates,
            fed_by=site.fed_by,
            primary_c=site.primary_c,
        )
    branch = index * 2 // count
    step = index - branch * (count // 2) + 1
    return SubstationPlan(
        zh=zh,
        en=en,
        branch=branch,
        east_m=(1 if branch == 0 else -1) * (350.0 + 420.0 * step),
        north_m=float(rng.uniform(120.0, 420.0)) * (1 if step % 2 else -1),
        area_m2=area_m2,
        regulates=regulates,
    )


def _dig_tree(substations: list[SubstationPlan]) -> tuple[TrenchPlan, ...]:
    """Return a trunk and a service trench for every station along its street."""
    found: list[TrenchPlan] = []
    last: dict[int, tuple[str, float]] = {}
    for index, plan in enumerate(substations):
        above, at_m = last.get(plan.branch, ("HS0001", 0.0))
        here = junction(index)
        found.append(TrenchPlan(start=above, end=here, length_m=abs(plan.east_m) - at_m))
        station = f"SS{index + 1:04d}"
        found.append(TrenchPlan(start=here, end=station, length_m=abs(plan.north_m)))
        last[plan.branch] = (here, abs(plan.east_m))
    return tuple(found)


def _draw_unit(
    rng: np.random.Generator, station: int, unit: int, zone: str, emitter: str, use: str
) -> tuple[UnitPlan, list[BuildingPlan]]:
    """Return a unit of 25,000 to 55,000 m2 (a school less) and its buildings."""
    floors, flats_a_floor, wanted = {
        "school": (5, 24, 3),
        "hospital": (9, 30, 2),
    }.get(use) or {"high": (18, 5, 4), "low": (6, 10, 6), "single": (11, 7, 5)}[zone]
    year = int(rng.integers(1994, 2020)) if emitter == "radiator" else int(rng.integers(2008, 2021))
    # The older the building, the thinner the wall: 45 W/m2 before 2000, 30 after 2015.
    load = float(np.clip(45.0 - 0.75 * (year - 1996), 31.0, 44.0))
    names = {"school": ("教学楼", "school block"), "hospital": ("病房楼", "ward block")}
    zh, en = names.get(use, ("号楼", "block"))
    own: list[BuildingPlan] = []
    for number in range(1, wanted + 1 + int(rng.integers(-1, 2))):
        area = floors * flats_a_floor * float(rng.uniform(90.0, 104.0))
        if own and sum(b.area_m2 for b in own) + area > _LARGEST_UNIT_M2:
            break
        own.append(
            BuildingPlan(
                unit=unit,
                zh=f"{_names_of(station)[0]}{number}{zh}" + _zone_mark(zone)[0],
                en=f"{_names_of(station)[1]} {en} {number}{_zone_mark(zone)[1]}",
                use=use,
                floors=floors,
                area_m2=round(area),
                year=year,
                load_w_m2=min(load * (1.15 if use == "hospital" else 1.0), 45.0),
            )
        )
    # Chinese secondary loops run a large flow, 2.5-3.5 kg/(m2 h), at a small difference.
    area, load_kw = sum(b.area_m2 for b in own), sum(b.area_m2 * b.load_w_m2 for b in own) / 1000.0
    drop_k = round(3600.0 * load_kw / (4.187 * area * float(rng.uniform(2.7, 3.3))), 1)
    mean_c, exponent_b = (55.0, 0.3) if emitter == "radiator" else (40.0, 0.05)
    plan = UnitPlan(
        substation=station,
        zone=zone,
        emitter=emitter,
        use=use,
        area_m2=area,
        load_kw=load_kw,
        supply_c=round(mean_c + drop_k / 2, 1),
        return_c=round(round(mean_c + drop_k / 2, 1) - drop_k, 1),
        exponent_b=exponent_b,
        static_head_m=floors * FLOOR_HEIGHT_M + 4.0,
    )
    return plan, own


def _zone_mark(zone: str) -> tuple[str, str]:
    return {"high": ("（高区）", " (high zone)")}.get(zone, ("", ""))


def _draw_flats(
    rng: np.random.Generator, buildings: list[BuildingPlan], *, pilots_only: bool = False
) -> Flats:
    building, floor, position, area = [], [], [], []
    piloted: set[int] = set()
    for index, plan in enumerate(buildings):
        if plan.use != "dwelling" or (pilots_only and plan.unit // 2 in piloted):
            continue
        piloted.add(plan.unit // 2)
        a_floor = {18: 5, 6: 10, 11: 7}[plan.floors]
        shares = rng.uniform(0.75, 1.25, a_floor)
        for storey in range(1, plan.floors + 1):
            for door in range(a_floor):
                edge = "corner" if door in (0, a_floor - 1) else "middle"
                where = {1: "bottom", plan.floors: "top"}.get(storey, edge)
                building.append(index)
                floor.append(storey)
                position.append(POSITIONS.index(where))
                area.append(plan.area_m2 / plan.floors * shares[door] / shares.sum())
    # Every tenth flat or so, spread over all buildings and places.
    collector = np.zeros(len(building), dtype=bool)
    collector[rng.integers(0, _COLLECTOR_EVERY) :: _COLLECTOR_EVERY] = True
    return Flats(
        building=np.array(building, dtype=np.intp),
        floor=np.array(floor),
        position=np.array(position),
        area_m2=np.round(np.array(area), 1),
        collector=collector,
    )
