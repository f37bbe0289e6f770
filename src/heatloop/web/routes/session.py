"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from heatloop.app.views.system import SessionView
from heatloop.web.access import COOKIE, Platformed, Signed, token_of
from heatloop.web.bodies import PasswordChange, SignIn

router = APIRouter(prefix="/session", tags=["session"])


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.post("", summary="Sign in")
async def sign_in(
    body: SignIn, request: Request, response: Response, platform: Platformed
) -> SessionView:
    """Check the password and set the session cookie."""
    token, session = await platform.sessions.sign_in(body.user, body.password, _address(request))
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(platform.settings.session.max_hours * 3600),
        path="/",
        secure=bool(platform.settings.server.tls_certificate),
        httponly=True,
        samesite="strict",
    )
    return session.view()


@router.get("", summary="Who is signed in")
async def get_session(session: Signed) -> SessionView:
    """Return the session of the cookie."""
    return session.view()


@router.delete("", status_code=204, summary="Sign out")
async def sign_out(request: Request, response: Response, platform: Platformed) -> None:
    """End the session and clear the cookie."""
    await platform.sessions.sign_out(token_of(request))
    response.delete_cookie(COOKIE, path="/")


@router.post("/password", status_code=204, summary="Change one's password")
async def change_password(
    body: PasswordChange, request: Request, platform: Platformed, _: Signed
) -> None:
    """Change the password of the user who is signed in; other sessions of the user end."""
    await platform.sessions.change_password(token_of(request), body.old, body.new)
