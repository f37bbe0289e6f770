"""The streets of the demo city: what stands where and how large, drawn from one seed.

This is what the company believes about its city; `truth` says how the city really is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.kernel.errors import InputError

POSITIONS = ("corner", "top", "middle", "bottom")
DESIGN_OUTDOOR_C = -20.0
DESIGN_ROOM_C = 18.0
FLOOR_HEIGHT_M = 2.9

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
SIZES = {"tiny": 2, "small": 12}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildingPlan:
    """A building as the company's books have it."""

    unit: int
    """Index of the unit that heats it."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    use: str
    """dwelling, school or hospital."""
    floors: int
    """Storeys."""
    area_m2: float
    """Heated area."""
    year: int
    """Year built; older means thinner walls."""
    load_w_m2: float
    """Design heat load an m2 at the design outdoor temperature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitPlan:
    """A heat-exchange unit as the company's books have it."""

    substation: int
    """Index of its substation."""
    zone: str
    """high, low or single pressure zone."""
    emitter: str
    """radiator or floor."""
    use: str
    """dwelling, school or hospital."""
    area_m2: float
    """Heated area."""
    load_kw: float
    """Design load."""
    supply_c: float
    """Design supply temperature."""
    return_c: float
    """Design return temperature."""
    exponent_b: float
    """Emitter exponent of the quality-regulation curve."""
    static_head_m: float
    """Height of the tallest building and a reserve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubstationPlan:
    """A substation as the company's books have it."""

    zh: str
    """Chinese name of its community."""
    en: str
    """English name of its community."""
    branch: int
    """0 east, 1 west."""
    east_m: float
    """Distance east of the heat source along the streets, m (west is negative)."""
    north_m: float
    """Distance north of the heat source along the streets, m."""
    area_m2: float
    """Heated area."""
    regulates: str
    """plc or edge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flats:
    """All flats, one array an attribute, each of shape (n_flat,)."""

    building: NDArray[np.intp]
    """Index of the building."""
    floor: NDArray[np.int64]
    """Storey from 1."""
    position: NDArray[np.int64]
    """Index into `POSITIONS`."""
    area_m2: NDArray[np.float64]
    """Heated area."""
    collector: NDArray[np.bool_]
    """Whether a room collector hangs there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Streets:
    """The whole plan."""

    size: str
    """Name of the size."""
    seed: int
    """Seed it was drawn from."""
    substations: tuple[SubstationPlan, ...]
    """In code order."""
    units: tuple[UnitPlan, ...]
    """In code order."""
    buildings: tuple[BuildingPlan, ...]
    """In code order."""
    flats: Flats
    """In code order."""


def draw_streets(size: str = "small", seed: int = 1) -> Streets:
    """Return the plan of a city of this size.

    Raises:
        InputError: No such size.
    """
    if size not in SIZES:
        raise InputError("unknown city size", thing=size, fix=f"use one of: {', '.join(SIZES)}")
    rng = np.random.default_rng((seed, 1))
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
        branch = index * 2 // count
        step = index - branch * (count // 2) + 1
        zh, en = _NAMES[index % len(_NAMES)]
        substations.append(
            SubstationPlan(
                zh=zh,
                en=en,
                branch=branch,
                east_m=(1 if branch == 0 else -1) * (350.0 + 420.0 * step),
                north_m=float(rng.uniform(120.0, 420.0)) * (1 if step % 2 else -1),
                area_m2=area,
                regulates="edge" if index % 2 else "plc",
            )
        )
    return Streets(
        size=size,
        seed=seed,
        substations=tuple(substations),
        units=tuple(units),
        buildings=tuple(buildings),
        flats=_draw_flats(rng, buildings),
    )


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
    own = []
    for number in range(1, wanted + 1 + int(rng.integers(-1, 2))):
        area = floors * flats_a_floor * float(rng.uniform(90.0, 104.0))
        own.append(
            BuildingPlan(
                unit=unit,
                zh=f"{_NAMES[station % len(_NAMES)][0]}{number}{zh}" + _zone_mark(zone)[0],
                en=f"{_NAMES[station % len(_NAMES)][1]} {en} {number}{_zone_mark(zone)[1]}",
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


def _draw_flats(rng: np.random.Generator, buildings: list[BuildingPlan]) -> Flats:
    building, floor, position, area = [], [], [], []
    for index, plan in enumerate(buildings):
        if plan.use != "dwelling":
            continue
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
    collector[rng.integers(0, 10) :: 10] = True
    return Flats(
        building=np.array(building, dtype=np.intp),
        floor=np.array(floor),
        position=np.array(position),
        area_m2=np.round(np.array(area), 1),
        collector=collector,
    )
