"""The queue of abnormal data: found by itself, handled by people, raw values kept."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.app.history import ThreadedHistorian
from heatloop.app.quality_completeness import completeness
from heatloop.app.quality_tables import values_at
from heatloop.app.quality_twin import node_of, twin_findings
from heatloop.app.quality_watch import RULE_OF, QualityWatch
from heatloop.ingest.batch.model import Rule, Table
from heatloop.ingest.batch.profiles import series_of
from heatloop.ingest.flag_book import FlagSpan
from heatloop.ingest.reasons import Flag
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.security.access import Role
from heatloop.store.historian.memory import MemoryHistorian
from tests.unit.app_town import START_S, Town, town

SUPPLY = "UN0001.secondary_supply_temperature"
OTHER = "UN0002.secondary_supply_temperature"
API = "/api/v1/quality"
ALL = Scope(frozenset([""]))


class Revising(ThreadedHistorian):
    """As the historian process: it takes revisions too."""

    def __init__(self, engine: MemoryHistorian) -> None:
        super().__init__(engine)
        self.revised: list[tuple[Columns, str, str]] = []

    async def revise(self, columns: Columns, *, method: str, who: str) -> None:
        self.revised.append((columns, method, who))
        await asyncio.to_thread(self.engine.revise, columns, method=method, who=who)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.setattr("tests.unit.app_town.ThreadedHistorian", Revising)
    async with town(tmp_path / "town") as made:
        yield made


def unit_day(here: Town, unit: str, *, hours: float = 30.0, period_s: int = 30, seed: int = 1):
    """Store a calm day of a unit's temperatures, pressures and power; return the slots."""
    n = int(hours * 3600 / period_s)
    slots = (START_S - period_s * np.arange(n, 0, -1)).astype("u4")
    rng = np.random.default_rng(seed)
    wave = 3 * np.sin(np.arange(n) * period_s * 2 * np.pi / 86400)
    levels = {
        "secondary_supply_temperature": 48 + wave, "secondary_return_temperature": 39 + 0.6 * wave,
        "primary_supply_temperature": 92 + 2 * wave, "primary_return_temperature": 45 + 0.7 * wave,
        "secondary_supply_pressure": 520 + 0 * wave, "secondary_return_pressure": 330 + 0 * wave,
    }  # fmt: skip
    for kind, level in levels.items():
        key = here.key(f"{unit if kind.startswith('sec') else unit.replace('UN', 'SS')}.{kind}")
        values = np.round(level + rng.normal(0, 0.1, n), 1)
        rows = Columns(np.full(n, key, "u4"), slots, values, np.zeros(n, "u1"))
        here.platform.historian.engine.append(rows)
    return slots


async def spiked(here: Town) -> str:
    """Send a spike through the intake; return the id of the case it makes."""
    gateway = await here.enrol()
    await gateway.connect()
    start = int(START_S) - 6000
    rows = [(SUPPLY, start + 30 * i, 48.0 + 0.1 * (i % 3)) for i in range(60)]
    rows[50] = (SUPPLY, start + 30 * 50, 60.0)
    for row in rows:
        through = await gateway.samples(row)
    await gateway.acknowledged(through)
    await QualityWatch(here.platform).take_flags(START_S)
    _, cases = here.platform.records.quality.list()
    assert [case.rule for case in cases] == ["rate"]
    return cases[0].id


async def test_what_is_flagged_at_the_entrance_is_in_the_queue(here: Town):
    case_id = await spiked(here)
    await QualityWatch(here.platform).take_flags(START_S + 60)
    async with here.client("ann", Role.MANAGER) as client:
        page = (await client.get(f"{API}/cases")).json()
        assert page["total"] == 1
        case = page["items"][0]
        assert (case["id"], case["point"], case["samples"]) == (case_id, SUPPLY, 1)
        assert case["value"] == 60.0
        assert case["rule_zh"] == "变化过快"
        assert case["text_zh"] != case["text_en"]
        assert case["state"] == "open"
        one = await client.get(f"{API}/cases/{case_id}")
        assert one.json() == case
        assert (await client.get(f"{API}/cases?rule=frozen")).json()["total"] == 0
        assert (await client.get(f"{API}/cases?severity=4")).json()["total"] == 0
        assert (await client.get(f"{API}/cases?point={SUPPLY}")).json()["total"] == 1


def test_every_flag_has_a_rule():
    assert set(RULE_OF) == set(Flag) - {Flag.NONE}


