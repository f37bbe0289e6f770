"""Device life: catalogue, devices, arrival, papers, installation, waivers, states."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from heatloop.app import device_life_files as tables
from heatloop.app.device_life_facts import lines_of
from heatloop.app.device_life_views import (
    DeviceDetail,
    DevicePage,
    FileView,
    FleetReport,
    ModelView,
    ReceiptView,
)
from heatloop.app.export_seal import SealedExport
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.kernel.errors import InputError
from heatloop.plant.acceptance import DOCUMENTS
from heatloop.plant.acceptance_arrival import ScannedItem
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.model_checks_equipment import ChecklistItem, checklist
from heatloop.security.access import Permission, Principal
from heatloop.store.files import MAX_BYTES
from heatloop.web.access import Platformed, Viewer, needs
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Page, Size
from heatloop.web.routes import device_life_bodies as bodies
from heatloop.web.upload import file_of

router = APIRouter(prefix="/devices", tags=["devices"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = {"xlsx": (XLSX, "xlsx"), "csv": ("application/zip", "zip")}
_MEDIA = (XLSX, "application/zip", "application/pdf", "image/png", "image/jpeg", "image/webp")
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in _MEDIA}
    }
}
UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
Keeper = Annotated[Principal, Depends(needs(Permission.KEEP_DEVICES))]
Manager = Annotated[Principal, Depends(needs(Permission.MANAGE_LEDGER))]
Waiver = Annotated[Principal, Depends(needs(Permission.WAIVE_DEVICES))]
Format = Annotated[Literal["xlsx", "csv"], Query(alias="format")]


def _table(body: bytes, kind: str, name: str, door: SealedExport) -> Response:
    media, ending = _KINDS[kind]
    headers = {"content-disposition": f'attachment; filename="{name}.{ending}"'}
    return sent(door, Response(body, media_type=media, headers=headers))


async def _uploaded(request: Request, platform: Platformed) -> tuple[str, bytes]:
    return await file_of(request, platform.settings.server.max_upload_mb * 1024 * 1024)


@router.get("/models", summary="The model catalogue")
async def list_device_models(platform: Platformed, _: Viewer) -> list[ModelView]:
    """Return every model with its checks, missing papers and number of devices."""
    return await in_thread(platform.devices.fleet.models)


@router.get("/checklist", summary="The GB/T 50893 checklist")
async def get_device_checklist(_: Viewer) -> list[ChecklistItem]:
    """Return what papers are asked of which models."""
    return list(checklist())


@router.get(
    "/models/export", summary="The catalogue as a file", response_class=Response, responses=_FILE
)
async def export_device_models(
    request: Request, platform: Platformed, by: Viewer, wish: Wished, kind: Format = "xlsx"
) -> Response:
    """Return one workbook, or a zip with one csv."""
    door = await decided(request, by, "device models", wish)
    views = await in_thread(platform.devices.fleet.models)
    body = await asyncio.to_thread(tables.catalogue_file, [v.model for v in views], kind)
    return _table(body, kind, "device-models", door)


@router.post("/models/import", summary="Read a catalogue file", openapi_extra=UPLOAD)
async def import_device_models(
    request: Request, platform: Platformed, by: Manager
) -> dict[str, int]:
    """Check every row; take all of them or nothing."""
    name, data = await _uploaded(request, platform)
    try:
        models = await asyncio.to_thread(tables.read_catalogue, data)
    except LedgerErrors:
        raise
    except InputError as error:
        raise Refused("ledger_file", thing=name, detail=error.message) from error
    changed = await platform.devices.put_models(by, models)
    return {"models": len(models), "changed": changed}


@router.post("/models/{code}/evidence", status_code=201, summary="Attach a paper to a model")
async def add_device_evidence(
    code: bodies.ModelPath, body: bodies.EvidenceForm, platform: Platformed, by: Manager
) -> list[ModelView]:
    """Record evidence for one item of the GB/T 50893 checklist; who sends it has reviewed it."""
    if body.item not in {item.item for item in checklist()}:
        raise Refused("not_found", thing=body.item)
    await platform.devices.add_evidence(by, code, body.item, body.file)
    views = await in_thread(platform.devices.fleet.models)
    return [view for view in views if view.model["code"] == code]


@router.put("/limits", summary="Set a company's own limits")
async def set_device_limits(
    body: bodies.LimitsForm, platform: Platformed, by: Manager
) -> dict[str, Any]:
    """Replace the limits selection checks use; none may be weaker than the standard's."""
    return await platform.devices.set_limits(by, body.model_dump(mode="json", exclude_none=True))


@router.get("/report", summary="Energy labels, failed checks, radios, rooms, reliability")
async def get_device_report(platform: Platformed, viewer: Viewer) -> FleetReport:
    """Return what all devices inside the viewer's scope show together."""
    return await in_thread(platform.devices.fleet.report, viewer.scope)


@router.post("/files", status_code=201, summary="Send a photo or paper", openapi_extra=UPLOAD)
async def add_device_file(request: Request, platform: Platformed, by: Keeper) -> FileView:
    """Keep a PDF, PNG, JPEG or WebP and return its digest, by which records name it."""
    name, data = await file_of(request, MAX_BYTES + 64 * 1024)
    return await platform.devices.add_file(by, name, data)


@router.get("/files/{sha256}", summary="A photo or paper", response_class=Response, responses=_FILE)
async def get_device_file(sha256: bodies.DigestPath, platform: Platformed, _: Viewer) -> Response:
    """Return a kept file; never shown inside the page of another site."""
    row, data = await platform.devices.file(sha256)
    headers = {"content-disposition": f'attachment; filename="{sha256[:12]}"'}
    return Response(data, media_type=row.media, headers=headers)


