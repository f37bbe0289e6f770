"""One station with everything its page shows, and the keys a live stream follows."""

from __future__ import annotations

from heatloop.app.layout import BuildingNode, Node, StationNode, number, word
from heatloop.app.queries import assets, points
from heatloop.app.queries.overview import fresh_rooms, mode, state_of
from heatloop.app.refusals import Refused
from heatloop.app.views.plant import PointView
from heatloop.app.views.station import BuildingCard, DeviceView, SubstationDetail, UnitDetail
from heatloop.app.world import World
from heatloop.kernel.scope import Scope

_STATION_KINDS = (
    "primary_supply_temperature",
    "primary_return_temperature",
    "primary_heat_power",
)
_UNIT_KINDS = (
    "secondary_supply_temperature",
    "secondary_return_temperature",
    "secondary_supply_temperature_setpoint",
    "station_mode",
)
_SOURCE_KINDS = (
    "source_supply_temperature",
    "source_return_temperature",
    "source_supply_pressure",
    "source_return_pressure",
    "source_flow",
    "source_heat_power",
)


def _unit(world: World, unit: Node) -> UnitDetail:
    return UnitDetail(
        code=unit.asset.code,
        zh=unit.asset.zh,
        en=unit.asset.en,
        emitter=word(unit.asset, "emitter", "radiator"),
        zone=word(unit.asset, "zone", "single"),
        mode=mode(world, unit),
        stage=world.stages.get(unit.asset.code, "observe"),
        heated_area_m2=number(unit.asset, "heated_area_m2"),
        points=[point.code for point in world.ledger.points_of(unit.asset.code)],
    )


def _building(world: World, building: BuildingNode) -> BuildingCard:
    rooms = fresh_rooms(world, building.rooms)
    asset = building.node.asset
    return BuildingCard(
        code=asset.code,
        zh=asset.zh,
        en=asset.en,
        unit=building.unit,
        area_m2=number(asset, "area_m2") or number(asset, "heated_area_m2"),
        rooms=len(rooms),
        room_mean_c=float(rooms.mean()) if len(rooms) else None,
        room_min_c=float(rooms.min()) if len(rooms) else None,
    )


def _points(world: World, station: StationNode) -> list[PointView]:
    codes = (station.node.asset.code, *(unit.asset.code for unit in station.units))
    return [points.view(world, point) for code in codes for point in world.ledger.points_of(code)]


def substation(world: World, scope: Scope, code: str) -> SubstationDetail:
    """Return everything the station page shows.

    Raises:
        Refused: There is no such station inside the scope.
    """
    asset = world.asset(scope, code)
    station = world.layout.stations.get(asset.code)
    if station is None:
        raise Refused("not_found", thing=code)
    online = world.is_online(station)
    codes = (asset.code, *(unit.asset.code for unit in station.units))
    device = station.device
    return SubstationDetail(
        asset=assets.view(world, asset),
        state=state_of(world, codes, online)[0],
        units=[_unit(world, unit) for unit in station.units],
        points=_points(world, station),
        device=None
        if device is None
        else DeviceView(
            code=device.code,
            asset=device.asset,
            gateway=device.gateway,
            profile=device.profile,
            protocol=device.protocol,
            regulates=device.regulates,
            online=online,
        ),
        buildings=[_building(world, building) for building in world.layout.buildings(station)],
    )


def _overview_keys(world: World, scope: Scope) -> set[int]:
    keys: set[int] = set()
    for station in world.layout.stations.values():
        if scope.holds(*station.node.paths):
            keys.update(_some(station.node, _STATION_KINDS))
            for unit in station.units:
                keys.update(_some(unit, _UNIT_KINDS))
    for source in world.layout.sources.values():
        if scope.holds(*source.paths):
            keys.update(_some(source, _SOURCE_KINDS))
    for node in world.layout.weather:
        keys.update(_some(node, ("outdoor_temperature",)))
    return keys


def _some(node: Node, kinds: tuple[str, ...]) -> list[int]:
    return [node.keys[kind] for kind in kinds if kind in node.keys]


def stream_keys(
    world: World, scope: Scope, *, codes: list[str], substation: str, overview: bool
) -> frozenset[int]:
    """Return the keys a live stream follows.

    Raises:
        Refused: A point or station does not exist inside the scope.
    """
    keys = {world.point(scope, code).key for code in codes}
    if substation:
        station = world.layout.stations.get(world.asset(scope, substation).code)
        if station is None:
            raise Refused("not_found", thing=substation)
        for node in (station.node, *station.units):
            keys.update(point.key for point in world.ledger.points_of(node.asset.code))
    if overview:
        keys |= _overview_keys(world, scope)
    return frozenset(keys)
