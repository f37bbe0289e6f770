"""Builds dispatch of an installation and puts its jobs into the schedule."""

from __future__ import annotations

from typing import TypedDict
from zoneinfo import ZoneInfo

from heatloop.app.audit import Audit
from heatloop.app.command_door import CommandDoor
from heatloop.app.dispatch import LOOK_S, WATCH_S, Dispatch
from heatloop.app.dispatch_cost import DispatchCost
from heatloop.app.dispatch_export import SeasonExport
from heatloop.app.dispatch_order import DispatchOrders
from heatloop.app.dispatch_season import DispatchSeason
from heatloop.app.history import AsyncHistorian
from heatloop.app.network_plan import NetworkPlan
from heatloop.app.platform import Platform
from heatloop.app.schedule import Job
from heatloop.app.setting_sections import Settings
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.store.records import Records


class DispatchRooms(TypedDict):
    """What stands around dispatch."""

    network_plan: NetworkPlan
    dispatch_orders: DispatchOrders
    dispatch_season: DispatchSeason
    dispatch_cost: DispatchCost
    season_export: SeasonExport


def build_dispatch(
    settings: Settings, *, world: World, records: Records, audit: Audit, workers: Workers
) -> Dispatch:
    """Return dispatch; nothing is planned yet."""
    zone = ZoneInfo(settings.company.time_zone)
    return Dispatch(world, records, audit, workers, zone)


def dispatch_rooms(
    settings: Settings,
    *,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    audit: Audit,
    door: CommandDoor,
    workers: Workers,
    dispatch: Dispatch,
) -> DispatchRooms:
    """Return what stands around dispatch, under the names the platform knows."""
    network_plan, season = (
        NetworkPlan(world, dispatch, settings.prices),
        DispatchSeason(world, dispatch),
    )
    return {
        "network_plan": network_plan,
        "dispatch_orders": DispatchOrders(
            world, records, audit, door, network_plan, dispatch.maker.failed
        ),
        "dispatch_season": season,
        "dispatch_cost": DispatchCost(
            world, records, historian, dispatch, ZoneInfo(settings.company.time_zone)
        ),
        "season_export": SeasonExport(season, workers, settings.company),
    }


def add_dispatch_jobs(platform: Platform) -> None:
    """Plan every hour of plant time, and at once when a unit fails."""
    dispatch = platform.dispatch
    dispatch.demands.weather = platform.weather
    dispatch.demands.latest = platform.forecasts.latest
    dispatch.events.alarming = platform.alarming
    platform.strategy.plant_caps = dispatch.follow.caps
    # A solver needs seconds of the machine, however fast plant time runs.
    platform.schedule.add(
        Job(name="dispatch", period_s=LOOK_S, run=dispatch.run, least_pause_s=30.0, rest=4.0)
    )
    platform.schedule.add(
        Job(name="dispatch_watch", period_s=WATCH_S, run=dispatch.watch, least_pause_s=1.0)
    )
