"""Users."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.views.system import UserCreated, UserView
from heatloop.web.access import Platformed, UserKeeper
from heatloop.web.bodies import UserChange, UserCreate
from heatloop.web.params import UserName

router = APIRouter(tags=["people"])


@router.get("/users", summary="Users")
async def list_users(platform: Platformed, _: UserKeeper) -> list[UserView]:
    """Return all users."""
    return await platform.people.users()


@router.post("/users", status_code=201, summary="Add a user")
async def create_user(body: UserCreate, platform: Platformed, by: UserKeeper) -> UserCreated:
    """Add a user; the first password is in the answer and nowhere else."""
    return await platform.people.create(by, body.name, body.full_name, body.roles, body.scope)


@router.patch("/users/{name}", summary="Change a user")
async def change_user(
    name: UserName, body: UserChange, platform: Platformed, by: UserKeeper
) -> UserCreated:
    """Change roles, scope or state, or make a new first password (else it comes empty)."""
    return await platform.people.change(
        by,
        name,
        roles=body.roles,
        scope=body.scope,
        disabled=body.disabled,
        reset_password=body.reset_password,
    )
