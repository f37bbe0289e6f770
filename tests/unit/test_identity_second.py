"""The second factor over the API: enrolment, replay, recovery, keys, fresh proofs, displays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from heatloop.security.access import Role
from heatloop.security.factors import challenge_bytes
from tests.unit.app_town import PASSWORD, Town, town
from tests.unit.identity_town import API, Phone, code, move_machine_time, sign_in
from tests.unit.test_identity_factors import pem

STRICT = {"second_factor": "required"}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return move_machine_time(monkeypatch)


@pytest.fixture
async def here(tmp_path: Path, machine: list[float]) -> AsyncIterator[Town]:
    async with town(tmp_path, identity=STRICT) as made:
        made.add_user("wang", Role.DISPATCHER)
        yield made


async def test_a_dispatcher_may_do_nothing_before_he_has_a_second_factor(
    here: Town, machine: list[float]
) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        body = (await sign_in(client, "wang")).json()
        assert (body["must_enrol"], body["must_prove"]) == (True, False)
        for path in ("overview", "stream", "users"):
            assert code(await client.get(f"{API}/{path}")) == "enrolment_required"
        before = client.cookies["heatloop_session"]
        await phone.enrol(client)
        assert client.cookies["heatloop_session"] != before
        assert (await client.get(f"{API}/overview")).status_code == 200
        client.cookies.set("heatloop_session", before, domain="town.local")
    async with here.client() as client:
        # The token from before the enrolment is dead, the secret does not stand readable.
        client.cookies["heatloop_session"] = before
        assert (await client.get(f"{API}/session")).status_code == 401
    raw = (here.folder / "records.sqlite").read_bytes()
    wal = here.folder / "records.sqlite-wal"
    assert phone.secret.hex().encode() not in raw + (wal.read_bytes() if wal.exists() else b"")
    assert phone.recovery[0].encode() not in raw
    # Who only looks is asked for nothing.
    async with here.client() as client:
        here.add_user("zhou", Role.MANAGER)
        assert (await sign_in(client, "zhou")).json()["must_enrol"] is False
        assert (await client.get(f"{API}/overview")).status_code == 200


async def test_sign_in_in_two_steps_and_no_code_twice(here: Town, machine: list[float]) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.enrol(client)
    async with here.client() as client:
        assert (await sign_in(client, "wang")).json()["must_prove"] is True
        assert code(await client.get(f"{API}/overview")) == "second_factor_required"
        for path in ("account", "account/sessions"):
            assert code(await client.get(f"{API}/{path}")) == "second_factor_required"
        # Nobody gets past the second step by enrolling another factor or changing the password.
        more = await client.post(f"{API}/account/totp", json={"label": "mine"})
        assert code(more) == "second_factor_required"
        changed = {"old": PASSWORD, "new": "Other-Rooms-2026"}
        answer = await client.post(f"{API}/session/password", json=changed)
        assert code(answer) == "second_factor_required"
        proof = {"password": PASSWORD, "code": phone.code()}
        answer = await client.post(f"{API}/session/proof", json=proof)
        assert code(answer) == "second_factor_required"
        wrong = await client.post(f"{API}/session/second", json={"code": "000000"})
        assert code(wrong) == "bad_code"
        shown = phone.code()
        old = client.cookies["heatloop_session"]
        body = (await phone.second(client)).json()
        assert body["factors"] == ["password", "totp"]
        assert client.cookies["heatloop_session"] != old
        assert (await client.get(f"{API}/overview")).status_code == 200
    machine[0] -= 30.0
    async with here.client() as other:
        await sign_in(other, "wang")
        replayed = await other.post(f"{API}/session/second", json={"code": shown})
        assert code(replayed) == "bad_code"


async def test_five_wrong_codes_lock(here: Town, machine: list[float]) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.enrol(client)
    async with here.client() as thief:
        await sign_in(thief, "wang")
        for _ in range(5):
            answer = await thief.post(f"{API}/session/second", json={"code": "000000"})
            assert code(answer) == "bad_code"
        assert code(await phone.second(thief)) == "locked_out"


async def test_recovery_codes_are_good_once(here: Town, machine: list[float]) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.enrol(client)
    assert len(phone.recovery) == 10
    for expected in (200, 403):
        async with here.client() as client:
            await sign_in(client, "wang")
            body = {"code": phone.recovery[3]}
            assert (await client.post(f"{API}/session/second", json=body)).status_code == expected
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.second(client)
        account = (await client.get(f"{API}/account")).json()
        assert account["recovery_left"] == 9
        fresh = (await client.post(f"{API}/account/recovery")).json()["codes"]
        assert not set(fresh) & set(phone.recovery)


async def test_a_key_is_a_second_factor(here: Town, machine: list[float]) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    async with here.client() as client:
        await sign_in(client, "wang")

        async def signature() -> str:
            told = (await client.post(f"{API}/session/challenge")).json()
            return key.sign(challenge_bytes(told["challenge"])).hex()

        body = {"label": "token", "pem": pem(key), "signature": "00" * 64}
        await client.post(f"{API}/session/challenge")
        assert code(await client.post(f"{API}/account/keys", json=body)) == "key_refused"
        body["signature"] = await signature()
        made = await client.post(f"{API}/account/keys", json=body)
        assert made.status_code == 201
        assert len(made.json()["codes"]) == 10
        assert (await client.get(f"{API}/session")).json()["factors"] == ["certificate", "password"]
        # The same signature opens nothing again.
        assert code(await client.post(f"{API}/account/keys", json=body)) == "key_refused"
        await client.delete(f"{API}/session")
        assert (await sign_in(client, "wang")).json()["methods"] == ["key"]
        good = await signature()
        machine[0] += 121.0
        late = await client.post(f"{API}/session/second", json={"signature": good})
        assert code(late) == "bad_code"
        answer = await client.post(f"{API}/session/second", json={"signature": await signature()})
        assert answer.json()["factors"] == ["certificate", "password"]
        # The last factor stays where one is required.
        factor = (await client.get(f"{API}/account")).json()["factors"][0]
        assert factor["algorithm"] == "Ed25519"
        gone = await client.delete(f"{API}/account/factors/{factor['id']}")
        assert code(gone) == "last_factor"
        await Phone(machine).enrol(client)
        gone = await client.delete(f"{API}/account/factors/{factor['id']}")
        assert gone.status_code == 204


async def test_dangerous_operations_want_a_fresh_proof(here: Town, machine: list[float]) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.enrol(client)
        machine[0] += 301.0
        answer = await client.post(f"{API}/account/recovery")
        assert (answer.status_code, code(answer)) == (403, "proof_needed")
        for wrong in (
            {"password": PASSWORD},
            {"password": "Wrong-12345", "code": phone.code()},
            {"password": PASSWORD, "code": "000000"},
        ):
            assert code(await client.post(f"{API}/session/proof", json=wrong)) == "bad_proof"
        good = {"password": PASSWORD, "code": phone.code()}
        assert (await client.post(f"{API}/session/proof", json=good)).status_code == 200
        assert (await client.post(f"{API}/account/recovery")).status_code == 200
    # It is remembered over a restart of the service.
    row = here.platform.records.sessions.of("wang")[0]
    assert row.proved_at == pytest.approx(machine[0], abs=1.0)


async def test_a_wall_display_may_look_and_is_never_idle(here: Town, machine: list[float]) -> None:
    phone = Phone(machine)
    async with here.client() as client:
        await sign_in(client, "wang")
        await phone.enrol(client)
        body = (await client.post(f"{API}/session/display")).json()
        assert (body["kind"], body["permissions"]) == ("display", ["view"])
        machine[0] += 20 * 86400.0
        assert (await client.get(f"{API}/overview")).status_code == 200
        order = {"point": "UN0001.secondary_supply_temperature_setpoint", "value": 50}
        assert code(await client.post(f"{API}/commands", json=order)) == "forbidden"
        for path in ("account", "account/sessions"):
            assert code(await client.get(f"{API}/{path}")) == "forbidden"
        machine[0] += 11 * 86400.0
        assert (await client.get(f"{API}/session")).status_code == 401
    _, rows = here.platform.records.audit.list(user="wang", action="session.open")
    assert rows[0].detail["kind"] == "display"


async def test_an_administrator_takes_lost_factors_away(here: Town, machine: list[float]) -> None:
    phone, chief_phone = Phone(machine), Phone(machine)
    here.add_user("chief", Role.SECURITY_ADMIN)
    async with here.client() as wang, here.client() as chief:
        await sign_in(wang, "wang")
        await phone.enrol(wang)
        await sign_in(chief, "chief")
        await chief_phone.enrol(chief)
        rows = {row["name"]: row for row in (await chief.get(f"{API}/users")).json()}
        assert (rows["wang"]["second_factor"], rows["wang"]["wants_second"]) == (True, True)
        machine[0] += 600.0
        path = f"{API}/users/wang/factors/reset"
        assert code(await chief.post(path)) == "proof_needed"
        proof = {"password": PASSWORD, "code": chief_phone.code()}
        await chief.post(f"{API}/session/proof", json=proof)
        assert (await chief.post(path)).status_code == 204
        assert (await wang.get(f"{API}/session")).status_code == 401
        assert (await sign_in(wang, "wang")).json()["must_enrol"] is True
