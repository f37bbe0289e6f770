"""Emergency stop and its release: two steps, and a second person for the whole network."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from heatloop.app.views.emergency import EmergencyView, StopOrderView
from heatloop.web.access import Platformed, Viewer
from heatloop.web.asker import Asking
from heatloop.web.bodies import Code, _Body
from heatloop.web.params import Ident

router = APIRouter(prefix="/emergency", tags=["emergency"])
Reason = Annotated[str, Field(min_length=1, max_length=400)]
Token = Annotated[str, Field(min_length=20, max_length=100)]


class StopRequest(_Body):
    """What is to be stopped, and why."""

    subject: Code
    """Asset at the top of it: a unit, a station, a source, or the company for everything."""
    cause: Literal["general", "burst", "leak"] = "general"
    """Where a pipe burst, circulation stops too; where water is lost, make-up is isolated."""
    reason: Reason


class ReleaseRequest(_Body):
    """What is to be released, and why."""

    subject: Code
    """Asset at the top of it."""
    reason: Reason


class StopConfirm(_Body):
    """The one-time token; for the whole network also why nobody can be waited for."""

    token: Token
    break_glass: Annotated[str, Field(max_length=400)] = ""
    """Empty: a second person is waited for where one is needed."""


class StopAnswer(_Body):
    """A second person's answer."""

    agree: bool


@router.get("", summary="Stops in force and before")
async def get_emergency(platform: Platformed, viewer: Viewer) -> EmergencyView:
    """Return what is held, what waits for the reader's answer, and the newest orders."""
    return platform.emergency_book.all(viewer.scope, viewer.user)


@router.post("/stop", summary="Propose an emergency stop")
async def propose_stop(body: StopRequest, platform: Platformed, asker: Asking) -> StopOrderView:
    """Return what the stop would write, with the token that confirms it."""
    made, token = await platform.emergency.propose(
        asker, body.subject, "stop", body.cause, body.reason
    )
    return platform.emergency_book.proposal(made, token)


@router.post("/release", summary="Propose to release a stop")
async def propose_release(
    body: ReleaseRequest, platform: Platformed, asker: Asking
) -> StopOrderView:
    """Return what would be released, with the token that confirms it."""
    made, token = await platform.emergency.propose(
        asker, body.subject, "release", "general", body.reason
    )
    return platform.emergency_book.proposal(made, token)


@router.post("/{id}/confirm", summary="Confirm one's own emergency order")
async def confirm_stop(
    id: Ident,  # noqa: A002 - the name the interface has
    body: StopConfirm,
    platform: Platformed,
    asker: Asking,
) -> StopOrderView:
    """Send the order to the gateways, or have it wait for a second person."""
    made = await platform.emergency.confirm(asker, id, body.token, body.break_glass)
    return platform.emergency_book.proposal(made)


@router.post("/{id}/second", summary="Answer an emergency order as second person")
async def second_stop(
    id: Ident,  # noqa: A002 - the name the interface has
    body: StopAnswer,
    platform: Platformed,
    asker: Asking,
) -> StopOrderView:
    """Agree to a whole-network order of another person, or refuse it."""
    made = await platform.emergency.second(asker, id, body.agree)
    return platform.emergency_book.proposal(made)


@router.post("/{id}/withdraw", summary="Take back one's own emergency order")
async def withdraw_stop(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    asker: Asking,
) -> StopOrderView:
    """Take an order back before it is carried out."""
    return platform.emergency_book.proposal(await platform.emergency.withdraw(asker, id))
