"""Users: who they are, what they may do and where; every change is audited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.sessions_model import is_powerful
from heatloop.app.views.system import UserCreated, UserView
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.security.access import (
    FIRST_LOGIN,
    FIRST_LOGIN_ROLES,
    Principal,
    Role,
    first_login_roles,
    roles_of,
)
from heatloop.security.labels import label_of
from heatloop.security.passwords import hash_password, random_password
from heatloop.store.records import Records
from heatloop.store.records.users import UserRow


def make_first_login(records: Records) -> str | None:
    """Create `admin` with a random password if there is no user yet; return the password."""
    if records.users.list():
        return None
    password = random_password()
    records.users.create(
        FIRST_LOGIN,
        password_hash=hash_password(password),
        roles=sorted(FIRST_LOGIN_ROLES),
        scope=[""],
        must_change=True,
        at=machine_s(),
    )
    records.audit.append(
        at=machine_s(), user=SYSTEM, action="user.create", subject=FIRST_LOGIN, detail={}
    )
    return password


class People:
    """Keeps users."""

    def __init__(self, world: World, records: Records, audit: Audit) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._on_change: list[Callable[[str], None]] = []

    def when_changed(self, call: Callable[[str], None]) -> None:
        """Have `call` called with a user's name when his rights change."""
        self._on_change.append(call)

    async def principal(self, account: UserRow) -> Principal:
        """Return what an account may do now."""
        roles = frozenset(Role(role) for role in account.roles)
        if account.name == FIRST_LOGIN:
            others = await in_thread(self._records.users.list)
            held = {
                Role(role)
                for other in others
                if other.name != FIRST_LOGIN and not other.disabled
                for role in other.roles
            }
            roles = (roles - FIRST_LOGIN_ROLES) | (roles & first_login_roles(held))
        own = await in_thread(self._records.labels.get, account.name)
        return Principal(
            user=account.name,
            roles=roles,
            scope=Scope.of(account.scope),
            given_label=None if own is None else label_of(own.level, own.categories),
        )

    def rights_changed(self, name: str) -> None:
        """Have every session of a user read his rights again."""
        self.changed(name)

    async def users(
        self, locked: frozenset[str] = frozenset(), *, wants_second: bool = False
    ) -> list[UserView]:
        """Return all users.

        Args:
            locked: Names, without case, of those who are locked out.
            wants_second: Whether powerful accounts must have a second factor.
        """
        holders = await in_thread(self._records.factors.holders)
        return [
            replace(
                _view(account),
                locked=account.name_key in locked,
                second_factor=account.name in holders,
                wants_second=wants_second and is_powerful(await self.principal(account)),
            )
            for account in await in_thread(self._records.users.list)
        ]

    async def create(
        self, by: Principal, name: str, full_name: str, roles: list[str], scope: list[str]
    ) -> UserCreated:
        """Add a user with a random first password.

        Raises:
            Refused: The name is taken, or a role or path does not exist.
        """
        self._check(by, name, roles, scope)
        # Names that differ in case alone, or look like a program's, would mislead the audit.
        taken = await in_thread(self._records.users.find, name) is not None
        if taken or name.casefold().startswith("key."):
            raise Refused("user_exists", thing=name)
        password = random_password()
        hashed = await asyncio.to_thread(hash_password, password)
        await in_thread(
            self._records.users.create,
            name,
            full_name=full_name,
            password_hash=hashed,
            roles=sorted(roles),
            scope=sorted(scope),
            must_change=True,
            at=machine_s(),
        )
        await self._audit.add(by.user, "user.create", name, roles=roles, scope=scope)
        self.changed(name)
        account = await self._account(name)
        return UserCreated(user=_view(account), password=password)

    async def change(
        self,
        by: Principal,
        name: str,
        *,
        roles: list[str] | None,
        scope: list[str] | None,
        disabled: bool | None,
        reset_password: bool,
    ) -> UserCreated:
        """Change a user; the password is empty unless a new one was made.

        Raises:
            Refused: There is no such user, or nobody would be left to manage users.
        """
        account = await self._account(name)
        new_roles = account.roles if roles is None else roles
        new_scope = account.scope if scope is None else scope
        off = account.disabled if disabled is None else disabled
        self._check(by, name, list(new_roles), list(new_scope), known=account)
        if Role.SECURITY_ADMIN in account.roles and (off or Role.SECURITY_ADMIN not in new_roles):
            await self._someone_left(name)
        await in_thread(
            self._records.users.update,
            name,
            roles=sorted(new_roles),
            scope=sorted(new_scope),
            disabled=off,
            reason=account.disabled_reason or "administrator",
            at=machine_s(),
        )
        password = ""
        if reset_password:
            password = random_password()
            hashed = await asyncio.to_thread(hash_password, password)
            await in_thread(
                self._records.users.set_password, name, hashed, must_change=True, at=machine_s()
            )
        before = _view(account)
        after = _view(await self._account(name))
        await self._audit.add(
            by.user,
            "user.change",
            name,
            before={"roles": before.roles, "scope": before.scope, "disabled": before.disabled},
            after={"roles": after.roles, "scope": after.scope, "disabled": after.disabled},
            password_reset=reset_password,
        )
        self.changed(name)
        return UserCreated(user=after, password=password)

    async def _account(self, name: str) -> UserRow:
        account = await in_thread(self._records.users.get, name)
        if account is None:
            raise Refused("not_found", thing=name)
        return account

    async def _someone_left(self, name: str) -> None:
        for other in await in_thread(self._records.users.list):
            if other.name != name and not other.disabled and Role.SECURITY_ADMIN in other.roles:
                return
        raise Refused("last_administrator", thing=name)

    def _check(
        self,
        by: Principal,
        name: str,
        roles: list[str],
        scope: list[str],
        known: UserRow | None = None,
    ) -> None:
        """Refuse what does not exist, and giving away more than one has."""
        unchanged = known is not None and sorted(known.roles) == sorted(roles)
        if not unchanged:
            try:
                roles_of(roles)
            except InputError as error:
                raise Refused("unknown_role", thing=error.thing, detail=error.message) from error
        for path in scope:
            codes = path.split("/") if path else []
            if any(code not in self._world.ledger.assets for code in codes):
                raise Refused("unknown_scope", thing=path)
            if path and path not in self._world.ledger.paths(codes[-1]):
                raise Refused("unknown_scope", thing=path)
            if not by.scope.holds(path):
                raise Forbidden("forbidden", thing=name, detail=f"scope {path}")

    def changed(self, name: str) -> None:
        """Tell who must know that a user's rights changed."""
        for call in self._on_change:
            call(name)
            # What the first login may do depends on what the others hold.
            call(FIRST_LOGIN)


def _view(account: UserRow) -> UserView:
    return UserView(
        name=account.name,
        full_name=account.full_name,
        roles=sorted(account.roles),
        scope=sorted(account.scope),
        disabled=account.disabled,
        must_change=account.must_change,
        seen_at=None if account.seen_at is None else utc(account.seen_at),
        password_at=utc(account.password_at) if account.password_at else None,
        disabled_reason=account.disabled_reason,
    )
