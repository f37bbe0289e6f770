"""Dispatch of heat sources: plans, approval, what-if, the N-1 check, figures and outages."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from heatloop.app.views.command_door import ProposalView
from heatloop.app.views.dispatch import DispatchPlanPage, DispatchPlanView
from heatloop.app.views.dispatch_now import (
    DispatchEvent,
    DispatchFigure,
    DispatchFigurePage,
    DispatchFollowing,
    DispatchNow,
    DispatchOutage,
)
from heatloop.app.views.heating_cost import CostView
from heatloop.app.views.n_minus_one import NMinusOneView, SeasonReport
from heatloop.app.views.network_plan import NetworkPlanView
from heatloop.app.views.work import CommandView
from heatloop.web.access import Commander, LedgerKeeper, Platformed, Viewer
from heatloop.web.asker import Asking
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Page, Size

router = APIRouter(prefix="/dispatch", tags=["dispatch"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CODE = r"^[A-Za-z0-9_.]*$"
NetworkCode = Annotated[
    str, Query(max_length=32, pattern=_CODE, description="Code of a network; empty: the first")
]
Number = Annotated[int, Path(ge=1, le=2**53)]
Outdoor = Annotated[
    float | None,
    Query(ge=-60, le=30, allow_inf_nan=False, description="degC; left out: design temperature"),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PlanRequest(_Body):
    """A plan to be made now."""

    network: Annotated[str, Field(max_length=32, pattern=_CODE)] = ""
    """Network; empty: the first."""
    hours: Annotated[int, Field(ge=6, le=72)] = 48
    """Hours ahead."""
    without: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=32, pattern=_CODE)]],
        Field(max_length=20),
    ] = []
    """Sources or units taken to have failed now; the plan is then a what-if."""


class PlanDecision(_Body):
    """What is decided about a plan."""

    approve: bool
    """Approve or reject."""


class FigureEntry(_Body):
    """A figure that holds from a time on."""

    subject: Annotated[str, Field(min_length=1, max_length=32, pattern=_CODE)]
    """Asset, fuel, `electricity` or `company`."""
    name: Annotated[str, Field(min_length=1, max_length=32, pattern=_CODE)]
    """Name of the figure."""
    value: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
    """Value in its unit."""
    valid_from: AwareDatetime | None = None
    """From when; left out: now."""
    note: Annotated[str, Field(max_length=500)] = ""
    """Where it comes from."""


class StageEntry(_Body):
    """How far plans may go."""

    network: Annotated[str, Field(max_length=32, pattern=_CODE)] = ""
    """Network; empty: the first."""
    stage: Literal["observe", "advise", "automatic"]
    """The stage."""


class OutageEntry(_Body):
    """A time in which a unit or source may not run."""

    subject: Annotated[str, Field(min_length=1, max_length=32, pattern=_CODE)]
    """Asset code."""
    kind: Literal["maintenance", "failure"] = "maintenance"
    """Why."""
    start: AwareDatetime
    """From when."""
    end: AwareDatetime
    """Until when."""
    note: Annotated[str, Field(max_length=500)] = ""
    """Remark."""


@router.get("", summary="Networks, and the plans that count")
async def get_dispatch(platform: Platformed, viewer: Viewer) -> DispatchNow:
    """Return the networks, the proposals that wait and the plans in force."""
    return await platform.dispatch.now()


@router.get("/plans", summary="Plans")
async def list_dispatch_plans(
    platform: Platformed,
    viewer: Viewer,
    network: NetworkCode = "",
    page: Page = 1,
    size: Size = 20,
) -> DispatchPlanPage:
    """Return a page of plans, newest first."""
    return await platform.dispatch.list(network, page, size)


@router.post("/plans", summary="Make a plan now, or ask what if something fails")
async def make_dispatch_plan(
    platform: Platformed, by: Commander, body: PlanRequest
) -> DispatchPlanView:
    """Make a plan; with something out it is a what-if and needs no approval."""
    return await platform.dispatch.ask(by, body.network, hours=body.hours, without=body.without)


@router.get("/plans/{number}", summary="One plan")
async def get_dispatch_plan(
    platform: Platformed, viewer: Viewer, number: Number
) -> DispatchPlanView:
    """Return a plan with all its figures."""
    return await platform.dispatch.show(number)


@router.post("/plans/{number}/decision", summary="Approve or reject a plan")
async def decide_dispatch_plan(
    platform: Platformed, by: Commander, number: Number, body: PlanDecision
) -> DispatchPlanView:
    """Approve or reject a plan that is proposed; its set-points are sent by another press."""
    return await platform.dispatch.decide(by, number, approve=body.approve)


@router.get("/n-1", summary="What the failure of one source or unit would leave uncovered")
async def get_n_minus_1(
    platform: Platformed, viewer: Viewer, network: NetworkCode = "", outdoor_c: Outdoor = None
) -> NMinusOneView:
    """Return the N-1 check at an outdoor temperature, the worst failure first."""
    return await platform.dispatch_season.check(network, outdoor_c)


@router.get("/n-1/report", summary="The N-1 report before the season")
async def get_season_report(
    platform: Platformed, by: Commander, network: NetworkCode = "", outdoor_c: Outdoor = None
) -> SeasonReport:
    """Let each source, unit, main pump and booster fail in turn; takes some seconds of a worker."""
    return await platform.dispatch_season.report(network, outdoor_c)


@router.get(
    "/n-1/report/export",
    summary="The N-1 report as a workbook or PDF",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": _BINARY}}},
)
async def export_season_report(
    request: Request,
    platform: Platformed,
    by: Commander,
    wish: Wished,
    network: NetworkCode = "",
    kind: Annotated[str, Query(pattern="^(xlsx|pdf)$", description="xlsx or pdf")] = "xlsx",
    language: Annotated[str, Query(pattern="^(zh|en)$", description="zh or en")] = "zh",
    outdoor_c: Outdoor = None,
) -> Response:
    """Return the report as a file; a PDF is in both languages."""
    export = await decided(request, by, "N-1 report", wish)
    data, media, name = await platform.season_export.make(network, kind, language, outdoor_c)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return sent(export, Response(data, media_type=media, headers=headers))


@router.get("/events", summary="Failures of heat sources and what followed")
async def list_dispatch_events(platform: Platformed, viewer: Viewer) -> list[DispatchEvent]:
    """Return the events of the last two months, the newest first."""
    dispatch = platform.dispatch
    return await dispatch.events.view(dispatch.networks())


@router.get("/costs", summary="Planned and actual cost by source and day, and cost by station")
async def get_dispatch_costs(
    platform: Platformed,
    viewer: Viewer,
    first: Annotated[date | None, Query(description="First local day; left out: the last")] = None,
    last: Annotated[date | None, Query(description="Last local day; left out: yesterday")] = None,
) -> CostView:
    """Return the heating cost of at most 31 days; the stations add up to the company."""
    return await platform.dispatch_cost.view(viewer.scope, first, last)


@router.post("/stage", summary="How far the plans of a network may go")
async def set_dispatch_stage(
    platform: Platformed, by: Commander, body: StageEntry
) -> DispatchFollowing:
    """Let plans do nothing, or give caps when approved, or give caps unless rejected."""
    return await platform.dispatch.set_stage(by, body.network, body.stage)


@router.post(
    "/plans/{number}/commands", status_code=202, summary="Send the set-points of an approved plan"
)
async def send_dispatch_plan(
    platform: Platformed, asker: Asking, number: Number
) -> CommandView | ProposalView:
    """Propose the plan's present set-points at the door for commands, all in one."""
    return await platform.dispatch_orders.send_plan(asker, number)


