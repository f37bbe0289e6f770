"""Watching: security events, registers of scans, filings and exceptions, the self-assessment."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from heatloop.app.history import in_thread
from heatloop.app.mlps import Asked, assess
from heatloop.app.mlps_report import as_html, as_pdf
from heatloop.app.sbom import bill_of_materials
from heatloop.app.views.security import (
    Assessment,
    DutyList,
    PortScanView,
    RegisterEntry,
    RegisterPage,
    SecurityEventPage,
    SecurityKindList,
)
from heatloop.app.watch_ports import declared_ports
from heatloop.app.watch_registers import FINDINGS, PORTS
from heatloop.app.watch_settings import SELF
from heatloop.security.access import Permission, Principal
from heatloop.web.access import Platformed, needs
from heatloop.web.params import Page, Size, Word

router = APIRouter(prefix="/security", tags=["security"])
Watcher = Annotated[Principal, Depends(needs(Permission.WATCH))]
Keeper = Annotated[Principal, Depends(needs(Permission.KEEP_SECURITY))]
_Text = Annotated[str, Field(min_length=1, max_length=400)]
_Code = Annotated[str, Field(min_length=1, max_length=120)]


class Register(StrEnum):
    """A register."""

    ANTIVIRUS = "antivirus"
    VULNERABILITY = "vulnerability"
    PORTS = "ports"
    FILING = "filing"
    EXCEPTION = "exception"


class Scan(StrEnum):
    """Scans whose results are entered."""

    ANTIVIRUS = "antivirus"
    VULNERABILITY = "vulnerability"


class ScanState(StrEnum):
    """What came of a scan."""

    OK = "ok"
    FINDINGS = "findings"
    FAILED = "failed"


class ReportFormat(StrEnum):
    """How the self-assessment is written."""

    HTML = "html"
    PDF = "pdf"


class Finding(BaseModel):
    """Something a scan found."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, Field(max_length=80)]
    """Its name, for example a CVE."""
    package: Annotated[str, Field(max_length=160)] = ""
    """What has it."""
    severity: Annotated[str, Field(max_length=20)] = ""
    """`critical`, `high`, `medium` or `low`."""
    published_s: Annotated[float | None, Field(ge=0, le=4e9)] = None
    """When it became known, seconds since 1970 UTC."""
    fixed_in: Annotated[str, Field(max_length=80)] = ""
    """First version without it."""


class ScanResult(BaseModel):
    """What a virus or vulnerability scan said."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    scan: Scan
    """Which scan."""
    tool: _Code
    """What scanned, with its version."""
    state: ScanState
    """What came of it."""
    findings: Annotated[list[Finding], Field(max_length=2000)] = []
    """What was found."""
    note: Annotated[str, Field(max_length=1000)] = ""
    """Anything else."""


class PortScan(BaseModel):
    """What `heatloop check ports --json` says, run from another machine."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)

    target: _Code
    """Host that was tried."""
    open: Annotated[list[Annotated[int, Field(ge=1, le=65535)]], Field(max_length=65535)]
    """Ports that answered."""


class Filing(BaseModel):
    """A filing of the platform with the police, and its last annual assessment."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    system: _Code
    """Name of the system as it was filed."""
    number: _Code
    """Number of the certificate."""
    level: Annotated[int, Field(ge=1, le=5)]
    """Level of protection."""
    filed: date
    """Day of filing."""
    assessed: date | None = None
    """Day of the last assessment."""


class SecurityException(BaseModel):
    """An item that cannot be met, and what is done instead."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    item: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{3,40}$")]
    """Item of the assessment."""
    reason: _Text
    """Why it cannot be met."""
    measure: _Text
    """Compensating measure."""
    approved_by: _Code
    """Who decided."""
    until: date
    """Last day it holds."""


@router.get("/events", summary="Security events, newest first")
async def list_security_events(
    platform: Platformed,
    _: Watcher,
    kind: Word = "",
    severity: Annotated[int | None, Query(ge=1, le=4, description="At least this grave")] = None,
    word: Annotated[str, Query(max_length=120, description="Part of subject or address")] = "",
    start: Annotated[AwareDatetime | None, Query(description="Seen since")] = None,
    end: Annotated[AwareDatetime | None, Query(description="Seen before")] = None,
    page: Page = 1,
    size: Size = 50,
) -> SecurityEventPage:
    """Return a page of events; the same thing again within ten minutes is one with a count."""
    return await platform.watch.page(
        kinds=[kind] if kind else [],
        severity=severity,
        word=word,
        start=None if start is None else start.timestamp(),
        end=None if end is None else end.timestamp(),
        page=page,
        size=size,
    )


@router.get("/kinds", summary="Kinds of security events and their rules")
async def list_security_kinds(platform: Platformed, _: Watcher) -> SecurityKindList:
    """Return every kind, the rules that make it, and how often it happened in a week."""
    return await platform.watch.kinds()


@router.get("/duties", summary="Scans, assessments and exceptions that are due")
async def list_security_duties(platform: Platformed, _: Watcher) -> DutyList:
    """Return when each was done last and is due next."""
    return await platform.watch.duty.duties()


@router.get("/registers/{register}", summary="A security register, newest first")
async def list_security_register(
    register: Register, platform: Platformed, _: Watcher, page: Page = 1, size: Size = 50
) -> RegisterPage:
    """Return a page of entries."""
    return await platform.watch.registers.page(register.value, page, size)


