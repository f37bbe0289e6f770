"""History brought in from files: guess what a file holds, import it, see what was refused."""

from __future__ import annotations

import asyncio
from email.parser import BytesParser
from email.policy import HTTP
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from heatloop.app.refusals import Refused
from heatloop.app.views.imports import ImportGuess, ImportPage, ImportRun
from heatloop.web.access import LedgerKeeper, Platformed
from heatloop.web.export_door import Wished, decided, sent
from heatloop.web.params import Ident, Page, Size
from heatloop.web.upload import check_file, file_of

router = APIRouter(prefix="/imports", tags=["imports"])
_FILE = {"type": "string", "format": "binary"}
_MOST_MAP = 2 * 1024 * 1024


def _upload(*parts: str) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": list(parts),
                        "properties": dict.fromkeys(parts, _FILE),
                    }
                }
            },
        }
    }


async def _parts(request: Request, max_bytes: int) -> dict[str, tuple[str, bytes]]:
    """Return (file name, bytes) of each named part of a multipart body.

    Raises:
        Refused: The body is too large or not multipart.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise Refused("invalid", detail="multipart/form-data", place="content-type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise Refused("too_large", detail=f"> {max_bytes} bytes")

    def read() -> dict[str, tuple[str, bytes]]:
        head = f"content-type: {kind}\r\n\r\n".encode("latin-1", "replace")
        message = BytesParser(policy=HTTP).parsebytes(head + bytes(body))
        found: dict[str, tuple[str, bytes]] = {}
        for part in message.iter_parts() if message.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            data = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(data, bytes):
                found[name] = (part.get_filename() or "", data)
        return found

    return await asyncio.to_thread(read)


@router.get("", summary="Imports, newest first")
async def list_imports(
    platform: Platformed, by: LedgerKeeper, page: Page = 1, size: Size = 50
) -> ImportPage:
    """Return a page of imports that touch the viewer's scope."""
    return await platform.imports.page(by, page, size)


@router.post("/guess", summary="What an unknown file holds, and a draft of its mapping",
             openapi_extra=_upload("file"))  # fmt: skip
async def guess_import(
    request: Request,
    platform: Platformed,
    by: LedgerKeeper,
    tz: Annotated[str, Query(max_length=64, description="Zone of times without one")] = "",
) -> ImportGuess:
    """Look at the beginning of a CSV, JSON, Parquet or Excel file; nothing is stored."""
    limit = platform.settings.server.max_upload_mb * 1024 * 1024
    name, data = await file_of(request, limit)
    return await platform.imports.guess(by, name, data, tz)


@router.post("", summary="Import history from a file", status_code=202,
             openapi_extra=_upload("file", "map"))  # fmt: skip
async def start_import(
    request: Request,
    platform: Platformed,
    by: LedgerKeeper,
    dry_run: Annotated[bool, Query(description="Check everything, store nothing")] = False,
    overwrite: Annotated[
        bool, Query(description="Imported values replace stored ones of the same second")
    ] = False,
    tz: Annotated[str, Query(max_length=64, description="Zone of times without one")] = "",
) -> ImportRun:
    """Start a job that imports `file` by the mapping `map` (TOML); ask for the run to follow it."""
    limit = platform.settings.server.max_upload_mb * 1024 * 1024
    parts = await _parts(request, limit)
    if "file" not in parts or "map" not in parts:
        raise Refused("invalid", place="body", detail="parts: file, map")
    if len(parts["map"][1]) > _MOST_MAP:
        raise Refused("too_large", place="map", detail=f"> {_MOST_MAP} bytes")
    name, data = parts["file"]
    await check_file(request, name, data)
    return await platform.imports.start(
        by, name, data, parts["map"][1], dry_run=dry_run, overwrite=overwrite, zone=tz
    )


@router.get("/{id}", summary="One import")
async def get_import(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: LedgerKeeper,
) -> ImportRun:
    """Return how an import stands."""
    return await platform.imports.one(by, id)


@router.post("/{id}/resume", summary="Go on with an import that stopped", status_code=202)
async def resume_import(
    id: Ident,  # noqa: A002 - the name the interface has
    platform: Platformed,
    by: LedgerKeeper,
) -> ImportRun:
    """Start the job again behind what was committed; no reading is stored twice."""
    return await platform.imports.resume(by, id)


@router.get(
    "/{id}/refused",
    summary="Every refused reading of an import",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": _FILE}}}},
)
async def get_refused_readings(
    id: Ident,  # noqa: A002 - the name the interface has
    request: Request,
    platform: Platformed,
    by: LedgerKeeper,
    wish: Wished,
) -> Response:
    """Return line, tag, time, value and reason of each as CSV (UTF-8 with a mark for Excel)."""
    door = await decided(request, by, f"refused readings {id}", wish)
    body = await platform.imports.refused(by, id)
    disposition = f'attachment; filename="refused-{id}.csv"'
    headers = {"content-disposition": disposition, "cache-control": "no-store"}
    return sent(door, Response(body, media_type="text/csv; charset=utf-8", headers=headers))
