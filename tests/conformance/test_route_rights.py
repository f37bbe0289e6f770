"""Who may call what: every endpoint as every role, as nobody, and from another branch.

`route_rights.csv` says, independently of the code, which right each endpoint asks for. A changed
right shows as a changed line there.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from heatloop.app.history import in_thread
from heatloop.demo.web import demo_router
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import ConfigError
from heatloop.proof import route_matrix
from heatloop.security.access import ADMINISTRATORS, PERMISSIONS, Permission, Role
from heatloop.security.passwords import new_token, token_hash
from heatloop.web.access import COOKIE, needs
from heatloop.web.factory import bare_app, create_app
from heatloop.web.refused import NOBODY
from heatloop.web.rights import WEBSOCKET, check_rights, open_routes, route_rights
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
RIGHTS = Path(__file__).with_name("route_rights.csv")
ANYBODY = ("session", "signed_in", "open")
OWN = ("open", "token", "gateway")
"""Rights that are no role's: everybody's, or another credential's."""
AT_ONCE = 24
POLICIES = tuple(
    f"{API}/{each}"
    for each in ("users", "labels", "keys", "personal/receivers", "governance/permits/")
)
# What a request that was let in may still be told, which has nothing to do with the route's right.
ABOUT_THE_REQUEST = frozenset(
    ("permit_needed", "purpose_not_permitted", "data_not_yours", "consent_missing", "own_request",
     "proof_needed", "plain_export", "receiver_not_authorised", "bad_credentials",
     "second_factor_wrong", "same_person")
)  # fmt: skip
ENDS_SESSIONS = ("/api/v1/session", "/api/v1/account/sessions", "/api/v1/session/display")
_MEANS = {
    "code": "SS0001", "asset": "SS0001", "unit": "UN0001", "gateway": "GW0001", "name": "u_nobody",
    "point": "SS0001.primary_supply_temperature", "points": "SS0001.primary_supply_temperature",
    "codes": "SS0001.primary_supply_temperature", "left": "SS0001.primary_supply_temperature",
    "right": "SS0001.primary_flow", "subject": "SS0001", "serial": "S-1", "sha256": "0" * 64,
    "table": "setting", "start": utc(START_S - 3600).isoformat(), "end": utc(START_S).isoformat(),
    "from": utc(START_S - 3600).isoformat(), "to": utc(START_S).isoformat(), "date": "2026-11-01",
    "segment": "PS0001", "figure": "completeness", "system": "billing", "key": "k1",
}  # fmt: skip


def expected() -> dict[tuple[str, str], str]:
    with RIGHTS.open(encoding="utf-8", newline="") as file:
        return {(row["method"], row["path"]): row["right"] for row in csv.DictReader(file)}


def roles_with(right: str) -> set[Role]:
    """Read a right by the table of roles alone, not by the code that is tested."""
    if right in ANYBODY:
        return set(Role)
    found: set[Role] = set()
    if right in OWN:
        return found
    for word in right.split("|"):
        if word.startswith("role:"):
            found.add(Role(word[5:]))
        else:
            found |= {role for role in Role if Permission(word) in PERMISSIONS[role]}
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    code: str
    body: bytes


