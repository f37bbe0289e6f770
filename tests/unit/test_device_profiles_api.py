"""The profile wizard over the API: from a probe's values to a profile in force; probes as jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from heatloop.app.device_profiles import Choice, drafted_rows, suggested_factor
from heatloop.app.field_probes import FieldProbes
from heatloop.app.ledger_admin import load_ledger
from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.plant.changes import revise
from heatloop.security.access import Role
from tests.unit.app_town import Town, town

API = "/api/v1"
FLOW = {
    "kind": "primary_flow", "register": 20, "dtype": "float32", "word_order": "CDAB",
    "value": 12.5, "factor": 1.0,
}  # fmt: skip
SUPPLY = {"kind": "primary_supply_temperature", "register": 30, "dtype": "int16", "value": 954}
BODY = {
    "profile": "own_inlet", "zh": "入口采集器", "assets": ["substation"],
    "protocols": ["modbus_tcp"], "choices": [FLOW, SUPPLY],
}  # fmt: skip


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


def test_a_factor_is_suggested_by_unit_and_by_size():
    def factor(kind: str, **rest) -> float:
        return suggested_factor(Choice(kind=kind, **rest))

    assert factor("primary_supply_temperature", dtype="int16", value=954) == 0.1
    assert factor("primary_supply_temperature", dtype="int16", value=95) == 1.0
    assert factor("primary_supply_pressure", unit="MPa", value=0.8) == pytest.approx(1000.0)
    assert factor("primary_heat_total", unit="GJ", value=1.0) == pytest.approx(277.778, rel=1e-5)
    assert factor("primary_supply_temperature", unit="kWh", value=5) == 1.0
    assert factor("no_such_kind", value=954) == 1.0
    rows = drafted_rows([Choice(kind="a", source="energy"), Choice(kind="b", source="flow")])
    assert [(r.register, r.source, r.dtype) for r in rows] == [(0, "energy", ""), (4, "flow", "")]


async def test_a_profile_is_checked_saved_used_exported_imported_and_deleted(here: Town):
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        drafted = (await client.post(f"{API}/device-profiles/check", json=BODY)).json()
        assert drafted["ok"], drafted
        assert [(r["dtype"], r["factor"]) for r in drafted["rows"]] == [
            ("float32:CDAB", 1.0), ("int16", 0.1),
        ]  # fmt: skip
        assert drafted["doubts"] == []
        saved = await client.put(f"{API}/device-profiles", json=BODY)
        assert saved.status_code == 200, saved.text
        assert "| 20 | device | primary_flow |" in saved.json()["markdown"]
        ledger = here.platform.world.ledger
        assert ledger.version == 2
        device = replace(ledger.devices["DV0002"], profile="own_inlet")
        used = revise(ledger, version=3, put=[device])
        assert {b.kind for b in used.bindings_of_device("DV0002")} == {
            "primary_flow", "primary_supply_temperature",
        }  # fmt: skip
        listed = (await client.get(f"{API}/device-profiles")).json()
        assert [p["profile"] for p in listed if p["own"]] == ["own_inlet"]
        assert len(listed) > 5
        file = await client.get(f"{API}/device-profiles/own_inlet/export")
        assert file.headers["content-type"] == "application/zip"
        files = {"file": ("a.zip", file.content)}
        copied = await client.post(f"{API}/device-profiles/import?name=own_copy", files=files)
        assert copied.status_code == 200, copied.text
        assert copied.json()["rows"] == saved.json()["rows"]
        gone = await client.delete(f"{API}/device-profiles/own_copy")
        assert gone.status_code == 204
        assert (await client.get(f"{API}/device-profiles/own_copy")).status_code == 404
    kept = load_ledger(here.platform.records)
    assert list(kept.profiles.own) == ["own_inlet"]
    assert kept.version == 4
    actions = ("profile.save", "profile.delete", "profile.export")
    assert [here.platform.records.audit.list(action=a)[0] for a in actions] == [2, 1, 1]


async def test_what_is_wrong_with_a_profile_is_told_and_nothing_is_saved(here: Town):
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        overlap = {**SUPPLY, "register": 21}
        far = {**SUPPLY, "register": 40, "kind": "tank_level", "value": 900, "factor": 1.0}
        body = {**BODY, "choices": [FLOW, overlap, far]}
        drafted = (await client.post(f"{API}/device-profiles/check", json=body)).json()
        assert not drafted["ok"]
        assert [(r["row"], r["column"]) for r in drafted["bad_rows"]] == [(3, "register")]
        assert [(d["row"], d["kind"]) for d in drafted["doubts"]] == [(4, "tank_level")]
        refused = await client.put(f"{API}/device-profiles", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "ledger_rows")
        named = await client.put(
            f"{API}/device-profiles", json={**BODY, "profile": "substation_controller"}
        )
        assert named.status_code == 422
        shipped = await client.delete(f"{API}/device-profiles/substation_controller")
        assert shipped.status_code == 403
        for data in (b"", b"PK\x03\x04broken"):
            files = {"file": ("a.zip", data)}
            bad = await client.post(f"{API}/device-profiles/import", files=files)
            assert bad.status_code == 422
    assert here.platform.world.ledger.version == 1


async def test_a_profile_in_use_stays(here: Town):
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        assert (await client.put(f"{API}/device-profiles", json=BODY)).status_code == 200
        ledger = here.platform.world.ledger
        device = replace(ledger.devices["DV0002"], profile="own_inlet")
        here.platform.world.install(revise(ledger, version=3, put=[device]))
        kept = await client.delete(f"{API}/device-profiles/own_inlet")
        assert (kept.status_code, kept.json()["error"]["code"]) == (409, "profile_in_use")


async def test_only_who_keeps_the_ledger_changes_profiles_and_probes(here: Town):
    async with here.client("wang", Role.DISPATCHER) as client:
        assert (await client.get(f"{API}/device-profiles")).status_code == 200
        assert (await client.put(f"{API}/device-profiles", json=BODY)).status_code == 403
        assert (await client.delete(f"{API}/device-profiles/own_inlet")).status_code == 403
        probe = {"url": "modbus://127.0.0.1:1"}
        assert (await client.post(f"{API}/field/probes", json=probe)).status_code == 403
    async with here.client("li", Role.OPERATION_ENGINEER, scope="CO01/BR01") as client:
        assert (await client.put(f"{API}/device-profiles", json=BODY)).status_code == 403
        assert (await client.post(f"{API}/field/probes", json=probe)).status_code == 403


async def _ended(client, number: str) -> dict:
    async with asyncio.timeout(30):
        while True:
            state = (await client.get(f"{API}/field/probes/{number}")).json()
            if state["state"] != "running":
                return state
            await asyncio.sleep(0.05)


async def test_a_probe_runs_beside_the_platform_and_is_audited(here: Town):
    device = ModbusDevice(index=0, memory=memoryview(bytearray(b"\x02\x26" * 20)))
    server = await serve(device, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        url = f"modbus://127.0.0.1:{port}?unit=1&to=19&table=holding"
        begun = await client.post(f"{API}/field/probes", json={"url": url})
        assert (begun.status_code, begun.json()["state"]) == (202, "running")
        second = await client.post(f"{API}/field/probes", json={"url": url})
        assert (second.status_code, second.json()["error"]["code"]) == (409, "probe_busy")
        state = await _ended(client, begun.json()["id"])
        assert state["state"] == "done", state
        assert [o["value"] for o in state["report"]["offers"]] == [550] * 20
        nobody = await client.post(f"{API}/field/probes", json={"url": "modbus://127.0.0.1:1"})
        state = await _ended(client, nobody.json()["id"])
        assert state["state"] == "refused"
        assert "cannot reach" in state["error"]
        assert "firewall" in state["fix"]
        for far in (
            "modbus://8.8.8.8",
            "rtu:///dev/ttyS0",
            "modbus://224.0.0.1",
            "http://10.0.0.1",
        ):
            refused = await client.post(f"{API}/field/probes", json={"url": far})
            assert refused.status_code == 422, far
        assert (await client.get(f"{API}/field/probes/none")).status_code == 404
    assert here.platform.records.audit.list(action="field.probe")[0] == 2
    await stop(device, server)


async def test_a_password_is_never_shown(here: Town):
    probes = FieldProbes(here.platform.audit)
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        begun = await client.post(
            f"{API}/field/probes", json={"url": "mqtt://u:secret@127.0.0.1:1?seconds=1"}
        )
        assert "secret" not in begun.text
        assert "mqtt://u@127.0.0.1:1" in begun.json()["url"]
        await _ended(client, begun.json()["id"])
    _, rows = here.platform.records.audit.list(action="field.probe", offset=0, limit=5)
    assert all("secret" not in row.subject for row in rows)
    assert probes._kept == {}
