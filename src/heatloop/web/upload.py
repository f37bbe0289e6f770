"""One uploaded file out of a multipart body, with nothing written to disk."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

from fastapi import Request

from heatloop.app.refusals import Refused


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
                return part.get_filename() or "", data
    raise Refused("ledger_file", detail="no part named file", place="body")
