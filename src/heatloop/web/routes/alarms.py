"""Alarms: list and acknowledge."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from heatloop.app.views.work import AlarmPage, AlarmView
from heatloop.web.access import Acknowledger, Platformed, Viewer
from heatloop.web.params import Ident, Page, Size, Word

router = APIRouter(prefix="/alarms", tags=["alarms"])


@router.get("", summary="Alarms, newest first")
async def list_alarms(
    platform: Platformed,
    viewer: Viewer,
    state: Literal["open", "all"] = "open",
    priority: Annotated[int | None, Query(ge=1, le=4)] = None,
    subject: Word = "",
    page: Page = 1,
    size: Size = 100,
) -> AlarmPage:
    """Return a page of alarms inside the viewer's scope."""
    return await platform.alarming.page(
        viewer.scope, state == "open", priority, subject, page, size
    )


@router.post("/{id}/acknowledge", summary="Acknowledge an alarm")
async def acknowledge_alarm(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    user: Acknowledger,
) -> AlarmView:
    """Record who has seen the alarm; a second acknowledgement is refused."""
    return await platform.alarming.acknowledge(user, id)