@router.put("/purchases/{code}", summary="Read a purchase list", openapi_extra=UPLOAD)
async def put_device_purchase(
    code: bodies.ModelPath, request: Request, platform: Platformed, by: Manager
) -> dict[str, int]:
    """Check every row; take all of them or nothing."""
    name, data = await _uploaded(request, platform)
    try:
        lines = await asyncio.to_thread(tables.read_purchase, data)
    except LedgerErrors:
        raise
    except InputError as error:
        raise Refused("ledger_file", thing=name, detail=error.message) from error
    await platform.deliveries.put_purchase(by, code, lines)
    return {"lines": len(lines), "devices": sum(line.count for line in lines)}


@router.get("/purchases", summary="Purchase lists")
async def list_device_purchases(platform: Platformed, _: Viewer) -> dict[str, Any]:
    """Return every purchase list by code."""
    return await in_thread(platform.records.devices.purchases)


@router.get(
    "/purchases/{code}/export",
    summary="A purchase list as a file",
    response_class=Response,
    responses=_FILE,
)
async def export_device_purchase(
    code: bodies.ModelPath,
    request: Request,
    platform: Platformed,
    by: Viewer,
    wish: Wished,
    kind: Format = "xlsx",
) -> Response:
    """Return one workbook, or a zip with one csv."""
    lists = await in_thread(platform.records.devices.purchases)
    if code not in lists:
        raise Refused("not_found", thing=code)
    door = await decided(request, by, f"purchase {code}", wish)
    lines = lines_of(lists[code])
    body = await asyncio.to_thread(tables.purchase_file, lines, kind)
    return _table(body, kind, f"purchase-{code}", door)


@router.post("/purchases/{code}/receipts", status_code=201, summary="Record a delivery")
async def receive_devices(
    code: bodies.ModelPath, body: bodies.Receipt, platform: Platformed, by: Keeper
) -> ReceiptView:
    """Compare what was scanned with what was bought; one difference blocks acceptance."""
    scanned = [
        ScannedItem(serial=s.serial, model=s.model, parameters=s.parameters) for s in body.scanned
    ]
    return await platform.deliveries.receive(by, code, scanned)


@router.get("", summary="Devices and where they are in their life")
async def list_devices(
    platform: Platformed,
    viewer: Viewer,
    asset: bodies.CodeQuery = "",
    state: bodies.CodeQuery = "",
    model: Annotated[str, Query(max_length=60)] = "",
    page: Page = 1,
    size: Size = 100,
) -> DevicePage:
    """Return a page of the devices inside the viewer's scope."""
    return await platform.devices.page(
        viewer.scope, asset=asset, state=state, model=model, page=page, size=size
    )


@router.post("", status_code=201, summary="Plan a device")
async def add_device(body: bodies.NewDevice, platform: Platformed, by: Keeper) -> DeviceDetail:
    """Take a device into the plan."""
    return await platform.devices.add(by, body.model_dump())


@router.get("/items/{serial}", summary="All that is known of a device")
async def get_device(
    serial: bodies.SerialPath, platform: Platformed, viewer: Viewer
) -> DeviceDetail:
    """Return a device, its checks, records, tests and what holds it back."""
    return await platform.devices.one(viewer.scope, serial)


@router.patch("/items/{serial}", summary="Change a device")
async def change_device(
    serial: bodies.SerialPath, body: bodies.DeviceChange, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Change where a device belongs or what it stands up to."""
    return await platform.devices.change(by, serial, body.model_dump())


@router.post("/items/{serial}/arrival", status_code=201, summary="How a device arrived")
async def record_arrival(
    serial: bodies.SerialPath, body: bodies.ArrivalForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Record photo, damage and accessories of one device."""
    return await platform.devices.record(by, serial, "arrival", body.model_dump())


@router.post("/items/{serial}/documents", status_code=201, summary="Attach a document")
async def add_document(
    serial: bodies.SerialPath, body: bodies.DocumentForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Attach certificate, test report or manual."""
    assert body.document in DOCUMENTS
    return await platform.devices.record(by, serial, "document", body.model_dump())


@router.post("/items/{serial}/installation", status_code=201, summary="Record an installation")
async def record_installation(
    serial: bodies.SerialPath, body: bodies.InstallationForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Record how a device was installed and return what the rules say of it."""
    return await platform.devices.record(by, serial, "installation", body.model_dump())


@router.post("/items/{serial}/failures", status_code=201, summary="Record a failure")
async def record_failure(
    serial: bodies.SerialPath, body: bodies.FailureForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Record how long a device was down."""
    return await platform.devices.record(by, serial, "failure", body.model_dump())


@router.post("/items/{serial}/spot-checks", status_code=201, summary="Compare with a reference")
async def record_spot_check(
    serial: bodies.SerialPath, body: bodies.SpotCheckForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Record what a sensor and a reference instrument showed together."""
    return await platform.devices.record(by, serial, "spot_check", body.model_dump())


@router.post("/items/{serial}/waivers", status_code=201, summary="Let a failed item pass")
async def waive_device_item(
    serial: bodies.SerialPath, body: bodies.WaiverForm, platform: Platformed, by: Waiver
) -> DeviceDetail:
    """Record who lets an item pass, why and when."""
    return await platform.devices.waive(by, serial, body.item, body.reason)


@router.post("/items/{serial}/state", summary="Move a device to its next state")
async def advance_device(
    serial: bodies.SerialPath, body: bodies.AdvanceForm, platform: Platformed, by: Keeper
) -> DeviceDetail:
    """Move a device on, or retire it; refused with what holds it back."""
    return await platform.devices.advance(by, serial, body.to)
