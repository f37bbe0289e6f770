"""Lock-out, floods, several places, programs' keys, stale accounts, the policy of passwords."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from heatloop.app.refusals import Refused
from heatloop.app.sessions_guard import SignInGuard
from heatloop.app.sessions_hashing import Hashing
from heatloop.security.access import Role
from heatloop.security.passwords import hash_password
from tests.unit.app_town import PASSWORD, Town, town
from tests.unit.identity_town import API, code, move_machine_time, sign_in

SETPOINT = "UN0001.secondary_supply_temperature_setpoint"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return move_machine_time(monkeypatch)


@pytest.fixture
async def here(tmp_path: Path, machine: list[float]) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


def at(here: Town, address: str) -> httpx.AsyncClient:
    """Return a browser at this address."""
    transport = httpx.ASGITransport(app=here.app, client=(address, 1234))
    return httpx.AsyncClient(
        transport=transport, base_url="http://town", headers={"X-Heatloop": "1"}
    )


def guard(machine: list[float]) -> SignInGuard:
    return SignInGuard(lock_after=5, lock_minutes=15.0, secret=b"s" * 32)


def test_a_known_browser_is_not_locked_out_by_others(machine: list[float]) -> None:
    made = guard(machine)
    desk = made.attempt("Wang", "10.0.0.5", made.device_cookie("wang"))
    assert desk.device
    # From the very address of his desk, and from everywhere, for hours.
    for n in range(600):
        for address in ("10.0.0.5", f"10.9.{n // 250}.{n % 250}"):
            stranger = made.attempt("wang", address)
            try:
                made.check(stranger)
            except Refused:
                continue
            made.failed(stranger)
        machine[0] += 20.0
    with pytest.raises(Refused):
        made.check(made.attempt("wang", "10.0.0.5"))
    made.check(desk)
    # A thief of the cookie has five attempts as everybody has.
    assert [made.failed(desk) for _ in range(5)] == [False] * 4 + [True]
    with pytest.raises(Refused):
        made.check(desk)


def test_device_cookies_are_for_one_user_and_end(machine: list[float]) -> None:
    made = guard(machine)
    cookie = made.device_cookie("wang")
    assert made.attempt("wang", "a", cookie).device
    assert not made.attempt("li", "a", cookie).device
    for wrong in ("", "x", cookie[:-2] + "AA", "é", cookie + "A"):
        assert not made.attempt("wang", "a", wrong).device
    machine[0] += 181 * 86400.0
    assert not made.attempt("wang", "a", cookie).device


def test_one_account_from_many_places_and_many_accounts_from_one_are_locked(
    machine: list[float],
) -> None:
    made = guard(machine)
    locks = [made.failed(made.attempt("wang", f"10.0.{n}.1")) for n in range(50)]
    assert locks.index(True) == 49
    with pytest.raises(Refused):
        made.check(made.attempt("wang", "10.99.0.1"))
    locks = [made.failed(made.attempt(f"user{n}", "10.7.7.7")) for n in range(100)]
    assert locks.index(True) == 99
    with pytest.raises(Refused):
        made.check(made.attempt("somebody", "10.7.7.7"))
    assert made.locked() == {"wang"}
    assert made.unlock("Wang")
    made.check(made.attempt("wang", "10.99.0.1"))


def test_memory_of_failures_is_bounded(machine: list[float]) -> None:
    made = guard(machine)
    for n in range(25_000):
        made.failed(made.attempt(f"u{n}", f"{n}"))
    assert len(made._known) <= 20_010


async def test_a_flood_is_answered_at_once_and_leaves_room_for_others() -> None:
    hashing, hashed = Hashing(1, 4), hash_password(PASSWORD)
    flood = [
        asyncio.create_task(hashing.verify(None, "Wrong-12345", "10.6.6.6")) for _ in range(50)
    ]
    await asyncio.sleep(0)
    # Of one address two wait and no more; another one finds room.
    other = await hashing.verify(hashed, PASSWORD, "10.0.0.5")
    answers = await asyncio.gather(*flood, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Refused)]
    hashing.close()
    assert other is True
    assert len(refused) == 48
    assert {each.code for each in refused} == {"sign_in_busy"}


async def test_a_locked_stranger_and_the_person_at_his_desk(
    here: Town, machine: list[float]
) -> None:
    here.add_user("wang", Role.MANAGER)
    here.add_user("chief", Role.SECURITY_ADMIN)
    async with at(here, "10.0.0.5") as desk, at(here, "10.0.0.5") as thief:
        assert (await sign_in(desk, "WANG")).json()["user"] == "wang"
        for _ in range(5):
            await sign_in(thief, "wang", "Wrong-12345")
        assert code(await sign_in(thief, "wang")) == "locked_out"
        assert (await sign_in(desk, "wang")).status_code == 200
        async with here.client("chief") as chief:
            rows = {row["name"]: row for row in (await chief.get(f"{API}/users")).json()}
            assert rows["wang"]["locked"]
            assert (await chief.post(f"{API}/users/wang/unlock")).status_code == 204
        assert (await sign_in(thief, "wang")).status_code == 200
    noted = here.platform.security_events._open
    assert ("sign_in_failed", "wang", "10.0.0.5") in noted or noted


async def test_two_places_are_told_and_the_policy_holds(
    tmp_path: Path, machine: list[float]
) -> None:
    for policy, status, first_lives in (
        ("allow", 200, True),
        ("newest", 200, False),
        ("refuse", 409, True),
    ):
        async with town(
            tmp_path / policy, identity={"second_factor": "off", "concurrent": policy}
        ) as here:
            here.add_user("wang", Role.MANAGER)
            async with at(here, "10.0.0.5") as one, at(here, "10.0.0.6") as two:
                await sign_in(one, "wang")
                assert (await sign_in(two, "wang")).status_code == status
                alive = (await one.get(f"{API}/session")).status_code == 200
                assert alive is first_lives, policy
                total, _ = here.platform.records.audit.list(
                    user="wang", action="session.two_places"
                )
                assert total == (0 if policy == "refuse" else 1)


async def test_my_sessions_and_signing_out_everywhere(here: Town, machine: list[float]) -> None:
    here.add_user("wang", Role.MANAGER)
    async with at(here, "10.0.0.5") as one, at(here, "10.0.0.6") as two, at(here, "10.0.0.7") as x:
        for each in (one, two, x):
            await sign_in(each, "wang")
        rows = (await one.get(f"{API}/account/sessions")).json()
        assert sorted(row["address"] for row in rows) == ["10.0.0.5", "10.0.0.6", "10.0.0.7"]
        theirs = next(row["id"] for row in rows if row["address"] == "10.0.0.6")
        assert (await one.delete(f"{API}/account/sessions/{theirs}")).status_code == 204
        assert (await two.get(f"{API}/session")).status_code == 401
        assert (await one.delete(f"{API}/account/sessions")).json() == {"sessions": 1}
        assert (await x.get(f"{API}/session")).status_code == 401
        assert (await one.get(f"{API}/session")).status_code == 200


async def test_passwords_do_not_come_back_and_grow_old(here: Town, machine: list[float]) -> None:
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:
        await sign_in(client, "wang")
        old = PASSWORD
        for n in range(5):
            again = {"old": old, "new": PASSWORD}
            expected = "weak_password" if n == 0 else "password_used"
            assert code(await client.post(f"{API}/session/password", json=again)) == expected
            new = f"Other-Rooms-{n}-x"
            change = {"old": old, "new": new}
            token = client.cookies["heatloop_session"]
            answer = await client.post(f"{API}/session/password", json=change)
            assert answer.status_code == 204, answer.text
            assert client.cookies["heatloop_session"] != token
            old = new
        again = {"old": old, "new": PASSWORD}
        assert (await client.post(f"{API}/session/password", json=again)).status_code == 204
        machine[0] += 91 * 86400.0
        assert (await sign_in(client, "wang")).json()["must_change"] is True
        assert code(await client.get(f"{API}/overview")) == "password_change_required"


async def test_names_that_differ_in_case_alone_are_one(here: Town, machine: list[float]) -> None:
    async with here.client("chief", Role.SECURITY_ADMIN) as chief:
        body = {"name": "Li.Ming", "roles": ["manager"]}
        assert (await chief.post(f"{API}/users", json=body)).status_code == 201
        for name in ("li.ming", "LI.MING", "key.billing"):
            again = await chief.post(f"{API}/users", json={**body, "name": name})
            assert (again.status_code, code(again)) == (409, "user_exists")


async def test_unused_accounts_are_disabled_and_never_the_last_administrator(
    here: Town, machine: list[float]
) -> None:
    records, stale = here.platform.records, here.platform.identity.stale
    for name, role in (("a", Role.MANAGER), ("b", Role.MANAGER), ("chief", Role.SECURITY_ADMIN)):
        here.add_user(name, role)
        records.users.seen(name, at=machine[0])
    machine[0] += 89 * 86400.0
    assert [each for each in await stale.run() if each != "admin"] == []
    async with here.client() as client:
        await sign_in(client, "b")
    machine[0] += 2 * 86400.0
    assert [each for each in await stale.run() if each != "admin"] == ["a"]
    row = records.users.get("a")
    assert row is not None
    assert (row.disabled, row.disabled_reason) == (True, "stale")
    machine[0] += 300 * 86400.0
    assert "chief" not in await stale.run()
    chief = records.users.get("chief")
    assert chief is not None
    assert not chief.disabled
    total, rows = records.audit.list(action="user.stale", user="system")
    assert total >= 2
    assert "a" in {each.subject for each in rows}


async def test_a_programs_key_can_do_its_work_and_no_more(here: Town, machine: list[float]) -> None:
    here.add_user("pump", Role.DISPATCHER, Role.MANAGER, scope="CO01/BR01")
    async with here.client("chief", Role.SECURITY_ADMIN) as chief:
        body = {
            "name": "billing", "purpose": "heat counters", "owner": "pump",
            "roles": ["manager"], "scope": ["CO01/BR01"], "addresses": ["10.0.0.0/24"], "days": 30,
        }  # fmt: skip
        for wrong, expected in (
            ({"owner": "nobody"}, "not_found"),
            ({"roles": ["system_admin"]}, "key_roles"),
            ({"roles": ["king"]}, "unknown_role"),
            ({"permissions": ["command"]}, "key_roles"),
            ({"permissions": ["fly"]}, "invalid"),
            ({"scope": [""]}, "forbidden"),
            ({"addresses": ["10.0.0.0/99"]}, "invalid"),
            ({"days": 400}, "key_life"),
            ({"roles": ["dispatcher"], "addresses": []}, "key_addresses"),
        ):
            answer = await chief.post(f"{API}/service-keys", json={**body, **wrong})
            assert code(answer) == expected, wrong
        made = (await chief.post(f"{API}/service-keys", json=body)).json()
        assert code(await chief.post(f"{API}/service-keys", json=body)) == "user_exists"
        secret, key = made["secret"], made["key"]["id"]
        listed = (await chief.get(f"{API}/service-keys")).json()
        assert (listed[0]["state"], "secret" in str(listed)) == ("active", False)

        async with at(here, "10.0.0.9") as program, at(here, "10.0.1.9") as stranger:
            for each in (program, stranger):
                del each.headers["X-Heatloop"]
                each.headers["Authorization"] = f"Bearer {secret}"
            seen = (await program.get(f"{API}/overview")).json()
            assert [row["code"] for row in seen["substations"]] == ["SS0001"]
            assert (await stranger.get(f"{API}/overview")).status_code == 401
            order = {"point": SETPOINT, "value": 50}
            assert code(await program.post(f"{API}/commands", json=order)) == "forbidden"
            for method, path in (
                ("GET", "account"), ("POST", "session/display"), ("POST", "account/recovery"),
                ("POST", "session/challenge"), ("GET", "users"),
            ):  # fmt: skip
                answer = await program.request(method, f"{API}/{path}")
                assert answer.status_code == 403, path
            wrong = {"Authorization": f"Bearer {secret[:-1]}!"}
            assert (await program.get(f"{API}/overview", headers=wrong)).status_code == 401
            # A cookie still needs the header against foreign pages.
            cookie = {"Cookie": "heatloop_session=x", "Authorization": "Basic x"}
            answer = await program.post(f"{API}/commands", json=order, headers=cookie)
            assert code(answer) == "csrf"

            again = (await chief.post(f"{API}/service-keys/{key}/renew", json={"days": 5})).json()
            assert (await program.get(f"{API}/overview")).status_code == 401
            program.headers["Authorization"] = f"Bearer {again['secret']}"
            assert (await program.get(f"{API}/overview")).status_code == 200
            machine[0] += 6 * 86400.0
            assert (await program.get(f"{API}/overview")).status_code == 401
    async with here.client("chief2", Role.SECURITY_ADMIN) as chief:
        again = (await chief.post(f"{API}/service-keys/{key}/renew", json={"days": 5})).json()
        async with at(here, "10.0.0.9") as program:
            program.headers["Authorization"] = f"Bearer {again['secret']}"
            assert (await program.get(f"{API}/overview")).status_code == 200
            # What the owner loses the key loses at once.
            change = {"roles": ["dispatcher"]}
            await chief.patch(f"{API}/users/pump", json=change)
            assert (await program.get(f"{API}/overview")).status_code == 403
            await chief.patch(f"{API}/users/pump", json={"roles": ["manager"]})
            assert (await program.get(f"{API}/overview")).status_code == 200
            assert (await chief.delete(f"{API}/service-keys/{key}")).status_code == 204
            assert (await program.get(f"{API}/overview")).status_code == 401
    _, rows = here.platform.records.audit.list(action="key.create", user="chief")
    assert rows[0].subject == "key.billing"
