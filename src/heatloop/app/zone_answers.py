"""What can be said to a heat user, worked out per building by the control zone.

It knows temperatures, states and alarms; the answer of a building holds what it makes of them,
and how fast the building cools. `zone_flats` turns that into the answer of any flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heatloop.app.layout import BuildingNode, Node, StationNode, number, word
from heatloop.app.queries.overview import fresh_rooms, outdoor_c, value
from heatloop.app.world import World
from heatloop.app.zone_flats import COLD_C
from heatloop.network.cooling import fall, heat_index_w_m2
from heatloop.network.cooling_hours import HOURS
from heatloop.plant.model import Asset

_LOW_SUPPLY_K = 5.0
_CLOSED_PCT = 3.0
_ROOM_AT_DESIGN_C = 20.0


def building_answers(world: World, troubled: frozenset[str]) -> list[dict[str, Any]]:
    """Return the answer of every building.

    Args:
        world: The present.
        troubled: Assets of heat sources and network with an alarm of high priority.
    """
    outdoor = outdoor_c(world)
    answers = []
    for station in world.layout.stations.values():
        online = world.is_online(station)
        above = set(station.node.paths[1].split("/")) & troubled
        units = {unit.asset.code: unit for unit in station.units}
        states = {code: _unit_cause(world, unit) for code, unit in units.items()}
        for building in world.layout.buildings(station):
            unit = units[building.unit]
            cause = "station_offline" if not online else states[building.unit]
            if above and cause in ("normal", "supply_low"):
                cause = "source_incident"
            answers.append(_answer(world, building, unit, cause, outdoor, station))
    return answers


def _unit_cause(world: World, unit: Node) -> str:
    if value(world, unit, "circulation_pump_state") == 0.0 and not value(
        world, unit, "standby_pump_state"
    ):
        return "unit_stopped"
    supply = value(world, unit, "secondary_supply_temperature")
    wanted = value(world, unit, "secondary_supply_temperature_setpoint")
    if supply is None:
        return "unknown"
    if wanted is not None and supply < wanted - _LOW_SUPPLY_K:
        return "supply_low"
    return "normal"


def _answer(
    world: World,
    building: BuildingNode,
    unit: Node,
    cause: str,
    outdoor: float | None,
    station: StationNode,
) -> dict[str, Any]:
    del station
    asset = building.node.asset
    rooms = fresh_rooms(world, building.rooms)
    supply = value(world, building.node, "building_supply_temperature")
    supply = value(world, unit, "secondary_supply_temperature") if supply is None else supply
    room, basis = None, "none"
    if len(rooms):
        room, basis = float(rooms.mean()), "measured"
    else:
        room = _estimate(world, unit, outdoor)
        basis = "none" if room is None else "estimated"
    valve = value(world, building.node, "building_valve_opening")
    if cause == "normal" and valve is not None and valve < _CLOSED_PCT:
        cause = "building_valve_closed"
    if cause == "normal" and basis == "measured" and room is not None and room < COLD_C:
        cause = "building_imbalance"
    return {
        "kind": "answer",
        "building": asset.code,
        "at_s": float(int(world.now_s())),
        "room_c": None if room is None else round(room, 1),
        "basis": basis,
        "rooms": len(rooms),
        "supply_c": None if supply is None else round(supply, 1),
        "outdoor_c": None if outdoor is None else round(outdoor, 1),
        "cause": cause,
        "fall": list(_fall(asset)),
        "hours": list(HOURS),
    }


def _fall(asset: Asset) -> tuple[float, ...]:
    return fall(heat_index_w_m2(number(asset, "heat_index_w_m2"), word(asset, "envelope", "fair")))


def _estimate(world: World, unit: Node, outdoor: float | None) -> float | None:
    """Return what rooms without any sensor should have: heat emitted equals heat lost.

    Emission follows the mean water temperature over the room, loss the room over the outdoor
    temperature; the unit's design says how much of each belong together.
    """
    supply = value(world, unit, "secondary_supply_temperature")
    back = value(world, unit, "secondary_return_temperature")
    design_supply, design_return = (
        number(unit.asset, "design_supply_c"), number(unit.asset, "design_return_c")
    )  # fmt: skip
    if None in (supply, back, outdoor, design_supply, design_return):
        return None
    assert supply is not None
    assert back is not None
    assert outdoor is not None
    design_water = ((design_supply or 0.0) + (design_return or 0.0)) / 2.0
    design_outdoor = number(unit.asset, "design_outdoor_c")
    design_outdoor = -18.0 if design_outdoor is None else design_outdoor
    share = (_ROOM_AT_DESIGN_C - design_outdoor) / max(design_water - _ROOM_AT_DESIGN_C, 5.0)
    # share * (water - room) = room - outdoor, emission taken as linear over this range.
    water = (supply + back) / 2.0
    return min(max((share * water + outdoor) / (1.0 + share), -20.0), 40.0)


def troubled_assets(alarms: Iterable[tuple[str, int, str]]) -> frozenset[str]:
    """Return assets with open alarms of priority 1 and 2, given (asset, priority, rule)."""
    return frozenset(asset for asset, priority, _ in alarms if priority <= 2)
