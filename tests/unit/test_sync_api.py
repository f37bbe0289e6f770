"""The exchange by HTTP, file and pull: idempotent, conflicts kept, personal data sealed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.bridge.sync.records import Incoming, checksum_of
from heatloop.kernel.clock import machine_s
from heatloop.security.access import Role
from tests.contract.weather_provider import Provider, provider
from tests.unit.app_town import Town, town

API = "/api/v1"
SYNC = f"{API}/sync"


def told(source_id: str, revision: int, entity: str = "contract", **more: Any) -> dict[str, Any]:
    """Return a record as another system sends it."""
    fields = more.pop("fields", {})
    record = {
        "entity": entity,
        "id": source_id,
        "revision": revision,
        "changed": datetime.fromtimestamp(more.pop("changed_s", machine_s()), UTC).isoformat(),
        "deleted": more.pop("deleted", False),
        "fields": fields,
        **more,
    }
    plain = {name: record[name] for name in ("entity", "id", "revision", "deleted", "fields")}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {"checksum": hashlib.sha256(text.encode()).hexdigest(), **record}


CONTRACT = {"contract_no": "H-2026-7", "user_name": "王小明", "phone": "13800000007",
            "area_m2": 88.5, "tariff": "area", "heat_off": False, "fee_state": "paid"}  # fmt: skip


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def billing(here: Town) -> AsyncIterator[httpx.AsyncClient]:
    # Cleared for households, too: an integrator alone sees their fields masked.
    async with here.client("bill", Role.INTEGRATOR, Role.CUSTOMER_SERVICE) as client:
        yield client


async def push(
    client: httpx.AsyncClient, *records: dict[str, Any], system: str = "billing", **query: Any
) -> dict[str, Any]:
    reply = await client.post(
        f"{SYNC}/records", json={"system": system, "records": list(records)}, params=query
    )
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def contract(client: httpx.AsyncClient, code: str = "CT00001") -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"{API}/assets/{code}")).json()["asset"]
    return found


async def test_a_new_contract_stands_in_the_ledger_and_sent_again_changes_nothing(
    here: Town, billing: httpx.AsyncClient
) -> None:
    record = told("B-1", 1, parent="FL00001", fields=CONTRACT)
    run = await push(billing, record)
    assert (run["applied"], run["refused"], run["conflicts"]) == (1, 0, 0)
    asset = await contract(billing)
    assert asset["parent"] == "FL00001"
    assert asset["attributes"]["area_m2"] == 88.5
    assert asset["attributes"]["user_name"] == "王*"
    version = here.platform.world.ledger.version
    again = await push(billing, record)
    assert (again["applied"], again["unchanged"]) == (0, 1)
    assert here.platform.world.ledger.version == version
    old = await push(billing, told("B-1", 0, fields={"area_m2": 10.0}))
    assert old["stale"] == 1
    other = await push(billing, told("B-1", 1, fields={"area_m2": 10.0}))
    assert other["refused"] == 1
    assert other["refusals"][0]["field"] == "revision"
    assert (await contract(billing))["attributes"]["area_m2"] == 88.5


async def test_personal_data_are_sealed_and_masked_everywhere(
    here: Town, billing: httpx.AsyncClient, tmp_path: Path
) -> None:
    ticket = told("T-1", 1, "ticket", code="FL00001", fields={
        "kind": "complaint", "state": "open", "subject": "家里冷", "text": "王小明说室温只有 15 度",
        "caller": "王小明", "phone": "13800000007", "room_c": 15.0})  # fmt: skip
    await push(billing, told("B-1", 1, parent="FL00001", fields=CONTRACT))
    await push(billing, ticket, system="customer")
    # A disagreement about a personal field is kept without showing it.
    await push(billing, told("C-1", 1, code="CT00001", fields={"user_name": "李雷"}),
               system="customer")  # fmt: skip
    pages = [
        (await billing.get(f"{SYNC}/{what}")).text
        for what in ("records", "tickets", "conflicts", "changes", "runs", "state")
    ]
    assert "家里冷" in pages[1]
    assert '"room_c":15.0' in pages[1]
    for page in pages:
        for secret in ("王小明", "13800000007", "李雷"):
            assert secret not in page
    conflicts = json.loads(pages[2])["items"]
    assert (conflicts[0]["field"], conflicts[0]["theirs"], conflicts[0]["ours"]) == (
        "user_name", "***", "***")  # fmt: skip
    here.platform.records.database.engine.dispose()
    stored = await asyncio.to_thread(_stored, tmp_path)
    assert "家里冷".encode() in stored
    for secret in ("王小明", "13800000007", "李雷"):
        assert secret.encode() not in stored


def _stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("records.sqlite*"))


async def test_bad_records_stop_no_other(here: Town, billing: httpx.AsyncClient) -> None:
    broken = told("B-2", 1, parent="FL00002", fields=CONTRACT) | {"checksum": "0" * 64}
    run = await push(
        billing,
        told("B-1", 1, parent="FL00001", fields=CONTRACT),
        broken,
        told("B-3", 1, parent="FL00002", fields=CONTRACT | {"area_m2": -4}),
        # The ledger asks for a tariff: its own rules refuse this one.
        told(
            "B-4", 1, parent="FL00002", fields={"contract_no": "X", "user_name": "a", "area_m2": 5}
        ),
        told("B-5", 1, "flat", code="FL99999", fields={"area_m2": 70}),
        told("F-1", 1, "flat", code="FL00002", fields={"area_m2": 81.0}),
    )
    assert (run["received"], run["applied"], run["refused"]) == (6, 2, 4)
    why = {refusal["id"]: refusal["field"] for refusal in run["refusals"]}
    assert (why["B-2"], why["B-3"], why["B-5"]) == ("checksum", "area_m2", "code")
    assert why["B-4"] == "tariff"
    assert all(refusal["zh"] and refusal["en"] for refusal in run["refusals"])
    assert (await contract(billing, "FL00002"))["attributes"]["area_m2"] == 81.0


async def test_dry_run_says_and_keeps_nothing(here: Town, billing: httpx.AsyncClient) -> None:
    record = told("B-1", 1, parent="FL00001", fields=CONTRACT)
    version = here.platform.world.ledger.version
    run = await push(billing, record, told("B-9", 1, parent="FL00002", fields={"area_m2": 1}),
                     dry_run="true")  # fmt: skip
    assert (run["dry_run"], run["applied"], run["refused"]) == (True, 1, 1)
    assert here.platform.world.ledger.version == version
    assert (await billing.get(f"{SYNC}/runs")).json()["total"] == 0
    assert (await billing.get(f"{SYNC}/records")).json()["total"] == 0


async def test_conflicts_are_listed_and_a_person_has_the_last_word(
    here: Town, billing: httpx.AsyncClient
) -> None:
    await push(billing, told("B-1", 1, parent="FL00001", fields=CONTRACT))
    async with here.client("wu", Role.OPERATION_ENGINEER) as engineer:
        told_off = told("K-1", 1, code="CT00001", fields={"heat_off": True})
        run = await push(billing, told_off, system="customer")
        assert (run["applied"], run["conflicts"]) == (0, 1)
        assert (await contract(billing))["attributes"]["stopped"] is False
        (conflict,) = (await engineer.get(f"{SYNC}/conflicts")).json()["items"]
        assert (conflict["kind"], conflict["state"], conflict["theirs"]) == (
            "not_owner", "open", True)  # fmt: skip
        path = f"{SYNC}/conflicts/{conflict['id']}/decide"
        assert (await billing.post(path, json={"take": "theirs"})).status_code == 403
        done = await engineer.post(path, json={"take": "theirs", "note": "欠费停供"})
        assert done.json()["state"] == "decided"
        assert (await contract(billing))["attributes"]["stopped"] is True
        assert (await engineer.post(path, json={"take": "ours"})).status_code == 422
        assert (await engineer.get(f"{SYNC}/conflicts")).json()["total"] == 0
        trail = here.platform.records.audit.list(action="sync.decide")[1]
        assert (trail[0].user, trail[0].detail["take"]) == ("wu", "theirs")


async def test_a_decision_for_our_side_holds_until_theirs_changes(
    here: Town, billing: httpx.AsyncClient
) -> None:
    await push(billing, told("B-1", 1, parent="FL00001", fields=CONTRACT))
    async with here.client("wu", Role.OPERATION_ENGINEER) as engineer:
        # Somebody corrects the area here; billing, who owns it, sends another one.
        await push(billing, told("B-1", 2, fields={"area_m2": 90.0}))
        ledgers, by = here.platform.ledgers, _principal()
        await ledgers.change(by, "ledger.edit", "CT00001", _area("CT00001", 70.0))
        run = await push(billing, told("B-1", 3, fields={"area_m2": 95.0}))
        assert (run["applied"], run["conflicts"]) == (1, 1)
        (conflict,) = (await engineer.get(f"{SYNC}/conflicts?state=settled")).json()["items"]
        assert (conflict["kind"], conflict["winner"], conflict["ours"], conflict["agreed"]) == (
            "overridden", "theirs", 70.0, 90.0)  # fmt: skip
        await engineer.post(f"{SYNC}/conflicts/{conflict['id']}/decide", json={"take": "ours"})
        assert (await contract(billing))["attributes"]["area_m2"] == 70.0
        # The same value again, with other news: it does not come back.
        await push(billing, told("B-1", 4, fields={"area_m2": 95.0, "fee_state": "unpaid"}))
        assert (await contract(billing))["attributes"]["area_m2"] == 70.0
        # Another value is another question.
        await push(billing, told("B-1", 5, fields={"area_m2": 96.0}))
        assert (await contract(billing))["attributes"]["area_m2"] == 96.0


def _principal() -> Any:
    from heatloop.app.sync_inlets import _speaker

    return _speaker("test")


def _area(code: str, area_m2: float) -> Any:
    from heatloop.app.sync_engine import filled
    from heatloop.plant.changes import revise

    return lambda old, version: revise(
        old, version=version, put=[filled(old.assets[code], {"area_m2": area_m2})]
    )


async def test_what_fits_nothing_is_linked_by_a_person(
    here: Town, billing: httpx.AsyncClient
) -> None:
    record = told("HOUSE-7", 1, "flat", fields={"area_m2": 77.0})
    run = await push(billing, record)
    assert (run["unmatched"], run["applied"]) == (1, 0)
    again = await push(billing, record)
    assert again["unmatched"] == 1
    async with here.client("wu", Role.OPERATION_ENGINEER) as engineer:
        (conflict,) = (await engineer.get(f"{SYNC}/conflicts")).json()["items"]
        path = f"{SYNC}/conflicts/{conflict['id']}/decide"
        wrong = await engineer.post(path, json={"take": "link", "code": "BD0001"})
        assert wrong.status_code == 422
        done = await engineer.post(path, json={"take": "link", "code": "FL00001"})
        assert done.status_code == 200, done.text
        assert (await contract(billing, "FL00001"))["attributes"]["area_m2"] == 77.0
        # From now on the other system's own id is enough, also as parent of a contract.
        await push(billing, told("HOUSE-7", 2, "flat", fields={"area_m2": 78.0}))
        assert (await contract(billing, "FL00001"))["attributes"]["area_m2"] == 78.0
        await push(billing, told("B-1", 1, parent="HOUSE-7", fields=CONTRACT))
        assert (await contract(billing))["parent"] == "FL00001"


async def test_a_contract_that_is_gone_there_is_asked_about(
    here: Town, billing: httpx.AsyncClient
) -> None:
    await push(billing, told("B-1", 1, parent="FL00001", fields=CONTRACT))
    run = await push(billing, told("B-1", 2, deleted=True))
    assert (run["applied"], run["conflicts"]) == (0, 1)
    assert (await contract(billing))["code"] == "CT00001"
    async with here.client("wu", Role.OPERATION_ENGINEER) as engineer:
        (conflict,) = (await engineer.get(f"{SYNC}/conflicts")).json()["items"]
        path = f"{SYNC}/conflicts/{conflict['id']}/decide"
        assert (await engineer.post(path, json={"take": "theirs"})).status_code == 200
    assert (await billing.get(f"{API}/assets/CT00001")).status_code == 404


async def test_changes_go_back_without_ones_own(here: Town, billing: httpx.AsyncClient) -> None:
    start = (await billing.get(f"{SYNC}/changes")).json()["cursor"]
    await push(billing, told("B-1", 1, parent="FL00001", fields=CONTRACT))
    mine = (await billing.get(f"{SYNC}/changes?since={start}&system=billing")).json()
    assert mine["items"] == []
    crm = (await billing.get(f"{SYNC}/changes?since={start}&system=customer")).json()
    (item,) = crm["items"]
    assert (item["entity"], item["code"], item["origin"]) == ("contract", "CT00001", "billing")
    assert item["source_ids"] == {"billing": "B-1"}
    assert item["fields"]["area_m2"] == 88.5
    assert item["fields"]["user_name"] == "***"
    await here.platform.ledgers.change(
        _principal(), "ledger.edit", "FL00001", _area("FL00001", 66.0)
    )
    back = (await billing.get(f"{SYNC}/changes?since={mine['cursor']}&system=billing")).json()
    (item,) = back["items"]
    assert (item["code"], item["fields"], item["origin"]) == ("FL00001", {"area_m2": 66.0}, "")
    assert (await billing.get(f"{SYNC}/changes?since={back['cursor']}")).json()["items"] == []
    one = (await billing.get(f"{SYNC}/changes?since={start}&size=1")).json()
    assert (len(one["items"]), one["more"]) == (1, True)


async def test_only_integrators_speak_and_only_for_their_system(tmp_path: Path) -> None:
    body = {"system": "billing", "records": [told("B-1", 1, fields={})]}
    async with town(tmp_path, sync={"speakers": ("billing=bill", "customer=crm")}) as here:
        for name, role in (("zhou", Role.DISPATCHER), ("han", Role.SYSTEM_ADMIN)):
            async with here.client(name, role) as client:
                assert (await client.post(f"{SYNC}/records", json=body)).status_code == 403
                assert (await client.get(f"{SYNC}/changes")).status_code == 403
        async with here.client("crm", Role.INTEGRATOR) as client:
            assert (await client.post(f"{SYNC}/records", json=body)).status_code == 403
        async with here.client("part", Role.INTEGRATOR, scope="CO01/BR01") as client:
            assert (await client.post(f"{SYNC}/records", json=body)).status_code == 403
            assert (await client.get(f"{SYNC}/runs")).status_code == 403
        async with here.client("bill", Role.INTEGRATOR) as client:
            assert (await client.post(f"{SYNC}/records", json=body)).status_code == 200


async def test_a_branch_sees_the_tickets_of_its_branch(
    here: Town, billing: httpx.AsyncClient
) -> None:
    for n in (1, 2):
        ticket = told(f"T-{n}", 1, "ticket", code=f"FL0000{n}", fields={"state": "open"})
        await push(billing, ticket, system="customer")
    async with here.client("li", Role.CUSTOMER_SERVICE, scope="CO01/BR02") as client:
        page = (await client.get(f"{SYNC}/tickets")).json()
        assert [item["code"] for item in page["items"]] == ["FL00002"]
        assert (await client.get(f"{SYNC}/tickets?code=FL00001")).status_code == 404
        below = (await client.get(f"{SYNC}/tickets?code=UN0002")).json()
        assert below["total"] == 1


async def test_bounds_of_the_interface(billing: httpx.AsyncClient) -> None:
    good = told("B-1", 1, fields={})
    for bad in (
        {"system": "Billing!", "records": [good]},
        {"system": "billing", "records": []},
        {"system": "billing", "records": [good] * 1001},
        {"system": "billing", "records": [good | {"revision": -1}]},
        {"system": "billing", "records": [good | {"changed": "2026-01-01T00:00:00"}]},
        {"system": "billing", "records": [good | {"extra": 1}]},
        {"system": "billing", "records": [good | {"fields": {"a": {"b": 1}}}]},
    ):
        assert (await billing.post(f"{SYNC}/records", json=bad)).status_code == 422, bad
    assert (await billing.get(f"{SYNC}/changes?since=-1")).status_code == 422


def _drop(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(text, "utf-8")
    old = machine_s() - 60
    os.utime(path, (old, old))


async def test_files_of_the_drop_folder(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    record = told("B-1", 1, parent="FL00001", fields=CONTRACT)
    _drop(folder, "billing.1.json", json.dumps({"records": [record, {"entity": "flat"}]}))
    _drop(folder, "billing.2.csv", "entity,id,code,revision,changed,area_m2\n"
          "flat,F-2,FL00002,1,2026-01-05T10:00:00+08:00,72.5\n")  # fmt: skip
    _drop(folder, "billing.3.json", '{"records": [')
    _drop(folder, "No System.json", "[]")
    written = folder / "billing.4.json"
    written.write_text("[]")
    soon = machine_s() + 600
    os.utime(written, (soon, soon))  # somebody still writes to it
    (folder / "notes.txt").write_text("not for us")
    async with (
        town(tmp_path / "data", sync={"drop_folder": str(folder)}) as here,
        here.client("wu", Role.OPERATION_ENGINEER) as client,
    ):
        await here.platform.sync.run(60.0)
        assert (await contract(client))["attributes"]["area_m2"] == 88.5
        assert (await contract(client, "FL00002"))["attributes"]["area_m2"] == 72.5
        runs = (await client.get(f"{SYNC}/runs")).json()["items"]
        assert {run["way"] for run in runs} == {"drop"}
        assert sum(bool(run["error"]) for run in runs) == 2
    assert sorted(path.name for path in folder.glob("*.*")) == ["billing.4.json", "notes.txt"]
    done = {path.name.partition("-")[2] for path in (folder / "done").iterdir()}
    assert done == {"billing.1.json", "billing.1.json.report.json", "billing.2.csv",
                    "billing.2.csv.report.json"}  # fmt: skip
    report = json.loads(next((folder / "done").glob("*billing.1.json.report.json")).read_text())
    assert (report["applied"], report["refused"]) == (1, 1)
    failed = {path.name.partition("-")[2] for path in (folder / "failed").glob("*.json")}
    assert {"billing.3.json", "No System.json"} <= failed


async def test_a_system_that_is_asked_page_by_page(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret\n")
    with provider() as server:
        _pages(server)
        settings = {"pull_url": f"{server.url}/changes", "pull_token_file": str(secret)}
        async with (
            town(tmp_path / "data", sync=settings) as here,
            here.client("wu", Role.OPERATION_ENGINEER) as client,
        ):
            run = (await client.post(f"{SYNC}/pull/billing")).json()
            assert run["error"] == ""
            assert (await contract(client, "FL00002"))["attributes"]["area_m2"] == 61.0
            seen = [asked.query["since"] for asked in server.asked]
            assert seen[:2] == ["", "c1"]
            assert server.asked[0].headers["authorization"] == "Bearer s3cret"
            server.only("/changes", b"oops", 500)
            await here.platform.sync.run(1e9)
            state = (await client.get(f"{SYNC}/state")).json()
            billing = next(s for s in state["systems"] if s["system"] == "billing")
            assert "ill" in billing["last_error"]
            assert (billing["records"], billing["linked"]) == (2, 2)
            # Asked again it goes on where it was.
            server.only("/changes", {"records": [], "cursor": "c2", "more": False})
            await here.platform.sync.run(2e9)
            assert server.asked[-1].query["since"] == "c2"
            assert (await client.post(f"{SYNC}/pull/customer")).status_code == 404


def _pages(server: Provider) -> None:
    one = told("F-1", 1, "flat", code="FL00001", fields={"area_m2": 60.0})
    two = told("F-2", 1, "flat", code="FL00002", fields={"area_m2": 61.0})
    server.say("/changes", {"records": [one], "cursor": "c1", "more": True})
    server.say("/changes", {"records": [two], "cursor": "c2", "more": False})


async def test_two_batches_at_a_time_are_taken_one_after_the_other(
    here: Town, billing: httpx.AsyncClient
) -> None:
    batches = [
        told(f"B-{n}", 1, parent="FL00001", fields=CONTRACT | {"contract_no": f"{n}"})
        for n in range(5)
    ]
    runs = await asyncio.gather(*(push(billing, batch) for batch in batches))
    assert [run["applied"] for run in runs] == [1] * 5
    codes = {asset.code for asset in here.platform.world.ledger.of_kind("contract")}
    assert len(codes) == 5


def test_the_tests_own_checksum_is_the_programs() -> None:
    record = told("B-1", 1, fields=CONTRACT)
    incoming = Incoming(
        entity="contract", source_id="B-1", revision=1, changed_s=0.0, fields=CONTRACT
    )
    assert checksum_of(incoming) == record["checksum"]
