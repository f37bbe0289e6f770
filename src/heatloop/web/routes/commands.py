"""Commands: ask for one, follow its life."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.views.work import CommandPage, CommandView, StageView
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.bodies import CommandRequest, ModeRequest, StageRequest
from heatloop.web.params import AssetCode, Ident, Page, Size, Word

router = APIRouter(tags=["commands"])


@router.post("/commands", status_code=202, summary="Set a point")
async def create_command(
    body: CommandRequest, platform: Platformed, user: Commander
) -> CommandView:
    """Check, sign and queue a command; follow it by its id or in the live stream."""
    return await platform.commands.request(user, body.point, body.value, body.reason)


@router.get("/commands", summary="Commands, newest first")
async def list_commands(
    platform: Platformed, viewer: Viewer, point: Word = "", page: Page = 1, size: Size = 50
) -> CommandPage:
    """Return a page of commands inside the viewer's scope."""
    return await platform.commands.book.page(viewer.scope, point, page, size)


@router.get("/commands/{id}", summary="One command and its life")
async def get_command(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    viewer: Viewer,
) -> CommandView:
    """Return a command with its events."""
    return await platform.commands.book.one(viewer.scope, id)


@router.put("/units/{code}/mode", status_code=202, summary="Set a unit's station mode")
async def set_mode(
    code: AssetCode, body: ModeRequest, platform: Platformed, user: Commander
) -> CommandView:
    """Command the unit's station mode."""
    return await platform.commands.set_mode(user, code, body.mode)


@router.put("/units/{code}/stage", summary="Set a unit's strategy stage")
async def set_stage(
    code: AssetCode, body: StageRequest, platform: Platformed, user: Commander
) -> StageView:
    """Set how far the strategy may go: watch, advise, or write."""
    return await platform.stages.set(user, code, body.stage)
