"""The open interfaces and extension modules: what there is and how it does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from heatloop.app.views.interfaces import InterfacesView, ModulesView
from heatloop.security.access import Permission
from heatloop.web.access import LedgerKeeper, Platformed, Viewer
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Time

router = APIRouter(tags=["interfaces"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
ModuleName = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9_]+$")]


class ModuleChange(BaseModel):
    """Whether a module runs."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    enabled: bool
    """Whether it is to run."""


@router.get("/interfaces", summary="Open interfaces: connected, sent, dropped, last error")
async def get_interfaces(platform: Platformed, viewer: Viewer) -> InterfacesView:
    """Return every way out of the platform and who is subscribed."""
    keeper = Permission.MANAGE_LEDGER in viewer.permissions
    return await platform.outside.interfaces.view("" if keeper else viewer.user)


@router.get("/extensions", summary="Modules: ours and plug-ins, with their manifests")
async def get_extensions(platform: Platformed, viewer: Viewer) -> ModulesView:
    """Return every module with its state."""
    del viewer
    return platform.outside.extensions.view()


@router.put("/extensions/{name}", summary="Enable or disable a module")
async def change_extension(
    name: ModuleName, body: ModuleChange, platform: Platformed, keeper: LedgerKeeper
) -> ModulesView:
    """Take effect at once; one that failed begins with a clean record."""
    await platform.outside.extensions.switch(keeper, name, body.enabled)
    return platform.outside.extensions.view()


class DecodeRequest(BaseModel):
    """A message nobody else can read."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    payload: Annotated[str, Field(max_length=8_192, pattern=r"^([0-9a-fA-F]{2})*$")]
    """Its bytes, hexadecimal."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Port or type number it came with."""


class Decoded(BaseModel):
    """What a decoder read."""

    values: dict[str, float]
    """Name -> number."""


@router.post("/extensions/decoders/{name}", summary="Read a message with a decoder module")
async def decode_with_extension(
    name: ModuleName, body: DecodeRequest, platform: Platformed, viewer: Viewer
) -> Decoded:
    """Try a decoder on the bytes of a device."""
    del viewer
    found = platform.outside.extensions
    return Decoded(values=await found.decode(name, bytes.fromhex(body.payload), body.port))


@router.get(
    "/extensions/reports/{name}",
    summary="A report made by an extension module",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": _BINARY}}},
)
async def get_extension_report(
    name: ModuleName,
    request: Request,
    platform: Platformed,
    viewer: Viewer,
    wish: Wished,
    start: Time,
    end: Time,
    language: Annotated[str, Query(pattern="^(zh|en)$", description="zh or en")] = "zh",
) -> Response:
    """Return the file the module makes of what the viewer may see."""
    door = await decided(request, viewer, f"report {name}", wish)
    file = await platform.outside.extensions.report(
        viewer.scope, name, start.timestamp(), end.timestamp(), language
    )
    headers = {"content-disposition": f'attachment; filename="{file.name}"'}
    return sent(door, Response(file.data, media_type=file.media, headers=headers))
