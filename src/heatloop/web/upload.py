"""One uploaded file out of a multipart body, with nothing written to disk."""

from __future__ import annotations

import asyncio
from email.parser import BytesParser
from email.policy import HTTP

from fastapi import Request

from heatloop.app.refusals import Refused
from heatloop.web.access import platform_of
from heatloop.web.upload_check import check_upload


async def file_of(request: Request, max_bytes: int) -> tuple[str, bytes]:
    """Return (file name, bytes) of the part named `file`.

    Args:
        request: A request with a multipart/form-data body.
        max_bytes: Most bytes to read.

    Raises:
        Refused: The body is too large, not multipart, or has no such part.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise Refused("ledger_file", detail="content-type", place="content-type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise Refused("too_large", detail=f"> {max_bytes} bytes")
    # A multipart body is a MIME message (RFC 7578), which the standard library reads.
    head = f"content-type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + bytes(body))
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            data = part.get_payload(decode=True)
            if isinstance(data, bytes):
                name = part.get_filename() or ""
                await check_file(request, name, data)
                return name, data
    raise Refused("ledger_file", detail="no part named file", place="body")


async def check_file(request: Request, name: str, data: bytes) -> None:
    """Return if an uploaded file may be read: by its name, its first bytes, its size unpacked.

    Raises:
        Refused: It is not safe; what was refused is told to the watch.
    """
    platform = platform_of(request)
    address = request.client.host if request.client else ""
    try:
        await asyncio.to_thread(check_upload, name, data)
        await platform.watch.check_file(address, name, data)
    except Refused as error:
        platform.security_events.note("unsafe_upload", name, address, reason=error.detail)
        raise
