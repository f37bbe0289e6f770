"""Signing in: first login, lock-out, idle end, restart, changed rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heatloop.security.access import Role
from tests.unit.app_town import PASSWORD, Town, town
from tests.unit.identity_town import move_machine_time

API = "/api/v1"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Machine time that the test moves."""
    return move_machine_time(monkeypatch)


async def test_first_login_is_random_private_and_must_be_changed(here: Town) -> None:
    path = here.folder / "keys" / "first-login.txt"
    for secret in (path, *(here.folder / "keys").glob("*")):
        assert secret.stat().st_mode & 0o777 == 0o600, secret
    user, password = path.read_text().split()
    async with here.client() as client:
        body = (
            await client.post(f"{API}/session", json={"user": user, "password": password})
        ).json()
        assert body["must_change"] is True
        assert body["roles"] == ["dispatcher", "security_admin", "system_admin"]
        refused = await client.get(f"{API}/overview")
        assert refused.json()["error"]["code"] == "password_change_required"
        for new in ("short", "onlyletters", password, "my-Admin-2026"):
            answer = await client.post(
                f"{API}/session/password", json={"old": password, "new": new}
            )
            assert answer.json()["error"]["code"] == "weak_password", new
        wrong = await client.post(f"{API}/session/password", json={"old": "x", "new": PASSWORD})
        assert wrong.status_code == 401
        done = await client.post(f"{API}/session/password", json={"old": password, "new": PASSWORD})
        assert done.status_code == 204
        assert (await client.get(f"{API}/session")).json()["must_change"] is False
        assert not path.exists()
        assert (await client.get(f"{API}/overview")).status_code == 200
        old = await client.post(f"{API}/session", json={"user": user, "password": password})
        assert old.status_code == 401


async def test_five_failures_lock_for_a_while(here: Town, machine: list[float]) -> None:
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:

        async def sign_in(password: str) -> int:
            body = {"user": "wang", "password": password}
            return (await client.post(f"{API}/session", json=body)).status_code

        assert [await sign_in("Wrong-12345") for _ in range(5)] == [401] * 5
        assert await sign_in(PASSWORD) == 429
        machine[0] += 14 * 60
        assert await sign_in(PASSWORD) == 429
        machine[0] += 2 * 60
        assert await sign_in(PASSWORD) == 200
    _, rows = here.platform.records.audit.list(user="wang", action="session.failed")
    assert [row.detail["locked"] for row in rows] == [True, False, False, False, False]


async def test_session_ends_when_idle_and_at_the_latest_after_hours(
    here: Town, machine: list[float]
) -> None:
    async with here.client("wang", Role.MANAGER) as client:
        for _ in range(4):
            machine[0] += 14 * 60
            assert (await client.get(f"{API}/session")).status_code == 200
        machine[0] += 16 * 60
        assert (await client.get(f"{API}/session")).status_code == 401
        assert here.platform.records.sessions.get("x") is None
    async with here.client("wang") as client:
        for _ in range(int(12 * 60 / 14)):
            machine[0] += 14 * 60
            assert (await client.get(f"{API}/session")).status_code == 200
        machine[0] += 13 * 60
        assert (await client.get(f"{API}/session")).status_code == 401


async def test_session_survives_a_restart_and_ends_on_sign_out(tmp_path: Path) -> None:
    async with town(tmp_path) as first, first.client("wang", Role.MANAGER) as client:
        cookie = client.cookies["heatloop_session"]
    async with town(tmp_path, fresh=False) as second, second.client() as client:
        client.cookies["heatloop_session"] = cookie
        assert (await client.get(f"{API}/session")).json()["user"] == "wang"
        assert (await client.delete(f"{API}/session")).status_code == 204
        client.cookies["heatloop_session"] = cookie
        assert (await client.get(f"{API}/session")).status_code == 401


async def test_users_are_managed_and_changes_take_effect_at_once(here: Town) -> None:
    async with here.client("chief", Role.SECURITY_ADMIN) as chief:
        body = {"name": "li", "full_name": "李明", "roles": ["dispatcher"], "scope": ["CO01/BR01"]}
        made = await chief.post(f"{API}/users", json=body)
        assert made.status_code == 201
        assert (await chief.post(f"{API}/users", json=body)).status_code == 409
        password = made.json()["password"]
        for wrong, code in (
            ({"roles": ["king"]}, "unknown_role"),
            ({"roles": ["system_admin", "audit_admin"]}, "unknown_role"),
            ({"scope": ["CO01/BR09"]}, "unknown_scope"),
            ({"scope": ["BR01/CO01"]}, "unknown_scope"),
        ):
            answer = await chief.post(f"{API}/users", json={**body, "name": "x", **wrong})
            assert answer.json()["error"]["code"] == code
        async with here.client() as li:
            signed = await li.post(f"{API}/session", json={"user": "li", "password": password})
            assert signed.json()["must_change"] is True
            assert (
                await chief.patch(f"{API}/users/li", json={"disabled": True})
            ).status_code == 200
            assert (await li.get(f"{API}/session")).status_code == 401
            again = await li.post(f"{API}/session", json={"user": "li", "password": password})
            assert again.status_code == 401
        names = [user["name"] for user in (await chief.get(f"{API}/users")).json()]
        assert names == ["admin", "chief", "li"]
    async with here.client("proof", Role.AUDIT_ADMIN) as auditor:
        page = (await auditor.get(f"{API}/audit", params={"action": "user.change"})).json()
        assert page["items"][0]["detail"]["before"]["disabled"] is False
        assert page["items"][0]["detail"]["after"]["disabled"] is True
        verdict = (await auditor.get(f"{API}/audit/verify")).json()
        assert verdict["ok"] is True
        assert (
            verdict["entries"]
            == page["items"][0]["seq"]
            + len((await auditor.get(f"{API}/audit")).json()["items"])
            - page["items"][0]["seq"]
        )


async def test_last_administrator_stays(here: Town) -> None:
    async with here.client("chief", Role.SECURITY_ADMIN) as chief:
        await chief.patch(f"{API}/users/admin", json={"disabled": True})
        answer = await chief.patch(f"{API}/users/chief", json={"disabled": True})
        assert answer.json()["error"]["code"] == "last_administrator"


async def test_first_login_loses_roles_that_others_hold(here: Town) -> None:
    here.add_user("chief", Role.SECURITY_ADMIN)
    account = here.platform.records.users.get("admin")
    assert account is not None
    principal = await here.platform.people.principal(account)
    assert sorted(principal.roles) == ["dispatcher", "system_admin"]


async def test_a_stream_does_not_keep_an_idle_session_alive(
    here: Town, machine: list[float]
) -> None:
    async with here.client("wang", Role.MANAGER) as client:
        token = client.cookies["heatloop_session"]
        await client.get(f"{API}/session")
        assert await here.platform.sessions.holds(token)
        machine[0] += 16 * 60
        assert not await here.platform.sessions.holds(token)
