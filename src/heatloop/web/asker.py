"""Who asks at the command door, read from the request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from heatloop.app.command_asker import Asker
from heatloop.web.access import Commander, Signed


async def asker_of(request: Request, session: Signed, principal: Commander) -> Asker:
    """Return the asker with what the session knows of his proof of identity."""
    return Asker(
        principal=principal,
        session=session.token_hash,
        proved_s=float(getattr(session, "proved_s", session.created_s)),
        factors=frozenset(getattr(session, "factors", ("password",))),
        address=request.client.host if request.client else "",
    )


Asking = Annotated[Asker, Depends(asker_of)]