async def test_a_case_is_handled_once_with_cause_reviewer_and_audit(here: Town):
    case_id = await spiked(here)
    here.clock.advance(7200)
    path = f"{API}/cases/{case_id}/handle"
    async with here.client("tom", Role.FIELD_TECHNICIAN, scope="") as client:
        body = {"cause": "sensor", "note": "换了传感器"}
        done = await client.post(path, json=body)
        assert done.status_code == 200, done.text
        case = done.json()
        assert (case["state"], case["cause"], case["reviewer"]) == ("handled", "sensor", "tom")
        assert case["correction"] == "none"
        assert case["note"] == "换了传感器"
        again = await client.post(path, json=body)
        assert again.status_code == 409
        assert again.json()["error"]["code"] == "case_handled"
        summary = (await client.get(f"{API}/summary")).json()
        assert (summary["open"], summary["handled"]) == (0, 1)
        assert summary["median_handling_h"] == pytest.approx(2.0, abs=0.05)
    _, entries = here.platform.records.audit.list(action="quality.handled")
    assert entries[0].user == "tom"
    assert entries[0].detail["cause"] == "sensor"


async def test_who_may_what(here: Town):
    case_id = await spiked(here)
    path = f"{API}/cases/{case_id}/handle"
    async with here.client("mona", Role.MANAGER) as client:
        assert (await client.post(path, json={"cause": "sensor"})).status_code == 403
    async with here.client("tom", Role.FIELD_TECHNICIAN) as client:
        body = {"cause": "sensor", "correction": "estimate"}
        assert (await client.post(path, json=body)).status_code == 403
        assert (await client.post(path, json={"cause": "magic"})).status_code == 422
        assert (await client.post(path, json={"cause": "other", "x": 1})).status_code == 422
    async with here.client("eva", Role.OPERATION_ENGINEER, scope="CO01/BR02") as client:
        assert (await client.get(f"{API}/cases")).json()["total"] == 0
        assert (await client.get(f"{API}/cases/{case_id}")).status_code == 404
        assert (await client.post(path, json={"cause": "sensor"})).status_code == 404
        assert (await client.get(f"{API}/summary")).json()["open"] == 0
    async with here.client() as client:
        assert (await client.get(f"{API}/cases")).status_code == 401
    assert here.platform.records.quality.get(case_id).state == "open"


async def test_an_estimate_is_laid_over_and_marked_with_method_and_name(here: Town):
    slots = unit_day(here, "UN0001")
    engine = here.platform.historian.engine
    key = here.key(SUPPLY)
    # An hour frozen; three samples of it were never stored.
    frozen = slots[1500:1620]
    rows = Columns(np.full(117, key, "u4"), np.delete(frozen, [5, 6, 7]), np.full(117, 51.3),
                   np.ones(117, "u1"))  # fmt: skip
    engine.append(rows)
    watch = QualityWatch(here.platform)
    span = FlagSpan(key, Flag.FROZEN, int(frozen[0]), int(frozen[-1]), 117, 51.3)
    await watch._put([watch._case_of(span, START_S)])
    before = engine.raw([key], int(slots[0]), int(START_S))
    _, cases = here.platform.records.quality.list()
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        body = {"cause": "sensor", "correction": "estimate"}
        done = await client.post(f"{API}/cases/{cases[0].id}/handle", json=body)
        assert done.status_code == 200, done.text
        assert done.json()["method"] == "sisters"
        assert done.json()["corrected"] == 120
    (made, method, who), = here.platform.historian.revised  # fmt: skip
    assert (method, who) == ("sisters", "eva")
    assert (made.quality == Quality.ESTIMATED).all()
    after = engine.raw([key], int(slots[0]), int(START_S))
    at = np.searchsorted(after.slots, frozen)
    n = slots.size
    truth = 48 + 3 * np.sin(np.arange(n) * 30 * 2 * np.pi / 86400)[1500:1620]
    assert np.abs(after.values[at] - truth).max() < 0.5
    assert (after.quality[at] == Quality.ESTIMATED).all()
    # What was measured is still there, below the revision.
    assert len(before.keys) == n
    assert engine._between(int(frozen[0]), int(frozen[-1]) + 1, revised=False).values[:5].size == 5


async def test_marked_bad_keeps_the_value(here: Town):
    case_id = await spiked(here)
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        body = {"cause": "other", "correction": "mark_bad"}
        done = await client.post(f"{API}/cases/{case_id}/handle", json=body)
        assert (done.status_code, done.json()["corrected"]) == (200, 1)
    rows = here.platform.historian.engine.raw([here.key(SUPPLY)], 0, int(START_S))
    marked = rows.take(rows.quality == Quality.BAD)
    assert marked.values.tolist() == [60.0]


