"""The door every export goes out by: encrypted, or in clear with a right and a reason."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from heatloop.app.export_seal import SealedExport, Wish
from heatloop.security.access import Principal
from heatloop.web.access import platform_of

_NAME = re.compile(r'filename="([^"]*)"')


def wish_of(
    passphrase: Annotated[
        str,
        Header(
            alias="X-Heatloop-Export-Passphrase",
            max_length=600,
            description="Encrypt for whoever knows it; percent-encoded UTF-8",
        ),
    ] = "",
    public_key: Annotated[
        str,
        Header(
            alias="X-Heatloop-Export-Key",
            pattern=r"^([0-9a-fA-F]{64}|04[0-9a-fA-F]{128})?$",
            description="Encrypt for this key: X25519 or SM2, hexadecimal",
        ),
    ] = "",
    plain_reason: Annotated[
        str,
        Header(
            alias="X-Heatloop-Plain-Reason",
            max_length=1200,
            description="Leave in clear for this reason; needs the right; percent-encoded UTF-8",
        ),
    ] = "",
    ticket: Annotated[
        str, Query(alias="export", max_length=64, description="Ticket of POST /exports")
    ] = "",
) -> Wish:
    """Return what is wanted of an export."""
    return Wish(
        passphrase=unquote(passphrase),
        public_key=public_key,
        plain_reason=unquote(plain_reason),
        ticket=ticket,
    )


Wished = Annotated[Wish, Depends(wish_of)]


async def decided(request: Request, by: Principal, what: str, wish: Wish) -> SealedExport:
    """Return how an export goes out; call it before anything is read.

    Raises:
        Refused: The passphrase, key, reason or ticket is not good.
        Forbidden: It may not go out in clear.
    """
    return await platform_of(request).exports.decide(by, what, wish)


def sent(export: SealedExport, answer: Response) -> Response:
    """Return an answer that holds a file as it goes out."""
    if export.recipient is None:
        return answer
    found = _NAME.search(answer.headers.get("content-disposition", ""))
    name = found[1] if found else "export"
    media = answer.media_type or "application/octet-stream"
    if isinstance(answer, StreamingResponse):
        chunks = _bytes(answer)
    else:
        chunks = _once(bytes(answer.body))
    skipped = ("content-length", "content-type", "content-disposition", "content-encoding")
    headers = {k: v for k, v in answer.headers.items() if k not in skipped}
    headers["content-disposition"] = f'attachment; filename="{export.named(name)}"'
    headers["content-encoding"] = "identity"  # what is encrypted does not get smaller
    stream = export.sealed(chunks, name, media)
    return StreamingResponse(stream, answer.status_code, headers, media_type=export.media)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _bytes(answer: StreamingResponse) -> AsyncIterator[bytes]:
    async for chunk in answer.body_iterator:
        yield chunk.encode() if isinstance(chunk, str) else bytes(chunk)
