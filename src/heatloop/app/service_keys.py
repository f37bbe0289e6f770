"""Keys of programs: shown once, kept as hashes, never more than their owner may, with an end.

A key reads `hlk_<id>_<secret>`; the part in front of the secret says in a log or a leak which one
it is. It is sent as `Authorization: Bearer`, so no foreign web page can make a browser send it.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, replace

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.identity_settings import IdentitySettings
from heatloop.app.people import People
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.sessions import KEY_PREFIX, Sessions
from heatloop.app.sessions_model import KEY, PROGRAM, Session, narrowed
from heatloop.app.views.identity import ServiceKeyMade, ServiceKeyView
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.security.access import PERMISSIONS, Permission, Principal, Role, roles_of
from heatloop.security.passwords import new_token, token_hash
from heatloop.store.records import Records
from heatloop.store.records.service_keys import ServiceKeyRow

_LOOK_S, _NOTE_S = 10.0, 60.0
_NEVER = frozenset((Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.HEAT_USER))
USER_PREFIX = "key."
"""How a program stands in the audit trail: `key.` and its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyWish:
    """What a key is to be."""

    name: str
    """Name of the service account."""
    purpose: str
    """What it is for."""
    owner: str
    """Whose rights it borrows."""
    roles: tuple[str, ...]
    """Roles; the owner must hold them."""
    permissions: tuple[str, ...] = ()
    """Of the roles' rights only these; empty: all."""
    scope: tuple[str, ...] = ("",)
    """Subtree paths; inside the owner's."""
    addresses: tuple[str, ...] = ()
    """Networks it may come from; empty: any."""
    days: float = 90.0
    """Life."""


@dataclass(slots=True)
class _Known:
    row: ServiceKeyRow
    session: Session
    looked_s: float
    noted_s: float = 0.0


