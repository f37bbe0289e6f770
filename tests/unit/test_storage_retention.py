"""Retention, capacity and statistics, without an engine on disk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest

from heatloop.app.platform import Platform
from heatloop.app.queries.statistics import Calendar, grouped
from heatloop.app.settings import load_settings
from heatloop.app.storage import Storage, policy_of
from heatloop.app.storage_capacity import capacity, growth
from heatloop.app.storage_settings import RetentionSettings
from heatloop.kernel.errors import ConfigError
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds
from heatloop.security.access import Role
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import DAY_S, HOUR_S, Partition
from heatloop.store.historian.windows import day_start
from heatloop.store.records.audit_rows import AuditQuery
from heatloop.store.retention import Policy, expired, partition_end_s
from tests.unit.app_town import START_S, town

ZONE = ZoneInfo("Asia/Shanghai")
NOW = int(START_S)
YEAR = 365 * DAY_S


def partition(table: str, name: int, rows: int = 10) -> Partition:
    return Partition(table, name, rows, 100, 1000)


POLICY = Policy(points={"metering": 2192, "process": 1277}, events=1096, rollups=0)


def test_months_go_when_every_class_in_them_has_expired() -> None:
    now = float(partition_end_s(202003) + 1278 * DAY_S)
    found = expired([partition("raw", 202003), partition("raw", 202004)], POLICY, now)
    assert [(one.partition.name, one.classes, one.whole) for one in found] == [
        (202003, ("process",), False)
    ]
    later = float(partition_end_s(202003) + 2193 * DAY_S)
    found = expired([partition("raw", 202003)], POLICY, later)
    assert [(one.classes, one.whole) for one in found] == [(("metering", "process"), True)]


def test_events_have_their_own_time_and_rollups_stay_for_ever() -> None:
    now = float(partition_end_s(202003) + 1097 * DAY_S)
    kept = [partition(t, 202003) for t in ("raw", "event", "rollup_10m")]
    kept += [partition("rollup_1d", 2019), partition("latest", 0), partition("event", 202004, 0)]
    assert [one.partition.table for one in expired(kept, POLICY, now)] == ["event"]
    short = replace(POLICY, rollups=1096)
    ends = partition_end_s(2019)
    assert not expired([partition("rollup_1d", 2019)], short, float(ends + 1096 * DAY_S))
    assert expired([partition("rollup_1d", 2019)], short, float(ends + 1097 * DAY_S))


def test_the_policy_knows_every_class_of_points_csv() -> None:
    policy = policy_of(RetentionSettings())
    assert set(policy.points) == {kind.class_ for kind in point_kinds().values()}
    assert policy.points["metering"] == 2192
    assert min(policy.points.values()) > 1096


@pytest.mark.parametrize("name", ["metering_days", "process_days", "event_days", "rollup_days"])
def test_less_than_three_years_is_refused_with_the_clause(tmp_path: Path, name: str) -> None:
    for days in (1, 1095):
        with pytest.raises(ConfigError, match=r"9\.2\.5"):
            load_settings(tmp_path, overrides={"retention": {name: days}})
    for days in (0, 1096, 9999):
        load_settings(tmp_path, overrides={"retention": {name: days}})


def test_growth_is_what_the_ledger_expects_at_what_rows_take() -> None:
    periods = np.array([30.0, 600.0, 1800.0])
    kept = [Partition("raw", 202611, 1000, 800, 0), Partition("rollup_10m", 202611, 10, 200, 0)]
    samples, windows = 2880 + 144 + 48, 144 + 144 + 48
    assert growth(kept, periods) == pytest.approx(samples * 0.8 + windows * 20)
    assert growth([], periods) is None


def test_capacity_warns_below_a_fifth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [Partition("raw", 202611, 1000, 1000, 0)]
    usage = type("Usage", (), {"total": 1000.0, "used": 700.0, "free": 300.0})
    monkeypatch.setattr("heatloop.app.storage_capacity.shutil.disk_usage", lambda _: usage)
    monkeypatch.setattr("heatloop.app.storage_capacity.os.getloadavg", lambda: (9.0, 9.0, 0.0))
    found = capacity(tmp_path, kept, np.array([86400.0]))
    assert [one.name for one in found.resources if one.name != "memory"] == ["cpu", "disk"]
    assert found.resources[-1].ok
    assert (found.days_until_full, found.days_until_warning) == (300.0, 100.0)
    usage.free = 150.0
    found = capacity(tmp_path, kept, np.array([86400.0]))
    assert not found.ok
    assert found.days_until_warning == 0.0
    assert "磁盘" in found.warning_zh
    assert "disk" in found.warning_en


def days(first: date, many: int) -> Columns:
    """Return a sample each hour of so many local days."""
    start = day_start(first, ZONE)
    slots = np.arange(start, start + many * DAY_S, HOUR_S, dtype="u4")
    values = np.round(20 + 5 * np.sin(slots / 1e5), 2)
    quality = (np.arange(len(slots)) % 11 == 0).astype("u1") * 3
    return Columns(np.full(len(slots), 1, "u4"), slots, values, quality)


def test_months_and_seasons_are_what_a_reference_makes_of_samples() -> None:
    store = MemoryHistorian(zone=ZONE)
    store.set_periods([1], [HOUR_S])
    samples = days(date(2025, 10, 20), 200)
    store.append(samples)
    store.refresh_rollups()
    rows = store.rollup([1], 0, 1 << 32, DAY_S)
    calendar = Calendar(ZONE, ((11, 15), (3, 15)))
    for step in ("month", "season"):
        found = grouped(rows, step, calendar)
        wanted: dict[date, list[tuple[float, int]]] = {}
        for slot, value, quality in zip(*(c.tolist() for c in samples[1:]), strict=True):
            day = datetime.fromtimestamp(slot, UTC).astimezone(ZONE).date()
            if step == "month":
                group = day.replace(day=1)
            elif date(2025, 11, 15) <= day <= date(2026, 3, 15):
                group = date(2025, 11, 15)
            else:
                continue
            wanted.setdefault(group, []).append((value, quality))
        assert found.slots.tolist() == [day_start(group, ZONE) for group in sorted(wanted)]
        for index, group in enumerate(sorted(wanted)):
            used = [value for value, quality in wanted[group] if quality != 3]
            assert int(found.count[index]) == len(used)
            assert int(found.stale_count[index]) == len(wanted[group]) - len(used)
            assert (found.low[index], found.high[index]) == (min(used), max(used))
            assert found.mean[index] == pytest.approx(sum(used) / len(used))
            assert found.integral[index] == pytest.approx(sum(used))  # one hour each
            assert found.last[index] == used[-1]


def test_a_range_is_widened_to_whole_months_and_seasons() -> None:
    calendar = Calendar(ZONE, ((11, 15), (3, 15)))
    inside = day_start(date(2026, 1, 10), ZONE)
    start, end = calendar.whole("season", inside, inside + DAY_S)
    assert (calendar.day(start), calendar.day(end)) == (date(2025, 11, 15), date(2026, 3, 16))
    start, end = calendar.whole("month", inside, inside + 30 * DAY_S)
    assert (calendar.day(start), calendar.day(end)) == (date(2026, 1, 1), date(2026, 3, 1))
    summer = day_start(date(2026, 7, 1), ZONE)
    assert calendar.whole("season", summer, summer + DAY_S) == (summer, summer + DAY_S)
    assert calendar.group(date(2026, 7, 1), "season") is None
    leap = Calendar(ZONE, ((10, 1), (12, 31)))
    assert leap.group(date(2026, 12, 31), "season") == date(2026, 10, 1)
    assert leap.name(day_start(date(2026, 10, 1), ZONE), "season") == "2026/2026"


def old(platform: Platform, kind: str, at_s: int) -> Columns:
    """Return ten samples of every point of a kind."""
    keys = [p.key for p in platform.world.ledger.points.values() if p.kind == kind]
    slots = np.tile(np.arange(at_s, at_s + 300, 30, dtype="u4"), len(keys))
    every = np.repeat(np.asarray(keys, "u4"), 10)
    return Columns(every, slots, every / 7.0, np.zeros(len(every), "u1"))


async def test_what_expired_goes_class_by_class_and_is_written_down(tmp_path: Path) -> None:
    engine = MemoryHistorian(zone=ZONE)
    async with town(tmp_path, engine=engine) as here:
        platform = here.platform
        await settled(platform, "retention")
        month = datetime.fromtimestamp(NOW - 4 * YEAR, UTC).replace(day=10)
        at_s = int(month.timestamp()) // 600 * 600
        meters = old(platform, "primary_heat_total", at_s)
        others = old(platform, "primary_heat_power", at_s)
        ancient = old(platform, "primary_heat_total", NOW - 8 * YEAR)
        for columns in (meters, others, ancient):
            engine.append(columns)
        # Keys of points that left the ledger are kept as long as anything is.
        engine.append(meters._replace(keys=np.full(len(meters.keys), 900_000, "u4")))
        storage = Storage.of(platform)
        plan = await storage.retention()
        assert plan.dry_run
        assert [(one.whole, one.removed) for one in plan.expired] == [(True, None), (False, None)]
        assert engine.count(0, 1 << 32) > 0
        gone = await storage.expire("wang", "test")
        assert [one.removed for one in gone.expired] == [len(ancient.keys), len(others.keys)]
        assert "metering" not in gone.expired[1].classes
        left = engine.raw([*meters.keys.tolist(), 900_000], 0, 1 << 32)
        assert len(left.keys) == len(meters.keys) + 10
        assert engine.raw(others.keys, 0, 1 << 32).keys.tolist() == []
        trail = await platform.audit.page(
            AuditQuery(user="wang", action="retention.removed"), 1, 10
        )
        assert [entry.detail["rows"] for entry in trail.items] == [
            len(others.keys),
            len(ancient.keys),
        ]
        # What was done is not done again.
        assert (await storage.expire("wang", "again")).expired == []


async def test_routes_show_and_only_system_administrators_remove(tmp_path: Path) -> None:
    engine = MemoryHistorian(zone=ZONE)
    async with town(tmp_path, engine=engine) as here:
        engine.append(old(here.platform, "primary_heat_power", NOW - 600))
        await here.platform.historian.refresh_rollups()
        async with here.client("wang", Role.DISPATCHER) as client:
            assert (await client.get("/api/v1/storage")).status_code == httpx.codes.FORBIDDEN
            reply = await client.post("/api/v1/storage/retention", json={"reason": "x"})
            assert reply.status_code == httpx.codes.FORBIDDEN
            points = "SS0001.primary_heat_power"
            query = {
                "points": points,
                "start": datetime.fromtimestamp(NOW - DAY_S, UTC).isoformat(),
                "end": datetime.fromtimestamp(NOW + 1, UTC).isoformat(),
            }
            for step in ("hour", "day", "month"):
                body = (
                    await client.get("/api/v1/history/statistics", params=query | {"step": step})
                ).json()
                (series,) = body["series"]
                assert sum(series["count"]) == 10
                assert (series["unit"], series["integral_unit"]) == ("kW", "kWh")
            bad = query | {"end": query["start"]}
            reply = await client.get("/api/v1/history/statistics", params=bad)
            assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        async with here.client("zhao", Role.SYSTEM_ADMIN) as client:
            kept = (await client.get("/api/v1/storage")).json()
            assert {table["table"] for table in kept["tables"]} == {
                "raw",
                "rollup_10m",
                "rollup_1h",
                "rollup_1d",
            }
            small = (await client.get("/api/v1/storage/compression?kinds=true")).json()
            assert small["lossless"]
            assert small["windows"] == 1
            assert {one["kind"] for one in small["kinds"] if one["samples"]} == {
                "primary_heat_power"
            }
            found = (await client.get("/api/v1/storage/forecast")).json()
            assert {one["name"] for one in found["resources"]} >= {"cpu", "disk"}
            assert found["days_until_full"] > 0
            plan = (await client.get("/api/v1/storage/retention")).json()
            assert plan["dry_run"]
            assert plan["expired"] == []
            reply = await client.post("/api/v1/storage/retention", json={"reason": "x"})
            assert reply.json()["dry_run"] is False


async def settled(platform: Platform, job: str) -> None:
    """Wait for a job's first run, so that it does not come between."""
    async with asyncio.timeout(20):
        while job not in platform.schedule.took_s:
            await asyncio.sleep(0.02)


async def test_the_rollup_job_tells_the_store_every_period(tmp_path: Path) -> None:
    engine = MemoryHistorian(zone=ZONE)
    async with town(tmp_path, engine=engine) as here:
        await settled(here.platform, "rollups")
        points = list(here.platform.world.ledger.points.values())
        wanted = [point_kinds()[point.kind].period_s for point in points]
        assert len(set(wanted)) > 1
        told = engine._periods.of(np.array([point.key for point in points], "u4"))
        assert told.tolist() == wanted


def test_a_season_runs_over_the_year() -> None:
    calendar = Calendar(ZONE, ((11, 15), (3, 15)))
    day, count = date(2025, 7, 1), 0
    while day < date(2026, 7, 1):
        count += calendar.group(day, "season") == date(2025, 11, 15)
        day += timedelta(days=1)
    assert count == (date(2026, 3, 15) - date(2025, 11, 15)).days + 1
