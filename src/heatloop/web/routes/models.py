"""Learnt models of units: those in force, their versions and cards, roll-back, learning at once."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.models import ModelDetail, ModelEventPage, ModelPage
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.params import AssetCode, Page, Size, Word

router = APIRouter(prefix="/models", tags=["models"])

State = Annotated[
    Literal["", "learned", "unlearned", "drifting"], Query(description="Only units like this")
]


class RollBack(BaseModel):
    """Why the former model shall come back."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Kept with the event and in the audit trail."""
    kind: Literal["building", "curve", "valve", "exchanger"] = "building"
    """What shall come back."""


@router.get("", summary="Models in force")
async def list_models(
    platform: Platformed,
    viewer: Viewer,
    search: Word = "",
    state: State = "",
    page: Page = 1,
    size: Size = 50,
) -> ModelPage:
    """Return a page of units with the model in force of each; those that drift come first."""
    return platform.model_views.page(viewer, search=search, state=state, page=page, size=size)


@router.get("/events", summary="What happened to models")
async def list_model_events(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 50
) -> ModelEventPage:
    """Return challenges, promotions, rejections and roll-backs, newest first."""
    return await platform.model_views.events(viewer, page=page, size=size)


@router.get("/{unit}", summary="One unit's models")
async def get_model(platform: Platformed, viewer: Viewer, unit: AssetCode) -> ModelDetail:
    """Return a unit's model in force, its versions with their cards, daily errors and events."""
    return await platform.model_views.detail(viewer, unit)


@router.post("/{unit}/rollback", summary="Put the former model back in force")
async def roll_back_model(
    platform: Platformed, by: Commander, unit: AssetCode, body: RollBack
) -> ModelDetail:
    """Put the former champion back in force at once; the reason is kept."""
    await platform.models.roll_back(by, unit, body.reason, body.kind)
    return await platform.model_views.detail(by, unit)


@router.post("/{unit}/learn", summary="Learn a unit's model now")
async def learn_model(platform: Platformed, by: Commander, unit: AssetCode) -> ModelDetail:
    """Do the unit's night of learning at once; the same rules decide as by night."""
    await platform.models.learn_now(by, unit)
    return await platform.model_views.detail(by, unit)
