"""Who may do what, where, and to what: role, scope and label, decided in one place.

A role gives permissions, a scope gives the place, and a label (level and categories, given by the
security administrator or following from the roles) must dominate the label of what is asked for.
All three must agree, and what nobody allowed is refused.

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
from heatloop.security.labels import LOWEST, Category, Label, Level, joined


class Permission(StrEnum):
    """What one may be allowed to do."""

    VIEW = "view"
    ACKNOWLEDGE = "acknowledge"
    COMMAND = "command"
    MANAGE_LEDGER = "manage_ledger"
    MANAGE_USERS = "manage_users"
    DEMO = "demo"
    AUDIT = "audit"
    KEEP_AUDIT = "keep_audit"
    KEEP_DEVICES = "keep_devices"
    TEST_DEVICES = "test_devices"
    WAIVE_DEVICES = "waive_devices"
    REVEAL_PERSONAL = "reveal_personal"
    KEEP_PRIVACY = "keep_privacy"
    WATCH = "watch"
    KEEP_SECURITY = "keep_security"
    MANAGE_KEYS = "manage_keys"
    PLAIN_EXPORT = "plain_export"


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
            _P.REVEAL_PERSONAL,
            _P.PLAIN_EXPORT,
        )
    ),
    Role.FIELD_TECHNICIAN: frozenset((_P.VIEW, _P.ACKNOWLEDGE, _P.KEEP_DEVICES, _P.TEST_DEVICES)),
    Role.CUSTOMER_SERVICE: frozenset((_P.VIEW, _P.REVEAL_PERSONAL, _P.KEEP_PRIVACY)),
    Role.MANAGER: frozenset(
        (
            _P.VIEW,
            _P.WAIVE_DEVICES,
            _P.REVEAL_PERSONAL,
            _P.KEEP_PRIVACY,
            _P.PLAIN_EXPORT,
        )
    ),
    Role.HEAT_USER: frozenset((_P.VIEW,)),
    Role.INTEGRATOR: frozenset((_P.VIEW, _P.PLAIN_EXPORT)),
    Role.SYSTEM_ADMIN: frozenset(
        (_P.VIEW, _P.MANAGE_LEDGER, _P.KEEP_DEVICES, _P.DEMO, _P.WATCH, _P.PLAIN_EXPORT)
    ),
    Role.SECURITY_ADMIN: frozenset((_P.MANAGE_USERS, _P.WATCH, _P.KEEP_SECURITY, _P.MANAGE_KEYS)),
    Role.AUDIT_ADMIN: frozenset((_P.AUDIT, _P.KEEP_AUDIT, _P.WATCH)),
}
"""What each role may do."""

_C = Category


def _label(level: Level, *categories: Category) -> Label:
    return Label(level=level, categories=frozenset(each.value for each in categories))


ROLE_LABELS: dict[Role, Label] = {
    Role.DISPATCHER: _label(Level.L2, _C.OPERATION, _C.CONTROL),
    Role.OPERATION_ENGINEER: _label(Level.L3, _C.OPERATION, _C.CONTROL, _C.CUSTOMER),
    Role.FIELD_TECHNICIAN: _label(Level.L2, _C.OPERATION),
    Role.CUSTOMER_SERVICE: _label(Level.L3, _C.OPERATION, _C.CUSTOMER),
    Role.MANAGER: _label(Level.L3, _C.OPERATION, _C.CUSTOMER),
    Role.HEAT_USER: _label(Level.L1, _C.OPERATION),
    Role.INTEGRATOR: _label(Level.L2, _C.OPERATION),
    Role.SYSTEM_ADMIN: _label(Level.L3, _C.OPERATION, _C.CUSTOMER),
    Role.SECURITY_ADMIN: _label(Level.L4, _C.OPERATION, _C.CUSTOMER, _C.ACCOUNT),
    Role.AUDIT_ADMIN: _label(Level.L3, _C.OPERATION, _C.CUSTOMER, _C.ACCOUNT, _C.AUDIT),
}
"""The label of somebody whom nobody gave one of his own."""


class CommandClass(StrEnum):
    """How much a command may do; which one it is stands in `control.command_classes`."""

    NORMAL = "normal"
    DANGEROUS = "dangerous"
    NETWORK = "network"
    EMERGENCY = "emergency"


COMMAND_LABELS: dict[CommandClass, Label] = {
    CommandClass.NORMAL: _label(Level.L2, _C.OPERATION),
    CommandClass.DANGEROUS: _label(Level.L2, _C.OPERATION, _C.CONTROL),
    CommandClass.NETWORK: _label(Level.L2, _C.OPERATION, _C.CONTROL),
    CommandClass.EMERGENCY: _label(Level.L2, _C.OPERATION, _C.CONTROL),
}
"""Labels of the classes of commands."""

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


def default_label(roles: Iterable[Role]) -> Label:
    """Return the label of whoever has these roles and none of his own."""
    return joined(ROLE_LABELS[role] for role in roles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Somebody who has signed in."""

    user: str
    """Login name."""
    roles: frozenset[Role]
    """What he is."""
    scope: Scope
    """Where he may look and act."""
    given_label: Label | None = None
    """Label the security administrator gave him; None: what follows from the roles."""
    permissions: frozenset[Permission] = field(init=False)
    """What he may do, from the roles."""
    label: Label = field(init=False)
    """How far he may see, and what he may deal with."""

    def __post_init__(self) -> None:
        allowed = frozenset[Permission]().union(*(PERMISSIONS[role] for role in self.roles))
        object.__setattr__(self, "permissions", allowed)
        given = self.given_label
        object.__setattr__(self, "label", default_label(self.roles) if given is None else given)


def may(principal: Principal, permission: Permission, *paths: str, label: Label = LOWEST) -> bool:
    """Return whether `authorise` would let this pass."""
    if permission not in principal.permissions or not principal.label.dominates(label):
        return False
    return not paths or principal.scope.holds(*paths)


def authorise(
    principal: Principal, permission: Permission, *paths: str, label: Label = LOWEST
) -> None:
    """Return if the principal may do this here.

    Args:
        principal: Who asks.
        permission: What for.
        paths: Paths of the asset concerned, in either tree (`Ledger.paths`); one inside the scope
            is enough. Give the empty path for what concerns the whole company. Without paths only
            the permission counts.
        label: Label of the data or of the class of command.

    Raises:
        UnsafeError: The permission is missing, the label is not dominated, or the asset is
            outside the scope.
    """
    if permission not in principal.permissions:
        raise UnsafeError(
            f"{principal.user} may not {permission}",
            thing=principal.user,
            fix="ask the security administrator for a role that may",
        )
    if not principal.label.dominates(label):
        raise UnsafeError(
            f"{principal.user} has label {principal.label.text()}, not {label.text()}",
            thing=principal.user,
            fix="ask the security administrator for a label that dominates it",
        )
    if paths and not principal.scope.holds(*paths):
        raise UnsafeError(
            f"outside the scope of {principal.user}",
            thing=principal.user,
            place=" | ".join(path for path in paths if path),
            fix="ask the security administrator for a wider scope",
        )


def authorise_command(principal: Principal, command_class: CommandClass, *paths: str) -> None:
    """Return if the principal may give commands of this class here.

    Raises:
        UnsafeError: He may not command, his label does not dominate the class, or the asset is
            outside the scope.
    """
    authorise(principal, Permission.COMMAND, *paths, label=COMMAND_LABELS[command_class])
