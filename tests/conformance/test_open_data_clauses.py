"""Clauses about meaning, recognition, places and open data, each proven on a running platform."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from heatloop.app.import_guess import guess_file
from heatloop.kernel.clock import utc
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.plant.semantics import point_tags, si_of
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
KIND = "secondary_supply_temperature"
SUPPLY = [f"UN0001.{KIND}", f"UN0002.{KIND}"]
SLOT = int(START_S) - 7200


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        slots = np.arange(SLOT, SLOT + 3600, 30).astype("u4")
        for n, code in enumerate(SUPPLY):
            keys = np.full(120, made.key(code), "u4")
            values = 50.0 + n + np.arange(120) / 100
            await made.platform.historian.append(Columns(keys, slots, values, np.zeros(120, "u1")))
        yield made


@pytest.fixture
async def client(here: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with here.client("wang", Role.MANAGER) as made:
        yield made


async def test_6_2_b_2_points_are_found_by_meaning_without_a_list(
    here: Town, client: httpx.AsyncClient
) -> None:
    """Every point has tags and an SI unit; the clause's own question gives the right points."""
    for name, kind in point_kinds().items():
        tags = point_tags()[name]
        assert all((tags.medium, tags.side, tags.quantity, tags.role, tags.stage)), name
        assert si_of(kind.unit).factor > 0.0
    by_hand = sorted(
        code for code in here.platform.world.ledger.points if code.endswith(f".{KIND}")
    )
    for asked in (
        {"q": "secondary supply temperature of all stations"},
        {"q": "所有热力站的二次供水温度"},
        {"medium": "water", "side": "supply", "quantity": "temperature", "stage": "secondary",
         "role": "measured"},
    ):  # fmt: skip
        body = (await client.get(f"{API}/points/query", params=asked)).json()
        assert sorted(item["code"] for item in body["items"]) == by_hand == SUPPLY
        assert {item["tags"]["si_unit"] for item in body["items"]} == {"K"}
    unknown = await client.get(f"{API}/points/query", params={"q": "二次 供水 温渡"})
    assert "温渡" in unknown.json()["error"]["message_zh"]


async def test_6_1_2_b_2_one_code_in_store_api_and_every_export(
    here: Town, client: httpx.AsyncClient
) -> None:
    """A point has one code from the store through the API to every kind of export."""
    ledger = here.platform.world.ledger
    stored = await here.platform.historian.raw([here.key(c) for c in SUPPLY], SLOT, SLOT + 3600)
    want = [
        (ledger.by_key[key].code, slot, value)
        for key, slot, value in zip(
            stored.keys.tolist(), stored.slots.tolist(), stored.values.tolist(), strict=True
        )
    ]
    assert len({point.code for point in ledger.points.values()}) == len(ledger.by_key)
    api = (await client.get(f"{API}/points", params={"kind": KIND})).json()["items"]
    assert {item["code"]: item["key"] for item in api} == {c: here.key(c) for c in SUPPLY}
    span = {"start": utc(SLOT).isoformat(), "end": utc(SLOT + 3600).isoformat(), "kind": KIND}
    tables = {}
    for name in ("arrow", "parquet", "csv"):
        body = (await client.get(f"{API}/bulk/samples", params={**span, "format": name})).content
        tables[name] = (
            pa.ipc.open_stream(body).read_all() if name == "arrow"
            else pq.read_table(io.BytesIO(body)) if name == "parquet"
            else pa_csv.read_csv(io.BytesIO(body))
        )  # fmt: skip
    for name, table in tables.items():
        rows = [(r["code"], int(r["time"].timestamp()), r["value"]) for r in table.to_pylist()]
        assert rows == want, name


def test_6_2_c_2_an_unknown_feed_is_recognised(tmp_path: Path) -> None:
    """Type, unit, time and kind of every column of a foreign CSV and JSON feed are told."""
    lines = ["采集时间,二次供水温度(℃),一次供水压力(MPa),累计热量(GJ),状态"]
    for n in range(300):
        code = -9999 if n % 50 == 7 else 45 + n % 9
        lines.append(f"2024/1/{1 + n // 24} {n % 24}:00,{code},{0.6 + n % 7 / 100:.2f},"
                     f"{1000 + 3 * n},{'正常' if n % 9 else '检修'}")  # fmt: skip
    path = tmp_path / "feed.csv"
    path.write_text("\n".join(lines), "gb18030")
    found = guess_file(path, zone="Asia/Shanghai")
    told = {c.name: (c.type, c.unit, c.kinds[:1], c.bad_codes, c.counter) for c in found.columns}
    assert found.time_column == "采集时间"
    assert told["二次供水温度(℃)"] == ("integer", "degC", [KIND], [-9999.0], False)
    assert told["一次供水压力(MPa)"][:3] == ("number", "MPa", ["primary_supply_pressure"])
    assert told["累计热量(GJ)"][4] is True
    assert told["状态"][0] == "category"
    json_path = tmp_path / "feed.json"
    rows = ",".join(f'{{"ts": {1_704_412_800 + 60 * n}, "t_sup_sec": {50 + n % 5}.5}}'
                    for n in range(60))  # fmt: skip
    json_path.write_text(f"[{rows}]")
    again = guess_file(json_path, zone="")
    assert (again.time_format, again.columns[1].kinds) == ("epoch_s", [KIND])


async def test_6_2_g_buckets_gaps_as_of_and_places(here: Town, client: httpx.AsyncClient) -> None:
    """Time buckets, gap filling, as-of join, points within a polygon, all through the API."""
    span = {"start": utc(SLOT).isoformat(), "end": utc(SLOT + 5400).isoformat()}
    ask = {**span, "points": SUPPLY[0], "step_s": "600"}
    bare = (await client.get(f"{API}/series/grid", params=ask)).json()["series"][0]
    means = [50.0 + np.mean(np.arange(20 * n, 20 * n + 20)) / 100 for n in range(6)]
    assert bare["value"][:6] == pytest.approx(means)
    assert bare["value"][6:] == [None] * 3
    held = {**ask, "fill": "previous", "max_gap_s": "1200"}
    series = (await client.get(f"{API}/series/grid", params=held)).json()["series"][0]
    assert series["filled"] == [False] * 6 + [True, True, False]
    assert series["value"][6:] == [pytest.approx(means[5])] * 2 + [None]
    asked = {**span, "left": SUPPLY[0], "right": SUPPLY[1], "tolerance_s": "30"}
    joined = (await client.get(f"{API}/series/as-of", params=asked)).json()
    assert joined["right"][0]["value"] == pytest.approx([51.0 + n / 100 for n in range(120)])
    for polygon, codes in (("125,43;126,43;126,45;125,45", SUPPLY), ("0,0;1,0;1,1", [])):
        body = (await client.get(f"{API}/points/query", params={"kind": KIND, "within": polygon})
                ).json()  # fmt: skip
        assert [item["code"] for item in body["items"]] == codes
