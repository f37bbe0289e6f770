"""The first screen: the whole company, or the part of it the reader may see, at a glance."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from heatloop.app.latest import Positions
from heatloop.app.layout import Node, StationNode, number, word
from heatloop.app.views.plant import Overview, SourceCard, SubstationCard, Totals, UnitCard
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope

MODES = ("local", "remote_manual", "automatic")
_ROOM_FRESH_S = 3 * 1800
_WARM_ROOM_C = 18.0
_SERIOUS = 2


def value(world: World, node: Node, kind: str) -> float | None:
    """Return the latest usable value of a node's point of this kind."""
    key = node.keys.get(kind)
    return None if key is None else world.latest.value(key)


def mode(world: World, unit: Node) -> str | None:
    """Return a unit's station mode, None when it is not known."""
    code = value(world, unit, "station_mode")
    return MODES[int(code)] if code is not None and 0 <= code < len(MODES) else None


def state_of(world: World, codes: Iterable[str], online: bool) -> tuple[str, int]:
    """Return (state, open alarms) of a thing made of these assets."""
    held = [world.open_alarms[code] for code in codes if code in world.open_alarms]
    count = sum(alarms.count for alarms in held)
    worst = min((alarms.worst for alarms in held), default=9)
    if not online:
        return "offline", count
    if not count:
        return "normal", 0
    return ("alarm" if worst <= _SERIOUS else "warning"), count


class _Now:
    """The latest values as plain lists: a screen of thousands of stations reads them often."""

    def __init__(self, world: World) -> None:
        self._values = world.latest.usable()

    def value(self, node: Node, kind: str) -> float | None:
        at = node.at.get(kind)
        return None if at is None else self._values[at]

    def mode(self, unit: Node) -> str | None:
        code = self.value(unit, "station_mode")
        return MODES[int(code)] if code is not None and 0 <= code < len(MODES) else None


def _unit_card(world: World, now: _Now, unit: Node) -> UnitCard:
    return UnitCard(
        code=unit.asset.code,
        zh=unit.asset.zh,
        en=unit.asset.en,
        emitter=word(unit.asset, "emitter", "radiator"),
        zone=word(unit.asset, "zone", "single"),
        supply_c=now.value(unit, "secondary_supply_temperature"),
        return_c=now.value(unit, "secondary_return_temperature"),
        setpoint_c=now.value(unit, "secondary_supply_temperature_setpoint"),
        mode=now.mode(unit),
        stage=world.stages.get(unit.asset.code, "observe"),
    )


def _station_card(world: World, now: _Now, station: StationNode, online: bool) -> SubstationCard:
    asset = station.node.asset
    codes = (asset.code, *(unit.asset.code for unit in station.units))
    state, alarms = state_of(world, codes, online)
    return SubstationCard(
        code=asset.code,
        zh=asset.zh,
        en=asset.en,
        branch=station.branch,
        lat=number(asset, "lat"),
        lon=number(asset, "lon"),
        heated_area_m2=station.area_m2,
        state=state,
        alarms=alarms,
        primary_supply_c=now.value(station.node, "primary_supply_temperature"),
        primary_return_c=now.value(station.node, "primary_return_temperature"),
        heat_power_kw=now.value(station.node, "primary_heat_power"),
        units=[_unit_card(world, now, unit) for unit in station.units],
    )


def _source_card(world: World, now: _Now, source: Node) -> SourceCard:
    state, alarms = state_of(world, (source.asset.code,), world.is_fresh(source.positions))
    return SourceCard(
        code=source.asset.code,
        zh=source.asset.zh,
        en=source.asset.en,
        state=state,
        alarms=alarms,
        rated_load_kw=number(source.asset, "rated_load_kw"),
        supply_c=now.value(source, "source_supply_temperature"),
        return_c=now.value(source, "source_return_temperature"),
        supply_kpa=now.value(source, "source_supply_pressure"),
        return_kpa=now.value(source, "source_return_pressure"),
        flow_m3h=now.value(source, "source_flow"),
        heat_power_kw=now.value(source, "source_heat_power"),
    )


def fresh_rooms(world: World, rooms: Positions) -> NDArray[np.float64]:
    """Return the room temperatures among these that are fresh and usable, degC."""
    latest = world.latest
    usable = latest.slots[rooms] >= max(world.now_s() - _ROOM_FRESH_S, 1)
    usable &= ~np.isin(latest.quality[rooms], (Quality.BAD, Quality.STALE))
    values: NDArray[np.float64] = latest.values[rooms[usable]]
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def outdoor_c(world: World) -> float | None:
    """Return the outdoor temperature: the mean of the weather stations that know one."""
    known = [value(world, node, "outdoor_temperature") for node in world.layout.weather]
    found = [each for each in known if each is not None]
    return sum(found) / len(found) if found else None


def overview(world: World, scope: Scope) -> Overview:
    """Return everything the first screen shows inside a scope."""
    stations = [s for s in world.layout.stations.values() if scope.holds(*s.node.paths)]
    now = _Now(world)
    cards = [_station_card(world, now, each, world.is_online(each)) for each in stations]
    rooms = world.layout.rooms
    values = fresh_rooms(world, rooms[world.mask_in(scope)[rooms]])
    powers = [card.heat_power_kw for card in cards if card.heat_power_kw is not None]
    codes = world.codes_in(scope)
    totals = Totals(
        substations=len(cards),
        online=sum(card.state != "offline" for card in cards),
        alarms_active=sum(
            held.count for code, held in world.open_alarms.items() if codes is None or code in codes
        ),
        alarms_unacknowledged=sum(
            n for code, n in world.unacknowledged.items() if codes is None or code in codes
        ),
        heat_power_kw=sum(powers) if powers else None,
        heated_area_m2=sum(card.heated_area_m2 for card in cards),
        room_mean_c=float(values.mean()) if len(values) else None,
        room_share_18_pct=float((values >= _WARM_ROOM_C).mean() * 100) if len(values) else None,
    )
    return Overview(
        plant_time=utc(world.now_s()),
        speed=world.clock.state.speed,
        outdoor_temperature_c=outdoor_c(world),
        totals=totals,
        sources=[
            _source_card(world, now, source)
            for source in world.layout.sources.values()
            if scope.holds(*source.paths)
        ],
        substations=cards,
    )
