"""Control strategies: what station control means to do with each unit, why, and who agreed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.strategies import StrategyPage, StrategyVersionPage, StrategyView
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.params import AssetCode, Page, Size

router = APIRouter(prefix="/strategies", tags=["strategies"])
Version = Annotated[int, Path(ge=1, le=1_000_000_000)]


class StrategyDecision(BaseModel):
    """What a person decides on a strategy."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    decision: Literal["approve", "reject"]
    """A rejected strategy leaves the unit to the weather curve for as long as it would hold."""
    note: Annotated[str, Field(max_length=400)] = ""
    """Why; kept in the audit trail."""


@router.get("", summary="Units with the strategies made for them")
async def list_strategies(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> StrategyPage:
    """Return a page of units, by code, and whether strategies are made at all."""
    return await platform.strategy_views.page(viewer.scope, page, size)


@router.get("/{code}", summary="A unit's strategy as it is now")
async def get_strategy(code: AssetCode, platform: Platformed, viewer: Viewer) -> StrategyView:
    """Return the plan in quarters of an hour, with its reason and what could not be kept."""
    return await platform.strategy_views.one(viewer.scope, code)


@router.get("/{code}/versions", summary="Versions of a unit's strategy")
async def list_strategy_versions(
    code: AssetCode, platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 20
) -> StrategyVersionPage:
    """Return a page of versions, newest first, each with its decision."""
    return await platform.strategy_views.versions(viewer.scope, code, page, size)


@router.post("/{code}/versions/{version}/decision", summary="Approve or reject a strategy")
async def decide_strategy(
    code: AssetCode, version: Version, body: StrategyDecision, platform: Platformed, by: Commander
) -> StrategyVersionPage:
    """Note the decision; devices are written only at stage `automatic`, by the arbiter."""
    await platform.strategy.decide(
        by, code, version, approve=body.decision == "approve", note=body.note
    )
    return await platform.strategy_views.versions(by.scope, code, 1, 20)
