"""Roles, scopes, passwords, tokens and the audit chain."""

from __future__ import annotations

import copy
from time import perf_counter

import pytest

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.scope import Scope
from heatloop.security import passwords
from heatloop.security.access import (
    ADMINISTRATORS,
    FIRST_LOGIN_ROLES,
    PERMISSIONS,
    Permission,
    Principal,
    Role,
    authorise,
    first_login_roles,
    may,
    roles_of,
)
from heatloop.security.chain import GENESIS, chain_hash, first_broken
from heatloop.security.passwords import (
    check_password,
    hash_password,
    needs_rehash,
    new_token,
    random_password,
    token_hash,
    verify_password,
)

P = Permission
MATRIX = {
    Role.DISPATCHER: {P.VIEW, P.ACKNOWLEDGE, P.COMMAND, P.TEST_DEVICES},
    Role.OPERATION_ENGINEER: {
        P.VIEW,
        P.ACKNOWLEDGE,
        P.COMMAND,
        P.MANAGE_LEDGER,
        P.KEEP_DEVICES,
        P.TEST_DEVICES,
        P.REVEAL_PERSONAL,
        P.PLAIN_EXPORT,
    },
    Role.FIELD_TECHNICIAN: {P.VIEW, P.ACKNOWLEDGE, P.KEEP_DEVICES, P.TEST_DEVICES},
    Role.CUSTOMER_SERVICE: {P.VIEW, P.REVEAL_PERSONAL, P.KEEP_PRIVACY},
    Role.MANAGER: {P.VIEW, P.WAIVE_DEVICES, P.REVEAL_PERSONAL, P.KEEP_PRIVACY, P.PLAIN_EXPORT},
    Role.HEAT_USER: {P.VIEW},
    Role.INTEGRATOR: {P.VIEW, P.PLAIN_EXPORT},
    Role.SYSTEM_ADMIN: {P.VIEW, P.MANAGE_LEDGER, P.DEMO, P.KEEP_DEVICES, P.WATCH, P.PLAIN_EXPORT},
    Role.SECURITY_ADMIN: {P.MANAGE_USERS, P.WATCH, P.KEEP_SECURITY, P.MANAGE_KEYS},
    Role.AUDIT_ADMIN: {P.AUDIT, P.KEEP_AUDIT, P.WATCH},
}


