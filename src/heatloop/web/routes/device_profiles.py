"""Device profiles, the wizard that draws up one's own, and probes of devices."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.device_profiles import (
    Choice,
    DeviceProfiles,
    Draft,
    ProfileDetail,
    ProfileView,
    draft,
    own_profile,
    read_profile,
)
from heatloop.app.field_probes import ProbeState
from heatloop.plant.own_profiles import OwnProfile
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.errors import ErrorEnvelope
from heatloop.web.params import Ident
from heatloop.web.upload import file_of

router = APIRouter(tags=["device profiles"])
_MOST_ROWS = 2000
_BAD_ROWS: dict[int | str, dict[str, Any]] = {
    422: {"model": ErrorEnvelope, "description": "All bad rows; nothing saved"}
}
_UPLOAD = {
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
Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9_]+$")]
OwnName = Annotated[str, Field(min_length=1, max_length=48, pattern=r"^own_[a-z0-9_]+$")]
Text = Annotated[str, Field(max_length=200)]
Register = Annotated[int, Field(ge=0, le=65535)]
Scale = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ProfileChoice(_Body):
    """One value a probe found, and the point it becomes."""

    kind: Text
    """Point kind."""
    n: Annotated[int, Field(ge=0, le=99)] = 0
    """Number of the point when there are several of the kind."""
    child: Text = "device"
    """`device`, or the kind of the child the value belongs to."""
    stride: Register = 0
    """Registers from one child to the next."""
    register_: Annotated[Register | None, Field(alias="register")] = None
    """As the probe found it."""
    source: Text = ""
    """As the probe found it."""
    dtype: Text = ""
    """As the probe found it, or one of its guesses."""
    word_order: Literal["", "ABCD", "CDAB", "BADC", "DCBA"] = ""
    """Of the value, where it differs from the device's."""
    unit: Text = ""
    """As the device said it."""
    value: Scale | None = None
    """As the probe saw it, not scaled."""
    factor: Scale | None = None
    """Raw to house unit; left out: suggested."""
    offset: Scale = 0.0
    """Raw to house unit."""
    access: Literal["r", "rw"] = "r"


class ProfileBody(_Body):
    """A device profile of the company's own."""

    profile: OwnName
    """Name, `own_...`."""
    zh: Annotated[str, Field(min_length=1, max_length=100)]
    """Chinese name."""
    en: Annotated[str, Field(max_length=100)] = ""
    """English name."""
    assets: Annotated[list[Text], Field(min_length=1, max_length=20)]
    """Kinds of assets such a device may serve."""
    protocols: Annotated[list[Text], Field(min_length=1, max_length=20)]
    """Protocols it speaks."""
    choices: Annotated[list[ProfileChoice], Field(min_length=1, max_length=_MOST_ROWS)]
    """Its values."""


class ProbeBody(_Body):
    """A device to ask."""

    url: Annotated[str, Field(min_length=1, max_length=500)]
    """As for `heatloop field probe`."""


def _service(platform: Platformed) -> DeviceProfiles:
    return DeviceProfiles(platform.world, platform.ledgers, platform.audit)


def _read(body: ProfileBody) -> tuple[OwnProfile, list[Choice]]:
    choices = []
    for each in body.choices:
        plain = each.model_dump()
        plain["register"] = plain.pop("register_")
        choices.append(Choice(**plain))
    head = own_profile(body.profile, body.zh, body.en, body.assets, body.protocols, ())
    return head, choices


@router.get("/device-profiles", summary="Device profiles")
async def list_device_profiles(platform: Platformed, viewer: Viewer) -> list[ProfileView]:
    """Return the profiles that come along and the company's own."""
    del viewer
    return _service(platform).list()


@router.get("/device-profiles/{name}", summary="One device profile")
async def get_device_profile(name: Name, platform: Platformed, viewer: Viewer) -> ProfileDetail:
    """Return a profile's values, and its register map as Markdown for device makers."""
    del viewer
    return _service(platform).show(name)


@router.post("/device-profiles/check", summary="Draw up a profile and check it")
async def check_device_profile(body: ProfileBody, by: LedgerKeeper) -> Draft:
    """Return the rows as they would be, what is wrong, and live values that are doubtful."""
    del by
    return draft(*_read(body))


@router.put("/device-profiles", summary="Save an own profile", responses=_BAD_ROWS)
async def save_device_profile(
    body: ProfileBody, platform: Platformed, by: LedgerKeeper
) -> ProfileDetail:
    """Put a profile into the ledger, new or instead of the one of its name."""
    head, choices = _read(body)
    made = dataclasses.replace(head, rows=tuple(draft(head, choices).rows))
    return await _service(platform).save(by, made)


@router.delete("/device-profiles/{name}", status_code=204, summary="Delete an own profile")
async def delete_device_profile(name: Name, platform: Platformed, by: LedgerKeeper) -> None:
    """Take an own profile that no device uses out of the ledger."""
    await _service(platform).delete(by, name)


@router.get(
    "/device-profiles/{name}/export",
    summary="A profile as a file",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def export_device_profile(name: Name, platform: Platformed, by: LedgerKeeper) -> Response:
    """Return a zip of two csv files, for another installation."""
    body = await _service(platform).export(by, name)
    disposition = f'attachment; filename="{name}.zip"'
    return Response(
        body, media_type="application/zip", headers={"content-disposition": disposition}
    )


@router.post(
    "/device-profiles/import",
    summary="Read a profile file",
    openapi_extra=_UPLOAD,
    responses=_BAD_ROWS,
)
async def import_device_profile(
    request: Request,
    platform: Platformed,
    by: LedgerKeeper,
    name: Annotated[str, Field(max_length=48, pattern=r"^(own_[a-z0-9_]+)?$")] = "",
) -> ProfileDetail:
    """Save the profile of a file, under a new name if one is given."""
    limit = platform.settings.server.max_upload_mb * 1024 * 1024
    _, data = await file_of(request, limit)
    return await _service(platform).save(by, read_profile(data, name))


@router.post("/field/probes", status_code=202, summary="Ask a device what it offers")
async def start_probe(body: ProbeBody, platform: Platformed, by: LedgerKeeper) -> ProbeState:
    """Begin a probe on the platform's host; one runs at a time, and only reads are sent."""
    return await platform.probes.start(by, body.url)


@router.get("/field/probes/{id}", summary="What a probe found")
async def get_probe(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: LedgerKeeper,
) -> ProbeState:
    """Return how a probe stands and what it found."""
    return platform.probes.state(by, id)
