"""Verification: points are drawn, read in the field, and compared with what was uploaded."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.verification import FieldReading, PlanWish, Verification
from heatloop.app.views.verification import (
    VerificationPlanPage,
    VerificationPlanView,
    VerificationStatistics,
    VerificationTaskPage,
    VerificationTaskView,
)
from heatloop.security.access import Permission, Principal
from heatloop.web.access import LedgerKeeper, Platformed, Viewer, needs
from heatloop.web.params import Ident, Page, Size

router = APIRouter(prefix="/verification", tags=["verification"])

Technician = Annotated[Principal, Depends(needs(Permission.KEEP_DEVICES))]
Kind = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9_]+$")]
_Asset = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PlanCreate(_Body):
    """What is to be checked regularly."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    """What people call it."""
    asset: _Asset = ""
    """Asset whose points are drawn, with all below; empty: the whole company."""
    kinds: Annotated[list[Kind], Field(max_length=50)] = Field(default_factory=list)
    """Point kinds; empty: all that a person can read."""
    points: Annotated[int, Field(ge=1, le=200)] = 10
    """Points drawn each time."""
    every_days: Annotated[float, Field(ge=1, le=400)] = 30.0
    """Days between tasks, plant time."""
    days_to_answer: Annotated[float, Field(ge=0.5, le=100)] = 7.0
    """Days until a task is overdue."""


class PlanChange(_Body):
    """Whether a plan goes on."""

    active: bool
    """Whether tasks are made."""


class TaskCreate(_Body):
    """A task of its own."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    """What people call it."""
    asset: _Asset = ""
    """Asset whose points are drawn, with all below; empty: the whole company."""
    kinds: Annotated[list[Kind], Field(max_length=50)] = Field(default_factory=list)
    """Point kinds; empty: all that a person can read."""
    points: Annotated[int, Field(ge=1, le=200)] = 10
    """Points drawn."""
    days_to_answer: Annotated[float, Field(ge=0.5, le=100)] = 7.0
    """Days until it is overdue."""


class Reading(_Body):
    """What somebody read at a device."""

    point: Annotated[str, Field(min_length=1, max_length=120)]
    """Point code."""
    value: Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
    """In the point's unit."""
    at: AwareDatetime | None = None
    """Plant time it was read; left out: now."""
    note: Annotated[str, Field(max_length=400)] = ""
    """What else was seen."""


class Readings(_Body):
    """Readings of one task."""

    readings: Annotated[list[Reading], Field(min_length=1, max_length=200)]
    """Readings; a point read again replaces its reading while the task is open."""


class TaskEnd(_Body):
    """How a task ends."""

    give_up: bool = False
    """Whether it ends with points that were not read."""
    note: Annotated[str, Field(max_length=1000)] = ""
    """What was found, and what is done about it."""


@router.get("/plans", summary="What is verified regularly")
async def list_verification_plans(
    platform: Platformed, viewer: Viewer, page: Page = 1, size: Size = 100
) -> VerificationPlanPage:
    """Return a page of plans inside the viewer's scope."""
    return await Verification.of(platform).plans(viewer.scope, page, size)


@router.post("/plans", status_code=201, summary="Verify something regularly")
async def create_verification_plan(
    body: PlanCreate, platform: Platformed, by: LedgerKeeper
) -> VerificationPlanView:
    """Make a plan; its first task is made with the next run of the schedule."""
    return await Verification.of(platform).add_plan(by, PlanWish(**body.model_dump()))


@router.patch("/plans/{id}", summary="Halt a plan or let it go on")
async def change_verification_plan(
    id: Ident,  # noqa: A002 - the name the interface has
    body: PlanChange,
    platform: Platformed,
    by: LedgerKeeper,
) -> VerificationPlanView:
    """Change whether a plan makes tasks."""
    return await Verification.of(platform).set_plan(by, id, active=body.active)


@router.get("/tasks", summary="Verification tasks, newest first")
async def list_verification_tasks(
    platform: Platformed,
    viewer: Viewer,
    state: Literal["", "open", "overdue", "done", "given_up"] = "",
    page: Page = 1,
    size: Size = 100,
) -> VerificationTaskPage:
    """Return a page of tasks inside the viewer's scope, without their points."""
    return await Verification.of(platform).tasks(viewer.scope, state, page, size)


@router.post("/tasks", status_code=201, summary="Draw points to be verified")
async def create_verification_task(
    body: TaskCreate, platform: Platformed, by: LedgerKeeper
) -> VerificationTaskView:
    """Make a task of its own."""
    wish = PlanWish(**body.model_dump(), every_days=0.0)
    return await Verification.of(platform).add_task(by, wish)


@router.get("/tasks/{id}", summary="One verification task")
async def get_verification_task(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    viewer: Viewer,
) -> VerificationTaskView:
    """Return a task with its points."""
    return await Verification.of(platform).task(viewer.scope, id)


@router.post("/tasks/{id}/readings", summary="Enter what was read in the field")
async def add_verification_readings(
    id: Ident,  # noqa: A002 - the name the interface has
    body: Readings,
    platform: Platformed,
    by: Technician,
) -> VerificationTaskView:
    """Compare each reading with what was uploaded for its time; all readings, or none."""
    readings = [
        FieldReading(
            point=each.point,
            value=each.value,
            at_s=None if each.at is None else each.at.timestamp(),
            note=each.note,
        )
        for each in body.readings
    ]
    return await Verification.of(platform).read(by, id, readings)


@router.post("/tasks/{id}/end", summary="End a verification task")
async def end_verification_task(
    id: Ident,  # noqa: A002 - the name the interface has
    body: TaskEnd,
    platform: Platformed,
    by: Technician,
) -> VerificationTaskView:
    """End a task when every point was read, or give it up."""
    return await Verification.of(platform).end(by, id, give_up=body.give_up, note=body.note)


@router.get("/statistics", summary="How far uploads and field readings were apart")
async def get_verification_statistics(
    platform: Platformed,
    viewer: Viewer,
    days: Annotated[int, Query(ge=1, le=1100, description="Up to now, plant time")] = 365,
) -> VerificationStatistics:
    """Return errors by point kind, and how many tasks are overdue."""
    return await Verification.of(platform).statistics(viewer.scope, days)
