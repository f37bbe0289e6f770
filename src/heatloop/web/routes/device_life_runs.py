"""Functional tests and pre-season checks: begin, follow, give up, report, check the signature."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response

from heatloop.app.device_life_views import RunPage, RunView, SignatureView
from heatloop.app.refusals import Refused
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.security.access import Permission, Principal
from heatloop.web.access import Platformed, Viewer, needs
from heatloop.web.params import Ident, Page, Size
from heatloop.web.routes import device_life_bodies as bodies

router = APIRouter(tags=["devices"])
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}
Tester = Annotated[Principal, Depends(needs(Permission.TEST_DEVICES))]


def _settings(options: bodies.TrialOptions) -> TrialSettings:
    names = ("window_s", "feedback_pct", "loop_step_k", "loop_s", "technician_s", "recover_s")
    told = {name: getattr(options, name) for name in names}
    return TrialSettings(**{name: value for name, value in told.items() if value is not None})


@router.post("/device-tests", status_code=202, summary="Begin a functional test")
async def start_device_test(
    body: bodies.DeviceTestRequest, platform: Platformed, by: Tester
) -> RunView:
    """Test a device through the platform; what is set is put back at the end."""
    return await platform.acceptance.start(
        by,
        body.serial,
        confirm_heating=body.confirm_heating,
        settings=_settings(body),
        go_on=body.go_on,
    )


@router.post("/season-checks", status_code=202, summary="Begin a pre-season check")
async def start_season_check(
    body: bodies.SeasonRequest, platform: Platformed, by: Tester
) -> list[RunView]:
    """Stroke every valve and look at every sensor of the stations at or below an asset."""
    return await platform.season.start(
        by,
        body.asset,
        ambient_c=body.ambient_c,
        confirm_heating=body.confirm_heating,
        settings=_settings(body),
    )


@router.get("/device-tests", summary="Functional tests and pre-season checks, newest first")
async def list_device_tests(
    platform: Platformed,
    viewer: Viewer,
    kind: Literal["", "acceptance", "season"] = "",
    subject: bodies.CodeQuery = "",
    page: Page = 1,
    size: Size = 50,
) -> RunPage:
    """Return a page of the runs inside the viewer's scope."""
    return await platform.acceptance.page(viewer.scope, kind, subject, page, size)


@router.get("/device-tests/{run}", summary="One test, step by step")
async def get_device_test(run: Ident, platform: Platformed, viewer: Viewer) -> RunView:
    """Return a run with its steps and what the technician is to do now."""
    return await platform.acceptance.one(viewer.scope, run)


@router.post("/device-tests/{run}/abort", summary="Give a test up")
async def abort_device_test(run: Ident, platform: Platformed, by: Tester) -> RunView:
    """Stop a run; what it set is put back."""
    return await platform.acceptance.abort(by, run)


@router.post("/device-tests/{run}/confirm", summary="The fault is simulated")
async def confirm_device_test(run: Ident, platform: Platformed, by: Tester) -> RunView:
    """Say that what the technician was told is done: the time for alarm and protection runs."""
    return await platform.acceptance.confirm(by, run)


@router.get(
    "/device-tests/{run}/report.pdf",
    summary="The signed report",
    response_class=Response,
    responses=_PDF,
)
async def get_device_test_report(run: Ident, platform: Platformed, viewer: Viewer) -> Response:
    """Return the bytes that were signed."""
    row = await platform.acceptance.row(viewer.scope, run)
    if not row.pdf:
        raise Refused("not_found", thing=run, detail="report.pdf")
    file, data = await platform.devices.file(row.pdf)
    headers = {"content-disposition": f'attachment; filename="{file.name}"'}
    return Response(data, media_type="application/pdf", headers=headers)


@router.get("/device-tests/{run}/signature", summary="Check the report's signatures")
async def check_device_test(run: Ident, platform: Platformed, viewer: Viewer) -> SignatureView:
    """Return result, signatures and key, and whether they fit."""
    row = await platform.acceptance.row(viewer.scope, run)
    return await platform.acceptance.reports.check(row)