class Caller:
    """Calls the application as a server would, and lets go of what never ends."""

    def __init__(self, here: Town, app: FastAPI) -> None:
        self.here, self.app = here, app
        self.document = app.openapi()
        self.tokens: dict[str, str] = {}

    def session(self, user: str) -> str:
        token, now = new_token(), machine_s()
        self.here.platform.records.sessions.create(
            token_hash(token), user=user, at=now, expires_at=now + 3600, proved_at=now
        )
        return token

    def add(self, user: str, *roles: Role, scope: str = "") -> None:
        self.here.add_user(user, *roles, scope=scope)
        self.tokens[user] = self.session(user)

    def target(self, method: str, path: str) -> tuple[str, str]:
        operation = self.document["paths"].get(path, {}).get(method.lower(), {})
        query = {}
        for each in operation.get("parameters", ()):
            name, schema = each["name"], each.get("schema", {})
            if each["in"] == "query" and (each.get("required") or name in ("start", "end")):
                query[name] = _MEANS.get(name) or _plausible(schema)
        made = re.sub(
            r"\{(\w+)(?::path)?\}",
            lambda m: self._part(operation, m[1]),
            path,
        )
        return made, "&".join(f"{n}={str(v).replace('+', '%2B')}" for n, v in query.items())

    def _part(self, operation: dict[str, Any], name: str) -> str:
        if name in _MEANS:
            return _MEANS[name]
        for each in operation.get("parameters", ()):
            if each["name"] == name and each["in"] == "path":
                return str(_plausible(each.get("schema", {})))
        return "0" * 26

    async def call(self, method: str, path: str, user: str, query: str | None = None) -> Answer:
        made, words = self.target(method, path)
        words = words if query is None else query
        token = self.tokens.get(user, "")
        if token and _ends_sessions(method, path):
            token = await in_thread(self.session, user)
        if method == WEBSOCKET:
            return await self._socket(made, words, token)
        return await self._http(method, made, words, token)

    def _scope(self, kind: str, path: str, query: str, token: str) -> dict[str, Any]:
        headers = [
            (b"host", b"town"),
            (b"x-heatloop", b"1"),
            (b"content-type", b"application/json"),
        ]
        if token:
            headers.append((b"cookie", f"{COOKIE}={token}".encode()))
        return {
            "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "headers": headers,
            "client": ("127.0.0.9", 4000), "server": ("town", 80), "scheme": "http",
            "root_path": "", "subprotocols": [], "state": {},
        }  # fmt: skip

    async def _http(self, method: str, path: str, query: str, token: str) -> Answer:
        scope = self._scope("http", path, query, token) | {"method": method}
        # A body every model refuses: whoever gets so far was let in.
        body = b'{"no_such_field": 1}' if method in ("POST", "PUT", "PATCH") else b""
        scope["headers"].append((b"content-length", str(len(body)).encode()))
        sent, gone = False, asyncio.Event()
        status, parts, endless = 0, [], False
        begun = asyncio.Event()

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": body, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, endless
            if message["type"] == "http.response.start":
                status = message["status"]
                kinds = [v for n, v in message["headers"] if n.lower() == b"content-type"]
                endless = any(b"event-stream" in kind for kind in kinds)
                if endless:
                    begun.set()
                    gone.set()
            elif message["type"] == "http.response.body" and not endless:
                parts.append(message.get("body", b""))

        task = asyncio.create_task(self.app(scope, receive, send))
        watch = asyncio.create_task(begun.wait())
        done, _ = await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        watch.cancel()
        if task not in done:
            task.cancel()
        gone.set()
        await asyncio.gather(task, watch, return_exceptions=True)
        return _answer(status, b"".join(parts))

    async def _socket(self, path: str, query: str, token: str) -> Answer:
        scope = self._scope("websocket", path, query, token)
        scope["headers"] = [h for h in scope["headers"] if h[0] != b"content-type"]
        told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        first = True

        async def receive() -> dict[str, Any]:
            nonlocal first
            if first:
                first = False
                return {"type": "websocket.connect"}
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            await told.put(message)

        task = asyncio.create_task(self.app(scope, receive, send))
        try:
            async with asyncio.timeout(10):
                while True:
                    message = await told.get()
                    if message["type"] == "websocket.send":
                        return _answer(0, message.get("text", "").encode())
                    if message["type"] == "websocket.close":
                        return Answer(status=403, code="closed", body=b"")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _ends_sessions(method: str, path: str) -> bool:
    return method in ("POST", "DELETE") and path.startswith(ENDS_SESSIONS)


def _plausible(schema: dict[str, Any]) -> Any:
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            return _plausible(part)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("type") in ("integer", "number"):
        return schema.get("minimum", 1)
    return "0" * max(schema.get("minLength", 1), 8)


def _answer(status: int, body: bytes) -> Answer:
    code = ""
    with_error = b'"error"' in body
    if with_error and body.startswith(b"{"):
        error = json.loads(body).get("error")
        code = error.get("code", "") if isinstance(error, dict) else ""
    if status == 0:  # A socket says by its first message whether it was refused.
        status = {"unauthenticated": 401, "forbidden": 403}.get(code, 200)
    return Answer(status=status, code=code, body=body)


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with town(tmp_path / "town", watch={"limits": False}) as here:
        look, change = needs(Permission.VIEW), needs(Permission.DEMO)
        app = create_app(here.platform, (demo_router(tmp_path / "no.sock", look, change),))
        yield Caller(here, app)


# The rights, as they stand in the code and as they should be


def test_6_1_3_e_1_rights_in_the_code_are_those_that_were_reviewed() -> None:
    found = {(r.method, r.path): r.right for r in route_rights(bare_app().routes)}
    assert found == expected()


def test_6_1_3_e_1_a_route_without_a_right_stops_the_start() -> None:
    app = bare_app()
    check_rights(app.routes)

    async def quietly() -> None:
        return None

    app.add_api_route("/api/v1/quietly", quietly, methods=["POST"])
    with pytest.raises(ConfigError, match="declares no right") as caught:
        check_rights(app.routes)
    assert caught.value.thing == "POST /api/v1/quietly"
    # Also in a router that is included in another.
    outer, inner = APIRouter(prefix="/outer"), APIRouter()
    inner.add_api_route("/inner", quietly, methods=["GET"])
    outer.include_router(inner)
    app = bare_app()
    app.include_router(outer)
    with pytest.raises(ConfigError) as caught:
        check_rights(app.routes)
    assert caught.value.thing == "GET /outer/inner"


async def test_6_1_3_e_1_open_routes_are_few_and_say_why(caller: Caller) -> None:
    every = {(r.method, r.path) for r in route_rights(caller.app.routes)}
    assert set(open_routes()) <= every, set(open_routes()) - every
    assert all(row.reason_zh and row.reason_en for row in open_routes().values())
    writes = {place for place, row in open_routes().items()
              if row.right == "open" and place[0] not in ("GET", WEBSOCKET)}  # fmt: skip
    assert all(path.startswith("/api/v1/session") for _, path in writes), writes
    assert len(open_routes()) <= 20