async def test_what_lasts_is_found_in_retrospect_and_only_once(here: Town):
    slots = unit_day(here, "UN0002", hours=110, period_s=600)
    engine = here.platform.historian.engine
    key = here.key(OTHER)
    frozen = slots[-70:]
    engine.append(Columns(np.full(70, key, "u4"), frozen, np.full(70, 47.7), np.zeros(70, "u1")))
    engine.refresh_rollups()
    watch = QualityWatch(here.platform)
    for due in (START_S, START_S + 600):
        await watch.look_back(due)
        total, cases = here.platform.records.quality.list(point=OTHER)
        assert total == 1
        assert cases[0].rule == "frozen"
        assert cases[0].samples >= 60
        assert cases[0].start_s == pytest.approx(float(frozen[0]), abs=1300)
    assert here.platform.records.quality.list()[0] == total


def test_estimates_are_no_measurements_to_estimate_from():
    slots = np.array([0, 30, 60, 90, 120], "u4")
    quality = np.array([0, Quality.ESTIMATED, Quality.BAD, Quality.STALE, Quality.UNCERTAIN], "u1")
    columns = Columns(np.full(5, 7, "u4"), slots, np.arange(5.0), quality)
    found = values_at(columns, 7, np.array([0, 30, 60, 90, 120, 150], "u4"))
    assert np.flatnonzero(np.isfinite(found)).tolist() == [0, 4]


async def test_completeness_by_point_station_and_company(here: Town):
    zone = ZoneInfo("Asia/Shanghai")
    unit_day(here, "UN0001", hours=60)
    day = dt.datetime.fromtimestamp(START_S, zone).date() - dt.timedelta(days=1)
    made = await completeness(
        here.platform.world, here.platform.historian, ALL, day, "Asia/Shanghai"
    )
    first = next(place for place in made.places if place.asset == "SS0001")
    second = next(place for place in made.places if place.asset == "SS0002")
    assert first.stored == 6 * 2880
    assert second.stored == 0
    assert 0 < first.share_pct < 100
    assert first.worst_pct == 0.0
    assert made.stored == 6 * 2880
    assert made.expected == sum(place.expected for place in made.places)
    async with here.client("mona", Role.MANAGER, scope="CO01/BR02") as client:
        answer = (await client.get(f"{API}/completeness?date={day}")).json()
        assert "SS0001" not in [place["asset"] for place in answer["places"]]
        assert answer["required_pct"] == 98.0


async def test_the_jobs_are_in_the_schedule(here: Town):
    names = {job.name for job in here.platform.schedule._jobs}
    assert {"quality", "quality_flags"} <= names


async def test_a_station_is_compared_with_the_twin_at_its_node(here: Town):
    """The pipe's end is the node; its estimates are read as any point is."""
    engine = here.platform.historian.engine
    slots = unit_day(here, "UN0001", hours=24, period_s=600).astype("f8")
    kind = "primary_supply_temperature"
    truth = engine.raw([here.key(f"SS0001.{kind}")], 0, int(START_S)).values
    read = truth.copy()
    read[60:80] += 9.0
    engine.append(Columns(np.full(144, 9_000_001, "u4"), slots.astype("u4"), truth,
                          np.full(144, Quality.ESTIMATED, "u1")))  # fmt: skip
    engine.refresh_rollups()
    made = Table(times_s=slots, series=(series_of(f"SS0001.{kind}", kind, read),), place="SS0001")
    pipe = SimpleNamespace(attributes={"from_node": "PN0001", "to_node": "SS0001"})
    ledger = SimpleNamespace(
        assets={"PN0001": SimpleNamespace(kind="pipe_node")},
        of_kind=lambda kind: [pipe],
        points_of=lambda code: [SimpleNamespace(kind="twin_supply_temperature", key=9_000_001)],
    )
    world = SimpleNamespace(ledger=ledger)
    found = await twin_findings(world, here.platform.historian, made)
    assert [(each.rule, each.samples, each.point) for each in found] == [
        (Rule.TWIN, 20, f"SS0001.{kind}")
    ]
    assert found[0].start_s == slots[60]


async def test_a_station_without_a_pipe_has_no_node(here: Town):
    assert node_of(here.platform.world.ledger, "SS0001") is None


async def test_assets_are_judged_as_many_at_a_time_as_there_are_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path / "town", twin={"workers": 3}) as here:
        watch = QualityWatch(here.platform)
        now = most = 0
        judged: list[str] = []

        async def slow(code: str, due: int, peers: list[Table]) -> None:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            judged.append(code)
            if code == "SS0001":
                raise InputError("cannot be judged", thing=code)

        monkeypatch.setattr(watch, "_look_back_at", slow)
        await watch.look_back(START_S)
    assert most == 4
    assert sorted(judged) == ["HS0001", "SS0001", "SS0002", "UN0001", "UN0002", "WS0001"]