class ServiceKeys:
    """Makes, checks and takes back keys of programs."""

    def __init__(
        self,
        records: Records,
        people: People,
        audit: Audit,
        sessions: Sessions,
        identity: IdentitySettings,
    ) -> None:
        self._records, self._people, self._audit = records, people, audit
        self._sessions, self._identity = sessions, identity
        self._known: dict[str, _Known] = {}
        sessions.programs = self
        people.when_changed(lambda _: self._known.clear())

    async def find(self, token: str, address: str | None) -> Session | None:
        """Return what a key may do, None for one that is not good (from here).

        Args:
            token: The whole key.
            address: Where it comes from; None if that was checked before.
        """
        ident, _, secret = token.removeprefix(KEY_PREFIX).partition("_")
        known = await self._look(ident)
        hashed = token_hash(secret)
        # Compared also for unknown keys, so that time does not tell which exist.
        good = hmac.compare_digest(known.row.secret_hash if known else "0" * 64, hashed)
        if known is None or not good:
            if address is not None:
                self._sessions.note("key_misuse", ident[:16], address, reason="wrong")
            return None
        now = machine_s()
        row = known.row
        if row.revoked_at is not None or now > row.expires_at:
            if address is not None:
                self._sessions.note("key_misuse", row.name, address, reason="ended")
            return None
        if address is not None and not _allowed(row.addresses, address):
            self._sessions.note("key_misuse", row.name, address, reason="address")
            await self._audit.refused(USER_PREFIX + row.name, "KEY", address)
            return None
        if now - known.noted_s > _NOTE_S:
            known.noted_s = now
            await in_thread(
                self._records.service_keys.used, ident, at=now, address=address or row.used_from
            )
        known.session = replace(known.session, seen_s=now, address=address or "")
        return known.session

    async def _look(self, ident: str) -> _Known | None:
        now = machine_s()
        known = self._known.get(ident)
        if known is not None and now - known.looked_s < _LOOK_S:
            return known
        row = await in_thread(self._records.service_keys.get, ident)
        principal = None if row is None else await self._principal(row)
        if row is None or principal is None:
            self._known.pop(ident, None)
            return None
        session = Session(
            token_hash="",
            principal=principal,
            must_change=False,
            created_s=row.created_at,
            seen_s=now,
            factors=frozenset((KEY,)),
            kind=PROGRAM,
        )
        noted_s = known.noted_s if known else row.used_at or 0.0
        self._known[ident] = _Known(row=row, session=session, looked_s=now, noted_s=noted_s)
        return self._known[ident]

    async def _principal(self, row: ServiceKeyRow) -> Principal | None:
        """Return what a key may do today: what it was given and its owner still has."""
        account = await in_thread(self._records.users.get, row.user)
        if account is None or account.disabled:
            return None
        owner = await self._people.principal(account)
        roles = frozenset(Role(role) for role in row.roles) & owner.roles
        scope = Scope.of([path for path in row.scope if owner.scope.holds(path)])
        principal = replace(owner, user=USER_PREFIX + row.name, roles=roles, scope=scope)
        most = frozenset(Permission(p) for p in row.permissions) or frozenset(Permission)
        return narrowed(principal, most)

    async def list(self) -> list[ServiceKeyView]:
        """Return all keys."""
        off = {u.name for u in await in_thread(self._records.users.list) if u.disabled}
        rows = await in_thread(self._records.service_keys.list)
        return [_view(row, machine_s(), row.user in off) for row in rows]

    async def create(self, by: Principal, wish: KeyWish) -> ServiceKeyMade:
        """Make a key; the secret is in the answer and nowhere else.

        Raises:
            Refused: The owner has not these roles or this scope, the life is too long, a network
                is none, the name is taken, or a key that may command says no networks.
        """
        await self._check(by, wish)
        now, secret = machine_s(), new_token()
        row = ServiceKeyRow(
            id=new_token()[:12].replace("_", "x").replace("-", "y"),
            name=wish.name,
            purpose=wish.purpose,
            user=wish.owner,
            secret_hash=token_hash(secret),
            roles=wish.roles,
            permissions=wish.permissions,
            scope=wish.scope,
            addresses=wish.addresses,
            created_by=by.user,
            created_at=now,
            expires_at=now + wish.days * 86400.0,
            used_at=None,
            used_from="",
            revoked_at=None,
        )
        try:
            await in_thread(self._records.service_keys.create, row)
        except InputError as error:
            raise Refused("user_exists", thing=wish.name) from error
        await self._audit.add(
            by.user,
            "key.create",
            USER_PREFIX + wish.name,
            owner=wish.owner,
            roles=list(wish.roles),
            permissions=list(wish.permissions),
            scope=list(wish.scope),
            addresses=list(wish.addresses),
            days=wish.days,
        )
        return ServiceKeyMade(key=_view(row, now, False), secret=f"{KEY_PREFIX}{row.id}_{secret}")

    async def _check(self, by: Principal, wish: KeyWish) -> None:
        owner = await in_thread(self._records.users.get, wish.owner)
        if owner is None or owner.disabled:
            raise Refused("not_found", thing=wish.owner)
        try:
            roles = roles_of(wish.roles)
        except InputError as error:
            raise Refused("unknown_role", thing=error.thing) from error
        who = await self._people.principal(owner)
        if roles & _NEVER or not roles <= who.roles:
            raise Refused("key_roles", thing=", ".join(sorted(roles & _NEVER or roles - who.roles)))
        for path in wish.scope:
            if not who.scope.holds(path) or not by.scope.holds(path):
                raise Forbidden("forbidden", thing=wish.name, detail=f"scope {path}")
        rights = frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))
        unknown = sorted(set(wish.permissions) - {each.value for each in Permission})
        if unknown:
            raise Refused("invalid", thing=unknown[0], place="permissions")
        wanted = frozenset(Permission(p) for p in wish.permissions) or rights
        if not wanted <= rights:
            raise Refused("key_roles", thing=", ".join(sorted(wanted - rights)))
        for text in wish.addresses:
            try:
                ipaddress.ip_network(text)
            except ValueError as error:
                raise Refused("invalid", thing=text, place="addresses") from error
        if Permission.COMMAND in wanted and not wish.addresses:
            raise Refused("key_addresses", thing=wish.name)
        if not 0 < wish.days <= self._identity.service_key_days:
            raise Refused("key_life", detail=f"{self._identity.service_key_days:g}")

    async def renew(self, by: Principal, ident: str, days: float) -> ServiceKeyMade:
        """Give a key another secret and end; the former secret opens nothing any more.

        Raises:
            Refused: There is no such key, or the life is too long.
        """
        if not 0 < days <= self._identity.service_key_days:
            raise Refused("key_life", detail=f"{self._identity.service_key_days:g}")
        now, secret = machine_s(), new_token()
        ends = now + days * 86400.0
        if not await in_thread(
            self._records.service_keys.renew, ident, token_hash(secret), expires_at=ends
        ):
            raise Refused("not_found", thing=ident)
        self._known.pop(ident, None)
        row = await in_thread(self._records.service_keys.get, ident)
        assert row is not None
        await self._audit.add(by.user, "key.renew", USER_PREFIX + row.name, days=days)
        return ServiceKeyMade(key=_view(row, now, False), secret=f"{KEY_PREFIX}{ident}_{secret}")

    async def revoke(self, by: Principal, ident: str) -> None:
        """Take a key back at once.

        Raises:
            Refused: There is none such that was good.
        """
        row = await in_thread(self._records.service_keys.get, ident)
        if row is None or not await in_thread(
            self._records.service_keys.revoke, ident, at=machine_s()
        ):
            raise Refused("not_found", thing=ident)
        self._known.pop(ident, None)
        await self._audit.add(by.user, "key.revoke", USER_PREFIX + row.name)


def _allowed(networks: tuple[str, ...], address: str) -> bool:
    if not networks:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(here in ipaddress.ip_network(network) for network in networks)


def _view(row: ServiceKeyRow, now_s: float, off: bool) -> ServiceKeyView:
    state = "owner_disabled" if off else "active"
    if now_s > row.expires_at:
        state = "expired"
    if row.revoked_at is not None:
        state = "revoked"
    rights = frozenset[Permission]().union(*(PERMISSIONS[Role(role)] for role in row.roles))
    return ServiceKeyView(
        id=row.id,
        name=row.name,
        purpose=row.purpose,
        owner=row.user,
        roles=sorted(row.roles),
        permissions=sorted(row.permissions or rights),
        scope=sorted(row.scope),
        addresses=sorted(row.addresses),
        state=state,
        created_by=row.created_by,
        created_at=utc(row.created_at),
        expires_at=utc(row.expires_at),
        used_at=None if row.used_at is None else utc(row.used_at),
        used_from=row.used_from,
    )