@router.post(
    "/network/commands", status_code=202, summary="Send the network's set-points last worked out"
)
async def send_network_plan(
    platform: Platformed, asker: Asking, network: NetworkCode = ""
) -> CommandView | ProposalView:
    """Propose supply temperature and head of each source at the door for commands."""
    return await platform.dispatch_orders.send_network(asker, network)


@router.get("/network", summary="Supply temperature and pump heads for the day ahead")
async def get_network_plan(
    platform: Platformed, by: Commander, network: NetworkCode = ""
) -> NetworkPlanView:
    """Run candidate trajectories through the network now; takes some seconds of a worker."""
    return await platform.network_plan.view(network)


@router.get("/figures", summary="Prices, costs and how units may be run")
async def list_dispatch_figures(platform: Platformed, viewer: Viewer) -> list[DispatchFigure]:
    """Return every figure with the value that holds now."""
    return await platform.dispatch_keeping.figures()


@router.get("/figures/entries", summary="History of figures")
async def list_dispatch_entries(
    platform: Platformed,
    viewer: Viewer,
    subject: NetworkCode = "",
    page: Page = 1,
    size: Size = 50,
) -> DispatchFigurePage:
    """Return a page of what was entered, newest first."""
    return await platform.dispatch_keeping.entries(subject, page, size)


@router.post("/figures", summary="Enter a figure")
async def enter_dispatch_figure(
    platform: Platformed, by: LedgerKeeper, body: FigureEntry
) -> list[DispatchFigure]:
    """Enter a figure that holds from a time on; earlier ones stay in the history."""
    await platform.dispatch_keeping.enter(
        by,
        subject=body.subject,
        name=body.name,
        value=body.value,
        valid_from_s=None if body.valid_from is None else body.valid_from.timestamp(),
        note=body.note,
    )
    return await platform.dispatch_keeping.figures()


@router.get("/outages", summary="Maintenance and failures that are not over")
async def list_dispatch_outages(platform: Platformed, viewer: Viewer) -> list[DispatchOutage]:
    """Return outages that are not over, the first to begin first."""
    return await platform.dispatch_keeping.outages()


@router.post("/outages", summary="Enter an outage")
async def add_dispatch_outage(
    platform: Platformed, by: Commander, body: OutageEntry
) -> list[DispatchOutage]:
    """Enter a time in which a unit or source may not run."""
    return await platform.dispatch_keeping.add_outage(
        by,
        subject=body.subject,
        kind=body.kind,
        start_s=body.start.timestamp(),
        end_s=body.end.timestamp(),
        note=body.note,
    )


@router.post("/outages/{number}/end", summary="End an outage now")
async def end_dispatch_outage(
    platform: Platformed, by: Commander, number: Number
) -> list[DispatchOutage]:
    """Let an outage end now."""
    return await platform.dispatch_keeping.end_outage(by, number)
