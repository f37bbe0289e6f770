"""Imports through the web: guess, import as a job, scope, what was refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
T1, T2 = "UN0001.secondary_supply_temperature", "UN0002.secondary_supply_temperature"
SLOT = int(START_S) - 86400
MAP = (
    '[time]\ncolumn = "time"\n[long]\ntag = "tag"\nvalue = "value"\n'
    '[[pattern]]\nmatch = "{u}.{k}"\ncode = "{u}.{k}"\n'
)


def text(rows: int = 100, codes: tuple[str, ...] = (T1, T2)) -> bytes:
    lines = [f"{SLOT + 30 * n},{code},{'x' if n == 5 else 40 + n % 20}"
             for n in range(rows) for code in codes]  # fmt: skip
    return ("time,tag,value\n" + "\n".join(lines) + "\n").encode()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        yield made


async def send(client: httpx.AsyncClient, data: bytes, mapping: str = MAP, **query: str) -> Any:
    files = {"file": ("old.csv", data), "map": ("map.toml", mapping.encode())}
    return await client.post(f"{API}/imports", files=files, params=query)


async def ended(client: httpx.AsyncClient, run: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            body: dict[str, Any] = (await client.get(f"{API}/imports/{run}")).json()
            if body["state"] != "running":
                return body
            await asyncio.sleep(0.02)


async def test_a_file_is_imported_as_a_job_and_its_run_can_be_followed(here: Town) -> None:
    async with here.client("zhao", Role.SYSTEM_ADMIN, Role.DISPATCHER) as client:
        begun = await send(client, text())
        assert begun.status_code == 202, begun.text
        run = await ended(client, begun.json()["id"])
        assert (run["state"], run["rows_in"], run["stored"], run["refused"]) == (
            "done",
            200,
            198,
            2,
        )
        assert run["reasons"][0]["reason"] == "not_a_number"
        assert {point["code"]: point["stored"] for point in run["points"]} == {T1: 99, T2: 99}
        stored = await here.platform.historian.raw([here.key(T1)], 0, 2**32 - 1)
        assert len(stored.keys) == 99
        refused = await client.get(f"{API}/imports/{run['id']}/refused")
        assert refused.text.count("not_a_number") == 2
        listed = (await client.get(f"{API}/imports")).json()
        assert [each["id"] for each in listed["items"]] == [run["id"]]
        # The same again stores nothing twice.
        again = await ended(client, (await send(client, text())).json()["id"])
        assert (again["stored"], again["repeated"]) == (0, 198)
        assert not list((here.folder / "imports").glob("*/source.*"))
    entries = here.platform.records.audit.list(user="zhao", action="", offset=0, limit=20)[1]
    assert {"import.start", "import.end", "import.refused_read"} <= {e.action for e in entries}


async def test_mistakes_are_told_before_anything_is_stored(here: Town) -> None:
    async with here.client("zhao", Role.SYSTEM_ADMIN) as client:
        bad = await send(client, text(), MAP.replace("time", "tiem", 1))
        assert bad.status_code == 422
        assert "tiem" in bad.text
        bad = await send(client, text(), MAP.replace('"value"', '"wert"'))
        assert "wert" in bad.json()["error"]["thing"]
        only = await client.post(f"{API}/imports", files={"file": ("a.csv", text())})
        assert only.json()["error"]["place"] == "body"
        kind = await client.post(f"{API}/imports", files={"file": ("a.exe", b"x"),
                                                          "map": ("m", MAP.encode())})  # fmt: skip
        assert kind.status_code == 422
        dry = await ended(client, (await send(client, text(), dry_run="true")).json()["id"])
        assert (dry["stored"], dry["dry_run"]) == (198, True)
        assert not len((await here.platform.historian.raw([here.key(T1)], 0, 2**32 - 1)).keys)
    async with here.client("wang", Role.DISPATCHER) as client:
        assert (await send(client, text())).status_code == 403


async def test_points_outside_the_scope_do_not_exist(here: Town) -> None:
    async with here.client("li", Role.SYSTEM_ADMIN, scope="CO01/BR02") as client:
        run = await ended(client, (await send(client, text())).json()["id"])
        assert {point["code"] for point in run["points"]} == {T2}
        assert {each["reason"]: each["count"] for each in run["reasons"]} == {
            "no_point": 100, "not_a_number": 1,
        }  # fmt: skip


async def test_an_unknown_file_is_looked_at(here: Town) -> None:
    async with here.client("zhao", Role.SYSTEM_ADMIN) as client:
        table = "时间,二次供水温度(℃)\n" + "".join(
            f"2024-01-05 08:{n:02d},{50 + n % 5}.5\n" for n in range(60)
        )
        files = {"file": ("feed.csv", table.encode("gbk"))}
        found = (await client.post(f"{API}/imports/guess", files=files)).json()
        assert (found["time_column"], found["encoding"]) == ("时间", "gb18030")
        assert found["columns"][1]["kinds"] == ["secondary_supply_temperature"]
        assert found["questions_zh"]
        assert not list((here.folder / "imports" / "guess").iterdir())
        bad = await client.post(f"{API}/imports/guess", files={"file": ("a.csv", b"\xff\xfe\x00")})
        assert bad.status_code == 422
