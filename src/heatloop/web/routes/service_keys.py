"""Keys of programs: the security administrator's."""

from __future__ import annotations

from fastapi import APIRouter

from heatloop.app.service_keys import KeyWish
from heatloop.app.views.identity import ServiceKeyMade, ServiceKeyView
from heatloop.web.access import Platformed, UserKeeper
from heatloop.web.credentials import RecentProof
from heatloop.web.identity_bodies import ServiceKeyCreate, ServiceKeyRenew
from heatloop.web.params import Ident

router = APIRouter(prefix="/service-keys", tags=["people"])


@router.get("", summary="Keys of programs")
async def list_service_keys(platform: Platformed, _: UserKeeper) -> list[ServiceKeyView]:
    """Return all keys, without their secrets."""
    return await platform.identity.keys.list()


@router.post("", status_code=201, summary="Make a key for a program")
async def create_service_key(
    body: ServiceKeyCreate, platform: Platformed, by: UserKeeper, _: RecentProof
) -> ServiceKeyMade:
    """Make a key; its secret is in the answer and nowhere else."""
    wish = KeyWish(
        name=body.name,
        purpose=body.purpose,
        owner=body.owner,
        roles=tuple(body.roles),
        permissions=tuple(body.permissions),
        scope=tuple(body.scope),
        addresses=tuple(body.addresses),
        days=body.days,
    )
    return await platform.identity.keys.create(by, wish)


@router.post("/{key}/renew", summary="Give a key another secret")
async def renew_service_key(
    key: Ident, body: ServiceKeyRenew, platform: Platformed, by: UserKeeper, _: RecentProof
) -> ServiceKeyMade:
    """Make another secret; the former one opens nothing any more."""
    return await platform.identity.keys.renew(by, key, body.days)


@router.delete("/{key}", status_code=204, summary="Take a key back")
async def revoke_service_key(key: Ident, platform: Platformed, by: UserKeeper) -> None:
    """Take a key back; it opens nothing from now on."""
    await platform.identity.keys.revoke(by, key)
