"""Ledgers in force: export, import with all bad rows, keys that stay, new profiles."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest

from heatloop.app.ledger_admin import install_ledger, load_ledger
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, assets, devices, gateways, town

API = "/api/v1"
SUPPLY = "UN0001.secondary_supply_temperature"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


def changed(data: bytes, sheet: str, row: int, column: str, value: object) -> bytes:
    """Return a workbook with one cell changed."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    headings = [cell.value for cell in book[sheet][1]]
    book[sheet].cell(row, headings.index(column) + 1).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def test_exported_ledger_comes_back_with_the_same_keys(here: Town) -> None:
    before = dict(here.platform.world.ledger.keys)
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        for kind, name in (("xlsx", "ledger.xlsx"), ("csv", "ledger.zip")):
            answer = await client.get(f"{API}/ledger/export?format={kind}")
            assert answer.status_code == 200
            assert name in answer.headers["content-disposition"]
            files = {"file": (name, answer.content)}
            dry = await client.post(f"{API}/ledger/import?dry_run=true", files=files)
            assert dry.json()["dry_run"] is True, dry.text
            version = here.platform.world.ledger.version
            done = await client.post(f"{API}/ledger/import", files=files)
            assert done.json()["version"] == version + 1, done.text
            assert dict(here.platform.world.ledger.keys) == before
        assert zipfile.is_zipfile(io.BytesIO(answer.content))
    assert load_ledger(here.platform.records).version == 3
    assert here.platform.records.audit.list(action="ledger.import")[0] == 2
    assert here.platform.records.audit.list(action="ledger.export")[0] == 2


async def test_import_takes_effect_at_once(here: Town) -> None:
    gateway = await here.enrol()
    await gateway.connect()
    slot = int(START_S)
    await gateway.acknowledged(await gateway.samples((SUPPLY, slot, 50.0)))
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        data = (await client.get(f"{API}/ledger/export")).content
        data = changed(data, "substation", 2, "zh", "新名字")
        done = await client.post(f"{API}/ledger/import", files={"file": ("a.xlsx", data)})
        assert done.status_code == 200, done.text
        body = (await client.get(f"{API}/substations/SS0001")).json()
        assert body["asset"]["zh"] == "新名字"
        (latest,) = (await client.get(f"{API}/points/latest?codes={SUPPLY}")).json()
        assert latest["value"] == 50.0
    await gateway.until(lambda: gateway.of("profile"))
    await gateway.acknowledged(await gateway.samples((SUPPLY, slot + 30, 51.0)))


async def test_bad_rows_are_all_told_and_nothing_is_imported(here: Town) -> None:
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        data = (await client.get(f"{API}/ledger/export")).content
        data = changed(data, "unit", 2, "parent", "SS9999")
        data = changed(data, "substation", 3, "heated_area_m2", "much")
        answer = await client.post(f"{API}/ledger/import", files={"file": ("a.xlsx", data)})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "ledger_rows"
        places = {(row["sheet"], row["row"], row["column"]) for row in error["rows"]}
        assert {("unit", 2, "parent"), ("substation", 3, "heated_area_m2")} <= places
        assert all(row["message_zh"] and row["message_en"] and row["fix"] for row in error["rows"])
    assert here.platform.world.ledger.version == 1


@pytest.mark.parametrize("data", [b"", b"not a file", b"PK\x03\x04broken"])
async def test_what_is_no_table_is_refused(here: Town, data: bytes) -> None:
    async with here.client("chen", Role.OPERATION_ENGINEER) as client:
        answer = await client.post(f"{API}/ledger/import", files={"file": ("a.xlsx", data)})
        # What is not even the beginning of a workbook is refused at the door.
        code = "unsafe_upload" if data else "ledger_file"
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
        none = await client.post(f"{API}/ledger/import", files={"other": ("a.xlsx", data)})
        assert none.json()["error"]["code"] == "ledger_file"
        plain = await client.post(f"{API}/ledger/import", content=data)
        assert plain.status_code == 422


async def test_ledger_of_the_company_is_not_for_a_branch(here: Town) -> None:
    async with here.client("chen", Role.OPERATION_ENGINEER, scope="CO01/BR01") as client:
        assert (await client.get(f"{API}/ledger/export")).status_code == 403
        files = {"file": ("a.csv", b"x")}
        assert (await client.post(f"{API}/ledger/import", files=files)).status_code == 403


async def test_same_ledger_installed_again_keeps_its_version(here: Town) -> None:
    records = here.platform.records
    again = install_ledger(records, assets(), devices(), gateways())
    assert again.version == 1
    fewer = install_ledger(records, assets(), devices()[:-1], gateways())
    assert fewer.version == 2
    gone = set(here.platform.world.ledger.points) - set(fewer.points)
    back = install_ledger(records, assets(), devices(), gateways())
    assert {code: back.keys[code] for code in gone} == {
        code: here.platform.world.ledger.keys[code] for code in gone
    }
