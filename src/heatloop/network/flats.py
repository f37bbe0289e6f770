"""The flats of a house: where each lies, what it loses there, and whom it borders on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats, Index, summed
from heatloop.network.building import BuildingPlan

_AIR_KWH_M3K = 0.34e-3
_LOOSE_KJ_M2K = 72.0
"""Air, furniture and the first centimetre of inner walls, a m2 of floor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fabric:
    """What a house is built of."""

    wall_w_m2k: float = 0.7
    """Outer walls."""
    window_w_m2k: float = 2.4
    """Windows."""
    roof_w_m2k: float = 0.7
    """Top ceiling."""
    ground_w_m2k: float = 0.5
    """Floor over the cellar."""
    party_w_m2k: float = 1.6
    """Walls and slabs between flats."""
    window_share: float = 0.25
    """Of the front and back facade."""
    glass: float = 0.45
    """Sun let in: g-value, frame, dirt, curtains."""
    air_change_h: float = 0.45
    """With shut windows and calm wind."""
    room_height_m: float = 2.8
    """Floor to floor."""
    mass_kj_m2k: float = 290.0
    """Walls and slabs, a m2 of floor."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Flats:
    """The flats of one house, from the ground up, each floor from left to right."""

    floor: Index
    """0 is the ground floor, shape (n,)."""
    column: Index
    """From the left, shape (n,)."""
    area_m2: Floats
    """Heated floor, shape (n,)."""
    facing: Index
    """Facade with most of its windows, a number of `building.FACINGS_DEG`, shape (n,)."""
    direct_kw_k: Floats
    """Windows and air change at calm wind, shape (n,)."""
    opaque_kw_k: Floats
    """Outer walls, roof and cellar ceiling, shape (n,)."""
    sun_m2: Floats
    """Area that takes in all the sun of its facade, shape (n,)."""
    neighbours: Index
    """Pairs of flats with a wall or slab between, shape (n_pair, 2)."""
    neighbour_kw_k: Floats
    """Conductance between them, shape (n_pair,)."""

    def loss_kw_k(self) -> Floats:
        """Return the whole loss of each flat, neighbours apart, shape (n,)."""
        return np.asarray(self.direct_kw_k + self.opaque_kw_k)


def lay_flats(
    floors: int,
    columns: int,
    area_m2: float,
    front: int,
    fabric: Fabric | None = None,
    *,
    depth_m: float = 11.0,
) -> Flats:
    """Return the flats of a straight house: equal ones side by side, from front to back.

    Args:
        floors: Number of floors.
        columns: Flats a floor.
        area_m2: Of one flat.
        front: Facade the fronts look to, a number of `building.FACINGS_DEG`; flats with an odd
            column have their living room at the back.
        fabric: What the house is built of.
        depth_m: From front to back.

    Raises:
        InputError: A number is not above 0, or there is no such facade.
    """
    if floors < 1 or columns < 1 or not area_m2 > 0.0 or not depth_m > 0.0:
        raise InputError("floors, columns, area and depth must be above 0", thing="flats")
    if not 0 <= front < 8:
        raise InputError("a facade is a number from 0 to 7", thing="flats", place=str(front))
    made = fabric or Fabric()
    n = floors * columns
    floor, column = np.divmod(np.arange(n), columns)
    width, height = area_m2 / depth_m, made.room_height_m
    fronts = 2.0 * width * height
    gables = depth_m * height * ((column == 0).astype(float) + (column == columns - 1))
    window = made.window_share * fronts
    air = made.air_change_h * area_m2 * height * _AIR_KWH_M3K
    opaque = made.wall_w_m2k * (fronts - window + gables)
    opaque = opaque + made.roof_w_m2k * area_m2 * (floor == floors - 1)
    # The cellar stands half-way between inside and outside.
    opaque = opaque + 0.5 * made.ground_w_m2k * area_m2 * (floor == 0)
    index = np.arange(n).reshape(floors, columns)
    beside = np.column_stack([index[:, :-1].ravel(), index[:, 1:].ravel()])
    above = np.column_stack([index[:-1].ravel(), index[1:].ravel()])
    party = made.party_w_m2k / 1000.0
    between = np.concatenate(
        [
            np.full(len(beside), party * depth_m * height),
            np.full(len(above), party * area_m2),
        ]
    )
    return Flats(
        floor=floor,
        column=column,
        area_m2=np.full(n, area_m2),
        facing=np.where(column % 2 == 0, front, (front + 4) % 8),
        direct_kw_k=np.full(n, made.window_w_m2k / 1000.0 * window + air),
        opaque_kw_k=opaque / 1000.0,
        sun_m2=np.full(n, made.glass * window * 0.5),
        neighbours=np.concatenate([beside, above]).astype(np.intp),
        neighbour_kw_k=between,
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spread:
    """How flats differ from the plan, shape (n,) each."""

    loss: Floats
    """Factor on the losses: leaky windows, builders' luck."""
    radiator: Floats
    """Factor on the radiators: sizes come in steps, owners change them."""
    valve: Floats
    """Position of the flat's balancing or radiator valve, 0 shut to 1 open."""
    gain_kw: Floats
    """People and appliances, mean over the day."""
    sun: Floats
    """Factor on the sun let in: trees, blinds, balconies."""


