"""What the streets of the demo city hold: what stands where and how large.

This is what the company believes about its city; `truth` says how the city really is. Places of
the primary network carry their ledger codes: HS sources, IS isolation stations, BS booster
stations, PN junctions, SS substations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POSITIONS = ("corner", "top", "middle", "bottom")
DESIGN_OUTDOOR_C = -20.0
DESIGN_ROOM_C = 18.0
PRIMARY_SUPPLY_C = 110.0
ZONE_SUPPLY_C = 80.0
APPROACH_K = 6.0
FLOOR_HEIGHT_M = 2.9


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
    fed_by: str = "HS0001"
    """Code of the source, isolation or booster station above it."""
    primary_c: float = PRIMARY_SUPPLY_C
    """Design supply temperature of the primary water that reaches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePlan:
    """A heat source as the company's books have it."""

    zh: str
    """Chinese name."""
    en: str
    """English name."""
    branch: int
    """Branch it belongs to."""
    east_m: float
    """Place, m east of the first source."""
    north_m: float
    """Place, m north of the first source."""
    boiler_kw: tuple[float, ...]
    """Rating of each boiler."""
    chp_kw: float = 0.0
    """Heat rating of its combined heat and power unit; 0: none."""
    tank_m3: float = 0.0
    """Volume of its storage tank; 0: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IsolationPlan:
    """A pressure-isolation station: plates between the transmission network and a zone."""

    zh: str
    """Chinese name."""
    en: str
    """English name."""
    branch: int
    """Branch it belongs to."""
    east_m: float
    """Place, m east of the first source."""
    north_m: float
    """Place, m north of the first source."""
    load_kw: float
    """Design load of its zone."""
    back_c: float
    """Design return temperature of its zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoosterPlan:
    """A booster pump station in the return main of a district."""

    zh: str
    """Chinese name."""
    en: str
    """English name."""
    branch: int
    """Branch it belongs to."""
    east_m: float
    """Place, m east of the first source."""
    north_m: float
    """Place, m north of the first source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrenchPlan:
    """A stretch of primary pipes, supply and return side by side.

    A trench that ends at an isolation station is on its hot side, one that starts there on its
    cold side; at a booster station likewise before and after its pumps.
    """

    start: str
    """Code of the place nearer to the source."""
    end: str
    """Code of the other place."""
    length_m: float
    """Length of each of the two pipes."""


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
    sources: tuple[SourcePlan, ...]
    """In code order; the first holds the pressure."""
    isolations: tuple[IsolationPlan, ...]
    """In code order."""
    boosters: tuple[BoosterPlan, ...]
    """In code order."""
    trenches: tuple[TrenchPlan, ...]
    """Primary pipes, in code order; junction i stands before station i."""
    substations: tuple[SubstationPlan, ...]
    """In code order."""
    units: tuple[UnitPlan, ...]
    """In code order."""
    buildings: tuple[BuildingPlan, ...]
    """In code order."""
    flats: Flats
    """In code order."""
