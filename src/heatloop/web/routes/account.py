"""One's own account: second factors, recovery codes, sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from heatloop.app.refusals import Forbidden
from heatloop.app.sessions import Session
from heatloop.app.sessions_model import PERSON
from heatloop.app.views.identity import (
    AccountView,
    Ended,
    OwnSession,
    RecoveryCodes,
    TotpOffer,
)
from heatloop.web.access import Platformed, Signed
from heatloop.web.credentials import place_of, proof_is_fresh, set_session
from heatloop.web.identity_bodies import Labelled, NewKey, TotpConfirm
from heatloop.web.params import Ident

router = APIRouter(prefix="/account", tags=["account"])


async def _person(session: Signed) -> Session:
    """Return a person's session past the second step, programs and displays refused."""
    if session.must_prove:
        raise Forbidden("second_factor_required", thing=session.principal.user)
    if session.kind != PERSON:
        raise Forbidden("forbidden", thing=session.principal.user)
    return session


async def _fresh(
    request: Request, platform: Platformed, session: Annotated[Session, Depends(_person)]
) -> Session:
    """Return the session of somebody who proved lately who he is, or who must enrol now."""
    if session.must_change:
        raise Forbidden("password_change_required", thing=session.principal.user)
    if not proof_is_fresh(platform, session):
        user = session.principal.user
        await platform.audit.refused(user, request.method, request.url.path)
        raise Forbidden("proof_needed", thing=user)
    return session


Person = Annotated[Session, Depends(_person)]
Fresh = Annotated[Session, Depends(_fresh)]


@router.get("", summary="My account")
async def get_account(session: Person, platform: Platformed) -> AccountView:
    """Return one's account with its factors."""
    return await platform.identity.account.view(session)


@router.post("/totp", status_code=201, summary="Begin to use one-time codes")
async def offer_totp(body: Labelled, session: Fresh, platform: Platformed) -> TotpOffer:
    """Return a secret and its QR code; it counts once a code is confirmed."""
    return await platform.identity.account.offer_totp(session, body.label)


@router.post("/totp/confirm", summary="Confirm the first one-time code")
async def confirm_totp(
    body: TotpConfirm, request: Request, response: Response, session: Fresh, platform: Platformed
) -> RecoveryCodes:
    """Take the secret into use and return recovery codes, shown once."""
    token, session, codes = await platform.identity.account.confirm_totp(
        session, body.id, body.code, place_of(request)
    )
    set_session(response, platform, token, session)
    return codes


@router.post("/keys", status_code=201, summary="Register a key or certificate")
async def add_key(
    body: NewKey, request: Request, response: Response, session: Fresh, platform: Platformed
) -> RecoveryCodes:
    """Register a public key proved by a signature over the last challenge; codes if first."""
    signature = bytes.fromhex(body.signature) if len(body.signature) % 2 == 0 else b""
    token, session, codes = await platform.identity.account.add_key(
        session, body.label, body.pem, signature, place_of(request)
    )
    set_session(response, platform, token, session)
    return codes


@router.delete("/factors/{factor}", status_code=204, summary="Remove a second factor")
async def remove_factor(factor: Ident, session: Fresh, platform: Platformed) -> None:
    """Remove a factor; the last one stays where one is required."""
    await platform.identity.account.remove_factor(session, factor)


@router.post("/recovery", summary="Make new recovery codes")
async def new_recovery_codes(session: Fresh, platform: Platformed) -> RecoveryCodes:
    """Return fresh recovery codes; the former ones are void."""
    return await platform.identity.account.new_recovery(session)


@router.get("/sessions", summary="My sessions")
async def own_sessions(session: Person, platform: Platformed) -> list[OwnSession]:
    """Return one's sessions with address and device."""
    return await platform.identity.account.own_sessions(session)


@router.delete("/sessions/{ident}", status_code=204, summary="End one of my sessions")
async def end_session(ident: Ident, session: Person, platform: Platformed) -> None:
    """End a session of one's own."""
    await platform.identity.account.end_session(session, ident)


@router.delete("/sessions", summary="Sign out everywhere else")
async def end_other_sessions(session: Person, platform: Platformed) -> Ended:
    """End all of one's sessions but this one."""
    return Ended(sessions=await platform.identity.account.end_others(session))