def draw_spread(area_m2: Floats, rng: np.random.Generator, *, empty: float = 0.06) -> Spread:
    """Return how flats differ.

    Args:
        area_m2: Heated floor, shape (n,).
        rng: Where chance comes from.
        empty: Share of flats nobody lives in.
    """
    n = len(area_m2)
    lived = np.where(rng.random(n) < empty, 0.12, 1.0) * np.exp(rng.normal(0.0, 0.3, n))
    # Most valves stand where the fitter left them; one in eight was turned down, a few are shut.
    turned = np.where(rng.random(n) < 0.125, rng.uniform(0.15, 0.6, n), rng.uniform(0.8, 1.0, n))
    return Spread(
        loss=np.exp(rng.normal(0.0, 0.07, n)),
        radiator=np.exp(rng.normal(0.0, 0.06, n)),
        valve=np.where(rng.random(n) < 0.02, 0.0, turned),
        gain_kw=3.4e-3 * area_m2 * lived,
        sun=rng.uniform(0.4, 1.15, n),
    )


def plan_of_flats(
    houses: list[Flats],
    spreads: list[Spread],
    *,
    fabric: Fabric | None = None,
    wind_per_ms: float = 0.02,
) -> BuildingPlan:
    """Return the plan of some houses, with facades and neighbours.

    Args:
        houses: The flats of each house.
        spreads: How they differ.
        fabric: What the houses are built of.
        wind_per_ms: Growth of the straight loss a m/s of wind.

    Raises:
        InputError: There is no house, or spreads do not fit.
    """
    if not houses or [len(h.area_m2) for h in houses] != [len(s.loss) for s in spreads]:
        raise InputError("each house needs a spread of its own size", thing="flats")
    made = fabric or Fabric()
    sizes = [len(h.area_m2) for h in houses]
    building = np.repeat(np.arange(len(houses)), sizes).astype(np.intp)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    area = np.concatenate([h.area_m2 for h in houses])
    loss = np.concatenate([s.loss for s in spreads])
    opaque = np.concatenate([h.opaque_kw_k for h in houses]) * loss
    direct = np.concatenate([h.direct_kw_k for h in houses]) * loss
    size = np.concatenate([s.radiator for s in spreads]) * (opaque + direct)
    count = len(houses)
    size /= summed(building, size, count)[building]
    # The mass lies two thirds of the way in: its inner conductance is three times the whole.
    whole = summed(building, opaque, count)
    return BuildingPlan(
        building=building,
        air_kj_k=_LOOSE_KJ_M2K * area,
        out_kw_k=direct,
        wall_kw_k=3.0 * opaque,
        heat_share=size,
        gain_kw=np.concatenate([s.gain_kw for s in spreads]),
        sun_m2=np.concatenate([h.sun_m2 * s.sun for h, s in zip(houses, spreads, strict=True)]),
        envelope_kj_k=made.mass_kj_m2k * summed(building, area, count),
        envelope_kw_k=1.5 * whole,
        # Absorptance 0.6 over an outer film of 25 W/(m2 K), as area of full effect.
        envelope_sun_m2=0.6 * whole * 1000.0 / 25.0,
        wind_per_ms=np.full(count, wind_per_ms),
        facing=np.concatenate([h.facing for h in houses]).astype(np.intp),
        neighbours=np.concatenate(
            [h.neighbours + at for h, at in zip(houses, first, strict=True)]
        ).astype(np.intp),
        neighbour_kw_k=np.concatenate([h.neighbour_kw_k for h in houses]),
    )
