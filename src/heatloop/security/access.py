"""Who may do what, and where: roles give permissions, a scope gives the place.

The three administrators (system, security, audit) are kept apart, as GB/T 22239 level 3 asks:
one user may hold only one of them. The exception is the first login, which is `admin` with
system and security administration and dispatch, so that a new installation can be worked with;
each of its roles falls away as soon as another enabled user holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.scope import Scope


class Permission(StrEnum):
    """What one may be allowed to do."""

    VIEW = "view"
    ACKNOWLEDGE = "acknowledge"
    COMMAND = "command"
    MANAGE_LEDGER = "manage_ledger"
    MANAGE_USERS = "manage_users"
    DEMO = "demo"
    AUDIT = "audit"
    KEEP_DEVICES = "keep_devices"
    TEST_DEVICES = "test_devices"
    WAIVE_DEVICES = "waive_devices"


class Role(StrEnum):
    """What somebody is in the company."""

    DISPATCHER = "dispatcher"
    OPERATION_ENGINEER = "operation_engineer"
    FIELD_TECHNICIAN = "field_technician"
    CUSTOMER_SERVICE = "customer_service"
    MANAGER = "manager"
    HEAT_USER = "heat_user"
    INTEGRATOR = "integrator"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


_P = Permission
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.DISPATCHER: frozenset((_P.VIEW, _P.ACKNOWLEDGE, _P.COMMAND, _P.TEST_DEVICES)),
    Role.OPERATION_ENGINEER: frozenset(
        (
            _P.VIEW,
            _P.ACKNOWLEDGE,
            _P.COMMAND,
            _P.MANAGE_LEDGER,
            _P.KEEP_DEVICES,
            _P.TEST_DEVICES,
        )
    ),
    Role.FIELD_TECHNICIAN: frozenset((_P.VIEW, _P.ACKNOWLEDGE, _P.KEEP_DEVICES, _P.TEST_DEVICES)),
    Role.CUSTOMER_SERVICE: frozenset((_P.VIEW,)),
    Role.MANAGER: frozenset((_P.VIEW, _P.WAIVE_DEVICES)),
    Role.HEAT_USER: frozenset((_P.VIEW,)),
    Role.INTEGRATOR: frozenset((_P.VIEW,)),
    Role.SYSTEM_ADMIN: frozenset((_P.VIEW, _P.MANAGE_LEDGER, _P.KEEP_DEVICES, _P.DEMO)),
    Role.SECURITY_ADMIN: frozenset((_P.MANAGE_USERS,)),
    Role.AUDIT_ADMIN: frozenset((_P.AUDIT,)),
}
"""What each role may do."""

ADMINISTRATORS = frozenset((Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN))
"""Of these a user may hold one."""

FIRST_LOGIN = "admin"
FIRST_LOGIN_ROLES = frozenset((Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.DISPATCHER))
"""What `admin` holds until others do."""


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """Return the roles of these names.

    Raises:
        InputError: A role does not exist, or two administrators meet in one user.
    """
    found = set()
    for name in names:
        try:
            found.add(Role(name))
        except ValueError as error:
            known = ", ".join(Role)
            raise InputError("unknown role", thing=name, fix=f"use one of: {known}") from error
    together = sorted(found & ADMINISTRATORS)
    if len(together) > 1:
        raise InputError(
            "one user cannot hold two administrator roles",
            thing=", ".join(together),
            fix="give them to different users",
        )
    return frozenset(found)


def first_login_roles(held_by_others: Iterable[Role]) -> frozenset[Role]:
    """Return what the first login may still be, given the roles other enabled users hold."""
    return FIRST_LOGIN_ROLES - frozenset(held_by_others)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Somebody who has signed in."""

    user: str
    """Login name."""
    roles: frozenset[Role]
    """What he is."""
    scope: Scope
    """Where he may look and act."""
    permissions: frozenset[Permission] = field(init=False)
    """What he may do, from the roles."""

    def __post_init__(self) -> None:
        joined = frozenset[Permission]().union(*(PERMISSIONS[role] for role in self.roles))
        object.__setattr__(self, "permissions", joined)


def may(principal: Principal, permission: Permission, *paths: str) -> bool:
    """Return whether `authorise` would let this pass."""
    if permission not in principal.permissions:
        return False
    return not paths or principal.scope.holds(*paths)


def authorise(principal: Principal, permission: Permission, *paths: str) -> None:
    """Return if the principal may do this here.

    Args:
        principal: Who asks.
        permission: What for.
        paths: Paths of the asset concerned, in either tree (`Ledger.paths`); one inside the scope
            is enough. Give the empty path for what concerns the whole company. Without paths only
            the permission counts.

    Raises:
        UnsafeError: The permission is missing, or the asset is outside the scope.
    """
    if permission not in principal.permissions:
        raise UnsafeError(
            f"{principal.user} may not {permission}",
            thing=principal.user,
            fix="ask the security administrator for a role that may",
        )
    if paths and not principal.scope.holds(*paths):
        raise UnsafeError(
            f"outside the scope of {principal.user}",
            thing=principal.user,
            place=" | ".join(path for path in paths if path),
            fix="ask the security administrator for a wider scope",
        )
