"""Signing in and out: the password, the second step, a fresh proof, the identity provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from heatloop.app.oidc_sign_in import TRIP_S
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.second_factor import Proof
from heatloop.app.sessions_model import PERSON
from heatloop.app.views.identity import Challenge, SignInOptions
from heatloop.app.views.system import SessionView
from heatloop.web.access import COOKIE, Platformed, Signed, token_of
from heatloop.web.bodies import PasswordChange, SignIn
from heatloop.web.credentials import RecentProof, place_of, set_session
from heatloop.web.identity_bodies import ProofBody, SecondStep

router = APIRouter(prefix="/session", tags=["session"])
_TRIP_COOKIE, _TRIP_PATH = "heatloop_trip", "/api/v1/session/oidc"


def _proof(body: SecondStep | ProofBody, password: str = "") -> Proof:
    return Proof(
        password=password,
        code=body.code or "",
        factor=body.key,
        signature=bytes.fromhex(body.signature) if len(body.signature) % 2 == 0 else b"",
    )


@router.get("/options", summary="What the sign-in page may know")
async def sign_in_options(platform: Platformed) -> SignInOptions:
    """Return the rule of passwords, and whether there is an identity provider."""
    identity, oidc = platform.settings.identity, platform.settings.oidc
    return SignInOptions(
        min_length=identity.min_length,
        classes=identity.classes,
        history=identity.history,
        provider=platform.identity.oidc.offered,
        provider_zh=oidc.name_zh,
        provider_en=oidc.name_en,
    )


@router.post("", summary="Sign in")
async def sign_in(
    body: SignIn, request: Request, response: Response, platform: Platformed
) -> SessionView:
    """Check the password and set the session cookie; `must_prove` asks for the second step."""
    place = place_of(request)
    token, session = await platform.sessions.sign_in(
        body.user, body.password, place.address, device=place.device, cookie=place.cookie
    )
    set_session(response, platform, token, session)
    return session.view()


@router.post("/challenge", summary="Get something to sign with one's key")
async def get_challenge(session: Signed, platform: Platformed) -> Challenge:
    """Return a challenge of this session; a signature over it is a second factor."""
    if session.kind != PERSON:
        raise Forbidden("forbidden", thing=session.principal.user)
    return await platform.identity.account.challenge(session)


@router.post("/second", summary="Give the second factor")
async def second_step(
    body: SecondStep, request: Request, response: Response, session: Signed, platform: Platformed
) -> SessionView:
    """Check a code or signature and give the session another token."""
    if session.kind != PERSON or not session.must_prove:
        raise Refused("not_found", thing="second factor")
    place = place_of(request)
    token, session = await platform.identity.second.second(session, _proof(body), place)
    set_session(response, platform, token, session)
    return session.view()


@router.post("/proof", summary="Prove again who one is")
async def prove(
    body: ProofBody, request: Request, session: Signed, platform: Platformed
) -> SessionView:
    """Check password and second factor once more; dangerous operations want this fresh."""
    if session.kind != PERSON:
        raise Forbidden("forbidden", thing=session.principal.user)
    proof = _proof(body, body.password)
    session = await platform.identity.second.prove(session, proof, place_of(request))
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
    body: PasswordChange,
    request: Request,
    response: Response,
    session: Signed,
    platform: Platformed,
) -> None:
    """Change the password of the user who is signed in; other sessions of the user end."""
    token, session = await platform.identity.account.change_password(
        session, body.old, body.new, place_of(request)
    )
    set_session(response, platform, token, session)


@router.post("/display", summary="Make this browser a wall display")
async def become_display(
    request: Request, response: Response, session: Signed, _: RecentProof, platform: Platformed
) -> SessionView:
    """Turn the session into one that may only look and is never idle."""
    place = place_of(request)
    token, session = await platform.identity.account.become_display(session, place)
    set_session(response, platform, token, session)
    return session.view()


@router.get(
    "/oidc/start",
    summary="Go to the identity provider",
    response_class=RedirectResponse,
    status_code=303,
)
async def leave_for_provider(platform: Platformed) -> RedirectResponse:
    """Send the browser to the company's identity provider."""
    url, cookie = await platform.identity.oidc.leave()
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _TRIP_COOKIE,
        cookie,
        max_age=int(TRIP_S),
        path=_TRIP_PATH,
        secure=bool(platform.settings.server.tls_certificate),
        httponly=True,
        # Lax: the provider sends the browser back from another site.
        samesite="lax",
    )
    return answer


@router.get(
    "/oidc/callback",
    summary="Come back from the identity provider",
    response_class=RedirectResponse,
    status_code=303,
)
async def back_from_provider(
    request: Request,
    platform: Platformed,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Take back who comes from the identity provider and begin a session."""
    trip = request.cookies.get(_TRIP_COOKIE, "")[:8000]
    try:
        if error or not code:
            raise Refused("provider_refused", detail=error)
        token, session = await platform.identity.oidc.come_back(
            code=code, state=state, cookie=trip, place=place_of(request)
        )
    except Refused as refused:
        answer = RedirectResponse(f"/?signin={refused.code}", 303)
    else:
        answer = RedirectResponse("/", 303)
        set_session(answer, platform, token, session)
    answer.delete_cookie(_TRIP_COOKIE, path=_TRIP_PATH)
    return answer