def test_8_2_c_no_role_changes_a_policy_and_deletes_its_trace() -> None:
    policies = {Permission.MANAGE_USERS, Permission.KEEP_SECURITY, Permission.MANAGE_KEYS}
    traces = {Permission.AUDIT, Permission.KEEP_AUDIT}
    for role in Role:
        held = PERMISSIONS[role]
        assert not (held & policies and held & traces), role
    # Routes that change accounts, labels, keys and receivers, and those that touch the trail.
    rights = expected()
    change = {role for (m, p), right in rights.items() for role in roles_with(right)
              if m not in ("GET", WEBSOCKET) and right not in OWN
              and p.startswith(POLICIES)}  # fmt: skip
    erase = {role for (m, p), right in rights.items() for role in roles_with(right)
             if m not in ("GET", WEBSOCKET) and p.startswith(f"{API}/audit")}  # fmt: skip
    assert change == {Role.SECURITY_ADMIN}
    assert erase == {Role.AUDIT_ADMIN}
    # At least three grades of rights, and the three administrators share no right but watching.
    assert len({PERMISSIONS[role] for role in Role}) >= 3
    for a in ADMINISTRATORS:
        for b in ADMINISTRATORS - {a}:
            assert PERMISSIONS[a] & PERMISSIONS[b] <= {Permission.WATCH}


def test_8_2_c_the_matrix_is_printed_for_review(capsys: pytest.CaptureFixture[str]) -> None:
    assert route_matrix.main([]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(r["method"], r["path"]): r["right"] for r in rows} == expected()
    command = next(r for r in rows if (r["method"], r["path"]) == ("POST", f"{API}/commands"))
    assert (command["dispatcher"], command["manager"], command["nobody"]) == ("yes", "no", "no")
    assert route_matrix.main(["--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == len(rows)


# Every endpoint, really called


async def test_6_1_3_e_1_every_endpoint_as_every_role_and_as_nobody(caller: Caller) -> None:
    for role in Role:
        caller.add(f"u_{role.value}", role)
    rights = {(r.method, r.path): r.right for r in route_rights(caller.app.routes)}
    asked: list[tuple[str, str, str, bool]] = []
    for (method, path), right in rights.items():
        if right in ("gateway", "token") or path == "/{path:path}":
            continue  # Other credentials; tested where they are.
        asked.append((method, path, "", right == "open"))
        allowed = roles_with(right)
        asked += [(method, path, f"u_{role.value}", role in allowed) for role in Role]
    room, wrong = asyncio.Semaphore(AT_ONCE), []

    async def one(method: str, path: str, user: str, may: bool) -> None:
        async with room:
            answer = await caller.call(method, path, user)
        refused = answer.status in (401, 403)
        if may and refused and answer.code not in ABOUT_THE_REQUEST:
            wrong.append((method, path, user, "refused", answer.status, answer.code))
        elif not may and not refused:
            wrong.append((method, path, user, "let in", answer.status, answer.code))

    last = [each for each in asked if _ends_sessions(each[0], each[1])]
    await asyncio.gather(*(one(*each) for each in asked if each not in last))
    for each in last:
        await one(*each)
    assert wrong == [], wrong[:40]
    assert len(asked) > 2000
    # Every refusal is in the trail: by user and path, nobody's by the route.
    _, entries = caller.here.platform.records.audit.list(action="access.refused", limit=10_000)
    traced = {(e.user, e.detail["method"], e.subject) for e in entries}
    missing = []
    for method, path, user, may in asked:
        if may or method == WEBSOCKET:
            continue
        subject = caller.target(method, path)[0] if user else path
        if (user or NOBODY, method, subject) not in traced:
            missing.append((method, path, user))
    assert missing == [], missing[:40]


async def test_6_1_3_e_1_somebody_of_another_branch_sees_nothing_of_this_one(
    caller: Caller,
) -> None:
    roles = set(Role) - ADMINISTRATORS
    caller.add("other", *roles, Role.SYSTEM_ADMIN, scope="CO01/BR02")
    theirs = re.compile(rb"\b(?:SS0001|UN0001|BD0001|FL00001|RC0001|GW0001|DV0001|PE0001)\b")
    found, named, room = [], 0, asyncio.Semaphore(AT_ONCE)
    rights = {(r.method, r.path): r.right for r in route_rights(caller.app.routes)}

    async def one(method: str, path: str) -> None:
        nonlocal named
        made, query = caller.target(method, path)
        async with room:
            answer = await caller.call(method, path, "other")
        asks_for = theirs.search(f"{made}?{query}".encode()) is not None
        named += asks_for
        if asks_for and answer.status < 400:
            found.append((method, made, "answered", answer.status))
        elif answer.status < 400 and (leak := theirs.search(answer.body)):
            found.append((method, made, "named", leak[0]))

    await asyncio.gather(
        *(one(m, p) for (m, p), right in rights.items() if m == "GET" and right not in OWN)
    )
    assert found == [], found[:40]
    assert named >= 10
