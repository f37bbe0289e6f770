"""What secondary balance reads of a unit and its buildings: points, shares, hourly means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.app.layout import Node, number
from heatloop.app.world import World
from heatloop.control.unit_balance import InletHours
from heatloop.network.arrays import Floats
from heatloop.store.historian.port import MAX_ROLLUP_ROWS

HOURS = 24
_ROWS_AT_ONCE = MAX_ROLLUP_ROWS // 4
_MOST_ROOMS = 6
"""Rooms of a building that are read: more tell little more."""
_FLOOR_EXPONENT, _RADIATOR_EXPONENT = 0.05, 0.3
_UNIT_KINDS = {
    "unit_supply_c": "secondary_supply_temperature",
    "unit_return_c": "secondary_return_temperature",
    "unit_flow_m3h": "secondary_flow",
}
_INLET_KINDS = {
    "supply_c": "building_supply_temperature",
    "return_c": "building_return_temperature",
    "flow_m3h": "building_flow",
    "opening_pct": "building_valve_opening",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inlets:
    """A unit with its buildings and what is read of them."""

    unit: Node
    """The unit."""
    buildings: tuple[Node, ...]
    """Those, by code."""
    rooms: tuple[tuple[int, ...], ...]
    """Keys of the rooms measured in each of `buildings`."""
    share: Floats
    """Area, or area by heat index, of each."""
    share_by: str
    """`load` or `area`."""

    def keys(self) -> set[int]:
        """Return every key that is read."""
        own = {self.unit.keys[kind] for kind in _UNIT_KINDS.values() if kind in self.unit.keys}
        inlets = {
            node.keys[kind]
            for node in self.buildings
            for kind in _INLET_KINDS.values()
            if kind in node.keys
        }
        return own | inlets | {key for keys in self.rooms for key in keys}


def inlets_of(world: World, code: str) -> Inlets:
    """Return what is read of a unit; it must be one of the ledger in force."""
    unit, _ = world.layout.units[code]
    houses = sorted(
        (each for each in world.ledger.below(code) if each.kind == "building"),
        key=lambda each: each.code,
    )
    # The ledger takes no building without its area.
    area = np.array([number(each, "area_m2") or 1.0 for each in houses], dtype=np.float64)
    index = np.array([number(each, "heat_index_w_m2") or 0.0 for each in houses])
    # What needs more heat a square metre needs more water; half a column of it is no measure.
    by_load = bool(houses) and bool(np.all(index > 0.0))
    return Inlets(
        unit=unit,
        buildings=tuple(world.layout.node(each) for each in houses),
        rooms=tuple(tuple(_rooms(world, each.code)) for each in houses),
        share=area * index if by_load else area,
        share_by="load" if by_load else "area",
    )


def _rooms(world: World, building: str) -> list[int]:
    at = world.layout.rooms_of.get(building)
    keys = [] if at is None else [int(key) for key in world.index.keys[at]]
    if len(keys) > _MOST_ROOMS:
        keys = [keys[i] for i in np.linspace(0, len(keys) - 1, _MOST_ROOMS).astype(int)]
    return keys


def batches(units: Sequence[Inlets]) -> Iterator[list[Inlets]]:
    """Yield units by as many as the historian reads at once."""
    batch: list[Inlets] = []
    size = 0
    for each in units:
        batch.append(each)
        size += len(each.keys()) * HOURS
        if size >= _ROWS_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def hours_of(inlets: Inlets, table: Floats, place: Mapping[int, int]) -> InletHours:
    """Return the hours of a unit out of a table of many.

    Args:
        inlets: The unit.
        table: Means, shape (HOURS, n_key); nan where nothing good is.
        place: Column of each key.
    """
    nothing = np.full(HOURS, np.nan)

    def column(node: Node, kind: str) -> Floats:
        key = node.keys.get(kind)
        return nothing if key is None else table[:, place[key]]

    def columns(found: list[Floats]) -> Floats:
        return np.column_stack(found) if found else np.empty((HOURS, 0))

    rooms = []
    for keys in inlets.rooms:
        mine = table[:, [place[key] for key in keys]]
        known = np.isfinite(mine)
        count = known.sum(axis=1)
        mean = np.where(known, mine, 0.0).sum(axis=1) / np.maximum(count, 1)
        rooms.append(np.where(count > 0, mean, np.nan))
    floor = inlets.unit.asset.attributes.get("emitter") == "floor"
    return InletHours(
        **{name: column(inlets.unit, kind) for name, kind in _UNIT_KINDS.items()},
        **{
            name: columns([column(node, kind) for node in inlets.buildings])
            for name, kind in _INLET_KINDS.items()
        },
        room_c=columns(rooms),
        share=inlets.share,
        exponent=_FLOOR_EXPONENT if floor else _RADIATOR_EXPONENT,
    )