def somebody(*roles: Role, scope: Scope | None = None) -> Principal:
    return Principal(
        user="wang", roles=frozenset(roles), scope=Scope.everything() if scope is None else scope
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_the_matrix_of_roles_and_permissions(role: Role, permission: Permission) -> None:
    allowed = permission in MATRIX[role]
    assert may(somebody(role), permission) == allowed
    if allowed:
        authorise(somebody(role), permission, "CO01/BR01")
    else:
        with pytest.raises(UnsafeError, match="may not"):
            authorise(somebody(role), permission, "CO01/BR01")


def test_roles_add_up_and_none_is_nothing() -> None:
    both = somebody(Role.AUDIT_ADMIN, Role.FIELD_TECHNICIAN)
    assert both.permissions == {
        P.AUDIT,
        P.KEEP_AUDIT,
        P.WATCH,
        *MATRIX[Role.FIELD_TECHNICIAN],
    }
    assert somebody().permissions == frozenset()


def test_the_scope_decides_where() -> None:
    man = somebody(Role.DISPATCHER, scope=Scope.of(["CO01/BR01", "HS0001/SS0009"]))
    authorise(man, P.COMMAND, "CO01/BR01/TM01", "HS0001/SS0001/UN0001")
    authorise(man, P.COMMAND, "CO01/BR02", "HS0001/SS0009")
    authorise(man, P.COMMAND)
    for paths in (("CO01/BR02", "HS0001/SS0001"), ("CO01/BR010",), ("",), ("", "")):
        with pytest.raises(UnsafeError, match="outside the scope"):
            authorise(man, P.COMMAND, *paths)
        assert not may(man, P.COMMAND, *paths)
    authorise(somebody(Role.DISPATCHER), P.COMMAND, "")
    with pytest.raises(UnsafeError):
        authorise(somebody(Role.DISPATCHER, scope=Scope.of([])), P.VIEW, "CO01")


def test_a_refusal_says_who_and_what_to_do() -> None:
    with pytest.raises(UnsafeError) as caught:
        authorise(somebody(Role.MANAGER, scope=Scope.of(["CO01/BR01"])), P.VIEW, "CO01/BR02")
    assert (caught.value.thing, caught.value.place) == ("wang", "CO01/BR02")
    assert caught.value.fix


def test_administrators_are_kept_apart() -> None:
    assert roles_of(["dispatcher", "audit_admin"]) == {Role.DISPATCHER, Role.AUDIT_ADMIN}
    for a in ADMINISTRATORS:
        for b in ADMINISTRATORS - {a}:
            with pytest.raises(InputError, match="two administrator roles"):
                roles_of([a, b])
    with pytest.raises(InputError) as caught:
        roles_of(["wizard"])
    assert caught.value.thing == "wizard"
    # Who gives rights cannot wipe out the trace, and who reads the trace can do nothing else;
    # all three may watch, which changes nothing.
    assert PERMISSIONS[Role.SECURITY_ADMIN] & PERMISSIONS[Role.AUDIT_ADMIN] == {P.WATCH}


def test_the_first_login_fades() -> None:
    assert first_login_roles([]) == FIRST_LOGIN_ROLES
    assert first_login_roles([Role.SECURITY_ADMIN]) == {Role.SYSTEM_ADMIN, Role.DISPATCHER}
    assert first_login_roles(FIRST_LOGIN_ROLES) == frozenset()
    first = Principal(user="admin", roles=FIRST_LOGIN_ROLES, scope=Scope.everything())
    assert set(Permission) - first.permissions == {
        P.AUDIT,
        P.KEEP_AUDIT,
        P.WAIVE_DEVICES,
        P.REVEAL_PERSONAL,
        P.KEEP_PRIVACY,
    }


def test_a_check_is_cheap() -> None:
    man = somebody(Role.DISPATCHER, scope=Scope.of(["CO01/BR01", "CO01/BR02", "HS0001/SS0009"]))
    best = 1.0
    for _ in range(20):
        start = perf_counter()
        for _ in range(200):
            authorise(man, P.COMMAND, "CO01/BR02/TM02", "HS0001/SS0001/UN0001")
        best = min(best, (perf_counter() - start) / 200)
    assert best < 5e-6


def test_passwords_are_hashed_and_checked() -> None:
    hashed = hash_password("Warm-Room-24")
    assert hashed.startswith("$argon2id$")
    assert "Warm" not in hashed
    assert verify_password(hashed, "Warm-Room-24")
    assert not verify_password(hashed, "warm-room-24")
    assert not verify_password(None, "Warm-Room-24")
    assert not verify_password("damaged", "Warm-Room-24")
    assert not needs_rehash(hashed)
    assert needs_rehash(hashed.replace("t=3", "t=1"))


def test_nobody_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    known = hash_password("Warm-Room-24")
    monkeypatch.setattr(passwords, "_nobody", lambda: known)
    assert not verify_password(None, "Warm-Room-24")


@pytest.mark.parametrize(
    "password",
    ["", "Aa1-", "abcdefgh", "abcdefg1", "ABCDEFGH12", "Aa1Aa1Aa1Aa1", "WangLei-2026", "A1-" * 60],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(InputError) as caught:
        check_password(password, user="wanglei")
    assert caught.value.place == "password"
    assert password == "" or password not in str(caught.value)


@pytest.mark.parametrize("password", ["Warm-Room", "供热平台Ab12", "aB3aB3aB-"])
def test_strong_passwords_pass(password: str) -> None:
    check_password(password, user="wanglei")


def test_random_passwords_pass_and_differ() -> None:
    found = {random_password() for _ in range(200)} | {random_password(1) for _ in range(200)}
    assert len(found) == 400
    for password in found:
        check_password(password, user="admin")
        assert not set(password) & set("0O1lI")


def test_tokens_are_kept_as_hashes() -> None:
    token = new_token()
    assert new_token() != token
    assert len(token) >= 43
    assert token_hash(token) == token_hash(token) != token_hash(new_token())
    assert len(token_hash(token)) == 64


def chain(n: int) -> list[tuple[dict[str, object], str]]:
    found, previous = [], GENESIS
    for i in range(n):
        entry: dict[str, object] = {"seq": i, "who": "wang", "what": "命令", "at": i + 0.5}
        previous = chain_hash(previous, entry)
        found.append((entry, previous))
    return found


def test_a_whole_chain_is_whole() -> None:
    assert first_broken([]) is None
    entries = chain(20)
    assert first_broken(entries) is None
    assert first_broken(entries[5:], previous=entries[4][1]) is None
    assert first_broken(entries[5:]) == 0


@pytest.mark.parametrize("i", [0, 7, 19])
def test_any_change_breaks_the_chain_where_it_is(i: int) -> None:
    good = chain(20)
    for key, value in (("who", "li"), ("at", 1e9), ("more", 1), ("what", b"bytes")):
        entries = copy.deepcopy(good)
        entries[i][0][key] = value
        assert first_broken(entries) == i
    entries = copy.deepcopy(good)
    entries[i] = (entries[i][0], "0" * 64)
    assert first_broken(entries) == i
    gone = good[:i] + good[i + 1 :]
    assert first_broken(gone) == (i if i < 19 else None)
    if i:
        swapped = [*good[: i - 1], good[i], good[i - 1], *good[i + 1 :]]
        assert first_broken(swapped) == i - 1