@router.post("/scans", status_code=201, summary="Enter the result of a scan")
async def add_security_scan(body: ScanResult, platform: Platformed, by: Keeper) -> RegisterEntry:
    """Keep the result; malware raises an alarm, grave vulnerabilities do past the patch window."""
    findings = [finding.model_dump(exclude_none=True) for finding in body.findings]
    entry = await platform.watch.registers.scanned(
        by.user, body.scan.value, body.tool, body.state.value, findings, body.note
    )
    if body.scan is Scan.ANTIVIRUS and body.state.value == FINDINGS:
        first = body.findings[0].id if body.findings else ""
        platform.security_events.note("malware_found", body.tool, first=first)
    await platform.watch.duty.overdue()
    return entry


@router.post("/ports", status_code=201, summary="Enter which ports answer from outside")
async def add_port_scan(body: PortScan, platform: Platformed, by: Keeper) -> PortScanView:
    """Compare with what is declared; a port that is not raises an alarm."""
    undeclared = await platform.watch.duty.ports_found(by.user, body.target, body.open)
    allowed = sorted(declared_ports(platform.settings))
    return PortScanView(
        target=body.target, open=sorted(set(body.open)), allowed=allowed, undeclared=undeclared
    )


@router.get("/ports", summary="Ports that may be open")
async def get_declared_ports(platform: Platformed, _: Watcher) -> PortScanView:
    """Return the ports declared, and what the newest scan found."""
    last = await in_thread(platform.records.watch.newest, PORTS)
    found = [] if last is None else [int(port) for port in last.body.get("findings", [])]
    return PortScanView(
        target="" if last is None else last.code,
        open=found,
        allowed=sorted(declared_ports(platform.settings)),
        undeclared=found,
    )


@router.post("/filings", status_code=201, summary="Enter an MLPS filing")
async def add_filing(body: Filing, platform: Platformed, by: Keeper) -> RegisterEntry:
    """Keep it; sixty days before the annual assessment is due an alarm reminds."""
    entry = await platform.watch.registers.filed(
        by.user, body.system, body.number, body.level, body.filed, body.assessed
    )
    await platform.watch.duty.overdue()
    return entry


@router.post("/exceptions", status_code=201, summary="Enter an exception")
async def add_security_exception(
    body: SecurityException, platform: Platformed, by: Keeper
) -> RegisterEntry:
    """Keep who allowed what until when, and what is done instead."""
    return await platform.watch.registers.excepted(
        by.user, body.item, body.reason, body.measure, body.approved_by, body.until
    )


@router.delete("/exceptions/{number}", summary="End an exception")
async def withdraw_security_exception(
    number: Annotated[int, Path(ge=1, le=2**53)], platform: Platformed, by: Keeper
) -> RegisterEntry:
    """Let an exception hold only until now."""
    return await platform.watch.registers.withdraw(by.user, number)


@router.get("/assessment", summary="Self-assessment against GB/T 22239 level 3")
async def get_assessment(request: Request, platform: Platformed, _: Watcher) -> Assessment:
    """Probe the running platform item by item."""
    return await assess(platform, asker(request.app))


@router.get(
    "/assessment/report",
    summary="The self-assessment as a document",
    response_class=Response,
    responses={
        200: {
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in ("text/html", "application/pdf")
            }
        }
    },
)
async def get_assessment_report(
    request: Request,
    platform: Platformed,
    _: Watcher,
    format: Annotated[ReportFormat, Query(description="html or pdf")] = ReportFormat.PDF,  # noqa: A002
) -> Response:
    """Return it as PDF or as one HTML file."""
    found = await assess(platform, asker(request.app))
    name = f'attachment; filename="mlps-{found.at:%Y%m%d}.{format.value}"'
    headers = {"content-disposition": name}
    if format is ReportFormat.HTML:
        return Response(as_html(found), media_type="text/html; charset=utf-8", headers=headers)
    body = await asyncio.to_thread(as_pdf, found)
    return Response(body, media_type="application/pdf", headers=headers)


@router.get(
    "/sbom",
    summary="Software bill of materials (CycloneDX 1.6)",
    response_class=Response,
    responses={
        200: {"content": {"application/vnd.cyclonedx+json": {"schema": {"type": "object"}}}}
    },
)
async def get_sbom(platform: Platformed, _: Watcher) -> Response:
    """Return what this installation is made of: every Python package and its version."""
    del platform
    body = await asyncio.to_thread(lambda: json.dumps(bill_of_materials(), ensure_ascii=False))
    headers = {"content-disposition": 'attachment; filename="heatloop.cdx.json"'}
    return Response(body, media_type="application/vnd.cyclonedx+json", headers=headers)


class _Self:
    """Asks the application itself, as a stranger would, without a socket."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(SELF, 0))

    async def __call__(self, method: str, path: str, **headers: str) -> Asked:
        async with httpx.AsyncClient(
            transport=self._transport, base_url="http://self.invalid"
        ) as client:
            answer = await client.request(method, path, headers=headers)
        return Asked(
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content[:100_000],
        )


def asker(app: Any) -> _Self:
    """Return who asks an application's own routes as a stranger."""
    return _Self(app)
