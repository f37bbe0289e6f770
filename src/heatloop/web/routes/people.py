"""Users."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.refusals import Forbidden
from heatloop.app.views.identity import Ended
from heatloop.app.views.system import UserCreated, UserView
from heatloop.web.access import Platformed, Signed, UserKeeper
from heatloop.web.bodies import UserChange, UserCreate
from heatloop.web.credentials import RecentProof, proof_is_fresh
from heatloop.web.params import UserName

router = APIRouter(tags=["people"])


@router.get("/users", summary="Users")
async def list_users(platform: Platformed, _: UserKeeper) -> list[UserView]:
    """Return all users."""
    sessions = platform.sessions
    return await platform.people.users(sessions.guard.locked(), wants_second=sessions.wants_second)


@router.post("/users", status_code=201, summary="Add a user")
async def create_user(body: UserCreate, platform: Platformed, by: UserKeeper) -> UserCreated:
    """Add a user; the first password is in the answer and nowhere else."""
    return await platform.people.create(by, body.name, body.full_name, body.roles, body.scope)


@router.patch("/users/{name}", summary="Change a user")
async def change_user(
    name: UserName, body: UserChange, session: Signed, platform: Platformed, by: UserKeeper
) -> UserCreated:
    """Change roles, scope or state, or make a new first password (else it comes empty)."""
    if body.reset_password and not proof_is_fresh(platform, session):
        raise Forbidden("proof_needed", thing=by.user)
    return await platform.people.change(
        by,
        name,
        roles=body.roles,
        scope=body.scope,
        disabled=body.disabled,
        reset_password=body.reset_password,
    )


@router.post("/users/{name}/unlock", status_code=204, summary="Unlock a user")
async def unlock_user(name: UserName, platform: Platformed, by: UserKeeper) -> None:
    """Forget a user's failed sign-ins."""
    await platform.identity.care.unlock(by, name)


@router.post(
    "/users/{name}/factors/reset", status_code=204, summary="Take a user's second factors away"
)
async def reset_factors(
    name: UserName, platform: Platformed, by: UserKeeper, _: RecentProof
) -> None:
    """Remove all second factors of a user, who is signed out and must set up new ones."""
    await platform.identity.care.reset_factors(by, name)


@router.delete("/users/{name}/sessions", summary="Sign a user out everywhere")
async def end_user_sessions(name: UserName, platform: Platformed, by: UserKeeper) -> Ended:
    """End all sessions of a user."""
    return Ended(sessions=await platform.identity.care.sign_out(by, name))
