"""Users and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from heatloop.app.views.system import AuditPage, AuditVerdict, UserCreated, UserView
from heatloop.web.access import Auditor, Platformed, UserKeeper
from heatloop.web.bodies import UserChange, UserCreate
from heatloop.web.params import Page, UserName, Word

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


@router.get("/audit", summary="Audit trail, newest first")
async def list_audit(
    platform: Platformed,
    _: Auditor,
    user: Word = "",
    action: Word = "",
    page: Page = 1,
    size: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """Return a page of the audit trail."""
    return await platform.audit.page(user, action, page, size)


@router.get("/audit/verify", summary="Check the audit chain")
async def verify_audit(platform: Platformed, _: Auditor) -> AuditVerdict:
    """Compute every hash again and say whether the trail is whole."""
    return await platform.audit.verify()
