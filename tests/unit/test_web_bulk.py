"""Bulk data over a real platform: every format holds what the store holds, bounded and audited."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heatloop.app.queries.bulk import EXCEL_ROWS
from heatloop.app.queries.bulk_rows import blocks
from heatloop.app.refusals import Forbidden
from heatloop.kernel.clock import utc
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point
from heatloop.security.access import Principal, Role
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
SUPPLY, RETURN = "UN0001.secondary_supply_temperature", "UN0001.secondary_return_temperature"
OTHERS = "UN0002.secondary_supply_temperature"
SLOT = int(START_S) - 86400
SPAN = {"start": utc(SLOT - 10).isoformat(), "end": utc(SLOT + 90_000).isoformat()}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as made:
        slots = np.arange(SLOT, SLOT + 30 * 2000, 30).astype("u4")
        for code, base in ((SUPPLY, 50.0), (RETURN, 40.0), (OTHERS, 45.0)):
            values = base + 0.001 * np.arange(2000)
            quality = np.zeros(2000, "u1")
            values[7], quality[7], quality[9], quality[11] = np.nan, 2, 1, 2
            keys = np.full(2000, made.key(code), "u4")
            await made.platform.historian.append(Columns(keys, slots, values, quality))
        await made.platform.historian.refresh_rollups()
        yield made


def table_of(kind: str, body: bytes) -> list[tuple[str, int, float | None, str, str]]:
    """Return rows of (code, slot, value, quality, unit) of any format."""
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(body.decode())))
        return [(r["code"], seconds(r["time"]), float(r["value"]) if r["value"] else None,
                 r["quality"], r["unit"]) for r in rows]  # fmt: skip
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(body))["data"]
        cells = list(sheet.iter_rows(values_only=True))[1:]
        return [(str(r[0]), seconds(f"{str(r[1]).replace(' ', 'T')}Z"), r[2], str(r[3]), str(r[4]))
                for r in cells]  # fmt: skip
    made = (
        pa.ipc.open_stream(body).read_all()
        if kind == "arrow"
        else pq.read_table(pa.py_buffer(body))
    )
    return [(r["code"], int(r["time"].timestamp()), r["value"], r["quality"], r["unit"])
            for r in made.to_pylist()]  # fmt: skip


def seconds(text: str) -> int:
    return int(np.datetime64(text.rstrip("Z"), "s").astype("i8"))


async def test_every_format_holds_what_the_store_holds(here: Town) -> None:
    stored = await here.platform.historian.raw([here.key(SUPPLY)], SLOT, SLOT + 90_000)
    want = [
        (SUPPLY, slot, None if value != value else value, ("good", "uncertain", "bad")[quality],
         "degC")
        for slot, value, quality in zip(stored.slots.tolist(), stored.values.tolist(),
                                        stored.quality.tolist(), strict=True)
    ]  # fmt: skip
    assert len(want) == 2000
    async with here.client("wang", Role.MANAGER) as client:
        for kind in ("arrow", "parquet", "csv", "xlsx"):
            answer = await client.get(
                f"{API}/bulk/samples", params={**SPAN, "points": SUPPLY, "format": kind}
            )
            assert answer.status_code == 200, answer.text
            got = table_of(kind, answer.content)
            # A workbook keeps sixteen digits; all else is exact.
            assert [row[:2] + row[3:] for row in got] == [row[:2] + row[3:] for row in want], kind
            near = 1e-15 if kind == "xlsx" else 0.0
            for have, wish in zip(got, want, strict=True):
                assert have[2] == (None if wish[2] is None else pytest.approx(wish[2], rel=near))
            assert "attachment" in answer.headers["content-disposition"]
        packed = await client.get(f"{API}/bulk/samples",
                                  params={**SPAN, "points": SUPPLY, "compressed": "1"})  # fmt: skip
        assert table_of("arrow", packed.content) == want
        about = json.loads(pa.ipc.open_stream(packed.content).schema.metadata[b"heatloop"])
        assert about["kinds"]["secondary_supply_temperature"]["si_unit"] == "K"
        assert about["made_by"] == "wang"


async def test_points_are_chosen_by_meaning_and_every_export_is_audited(here: Town) -> None:
    async with here.client("wang", Role.MANAGER, Role.AUDIT_ADMIN) as client:
        body = {"choose": {"q": "所有热力站二次供水温度"}, "format": "parquet", **SPAN}
        answer = await client.post(f"{API}/bulk/samples", json=body)
        rows = table_of("parquet", answer.content)
        assert {row[0] for row in rows} == {SUPPLY, OTHERS}
        assert len(rows) == 4000
        plan = (
            await client.get(
                f"{API}/bulk/plan", params={**SPAN, "kind": "secondary_supply_temperature"}
            )
        ).json()
        assert plan["points"] == 2
        entries = (await client.get(f"{API}/audit", params={"size": "20"})).json()["items"]
    found = {each["action"]: each for each in entries}
    assert found["bulk.export"]["detail"]["points"] == 2
    assert found["bulk.exported"]["detail"]["rows"] == 4000
    assert "web.write" not in found


async def test_rollups_come_with_all_their_statistics(here: Town) -> None:
    async with here.client("wang", Role.MANAGER) as client:
        answer = await client.get(f"{API}/bulk/rollups",
                                  params={**SPAN, "points": SUPPLY, "step": "1h"})  # fmt: skip
        made = pa.ipc.open_stream(answer.content).read_all()
    want = await here.platform.historian.rollup([here.key(SUPPLY)], SLOT, SLOT + 90_000, 3600)
    for name in ("count", "low", "mean", "high", "last", "good_count"):
        assert made.column(name).to_pylist() == pytest.approx(getattr(want, name).tolist()), name
    assert set(made.column("origin").to_pylist()) == {"measured"}


async def test_a_branch_user_gets_his_branch_alone(here: Town) -> None:
    async with here.client("li", Role.MANAGER, scope="CO01/BR02") as client:
        wanted = {**SPAN, "quantity": "temperature", "stage": "secondary", "format": "csv"}
        answer = await client.get(f"{API}/bulk/samples", params=wanted)
        assert {row[0] for row in table_of("csv", answer.content)} == {OTHERS}
        hidden = await client.get(f"{API}/bulk/samples", params={**SPAN, "points": SUPPLY})
        assert hidden.status_code == 404


async def test_excel_and_ranges_are_bounded_and_the_guard_is_asked(here: Town) -> None:
    async def guard(by: Principal, points: Sequence[Point], what: str) -> dict[str, str]:
        if what == "csv":
            raise Forbidden("forbidden", thing=by.user)
        return {"level": "L2", "owner": "CO01"}

    here.platform.bulk.guard = guard
    async with here.client("wang", Role.MANAGER) as client:
        long = {"start": "2016-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
        big = await client.get(f"{API}/bulk/samples",
                               params={**long, "points": SUPPLY, "format": "xlsx"})  # fmt: skip
        assert (big.status_code, big.json()["error"]["code"]) == (413, "too_large")
        assert str(EXCEL_ROWS) in big.json()["error"]["message_en"]
        swapped = {"start": SPAN["end"], "end": SPAN["start"]}
        assert (await client.get(f"{API}/bulk/samples", params=swapped | {"points": SUPPLY}
                                 )).status_code == 422  # fmt: skip
        refused = await client.get(f"{API}/bulk/samples",
                                   params={**SPAN, "points": SUPPLY, "format": "csv"})  # fmt: skip
        assert refused.status_code == 403
        good = await client.get(f"{API}/bulk/samples", params={**SPAN, "points": SUPPLY})
        assert json.loads(good.headers["x-heatloop-labels"])["level"] == "L2"
        about = json.loads(pa.ipc.open_stream(good.content).schema.metadata[b"heatloop"])
        assert about["labels"] == {"level": "L2", "owner": "CO01"}


def test_readings_are_cut_so_that_none_is_large() -> None:
    points = [Point(code=f"UN{n:04d}.secondary_flow", key=n, asset=f"UN{n:04d}",
                    kind="secondary_flow") for n in range(1, 1001)]  # fmt: skip
    day = 1_800_057_600
    made = list(blocks(points, day + 100, day + 3 * 86400 + 5, 0, 400_000))
    for block in made:
        assert len(block.keys) * (block.end_s - block.start_s) / 30 <= 400_000 + 2880
    cells = {(key, block.start_s) for block in made for key in block.keys.tolist()}
    assert len(cells) == sum(len(block.keys) for block in made)
    assert {key for key, _ in cells} == set(range(1, 1001))
    spans = sorted({(block.start_s, block.end_s) for block in made})
    assert (spans[0][0], spans[-1][1]) == (day + 100, day + 3 * 86400 + 5)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    one = list(blocks(points[:1], 0, 100 * 86400, 0, 400_000))
    assert len(one) == 1


async def test_grid_and_as_of(here: Town) -> None:
    early = Columns(np.array([here.key(RETURN)], "u4"), np.array([SLOT + 30 * 2400], "u4"),
                    np.array([41.0]), np.zeros(1, "u1"))  # fmt: skip
    await here.platform.historian.append(early)
    async with here.client("wang", Role.MANAGER) as client:
        ask = {
            "points": RETURN,
            "start": utc(SLOT + 30 * 1980).isoformat(),
            "end": utc(SLOT + 30 * 2401).isoformat(),
            "step_s": "600",
            "statistic": "last",
        }
        none = (await client.get(f"{API}/series/grid", params=ask)).json()
        kept = (
            await client.get(
                f"{API}/series/grid", params={**ask, "fill": "previous", "max_gap_s": "3600"}
            )
        ).json()
        line = (
            await client.get(
                f"{API}/series/grid", params={**ask, "fill": "linear", "max_gap_s": "0"}
            )
        ).json()
        plain, held, linear = (each["series"][0] for each in (none, kept, line))
        assert plain["filled"] == [False] * len(plain["value"])
        assert plain["value"].count(None) == len(plain["value"]) - 2
        # Held for an hour behind the last, not longer; never marked as measured.
        assert sum(held["filled"]) == 6
        assert held["value"][1:7] == [held["value"][0]] * 6
        assert held["value"][7] is None
        assert all(made == (count == 0) for made, count in
                   zip(linear["filled"], linear["count"], strict=True))  # fmt: skip
        assert linear["value"] == sorted(linear["value"], reverse=linear["value"][0] > 41.0)

        join = {"left": SUPPLY, "right": f"{RETURN},{OTHERS}", "start": utc(SLOT).isoformat(),
                "end": utc(SLOT + 600).isoformat(), "tolerance_s": "60"}  # fmt: skip
        body = (await client.get(f"{API}/series/as-of", params=join)).json()
        assert len(body["at"]) == 20
        right = body["right"][0]
        assert right["value"][7] == right["value"][6]  # the bad sample is passed over
        assert right["age_s"][7] == 30
        assert body["value"][7] is None
        assert body["value"][11] is None  # a bad sample that has a number
        assert right["value"][11] == right["value"][10]
        assert body["truncated"] is False
        wide = {**ask, "step_s": "1", "end": utc(SLOT + 30 * 400_000).isoformat()}
        assert (await client.get(f"{API}/series/grid", params=wide)).status_code == 422
