"""Machine time that a test moves, and people with phones, for the tests of identity."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import httpx
import pytest

from heatloop.security.totp import code_of, step_of
from tests.unit.app_town import PASSWORD

API = "/api/v1"
_MODULES = (
    "app.account", "app.account_factors", "app.audit", "app.gateways", "app.oidc_sign_in",
    "app.people",
    "app.quarantine", "app.second_factor", "app.service_keys", "app.sessions",
    "app.sessions_guard", "app.sessions_store", "app.stale_accounts", "web.credentials",
)  # fmt: skip


def move_machine_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return machine time as a list of one, which the test changes."""
    now = [1_900_000_000.0]
    for module in _MODULES:
        monkeypatch.setattr(f"heatloop.{module}.machine_s", lambda: now[0])
    monkeypatch.setattr("tests.unit.app_town.machine_s", lambda: now[0])
    return now


async def sign_in(client: httpx.AsyncClient, user: str, password: str = PASSWORD) -> httpx.Response:
    """Give name and password."""
    return await client.post(f"{API}/session", json={"user": user, "password": password})


def code(answer: httpx.Response) -> str:
    """Return the code of an error."""
    return str(answer.json()["error"]["code"])


@dataclass(slots=True)
class Phone:
    """Somebody's authenticator."""

    now: list[float]
    secret: bytes = b""
    recovery: list[str] = field(default_factory=list)

    def code(self) -> str:
        """Return what it shows."""
        return code_of(self.secret, step_of(self.now[0]))

    async def enrol(self, client: httpx.AsyncClient) -> None:
        """Take a secret and confirm it."""
        offer = (await client.post(f"{API}/account/totp", json={"label": "phone"})).json()
        text = offer["secret"]
        self.secret = base64.b32decode(text + "=" * (-len(text) % 8))
        body = {"id": offer["id"], "code": self.code()}
        done = await client.post(f"{API}/account/totp/confirm", json=body)
        assert done.status_code == 200, done.text
        self.recovery = done.json()["codes"]
        self.now[0] += 30.0

    async def second(self, client: httpx.AsyncClient) -> httpx.Response:
        """Give what it shows."""
        answer = await client.post(f"{API}/session/second", json={"code": self.code()})
        self.now[0] += 30.0
        return answer
