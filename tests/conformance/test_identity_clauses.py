"""Identity, item by item of GB/T 22239 8.1.4 (a to d of identification, accounts of access)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from heatloop.app.identity_settings import IdentitySettings
from heatloop.app.setting_sections import SessionSettings
from heatloop.security.access import ADMINISTRATORS, PERMISSIONS, Permission, Role
from tests.unit.app_town import PASSWORD, Town, town
from tests.unit.identity_town import API, code, move_machine_time, sign_in


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return move_machine_time(monkeypatch)


@pytest.fixture
async def here(tmp_path: Path, machine: list[float]) -> AsyncIterator[Town]:
    async with town(tmp_path, identity={"second_factor": "required"}) as made:
        yield made


def test_8_2_c_the_defaults_are_those_of_the_standard() -> None:
    """What an installation gets that sets nothing (CES1-01, CES1-02)."""
    identity, session = IdentitySettings(), SessionSettings()
    assert (identity.min_length, identity.classes, identity.history) == (8, 3, 5)
    assert 0 < identity.max_age_days <= 90
    assert session.lock_after == 5
    assert 15 <= session.lock_minutes <= 30
    assert session.idle_minutes <= 15
    assert identity.wants_second(demo=False)
    assert 0 < identity.stale_days <= 90


@pytest.mark.parametrize(
    "weak",
    ["Sh0rt-x", "onlyletters-", "ALLCAPS2026", "12345678-9", "aaaaAAAA1111", "x-Wang-2026", ""],
)
async def test_8_2_c_weak_passwords_are_refused(
    here: Town, machine: list[float], weak: str
) -> None:
    """Length, classes, no repeats, no name; an empty one does not even reach the policy."""
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:
        await sign_in(client, "wang")
        body = {"old": PASSWORD, "new": weak}
        answer = await client.post(f"{API}/session/password", json=body)
        assert answer.status_code == 422
        assert code(answer) in ("weak_password", "invalid")


async def test_8_2_c_a_password_lives_ninety_days(here: Town, machine: list[float]) -> None:
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:
        await sign_in(client, "wang")
        change = {"old": PASSWORD, "new": "Other-Rooms-2026"}
        await client.post(f"{API}/session/password", json=change)
        machine[0] += 89 * 86400.0
        assert (await sign_in(client, "wang", "Other-Rooms-2026")).json()["must_change"] is False
        machine[0] += 2 * 86400.0
        assert (await sign_in(client, "wang", "Other-Rooms-2026")).json()["must_change"] is True


async def test_8_2_c_five_failures_lock_and_signing_out_kills_the_token(
    here: Town, machine: list[float]
) -> None:
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:
        await sign_in(client, "wang")
        token = client.cookies["heatloop_session"]
        await client.delete(f"{API}/session")
        client.cookies.clear()
        client.cookies["heatloop_session"] = token
        assert (await client.get(f"{API}/session")).status_code == 401
        client.cookies.clear()
        for _ in range(5):
            assert code(await sign_in(client, "wang", "Wrong-12345")) == "bad_credentials"
        assert code(await sign_in(client, "wang")) == "locked_out"
        machine[0] += 15 * 60 + 1
        assert (await sign_in(client, "wang")).status_code == 200


def powerful() -> list[Role]:
    """Return the roles that may command or administer."""
    return [r for r in Role if Permission.COMMAND in PERMISSIONS[r] or r in ADMINISTRATORS]


async def test_6_1_3_e_1_powerful_accounts_do_nothing_without_two_factors(
    here: Town, machine: list[float]
) -> None:
    """CES1-04: every role that may command or administer, against every route it could use."""
    assert {Role.DISPATCHER, *ADMINISTRATORS} <= set(powerful())
    paths = ("overview", "users", "audit", "service-keys", "assets", "alarms")
    for role in powerful():
        async with here.client(role.value, role) as client:
            assert (await client.get(f"{API}/session")).json()["must_enrol"] is True
            for path in paths:
                answer = await client.get(f"{API}/{path}")
                assert (answer.status_code, code(answer)) == (403, "enrolment_required"), path


async def test_6_1_3_e_1_no_account_has_a_known_password(tmp_path: Path) -> None:
    """CES1-06: two installations have one account each, of other random passwords."""
    found = []
    for name in ("a", "b"):
        from heatloop.app.settings import load_settings
        from heatloop.app.wiring import open_records

        records, _ = open_records(load_settings(tmp_path / name))
        users = records.users.list()
        records.close()
        assert [(user.name, user.must_change) for user in users] == [("admin", True)]
        found.append((tmp_path / name / "keys" / "first-login.txt").read_text().split()[1])
    assert found[0] != found[1]
    assert all(len(password) >= 16 for password in found)
