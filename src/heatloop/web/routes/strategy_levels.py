"""Room levels: what station control aims at in each unit, where that comes from, and who set it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.room_levels import BOUNDS_C
from heatloop.app.views.strategies import RoomLevelPage, RoomLevelVersionPage, RoomLevelView
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/room-levels", tags=["strategies"])


class RoomTarget(BaseModel):
    """What a person wants of a unit's rooms."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    target_c: Annotated[float, Field(ge=BOUNDS_C[0], le=BOUNDS_C[1], allow_inf_nan=False)]
    """Room temperature, degC; it goes before the learnt level and before the figure for all."""
    note: Annotated[str, Field(max_length=400)] = ""
    """Why; kept in the audit trail."""


@router.get("", summary="Units with what is wanted of their rooms")
async def list_room_levels(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> RoomLevelPage:
    """Return a page of units, by code, with target, source and what the last night found."""
    return platform.room_level_views.page(viewer.scope, page, size)


@router.get("/{code}", summary="What is wanted of a unit's rooms")
async def get_room_level(code: AssetCode, platform: Platformed, viewer: Viewer) -> RoomLevelView:
    """Return target and source, the level kept before, the shift, and the share of cold rooms."""
    return platform.room_level_views.one(viewer.scope, code)


@router.get("/{code}/versions", summary="What the nights found of a unit's level")
async def list_room_level_versions(
    code: AssetCode, platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 20
) -> RoomLevelVersionPage:
    """Return a page of versions, newest first, each with its reason."""
    return await platform.room_level_views.versions(viewer.scope, code, page, size)


@router.put("/{code}/target", summary="Set a unit's own target")
async def set_room_target(
    code: AssetCode, body: RoomTarget, platform: Platformed, by: Commander
) -> RoomLevelView:
    """Let station control aim at this in the unit from its next plan on; audited."""
    await platform.room_levels.set_own(by, code, body.target_c, body.note)
    return platform.room_level_views.one(by.scope, code)


@router.delete("/{code}/target", summary="Remove a unit's own target")
async def clear_room_target(code: AssetCode, platform: Platformed, by: Commander) -> RoomLevelView:
    """Let the learnt level or the figure for all hold again; audited."""
    await platform.room_levels.clear_own(by, code)
    return platform.room_level_views.one(by.scope, code)
