"""Large answers, written out and compressed away from the event loop."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Hashable
from functools import cache
from typing import Any, cast

from fastapi import Request, Response
from pydantic import TypeAdapter

_SMALL = 2_000
_GZIP_BITS = 31


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def pack(request: Request, view: object) -> Response:
    """Return a read model as JSON, compressed if the client takes that; call it in a thread."""
    body = _adapter(cast("Hashable", type(view))).dump_json(view)
    headers = {"vary": "accept-encoding"}
    if len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        # Level 1: of the two that share a core, time matters more than a tenth of the size.
        packer = zlib.compressobj(1, wbits=_GZIP_BITS)
        body = packer.compress(body) + packer.flush()
        headers["content-encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


async def packed(request: Request, view: object) -> Response:
    """Do the same from the event loop."""
    return await asyncio.to_thread(pack, request, view)
