"""The HTTP API over a real platform: reads, rights, scopes, errors, headers."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from heatloop.security.access import Role
from tests.unit.app_town import PASSWORD, START_S, Town, town

SUPPLY = "UN0001.secondary_supply_temperature"
SETPOINT = "UN0001.secondary_supply_temperature_setpoint"
OTHERS = "UN0002.secondary_supply_temperature"
SLOT = int(START_S)
API = "/api/v1"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def filled(here: Town) -> Town:
    gateway = await here.enrol()
    await gateway.connect()
    rows = [(SUPPLY, SLOT + 30 * n, 50.0 + 0.1 * n) for n in range(-40, 1)]
    last = await gateway.samples(
        *rows,
        ("UN0001.station_mode", SLOT, 2.0),
        (SETPOINT, SLOT, 52.0),
        ("SS0001.primary_heat_power", SLOT, 900.0),
        ("WS0001.outdoor_temperature", SLOT, -9.5),
        ("RC0001.room_temperature", SLOT, 20.5),
    )
    await gateway.acknowledged(last)
    return here


@pytest.fixture
async def client(filled: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with filled.client("wang", Role.DISPATCHER) as made:
        yield made


async def test_overview_shows_values_states_and_totals(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"{API}/overview")).json()
    assert body["outdoor_temperature_c"] == -9.5
    assert body["plant_time"].endswith("Z")
    assert [(s["code"], s["state"]) for s in body["substations"]] == [
        ("SS0001", "normal"),
        ("SS0002", "offline"),
    ]
    unit = body["substations"][0]["units"][0]
    assert (unit["supply_c"], unit["setpoint_c"], unit["mode"]) == (50.0, 52.0, "automatic")
    assert unit["stage"] == "observe"
    assert body["totals"] == {
        "substations": 2,
        "online": 1,
        "alarms_active": 0,
        "alarms_unacknowledged": 0,
        "heat_power_kw": 900.0,
        "heated_area_m2": 60000.0,
        "room_mean_c": 20.5,
        "room_share_18_pct": 100.0,
    }
    assert body["sources"][0]["code"] == "HS0001"


async def test_substation_page(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"{API}/substations/SS0001")).json()
    assert body["device"]["online"] is True
    assert body["buildings"][0]["room_mean_c"] == 20.5
    points = {point["code"]: point for point in body["points"]}
    assert points[SUPPLY]["quality"] == "good"
    assert points[SETPOINT]["access"] == "rw"
    assert points[SETPOINT]["low"] == 20.0
    assert set(body["units"][0]["points"]) <= set(points)


async def test_a_branch_user_sees_his_branch_alone(filled: Town) -> None:
    async with filled.client("li", Role.DISPATCHER, scope="CO01/BR02") as client:
        body = (await client.get(f"{API}/overview")).json()
        assert [s["code"] for s in body["substations"]] == ["SS0002"]
        assert body["totals"]["substations"] == 1
        assert body["totals"]["room_mean_c"] is None
        hidden = [
            f"{API}/substations/SS0001",
            f"{API}/assets/UN0001",
            f"{API}/points?asset=SS0001",
            f"{API}/points/latest?codes={SUPPLY}",
            f"{API}/trends?points={SUPPLY}&start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z",
            f"{API}/samples?asset=SS0001&start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z",
            f"{API}/stream?points={SUPPLY}",
            f"{API}/commands?point={SETPOINT}",
        ]
        for path in hidden:
            assert (await client.get(path)).status_code == 404, path
        for path in ("assets?size=500", "points?size=500"):
            items = (await client.get(f"{API}/{path}")).json()["items"]
            assert items
            assert not any("0001" in item["code"][:6] for item in items if item["code"][:2] in
                           ("SS", "UN", "BD"))  # fmt: skip
        assert [g["code"] for g in (await client.get(f"{API}/gateways")).json()["items"]] == [
            "GW0002"
        ]
        refused = await client.post(f"{API}/commands", json={"point": SETPOINT, "value": 50})
        assert refused.status_code == 404


async def test_trends_take_the_finest_step_that_fits(filled: Town) -> None:
    async with filled.client("wang", Role.MANAGER) as client:
        start, end = "2027-01-15T07:00:00Z", "2027-01-15T08:30:00Z"
        ask = {"points": SUPPLY, "start": start, "end": end}
        raw = (await client.get(f"{API}/trends", params=ask)).json()
        assert raw["step"] == "raw"
        line = raw["series"][0]
        assert len(line["at"]) == 41
        assert line["value"][-1] == 50.0
        assert line["at"][-1] == SLOT * 1000
        await filled.platform.historian.refresh_rollups()
        rolled = (await client.get(f"{API}/trends", params={**ask, "max_points": 50})).json()
        assert rolled["step"] == "10m"
        line = rolled["series"][0]
        assert len(line["value"]) == len(line["low"]) == len(line["high"]) == 3
        assert line["low"][0] <= line["value"][0] <= line["high"][0]
        assert line["simulated_until"] is None


async def test_thinned_raw_trend_keeps_its_peak(filled: Town) -> None:
    async with filled.client("wang", Role.MANAGER) as client:
        ask = {"points": SUPPLY, "step": "raw", "max_points": 10,
               "start": "2027-01-15T07:00:00Z", "end": "2027-01-15T08:30:00Z"}  # fmt: skip
        body = (await client.get(f"{API}/trends", params=ask)).json()
        values = body["series"][0]["value"]
        assert body["thinned"]
        assert len(values) <= 10
        assert (min(values), max(values)) == (46.0, 50.0)


async def test_samples_stream_as_arrow(client: httpx.AsyncClient, filled: Town) -> None:
    ask = {"all": True, "start": "2027-01-15T07:00:00Z", "end": "2027-01-15T08:30:00Z"}
    answer = await client.get(f"{API}/samples", params=ask)
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()
    assert table.schema.names == ["key", "slot", "value", "quality"]
    # The room of a household is left out: a dispatcher is not cleared for it.
    assert table.num_rows == 45
    assert filled.key("RC0001.room_temperature") not in table["key"].to_pylist()
    mine = table.filter(pa.compute.equal(table["key"], filled.key(SUPPLY)))
    assert mine["value"].to_pylist()[0] == 46.0


async def test_points_are_found_by_words_in_both_languages(client: httpx.AsyncClient) -> None:
    for words in ("二次供水温度", "secondary supply temp", "UN0001.secondary_supply_t"):
        body = (await client.get(f"{API}/points", params={"q": words})).json()
        assert SUPPLY in [item["code"] for item in body["items"]], words
    page = (await client.get(f"{API}/points", params={"size": 10, "page": 2})).json()
    assert len(page["items"]) == 10


async def test_personal_data_are_masked(client: httpx.AsyncClient) -> None:
    body = (await client.get(f"{API}/assets/PE0001")).json()
    assert body["asset"]["attributes"]["phone"] == "139****0001"
    assert body["asset"]["attributes"]["duty"] == "站长"


async def test_errors_have_one_form_in_both_languages(client: httpx.AsyncClient) -> None:
    for method, path, status, code in (
        ("GET", "/assets/XX9999", 404, "not_found"),
        ("GET", "/points?size=100000", 422, "invalid"),
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/overview", 405, "method_not_allowed"),
        ("GET", "/users", 403, "forbidden"),
        ("GET", f"/trends?points={SUPPLY}&start=2027-01-02T00:00:00Z&end=2027-01-01T00:00:00Z",
         422, "range_invalid"),
        ("GET", "/trends?points=a&start=2027-01-02T00:00:00&end=2027-01-01T00:00:00Z",
         422, "invalid"),
    ):  # fmt: skip
        answer = await client.request(method, f"{API}{path}")
        assert answer.status_code == status, path
        error = answer.json()["error"]
        assert error["code"] == code, path
        assert error["message_zh"]
        assert error["message_en"]
        assert error["fix"]
        assert set(error) >= {"thing", "place"}


async def test_every_route_denies_by_default(here: Town) -> None:
    """Without a session every operation gives 401, but those that must be open.

    Metrics are, to programs on the same machine, as this client is.
    """
    open_to_all = {
        ("get", "/health"), ("get", "/info"), ("post", "/session"), ("delete", "/session"),
        ("post", "/gateways/enrol"), ("get", "/metrics"), ("post", "/gateways/certificate"),
        ("get", "/session/options"), ("get", "/session/oidc/start"),
        ("get", "/session/oidc/callback"),
    }  # fmt: skip
    values = {"code": "SS0001", "id": "x", "name": "x", "fault": "x", "serial": "x", "run": "x",
              "sha256": "0" * 64}  # fmt: skip
    async with here.client() as client:
        paths = here.app.openapi()["paths"]
        assert len(paths) > 25
        for template, operations in paths.items():
            path = re.sub(r"{(\w+)}", lambda m: values.get(m[1], "x"), template)
            for method in operations:
                if (method, template.removeprefix(API)) in open_to_all:
                    continue
                answer = await client.request(method, path, json={})
                assert answer.status_code == 401, (method, path, answer.text)


ROLE_DENIES = {
    Role.MANAGER: [("POST", "/commands"), ("POST", "/alarms/x/acknowledge"), ("GET", "/users"),
                   ("GET", "/audit"), ("GET", "/ledger/export"), ("PUT", "/units/UN0001/stage")],
    Role.FIELD_TECHNICIAN: [("POST", "/commands"), ("GET", "/users")],
    Role.SECURITY_ADMIN: [("GET", "/overview"), ("POST", "/commands"), ("GET", "/audit")],
    Role.AUDIT_ADMIN: [("GET", "/users"), ("POST", "/commands"), ("GET", "/overview")],
}  # fmt: skip


@pytest.mark.parametrize("role", ROLE_DENIES)
async def test_roles_are_denied_what_is_not_theirs_and_that_is_audited(
    here: Town, role: Role
) -> None:
    async with here.client("zhao", role) as client:
        bodies = {
            "/commands": {"point": "a", "value": 1},
            "/units/UN0001/stage": {"stage": "advise"},
        }
        for method, path in ROLE_DENIES[role]:
            answer = await client.request(method, f"{API}{path}", json=bodies.get(path))
            assert answer.status_code == 403, path
        total, _ = here.platform.records.audit.list(user="zhao", action="access.refused")
        assert total == len(ROLE_DENIES[role])


async def test_writes_need_the_header(here: Town) -> None:
    async with here.client() as client:
        del client.headers["X-Heatloop"]
        answer = await client.post(f"{API}/session", json={"user": "a", "password": "b"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf")


async def test_security_headers_are_on_every_answer(here: Town) -> None:
    async with here.client() as client:
        for path in ("/", "/api/v1/info", "/api/v1/nothing"):
            headers = (await client.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
        assert (await client.get("/api/v1/info")).headers["cache-control"] == "no-store"


async def test_bodies_are_bounded(here: Town) -> None:
    async with here.client() as client:
        answer = await client.post(
            f"{API}/session", content=b"x", headers={"content-length": str(10**9)}
        )
        assert answer.status_code == 413


async def test_health_names_parts_by_layer(filled: Town) -> None:
    async with filled.client() as client:
        body = (await client.get(f"{API}/health")).json()
        assert set(body["layers"]) == {"device", "data", "application"}
        assert body["layers"]["data"]
        assert not body["layers"]["device"]  # GW0002 was never connected.
        assert body["status"] == "degraded"
        assert {p["name"] for p in body["parts"]} >= {"historian", "records", "intake", "web"}


async def test_info_tells_demo_and_time(here: Town) -> None:
    async with here.client() as client:
        body = (await client.get(f"{API}/info")).json()
        assert body["demo"] is False
        assert body["company_zh"] == "名CO01"
        assert body["plant_time"] == "2027-01-15T08:00:00Z"


async def test_completeness_counts_slots(filled: Town) -> None:
    async with filled.client("wang", Role.MANAGER) as client:
        body = (await client.get(f"{API}/completeness", params={"date": "2027-01-15"})).json()
        assert body["stored"] == 46
        assert 0 < body["share_pct"] < 100
        assert body["points"][0]["share_pct"] <= body["points"][-1]["share_pct"]


async def test_openapi_is_complete_and_the_same_each_time() -> None:
    from heatloop.web.openapi import document

    text = document()
    assert text == document()
    assert '"openapi": "3.1.0"' in text
    ids = re.findall(r'"operationId": "(\w+)"', text)
    assert len(ids) == len(set(ids)) > 30


async def test_unknown_password_and_unknown_user_look_the_same(here: Town) -> None:
    here.add_user("wang", Role.MANAGER)
    async with here.client() as client:
        answers = [
            await client.post(f"{API}/session", json={"user": user, "password": "Wrong-1234"})
            for user in ("wang", "nobody")
        ]
        assert [a.status_code for a in answers] == [401, 401]
        assert answers[0].json() == answers[1].json()
        good = await client.post(f"{API}/session", json={"user": "wang", "password": PASSWORD})
        cookie = good.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
