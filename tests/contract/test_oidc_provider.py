"""Signing in at an independent identity provider, run as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from heatloop.bridge.oidc import OidcProvider
from heatloop.kernel.errors import UnsafeError
from heatloop.security.access import Role
from tests.unit.app_town import Town, town

API = "/api/v1"
PEOPLE = (
    {"sub": "p-1", "preferred_username": "chen", "name": "陈工", "groups": ["heat-view"]},
    {"sub": "p-2", "preferred_username": "wang", "name": "冒名", "groups": ["heat-view"]},
    {"sub": "p-3", "preferred_username": "gao", "name": "高", "groups": ["kitchen"]},
    {"sub": "p-4", "preferred_username": "root", "name": "x", "groups": ["sys", "sec"]},
    {"sub": "p-5", "preferred_username": "he", "name": "何", "groups": ["ops"], "amr": ["otp"]},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [w for each in PEOPLE for w in ("--user-claims", json.dumps(each))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), *words]
    with subprocess.Popen(
        [*command, "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx.get(url + "/.well-known/openid-configuration", timeout=2)
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        yield url
        process.terminate()


@pytest.fixture
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("oidc") / "secret"
    path.write_text("s3cret/with+signs\n")
    return str(path)


def settings(issuer: str, secret_file: str, **more: object) -> dict[str, object]:
    return {
        "issuer": issuer,
        "client_secret_file": secret_file,
        "client_id": "heatloop",
        "public_url": "http://127.0.0.1:8080",
        "roles_claim": "groups",
        "roles": (
            "heat-view=manager", "ops=dispatcher", "sys=system_admin", "sec=security_admin",
        ),
        "create_users": True,
        **more,
    }  # fmt: skip


@pytest.fixture
async def here(tmp_path: Path, issuer: str, secret_file: str) -> AsyncIterator[Town]:
    async with town(tmp_path, oidc=settings(issuer, secret_file)) as made:
        made.add_user("wang", Role.DISPATCHER)
        yield made


async def trip(client: httpx.AsyncClient, subject: str) -> str:
    """Go to the provider and back; return where the platform sends the browser last."""
    start = await client.get(f"{API}/session/oidc/start")
    assert start.status_code == 303
    async with httpx.AsyncClient() as browser:
        there = await browser.post(start.headers["location"], data={"sub": subject})
    back = urlsplit(there.headers["location"])
    assert back.path == f"{API}/session/oidc/callback"
    done = await client.get(f"{back.path}?{back.query}")
    return str(done.headers["location"])


async def test_somebody_new_signs_in_and_gets_the_role_of_his_group(here: Town) -> None:
    async with here.client() as client:
        assert (await client.get(f"{API}/session/options")).json()["provider"] is True
        assert await trip(client, "p-1") == "/"
        body = (await client.get(f"{API}/session")).json()
        assert (body["user"], body["roles"], body["factors"]) == ("chen", ["manager"], ["oidc"])
        assert (await client.get(f"{API}/overview")).status_code == 200
        # His account has no password that could be guessed.
        answer = await client.post(f"{API}/session", json={"user": "chen", "password": "!"})
        assert answer.status_code == 401
    account = here.platform.records.users.get("chen")
    assert account is not None
    assert account.full_name == "陈工"
    async with here.client() as client:
        assert await trip(client, "p-1") == "/"
    actions = [row.action for row in here.platform.records.audit.list(user="chen", limit=50)[1]]
    assert actions.count("user.create") == 1
    assert actions.count("session.open") == 2


@pytest.mark.parametrize("subject", ["p-2", "p-3", "p-4"])
async def test_who_has_no_account_or_takes_another_name_is_refused(
    here: Town, subject: str
) -> None:
    async with here.client() as client:
        assert await trip(client, subject) == "/?signin=provider_refused"
        assert (await client.get(f"{API}/session")).status_code == 401


async def test_an_account_may_be_linked_and_its_second_factor_done_there(
    tmp_path: Path, issuer: str, secret_file: str
) -> None:
    made = settings(issuer, secret_file, link_existing=True, trusted_amr=("otp",))
    strict = {"second_factor": "required"}
    async with town(tmp_path, oidc=made, identity=strict) as here:
        here.add_user("he", Role.DISPATCHER)
        here.add_user("wang", Role.MANAGER)
        async with here.client() as client:
            await trip(client, "p-5")
            body = (await client.get(f"{API}/session")).json()
            assert (body["user"], body["must_enrol"]) == ("he", False)
            assert body["factors"] == ["oidc", "oidc_strong"]
            assert (await client.get(f"{API}/overview")).status_code == 200
        # Disabled here is disabled, whatever the provider says.
        here.platform.records.users.disable("he", at=1.0)
        async with here.client() as client:
            assert await trip(client, "p-5") == "/?signin=provider_refused"


async def test_a_dispatcher_without_a_strong_sign_in_must_enrol(
    tmp_path: Path, issuer: str, secret_file: str
) -> None:
    strict = {"second_factor": "required"}
    made = settings(issuer, secret_file)
    async with (
        town(tmp_path, oidc=made, identity=strict) as here,
        here.client() as client,
    ):
        await trip(client, "p-5")
        assert (await client.get(f"{API}/session")).json()["must_enrol"] is True


async def test_a_trip_belongs_to_one_browser_and_one_attempt(here: Town) -> None:
    async with here.client() as client, here.client() as thief:
        start = await client.get(f"{API}/session/oidc/start")
        async with httpx.AsyncClient() as browser:
            there = await browser.post(start.headers["location"], data={"sub": "p-1"})
        back = urlsplit(there.headers["location"])
        stolen = await thief.get(f"{back.path}?{back.query}")
        assert stolen.headers["location"] == "/?signin=provider_refused"
        state = parse_qs(back.query)["state"][0]
        for query in (f"code=wrong&state={state}", back.query.replace(state, "x" * 32), "error=no"):
            bad = await client.get(f"{back.path}?{query}")
            assert bad.headers["location"] == "/?signin=provider_refused"
            assert (await client.get(f"{API}/session")).status_code == 401


async def test_tokens_of_another_attempt_are_refused(issuer: str) -> None:
    provider = OidcProvider(issuer, "heatloop", "any")
    callback, verifier = "http://127.0.0.1:8080/back", "v" * 50

    async def code(nonce: str) -> str:
        url = await provider.authorization_url(
            callback=callback, scopes="openid", state="s", nonce=nonce, verifier=verifier
        )
        async with httpx.AsyncClient() as browser:
            there = await browser.post(url, data={"sub": "p-1"})
        return parse_qs(urlsplit(there.headers["location"]).query)["code"][0]

    good = await provider.claims(
        code=await code("one"), callback=callback, nonce="one", verifier=verifier
    )
    assert good["sub"] == "p-1"
    with pytest.raises(UnsafeError, match="not accepted"):
        await provider.claims(
            code=await code("one"), callback=callback, nonce="two", verifier=verifier
        )
    with pytest.raises(UnsafeError, match="refused"):
        await provider.claims(code="x" * 40, callback=callback, nonce="one", verifier=verifier)


class _Liar(OidcProvider):
    """A provider that describes somebody else."""

    async def _json(self, method: str, url: str, **more: object) -> dict[str, object]:
        return {"issuer": "https://id.example"}


async def test_a_provider_that_calls_itself_by_another_name_is_refused() -> None:
    with pytest.raises(UnsafeError, match="another name"):
        await _Liar("https://id.example.cn", "heatloop").document()
    with pytest.raises(UnsafeError, match="open address"):
        await OidcProvider("http://id.example.cn", "heatloop").document()
