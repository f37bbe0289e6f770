"""Commands: ask for one or many, confirm, answer as second person, follow its life."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from heatloop.app.views.command_door import ProposalPage, ProposalView
from heatloop.app.views.work import CommandPage, CommandView, StageView
from heatloop.web.access import Commander, Platformed, Viewer
from heatloop.web.asker import Asking
from heatloop.web.bodies import Code, CommandRequest, ModeRequest, StageRequest, _Body
from heatloop.web.params import AssetCode, Ident, Page, Size, Word

router = APIRouter(tags=["commands"])
Token = Annotated[str, Field(min_length=20, max_length=100)]
Why = Annotated[str, Field(max_length=400)]


class BatchPoint(_Body):
    """One write of a batch."""

    point: Code
    """Point code."""
    value: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
    """In the point's unit."""


class BatchRequest(_Body):
    """Several writes for one reason."""

    points: Annotated[list[BatchPoint], Field(min_length=1, max_length=5000)]
    """What is to be written, each point once."""
    reason: Annotated[str, Field(min_length=1, max_length=400)]
    """Why; kept in the audit trail."""


class ConfirmRequest(_Body):
    """The one-time token of a proposal."""

    token: Token


class GlassRequest(_Body):
    """The one-time token, and why nobody can be waited for."""

    token: Token
    why: Annotated[str, Field(min_length=1, max_length=400)]


class SecondRequest(_Body):
    """A second person's answer."""

    agree: bool
    note: Why = ""


@router.post("/commands", status_code=202, summary="Set a point")
async def create_command(
    body: CommandRequest, platform: Platformed, asker: Asking
) -> CommandView | ProposalView:
    """Queue a harmless command; propose any other, to be confirmed with the token given here."""
    return await platform.door.ask(asker, [(body.point, body.value)], body.reason)


@router.post("/commands/batch", status_code=202, summary="Set several points for one reason")
async def create_batch(
    body: BatchRequest, platform: Platformed, asker: Asking
) -> CommandView | ProposalView:
    """Pass several writes through the door as one: all of them or none."""
    wishes = [(each.point, each.value) for each in body.points]
    return await platform.door.ask(asker, wishes, body.reason, "batch")


@router.get("/commands", summary="Commands, newest first")
async def list_commands(
    platform: Platformed, viewer: Viewer, point: Word = "", page: Page = 1, size: Size = 50
) -> CommandPage:
    """Return a page of commands inside the viewer's scope."""
    return await platform.commands.book.page(viewer.scope, point, page, size)


@router.get("/commands/waiting", summary="Proposals that wait for me as second person")
async def list_waiting(platform: Platformed, user: Commander) -> list[ProposalView]:
    """Return the whole-network proposals of others inside the user's scope, oldest first."""
    return await platform.door.proposals.waiting(user.scope, user.user)


@router.get("/commands/proposals", summary="Proposals, newest first")
async def list_proposals(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 50
) -> ProposalPage:
    """Return a page of proposals; those outside the viewer's scope are left out."""
    return await platform.door.proposals.page(viewer.scope, page, size)


@router.get("/commands/proposals/{id}", summary="One proposal and its commands")
async def get_proposal(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    viewer: Viewer,
) -> ProposalView:
    """Return a proposal with its steps and the commands it became."""
    return await platform.door.proposals.one(viewer.scope, id)


@router.get("/commands/{id}", summary="One command and its life")
async def get_command(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    viewer: Viewer,
) -> CommandView:
    """Return a command with what it passed and its events."""
    return await platform.commands.book.one(viewer.scope, id)


@router.post("/commands/{id}/confirm", summary="Confirm one's own proposal")
async def confirm_command(
    id: Ident,  # noqa: A002 - the name the interface has
    body: ConfirmRequest,
    platform: Platformed,
    asker: Asking,
) -> ProposalView:
    """Carry a proposal out, or have it wait for a second person."""
    return await platform.door.confirm(asker, id, body.token)


@router.post("/commands/{id}/second", summary="Answer as second person")
async def second_command(
    id: Ident,  # noqa: A002 - the name the interface has
    body: SecondRequest,
    platform: Platformed,
    asker: Asking,
) -> ProposalView:
    """Agree to a whole-network proposal of another person, or refuse it."""
    return await platform.door.second(asker, id, body.agree, body.note)


@router.post("/commands/{id}/break-glass", summary="Carry out without a second person")
async def break_glass(
    id: Ident,  # noqa: A002 - the name the interface has
    body: GlassRequest,
    platform: Platformed,
    asker: Asking,
) -> ProposalView:
    """Carry out one's own whole-network proposal at once; everybody is told by an alarm."""
    return await platform.door.break_glass(asker, id, body.token, body.why)


@router.post("/commands/{id}/withdraw", summary="Take back one's own proposal")
async def withdraw_command(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    asker: Asking,
) -> ProposalView:
    """Take a proposal back before it is carried out."""
    return await platform.door.withdraw(asker, id)


@router.put("/units/{code}/mode", status_code=202, summary="Set a unit's station mode")
async def set_mode(
    code: AssetCode, body: ModeRequest, platform: Platformed, asker: Asking
) -> CommandView | ProposalView:
    """Command the unit's station mode; to leave automatic must be confirmed."""
    return await platform.door.set_mode(asker, code, body.mode)


@router.put("/units/{code}/stage", summary="Set a unit's strategy stage")
async def set_stage(
    code: AssetCode, body: StageRequest, platform: Platformed, user: Commander
) -> StageView:
    """Set how far the strategy may go: watch, advise, or write."""
    return await platform.stages.set(user, code, body.stage)
