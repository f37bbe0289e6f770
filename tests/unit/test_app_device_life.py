"""Devices through the API: catalogue, delivery, papers, installation, waivers, rights, scopes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from heatloop.security.access import Role
from heatloop.store.files import MAX_BYTES, Files
from heatloop.store.tables import read_tables, write_tables
from tests.unit.app_town import Town, town
from tests.unit.device_town import (
    API,
    ENGINEER,
    PDF,
    PNG,
    bought,
    installed_controller,
    post,
    sent,
    upload,
)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


@pytest.fixture
async def client(here: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with here.client("wang", ENGINEER) as made:
        yield made


async def codes(client: httpx.AsyncClient, serial: str = "S1") -> list[str]:
    body = (await client.get(f"{API}/devices/items/{serial}")).json()
    return [item["item"] for item in body["open"] if not item["waived"]]


async def test_life_to_installed_with_every_write_audited(
    here: Town, client: httpx.AsyncClient
) -> None:
    await installed_controller(client)
    body = (await client.get(f"{API}/devices/items/S1")).json()
    assert body["device"]["state"] == "installed"
    assert body["next"] == "tested"
    assert await codes(client) == ["test.run"]
    page = (await client.get(f"{API}/devices?asset=SS0001")).json()
    assert (page["total"], page["states"]) == (1, {"installed": 1})
    actions = {row.action for row in here.platform.records.audit.list(limit=500)[1]}
    kinds = ("purchase", "add", "receipt", "arrival", "document", "evidence", "installation",
             "state", "file")  # fmt: skip
    assert {f"device.{kind}" for kind in kinds} <= actions


async def test_next_state_is_refused_with_what_holds_the_device_back(
    client: httpx.AsyncClient,
) -> None:
    await post(client, "/devices", {"serial": "S1", "model": "DDC-8U", "asset": "SS0001"})
    skipped = await client.post(f"{API}/devices/items/S1/state", json={"to": "installed"})
    assert skipped.json()["error"]["code"] == "device_state"
    refused = await client.post(f"{API}/devices/items/S1/state", json={"to": "arrived"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "device_open_items")
    assert "尚未到货登记" in refused.json()["error"]["message_zh"]
    await post(client, "/devices/items/S1/state", {"to": "retired"}, 200)


async def test_delivery_with_one_device_missing_blocks_all_of_it(
    client: httpx.AsyncClient,
) -> None:
    await bought(client, {"model": "EV-DN80", "count": 2, "accessories": "key"})
    told = await post(client, "/devices/purchases/PO1/receipts",
                      {"scanned": [{"serial": "V1", "model": "EV-DN80"}]})  # fmt: skip
    assert [m["kind"] for m in told["mismatches"]] == ["missing"]
    assert told["arrived"] == ["V1"]
    assert "arrival.mismatch" in await codes(client, "V1")
    scanned = [{"serial": f"V{n}", "model": "EV-DN80"} for n in (1, 2)]
    told = await post(client, "/devices/purchases/PO1/receipts", {"scanned": scanned})
    assert told["mismatches"] == []
    assert "arrival.mismatch" not in await codes(client, "V1")


async def test_waiver_needs_its_own_right_and_a_reason(
    here: Town, client: httpx.AsyncClient
) -> None:
    await post(client, "/devices", {"serial": "S1", "model": "DDC-8U", "asset": "SS0001"})
    ask = {"item": "documents.manual", "reason": "sent by mail, kept in the archive"}
    path = f"{API}/devices/items/S1/waivers"
    assert (await client.post(path, json=ask)).status_code == 403
    async with here.client("chief", Role.MANAGER) as chief:
        assert (await chief.post(path, json=ask | {"reason": ""})).status_code == 422
        # Nobody can waive what never happened, or what is not open.
        for item in ("test.run", "documents.nothing"):
            assert (await chief.post(path, json=ask | {"item": item})).status_code == 404
        assert (await chief.post(path, json=ask)).status_code == 201
        assert (await chief.post(f"{API}/devices", json={})).status_code == 403
    body = (await client.get(f"{API}/devices/items/S1")).json()
    waived = [i["item"] for i in body["open"] if i["waived"]]
    assert waived == ["documents.manual"]
    record = next(r for r in body["records"] if r["kind"] == "waiver")
    assert (record["by"], record["body"]["reason"]) == ("chief", ask["reason"])


async def test_devices_outside_the_scope_are_not_there(
    here: Town, client: httpx.AsyncClient
) -> None:
    await post(client, "/devices", {"serial": "S1", "model": "DDC-8U", "asset": "SS0001"})
    await post(client, "/devices", {"serial": "S2", "model": "DDC-8U", "asset": "SS0002"})
    await post(client, "/devices", {"serial": "S3", "model": "DDC-8U"})
    async with here.client("li", ENGINEER, scope="CO01/BR02") as other:
        page = (await other.get(f"{API}/devices")).json()
        assert [d["serial"] for d in page["items"]] == ["S2"]
        for serial in ("S1", "S3"):
            assert (await other.get(f"{API}/devices/items/{serial}")).status_code == 404
        forms: dict[str, dict[str, object]] = {
            "state": {"to": "retired"},
            "arrival": {"photo": "a" * 64, "undamaged": True},
            "documents": {"document": "manual", "file": "a" * 64},
            "installation": {},
            "failures": {"down_h": 1},
            "spot-checks": {"shown": 1, "reference": 1},
        }
        for path, form in forms.items():
            answer = await other.post(f"{API}/devices/items/S1/{path}", json=form)
            assert answer.status_code == 404, path
        new = {"serial": "S4", "model": "DDC-8U", "asset": "SS0001"}
        assert (await other.post(f"{API}/devices", json=new)).status_code == 404
        report = (await other.get(f"{API}/devices/report")).json()
        assert {c["subject"] for c in report["failing"]} <= {"S2"}


async def test_viewer_writes_nothing(here: Town) -> None:
    async with here.client("guest", Role.CUSTOMER_SERVICE) as guest:
        assert (await guest.get(f"{API}/devices/models")).status_code == 200
        writes = (
            ("POST", "/devices"), ("POST", "/devices/purchases/PO1/receipts"),
            ("POST", "/devices/items/S1/state"), ("POST", "/device-tests"),
            ("POST", "/season-checks"), ("POST", "/device-tests/abc/abort"),
            ("POST", "/device-tests/abc/confirm"), ("PUT", "/devices/limits"),
        )  # fmt: skip
        for method, path in writes:
            answer = await guest.request(method, f"{API}{path}", json={})
            assert answer.status_code == 403, path
        for method, path in (("POST", "/devices/files"), ("PUT", "/devices/purchases/P"),
                             ("POST", "/devices/models/import")):  # fmt: skip
            assert (await upload(guest, path, PNG, method)).status_code == 403, path


async def test_files_are_what_their_bytes_say(client: httpx.AsyncClient, tmp_path: Path) -> None:
    digest = await sent(client, PNG)
    answer = await client.get(f"{API}/devices/files/{digest}")
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert answer.headers["content-disposition"].startswith("attachment")
    for bad in (b"", b"<script>alert(1)</script>", b"MZ" + bytes(100)):
        refused = await upload(client, "/devices/files", bad)
        assert refused.status_code == 422, bad
    assert (await client.get(f"{API}/devices/files/{'0' * 64}")).status_code == 404
    assert (await client.get(f"{API}/devices/files/..%2f..%2fetc")).status_code in (404, 422)
    small = Files(tmp_path / "small", max_bytes=32)
    with pytest.raises(Exception, match="1 to 32 bytes"):
        small.put(PNG)
    assert MAX_BYTES == 20 * 1024 * 1024
    named, _ = Files(tmp_path / "f").put(PNG)
    (tmp_path / "f" / named[:2] / named).write_bytes(PDF)
    with pytest.raises(Exception, match="damaged"):
        Files(tmp_path / "f").get(named)


async def test_a_record_cannot_name_a_file_nobody_sent(client: httpx.AsyncClient) -> None:
    await post(client, "/devices", {"serial": "S1", "model": "DDC-8U", "asset": "SS0001"})
    form = {"document": "manual", "file": "a" * 64}
    answer = await client.post(f"{API}/devices/items/S1/documents", json=form)
    assert answer.status_code == 404


async def test_catalogue_goes_out_and_comes_back_and_names_bad_rows(
    client: httpx.AsyncClient,
) -> None:
    for kind in ("xlsx", "csv"):
        out = await client.get(f"{API}/devices/models/export?format={kind}")
        rows = read_tables(out.content)["device_model"]
        assert len(rows) >= 20
        back = await upload(client, "/devices/models/import", out.content)
        assert back.json() == {"models": len(rows), "changed": 0}
    before, rows[0]["accuracy"] = rows[0]["accuracy"], 0.9
    rows[1] |= {"device_class": "toaster"}
    rows[2] |= {"range_low": 5, "range_high": 1}
    rows[3] |= {"accuracy": "good"}
    bad = await upload(client, "/devices/models/import", write_tables({"device_model": rows}))
    assert [row["row"] for row in bad.json()["error"]["rows"]] == [3, 4, 5]
    models = (await client.get(f"{API}/devices/models")).json()
    held = next(m["model"] for m in models if m["model"]["code"] == rows[0]["code"])
    assert held["accuracy"] == before
    garbage = await upload(client, "/devices/models/import", b"nothing")
    assert garbage.json()["error"]["code"] == "ledger_file"


async def test_purchase_list_out_and_bad_lines(client: httpx.AsyncClient) -> None:
    await bought(client, {"model": "EV-DN80", "count": 2, "accessories": "key|cable"})
    out = await client.get(f"{API}/devices/purchases/PO1/export?format=csv")
    assert read_tables(out.content)["purchase"][0]["accessories"] == "key|cable"
    for count in (0, 1.5, "many", None, 1e12):
        rows = [{"model": "EV-DN80", "count": count}]
        data = write_tables({"purchase": rows})
        answer = await upload(client, "/devices/purchases/PO2", data, "PUT")
        assert answer.status_code == 422, count
    unknown = write_tables({"purchase": [{"model": "NONE", "count": 1}]})
    assert (await upload(client, "/devices/purchases/PO2", unknown, "PUT")).status_code == 404


async def test_own_limits_may_be_stricter_never_weaker(client: httpx.AsyncClient) -> None:
    await post(client, "/devices", {"serial": "R1", "model": "RT-LR-05", "asset": "RC0001"})

    async def accuracy() -> str:
        body = (await client.get(f"{API}/devices/items/R1")).json()
        return str(next(c["state"] for c in body["selection"] if c["rule"] == "room_accuracy"))

    assert await accuracy() == "pass"
    weak = await client.put(f"{API}/devices/limits", json={"room_accuracy_c": 0.6})
    assert weak.status_code == 422
    strict = {"room_accuracy_c": 0.4, "pressure_span_pct": [20, 60]}
    assert (await client.put(f"{API}/devices/limits", json=strict)).status_code == 200
    assert await accuracy() == "fail"


async def test_report_of_the_fleet(client: httpx.AsyncClient) -> None:
    for n, code in enumerate(("CP-18K", "CP-30K", "VFD-22")):
        await post(client, "/devices", {"serial": f"P{n}", "model": code, "asset": "UN0001"})
    await post(client, "/devices/items/P0/failures", {"down_h": 5})
    await post(client, "/devices/items/P0/spot-checks", {"shown": 20.0, "reference": 21.5})
    body = (await client.get(f"{API}/devices/report")).json()
    assert body["label"] == {"devices": 3, "best": 3, "unknown": 0, "share_pct": 100.0}
    assert {c["subject"] for c in body["radio"]} == {"LTE-M1", "LORA-470"}
    assert "spot_check" in {c["rule"] for c in body["failing"] if c["subject"] == "P0"}


async def test_bounds_of_bodies(client: httpx.AsyncClient) -> None:
    await post(client, "/devices", {"serial": "S1", "model": "DDC-8U", "asset": "SS0001"})
    path = f"{API}/devices/items/S1/installation"
    for wrong in ({"height_m": 1e9}, {"height_m": "NaN"}, {"photos": ["x"]}, {"nothing": 1},
                  {"dn_mm": 0}, {"location": "x" * 401}):  # fmt: skip
        assert (await client.post(path, json=wrong)).status_code == 422, wrong
    for wrong in ({"serial": "a b"}, {"serial": "S" * 61}, {"serial": "S9", "model": "x/y"}):
        answer = await client.post(f"{API}/devices", json={"model": "DDC-8U"} | wrong)
        assert answer.status_code == 422, wrong
    again = await client.post(f"{API}/devices", json={"serial": "S1", "model": "DDC-8U"})
    assert again.json()["error"]["code"] == "device_exists"
