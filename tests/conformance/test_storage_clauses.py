"""Clauses about the store: 6.1.2 e, 6.2 a, 6.2 b, 6.2 c, 6.2 f, 9.2.5."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest

from heatloop.app.settings import load_settings
from heatloop.app.storage import Storage
from heatloop.demo.city import City
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.series import Columns, concat
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Role
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.digest import RowDigest
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S
from heatloop.store.historian.windows import day_start
from tests.unit.app_town import START_S, town

ZONE = ZoneInfo("Asia/Shanghai")
WINTER_S = 1_766_246_400
TICK_S = 30
NOW = int(START_S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbFolder]:
    made = ChdbFolder(tmp_path_factory.mktemp("chdb"), key=b"k" * 32)
    yield made
    made.close()


class Winter:
    """A winter day of the demo city, as its meters show it, in an encrypted store."""

    def __init__(self, folder: ChdbFolder) -> None:
        city = City(1, "tiny", float(WINTER_S))
        memory = city.memory
        bindings = [*memory.measured, *memory.settings]
        keys = np.array([b.key for b in bindings], "u4")
        periods = np.array([b.period_s for b in bindings])
        self.fast = keys[periods == TICK_S]
        sweeps = []
        for tick in range(DAY_S // TICK_S):
            slot = WINTER_S + tick * TICK_S
            shown = np.concatenate(
                (memory.decoded(memory.raw_of(city.shown)), memory.setting_values())
            )
            due = np.flatnonzero(slot % periods == 0)
            slots = np.full(len(due), slot, "u4")
            sweeps.append(Columns(keys[due], slots, shown[due], np.zeros(len(due), "u1")))
            city.step(float(TICK_S))
        self.sent = concat(sweeps)
        self.store = ChdbHistorian(folder, zone=ZONE, database="winter")
        self.store.set_periods(keys, periods.astype("u4"))
        for at in range(0, len(sweeps), 120):
            self.store.append(concat(sweeps[at : at + 120]))
            self.store.refresh_rollups()


@pytest.fixture(scope="module")
def winter(folder: ChdbFolder) -> Winter:
    return Winter(folder)


def test_6_1_2_e_2_the_business_store_has_a_row_at_least_every_ten_minutes(
    winter: Winter, folder: ChdbFolder
) -> None:
    # By SQL on the business store itself: the longest step between rows of any fast point.
    found = folder.read(
        f"SELECT count(DISTINCT point) AS points, max(gap) AS longest, sum(counted) AS samples FROM"
        f" (SELECT point, arrayMax(arrayDifference(arraySort(groupArray(toInt64(toUInt32(ts))))))"
        f" AS gap, sum(count) AS counted FROM winter.rollup_10m FINAL"
        f" WHERE ts >= toDateTime({WINTER_S}, 'UTC') AND ts < toDateTime({WINTER_S + DAY_S}, 'UTC')"
        f" GROUP BY point) WHERE point IN ({', '.join(map(str, winter.fast.tolist()))})"
    )
    points, longest, samples = (column[0].as_py() for column in found.columns)
    assert points == len(winter.fast) > 100
    assert longest == TEN_MINUTES_S
    assert samples == len(winter.fast) * DAY_S // TICK_S
    edges = winter.store.rollup(winter.fast, WINTER_S, WINTER_S + DAY_S, TEN_MINUTES_S)
    assert len(edges) == len(winter.fast) * 144


def test_6_2_f_4_compression_is_five_to_one_and_lossless(winter: Winter) -> None:
    winter.store.compact()
    raw = [one for one in winter.store.partitions() if one.table == "raw"]
    rows, stored = sum(one.rows for one in raw), sum(one.stored_bytes for one in raw)
    assert rows == len(winter.sent.keys)
    # Received: key 4, slot 4, value 8, quality 1; stored: every column and index on disk.
    assert 17 * rows / stored >= 5.0
    order = np.lexsort((winter.sent.slots, winter.sent.keys))
    wanted = RowDigest()
    wanted.add(winter.sent.take(order))
    assert winter.store.day_digest(WINTER_S, WINTER_S + DAY_S) == wanted.digest()
    kept = winter.store.compare_kept()
    assert (kept.windows > 0, kept.changed) == (True, 0)


DECLARED_POINTS = 4000 * 60
RATED_PER_S = DECLARED_POINTS / TICK_S


def test_6_2_b_1_and_6_2_f_2_writes_are_sustained_at_the_declared_size(
    folder: ChdbFolder,
) -> None:
    store = ChdbHistorian(folder, zone=ZONE, database="declared")
    keys = np.arange(1, DECLARED_POINTS + 1, dtype="u4")
    random, spent, sweeps = np.random.default_rng(2), 0.0, 6
    for tick in range(sweeps):
        values = np.round(50 + random.standard_normal(DECLARED_POINTS), 1)
        slots = np.full(DECLARED_POINTS, WINTER_S + TICK_S * tick, "u4")
        sweep = Columns(keys, slots, values, np.zeros(DECLARED_POINTS, "u1"))
        began = time.perf_counter()
        store.append(sweep)
        spent += time.perf_counter() - began
    assert sweeps * DECLARED_POINTS / spent >= 1.5 * RATED_PER_S
    assert store.count(WINTER_S, WINTER_S + HOUR_S) == sweeps * DECLARED_POINTS
    # 6.2 c #2: the newest values come from a cache, of a station or of everything.
    took, most = [], []
    for at in range(0, DECLARED_POINTS, 2400):
        began = time.perf_counter()
        assert len(store.latest(keys[at : at + 60]).keys) == 60
        took.append(time.perf_counter() - began)
    for _ in range(20):
        began = time.perf_counter()
        assert len(store.latest().keys) == DECLARED_POINTS
        most.append(time.perf_counter() - began)
    assert np.percentile(took, 95) <= 0.05
    assert np.percentile(most, 95) <= 0.1


def test_6_2_c_2_cached_latest_values_are_read_within_50_ms(folder: ChdbFolder) -> None:
    store = ChdbHistorian(folder, zone=ZONE, database="cached")
    keys = np.arange(1, 5001, dtype="u4")
    zero = np.zeros(5000, "u1")
    for tick in range(3):
        store.append(Columns(keys, np.full(5000, WINTER_S + tick, "u4"), keys * 1.0, zero))
    took = []
    for _ in range(200):
        began = time.perf_counter()
        found = store.latest(keys[:60])
        took.append(time.perf_counter() - began)
    assert found.slots.tolist() == [WINTER_S + 2] * 60
    assert np.percentile(took, 95) <= 0.05
    # The cache is what is stored: a store opened anew knows the same.
    again = ChdbHistorian(folder, zone=ZONE, database="cached")
    assert again.latest(keys[:60]).values.tolist() == found.values.tolist()


POWER, TOTAL = "SS0001.primary_heat_power", "SS0001.primary_heat_total"


async def test_6_2_f_2_and_3_a_year_by_day_and_statistics_equal_a_reference(
    folder: ChdbFolder, tmp_path: Path
) -> None:
    engine = ChdbHistorian(folder, zone=ZONE, database="year")
    async with town(tmp_path, engine=engine) as here:  # type: ignore[arg-type]
        ledger = here.platform.world.ledger
        key = ledger.points[POWER].key
        engine.set_periods([key], [HOUR_S])
        start = day_start(date(2025, 10, 1), ZONE)
        slots = np.arange(start, start + 365 * DAY_S, HOUR_S, dtype="u4")
        values = np.round(800 + 300 * np.sin(slots / 3e6) + 50 * np.sin(slots / 9e3), 1)
        quality = np.where(np.arange(len(slots)) % 13 == 0, 2, 0).astype("u1")
        engine.append(Columns(np.full(len(slots), key, "u4"), slots, values, quality))
        engine.refresh_rollups()
        query = {
            "points": POWER,
            "start": datetime.fromtimestamp(start, UTC).isoformat(),
            "end": datetime.fromtimestamp(start + 365 * DAY_S, UTC).isoformat(),
        }
        async with here.client("wang", Role.DISPATCHER) as client:
            took = []
            for _ in range(20):
                began = time.perf_counter()
                reply = await client.get("/api/v1/trends", params=query | {"step": "1d"})
                took.append(time.perf_counter() - began)
                assert len(reply.json()["series"][0]["value"]) == 365
            assert np.percentile(took, 95) <= 2.0
            for step in ("hour", "day", "month", "season"):
                reply = await client.get(
                    "/api/v1/history/statistics", params=query | {"step": step}
                )
                assert reply.status_code == httpx.codes.OK
                compared(reply.json()["series"][0], slots, values, quality, step)


def compared(found, slots, values, quality, step) -> None:
    """Compare with statistics made of a plain dictionary of samples."""
    groups: dict[str, list[tuple[float, int]]] = {}
    for slot, value, code in zip(slots.tolist(), values.tolist(), quality.tolist(), strict=True):
        local = datetime.fromtimestamp(slot, UTC).astimezone(ZONE)
        name = {
            "hour": local.replace(minute=0).isoformat(timespec="minutes"),
            "day": local.date().isoformat(),
            "month": f"{local:%Y-%m}",
            "season": "2025/2026",
        }[step]
        if step == "season" and not date(2025, 11, 15) <= local.date() <= date(2026, 3, 15):
            continue
        groups.setdefault(name, []).append((value, code))
    assert found["name"] == list(groups)
    for at, samples in enumerate(groups.values()):
        used = [value for value, code in samples if code == 0]
        assert found["count"][at] == found["good"][at] == len(used)
        assert found["bad"][at] == len(samples) - len(used)
        if not used:
            assert found["mean"][at] is found["integral"][at] is None
            continue
        assert (found["low"][at], found["high"][at]) == (min(used), max(used))
        assert found["mean"][at] == pytest.approx(sum(used) / len(used))
        # One sample an hour stands for its hour: kW to kWh.
        assert found["integral"][at] == pytest.approx(sum(used))
        assert found["last"][at] == used[-1]


async def test_6_2_a_capacity_of_cpu_memory_and_disk_warns_below_20_percent(
    folder: ChdbFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ChdbHistorian(folder, zone=ZONE, database="capacity")
    async with town(tmp_path, engine=engine) as here:  # type: ignore[arg-type]
        keys = np.array(sorted(here.platform.world.ledger.by_key), "u4")
        slots = np.full(len(keys), NOW - 60, "u4")
        engine.append(Columns(keys, slots, keys * 1.0, np.zeros(len(keys), "u1")))
        storage = Storage.of(here.platform)
        usage = type("Usage", (), {"total": 1e12, "used": 5e11, "free": 5e11})
        monkeypatch.setattr("heatloop.app.storage_capacity.shutil.disk_usage", lambda _: usage)
        found = await storage.forecast()
        assert [one.name for one in found.resources] == ["cpu", "memory", "disk"]
        disk = found.resources[2]
        assert (disk.headroom_pct, disk.ok) == (50.0, True)
        assert found.bytes_a_day is not None
        assert found.days_until_full == pytest.approx(5e11 / found.bytes_a_day)
        usage.free = 1.9e11
        warned = await storage.forecast()
        assert not warned.ok
        assert (warned.days_until_warning, "磁盘" in warned.warning_zh) == (0.0, True)


async def test_9_2_5_2_less_than_three_years_is_refused_and_older_data_are_read(
    folder: ChdbFolder, tmp_path: Path
) -> None:
    for name in ("metering_days", "process_days", "event_days", "rollup_days"):
        with pytest.raises(ConfigError, match=r"9\.2\.5"):
            load_settings(tmp_path, overrides={"retention": {name: 1095}})
    engine = ChdbHistorian(folder, zone=ZONE, database="old")
    async with town(tmp_path, engine=engine) as here:  # type: ignore[arg-type]
        platform = here.platform
        async with asyncio.timeout(20):
            while "retention" not in platform.schedule.took_s:
                await asyncio.sleep(0.02)
        points = [platform.world.ledger.points[code] for code in (POWER, TOTAL)]
        assert [point_kinds()[p.kind].class_ for p in points] == ["process", "metering"]
        keys = np.array([p.key for p in points], "u4")
        meter = points[1].key

        def sample(years: float) -> int:
            slot = int(NOW - years * 365.25 * DAY_S) // 600 * 600
            engine.append(
                Columns(keys, np.full(2, slot, "u4"), np.full(2, years), np.zeros(2, "u1"))
            )
            return slot

        slots = {years: sample(years) for years in (2.9, 3.1, 5.0, 6.2)}
        engine.refresh_rollups()
        gone = await Storage.of(platform).expire("wang", "yearly")
        assert sum(one.removed or 0 for one in gone.expired if one.table == "raw") == 3
        left = {
            years: engine.raw(keys, slot, slot + 1).keys.tolist() for years, slot in slots.items()
        }
        # Process values three years and a season, meters six, ten-minute data for ever.
        both = sorted(keys.tolist())
        assert left == {2.9: both, 3.1: both, 5.0: [meter], 6.2: []}
        every = engine.rollup(keys, slots[6.2], slots[6.2] + 600, TEN_MINUTES_S)
        assert every.mean.tolist() == [6.2, 6.2]
        async with here.client("wang", Role.DISPATCHER) as client:
            query = {
                "points": POWER,
                "start": datetime.fromtimestamp(slots[3.1] - 60, UTC).isoformat(),
                "end": datetime.fromtimestamp(slots[3.1] + 60, UTC).isoformat(),
                "step": "raw",
            }
            series = (await client.get("/api/v1/trends", params=query)).json()["series"]
            assert series[0]["value"] == [3.1]
