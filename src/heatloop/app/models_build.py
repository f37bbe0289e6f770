"""Builds the models of an installation and puts their night into the schedule."""

from __future__ import annotations

from typing import TypedDict

from heatloop.app.audit import Audit
from heatloop.app.fleet import Fleet
from heatloop.app.history import AsyncHistorian
from heatloop.app.models import Models
from heatloop.app.models_views import ModelViews
from heatloop.app.schedule import Job, Schedule
from heatloop.app.setting_sections import Settings
from heatloop.app.world import World
from heatloop.store.records import Records

_NIGHT_S = 86400.0
_PAUSE_S = 10.0
_REST = 4.0
"""However fast plant time runs, learning takes at most a fifth of its workers' time."""


class ModelRoom(TypedDict):
    """What the platform holds of models."""

    models: Models
    model_views: ModelViews


def build_models(
    settings: Settings,
    *,
    fleet: Fleet,
    world: World,
    records: Records,
    historian: AsyncHistorian,
    audit: Audit,
) -> ModelRoom:
    """Return the models of an installation; nothing is learned yet."""
    models = Models(
        world,
        records,
        historian,
        fleet=fleet,
        audit=audit,
        time_zone=settings.company.time_zone,
    )
    return ModelRoom(models=models, model_views=ModelViews(world, records, models))


def add_models_job(schedule: Schedule, models: Models) -> None:
    """Learn once a day of plant time."""
    schedule.add(
        Job(
            name="learning",
            period_s=_NIGHT_S,
            run=models.run,
            kept=True,
            least_pause_s=_PAUSE_S,
            rest=_REST,
        )
    )
