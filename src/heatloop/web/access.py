"""Who is asking: the session cookie, the header every write must carry, and the right needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from heatloop.app.audit_origin import origin, roles_of
from heatloop.app.platform import Platform
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.sessions import Session
from heatloop.security.access import Permission, Principal, Role
from heatloop.web import credentials
from heatloop.web.errors import envelope

COOKIE = credentials.COOKIE
_SAFE = ("GET", "HEAD", "OPTIONS")
# Gateways have no cookie that could be abused, so they need no header against abuse of it.
_NO_COOKIE_PATHS = ("/api/v1/gateways/enrol",)
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="Session of POST /session")
_key = HTTPBearer(auto_error=False, description="Key of a program, made by POST /service-keys")


def platform_of(connection: HTTPConnection) -> Platform:
    """Return the platform this application was built for."""
    return cast(Platform, connection.app.state.platform)


def token_of(request: Request) -> str:
    """Return the session token or program's key of a request, empty when there is none."""
    return credentials.token_of(request)


async def session_of(
    request: Request,
    _: Annotated[str | None, Depends(_cookie)],
    __: Annotated[object, Depends(_key)],
) -> Session:
    """Return the session of a request.

    Raises:
        Refused: Nobody is signed in.
    """
    session = await credentials.find_session(request)
    if session is None:
        raise Refused("unauthenticated")
    return session


async def signed_in(
    request: Request, session: Annotated[Session, Depends(session_of)]
) -> Principal:
    """Return who is asking.

    Raises:
        Refused: Nobody is signed in.
        Forbidden: A password, a second factor or its enrolment is still missing.
    """
    request.state.user = session.principal.user  # For the trail of refusals.
    origin().role = roles_of(session.principal)
    if session.waits_for:
        raise Forbidden(session.waits_for, thing=session.principal.user)
    return session.principal


def needs(*permissions: Permission) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that lets only holders of one of these rights pass.

    Refusals are audited. It carries the rights' names, by which `web.rights` finds what each
    route asks for.
    """
    allowed, names = frozenset(permissions), "|".join(each.value for each in permissions)

    async def check(
        request: Request, principal: Annotated[Principal, Depends(signed_in)]
    ) -> Principal:
        if not allowed & principal.permissions:
            path = request.url.path
            await platform_of(request).audit.refused(principal.user, request.method, path)
            raise Forbidden("forbidden", thing=principal.user, place=f"{names} {path}")
        return principal

    check.right = names  # type: ignore[attr-defined]
    return check


def needs_role(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency that lets only holders of one of these roles pass; as `needs` else."""
    allowed, names = frozenset(roles), "|".join(f"role:{each.value}" for each in roles)

    async def check(
        request: Request, principal: Annotated[Principal, Depends(signed_in)]
    ) -> Principal:
        if not allowed & principal.roles:
            path = request.url.path
            await platform_of(request).audit.refused(principal.user, request.method, path)
            raise Forbidden("forbidden", thing=principal.user, place=f"{names} {path}")
        return principal

    check.right = names  # type: ignore[attr-defined]
    return check


Signed = Annotated[Session, Depends(session_of)]
Platformed = Annotated[Platform, Depends(platform_of)]
Viewer = Annotated[Principal, Depends(needs(Permission.VIEW))]
Acknowledger = Annotated[Principal, Depends(needs(Permission.ACKNOWLEDGE))]
Commander = Annotated[Principal, Depends(needs(Permission.COMMAND))]
LedgerKeeper = Annotated[Principal, Depends(needs(Permission.MANAGE_LEDGER))]
UserKeeper = Annotated[Principal, Depends(needs(Permission.MANAGE_USERS))]
Auditor = Annotated[Principal, Depends(needs(Permission.AUDIT))]
Revealer = Annotated[Principal, Depends(needs(Permission.REVEAL_PERSONAL))]
PrivacyReader = Annotated[
    Principal,
    Depends(needs(Permission.KEEP_PRIVACY, Permission.MANAGE_USERS, Permission.AUDIT)),
]
RightsReader = Annotated[Principal, Depends(needs(Permission.MANAGE_USERS, Permission.AUDIT))]
PrivacyKeeper = Annotated[Principal, Depends(needs(Permission.KEEP_PRIVACY))]


class WriteGuard:
    """Refuses writes without the header a foreign site cannot add, and bodies that are too big."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403 or 413."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            headers = dict(scope["headers"])
            free = scope["path"] in _NO_COOKIE_PATHS or credentials.has_no_cookie(scope)
            if not free and headers.get(b"x-heatloop") != b"1":
                await JSONResponse(envelope("csrf"), 403)(scope, receive, send)
                return
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > self.max_bytes:
                await JSONResponse(envelope("too_large"), 413)(scope, receive, send)
                return
        await self.app(scope, receive, send)
