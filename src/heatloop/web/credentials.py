"""Which credentials a request carries: the session cookie, or a program's key; how fresh they are.

A key comes as `Authorization: Bearer hlk_...`. No browser sends that by itself, so such requests
need no header against foreign pages. Client certificates and keys of people are not a matter of
the connection: they sign a challenge of the session (`POST /session/challenge`, then
`POST /session/second`), which works through any reverse proxy and needs no trusted header.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Response
from starlette.requests import HTTPConnection, Request

from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.sessions import KEY_PREFIX, Place, Session
from heatloop.app.sessions_guard import DEVICE_DAYS
from heatloop.app.sessions_model import DISPLAY
from heatloop.kernel.clock import machine_s

COOKIE, DEVICE_COOKIE = "heatloop_session", "heatloop_device"
_BEARER = "bearer "
_MOST = 400


def bearer_of(connection: HTTPConnection) -> str:
    """Return the program's key of a request, empty when there is none."""
    given = connection.headers.get("authorization", "")
    key = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
    return key if key.startswith(KEY_PREFIX) and len(key) <= _MOST else ""


def token_of(connection: HTTPConnection) -> str:
    """Return the program's key or the session token of a request, empty when there is none."""
    return bearer_of(connection) or connection.cookies.get(COOKIE, "")[:_MOST]


def address_of(connection: HTTPConnection) -> str:
    """Return the address of the peer."""
    return connection.client.host if connection.client else ""


def place_of(connection: HTTPConnection) -> Place:
    """Return where somebody signs in."""
    return Place(
        address=address_of(connection),
        device=connection.headers.get("user-agent", "")[:200],
        cookie=connection.cookies.get(DEVICE_COOKIE, "")[:_MOST],
    )


async def find_session(connection: HTTPConnection) -> Session | None:
    """Return the session behind a request's credentials, None if there is none."""
    platform: Platform = connection.app.state.platform
    return await platform.sessions.find(token_of(connection), address_of(connection))


def has_no_cookie(scope: Any) -> bool:
    """Return whether a request comes by a program's key, which no foreign page can send."""
    return bool(bearer_of(HTTPConnection(scope)))


def set_session(response: Response, platform: Platform, token: str, session: Session) -> None:
    """Give the browser its session cookie, and after full sign-in its device cookie."""
    settings = platform.settings
    secure = bool(settings.server.tls_certificate)
    hours = settings.session.max_hours
    if session.kind == DISPLAY:
        hours = settings.identity.display_days * 24.0
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(hours * 3600),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    if not session.must_prove:
        response.set_cookie(
            DEVICE_COOKIE,
            platform.sessions.guard.device_cookie(session.principal.user),
            max_age=DEVICE_DAYS * 86400,
            path="/api/v1/session",
            secure=secure,
            httponly=True,
            samesite="strict",
        )


def proof_is_fresh(platform: Platform, session: Session) -> bool:
    """Return whether somebody proved lately who he is; programs' keys never do."""
    minutes = platform.settings.session.proof_minutes
    return not minutes or machine_s() - session.proved_s <= minutes * 60.0


async def recent_proof(request: Request) -> Session:
    """Return the session if its holder proved lately who he is.

    A dependency for what is dangerous; the answer to its refusal is `POST /session/proof`.

    Raises:
        Refused: Nobody is signed in.
        Forbidden: The proof is too old, or it is a program's key.
    """
    platform: Platform = request.app.state.platform
    session = await find_session(request)
    if session is None:
        raise Refused("unauthenticated")
    if not proof_is_fresh(platform, session):
        await platform.audit.refused(session.principal.user, request.method, request.url.path)
        raise Forbidden("proof_needed", thing=session.principal.user)
    return session


RecentProof = Annotated[Session, Depends(recent_proof)]
