"""Where everything of the primary network stands: one tree, or cells of rings.

A cell is a town of forty stations: a core of a ring main with two cross links between two
sources, a district behind a booster station, and a zone behind a pressure-isolation station. The
medium city is one cell; the large one is thirteen, their rings tied to each other.

    HS odd --- ring (14) === 2 cross links (4 each) --- HS even
       |         `-- BS -- ring (8)
       `------- IS -- ring (10)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heatloop.demo.plans import PRIMARY_SUPPLY_C, ZONE_SUPPLY_C, TrenchPlan

CELL = 40
_RING, _LINK, _BOOSTED, _ISOLATED = 14, 4, 8, 10
_WINDING = 1.15
"""Length of a street over the straight line."""
_CELL_EAST_M, _CELL_NORTH_M, _CELLS_A_ROW = 9000.0, 9500.0, 4

Spot = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a substation stands, and what feeds it."""

    branch: int
    """0 east, 1 west."""
    junction: Spot
    """Place of its junction in the street, m east and north of the first source."""
    fed_by: str
    """Code of the station or source above it."""
    primary_c: float
    """Design supply temperature there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Map:
    """The places of a city of cells."""

    sites: tuple[Site, ...]
    """Of each substation."""
    sources: tuple[Spot, ...]
    """Two a cell: the CHP plant, then the peak plant."""
    isolations: tuple[Spot, ...]
    """One a cell."""
    boosters: tuple[Spot, ...]
    """One a cell."""
    links: tuple[tuple[str, str], ...]
    """Ends of the trunk trenches; the first `len(sites)` lead to each junction in turn."""


def junction(station: int) -> str:
    """Return the code of the junction before a station."""
    return f"PN{station + 1:05d}"


def _around(centre: Spot, radii: Spot, count: int, from_deg: float) -> list[Spot]:
    angles = [math.radians(from_deg + 360.0 * k / count) for k in range(count)]
    east, north = centre
    return [(east + radii[0] * math.cos(a), north + radii[1] * math.sin(a)) for a in angles]


def _between(start: Spot, end: Spot, count: int) -> list[Spot]:
    shares = [(k + 1) / (count + 1) for k in range(count)]
    return [
        (start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1])) for s in shares
    ]


def draw_map(cells: int) -> Map:
    """Return the places of so many cells."""
    sites: list[Site] = []
    sources: list[Spot] = []
    isolations: list[Spot] = []
    boosters: list[Spot] = []
    trunks: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for cell in range(cells):
        row, column = divmod(cell, _CELLS_A_ROW)
        origin = (-_CELL_EAST_M * column, _CELL_NORTH_M * row)
        first = CELL * cell
        plant, peak = f"HS{2 * cell + 1:04d}", f"HS{2 * cell + 2:04d}"
        zone, lift = f"IS{cell + 1:04d}", f"BS{cell + 1:04d}"
        centre = (origin[0] - 2600.0, origin[1])
        ring = _around(centre, (1700.0, 1200.0), _RING, 0.0)
        links = [_between(ring[3], ring[11], _LINK), _between(ring[5], ring[9], _LINK)]
        booster = (ring[10][0], ring[10][1] - 700.0)
        boosted = _around((booster[0], booster[1] - 1100.0), (800.0, 800.0), _BOOSTED, 90.0)
        isolation = (origin[0] + 300.0, origin[1] + 1500.0)
        isolated = _around((isolation[0], isolation[1] + 1400.0), (900.0, 900.0), _ISOLATED, 270.0)
        sources += [origin, (origin[0] - 5000.0, origin[1])]
        isolations.append(isolation)
        boosters.append(booster)
        for spot in (*ring, *links[0], *links[1]):
            west = spot[0] < centre[0]
            sites.append(_site(spot, int(west), peak if west else plant))
        sites += [_site(spot, 1, lift) for spot in boosted]
        sites += [_site(spot, 0, zone, ZONE_SUPPLY_C) for spot in isolated]
        pn = [junction(first + k) for k in range(CELL)]
        chains = (
            (plant, 0, _RING, pn[0]),
            (pn[3], 14, _LINK, pn[11]),
            (pn[5], 18, _LINK, pn[9]),
            (lift, 22, _BOOSTED, pn[22]),
            (zone, 30, _ISOLATED, pn[30]),
        )
        for start, begin, count, close in chains:
            row_of = pn[begin : begin + count]
            trunks += list(zip([start, *row_of], row_of, strict=False))
            others.append((row_of[-1], close))
        others += [(peak, pn[7]), (pn[10], lift), (plant, zone)]
        if cell:
            others.append((junction(first - CELL + 6), pn[1]))
    return Map(
        sites=tuple(sites),
        sources=tuple(sources),
        isolations=tuple(isolations),
        boosters=tuple(boosters),
        links=(*trunks, *others),
    )


def _site(spot: Spot, branch: int, fed_by: str, primary_c: float = PRIMARY_SUPPLY_C) -> Site:
    return Site(branch=branch, junction=spot, fed_by=fed_by, primary_c=primary_c)


def dig(town: Map, rng: np.random.Generator) -> tuple[TrenchPlan, ...]:
    """Return all trenches: trunk and service of each station in turn, then the closing links."""
    spots = {junction(k): site.junction for k, site in enumerate(town.sites)}
    for prefix, places in (("HS", town.sources), ("IS", town.isolations), ("BS", town.boosters)):
        spots |= {f"{prefix}{k + 1:04d}": place for k, place in enumerate(places)}

    def trunk(start: str, end: str) -> TrenchPlan:
        length = _WINDING * math.dist(spots[start], spots[end])
        return TrenchPlan(start=start, end=end, length_m=max(length, 20.0))

    found = []
    for station in range(len(town.sites)):
        found.append(trunk(*town.links[station]))
        length_m = float(rng.uniform(60.0, 200.0))
        found.append(
            TrenchPlan(start=junction(station), end=f"SS{station + 1:04d}", length_m=length_m)
        )
    found += [trunk(*ends) for ends in town.links[len(town.sites) :]]
    return tuple(found)
