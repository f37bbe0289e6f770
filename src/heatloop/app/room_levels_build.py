"""Builds the room levels of an installation and puts their night into the schedule."""

from __future__ import annotations

from typing import TypedDict

from heatloop.app.audit import Audit
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian
from heatloop.app.platform import Platform
from heatloop.app.room_levels import RoomLevels
from heatloop.app.room_levels_views import RoomLevelViews
from heatloop.app.schedule import Job
from heatloop.app.setting_sections import Settings
from heatloop.app.world import World
from heatloop.store.records import Records

_NIGHT_S = 86400.0
_PAUSE_S = 10.0
_REST = 4.0
"""However fast plant time runs, it takes at most a fifth of its workers' time."""


class LevelRoom(TypedDict):
    """What the platform holds of room levels."""

    room_levels: RoomLevels
    room_level_views: RoomLevelViews


def build_room_levels(
    settings: Settings,
    *,
    fleet: Fleet,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    audit: Audit,
) -> LevelRoom:
    """Return the room levels of an installation; nothing is learnt yet."""
    levels = RoomLevels(
        world,
        records,
        historian,
        fleet=fleet,
        audit=audit,
        settings=settings.strategy,
        prices=settings.prices,
        time_zone=settings.company.time_zone,
    )
    return LevelRoom(room_levels=levels, room_level_views=RoomLevelViews(world, records, levels))


def add_room_levels(platform: Platform) -> None:
    """Learn once a day of plant time, by the models in force, and let station control aim by it."""
    levels = platform.room_levels
    levels.champion = platform.models.champion
    platform.strategy.aim_by(levels)
    platform.schedule.add(
        Job(
            name="room_levels",
            period_s=_NIGHT_S,
            run=levels.run,
            kept=True,
            least_pause_s=_PAUSE_S,
            rest=_REST,
        )
    )
