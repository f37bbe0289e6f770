"""The savings ledger in operation: days told at night, judged, chained, shown, switched back."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import update

from heatloop.app import savings_tuned_run as tuned_room
from heatloop.app.schedule import Job, Schedule
from heatloop.control.curve_strategy import PUMP, SUPPLY
from heatloop.control.tuned_curve import AS_DELIVERED, NAMES
from heatloop.kernel.messages import Command
from heatloop.kpi.savings_plan import switches_back
from heatloop.security.access import Role
from heatloop.station.curve import CurveDesign, supply_c
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import HOUR_S, Origin, RollupColumns
from heatloop.store.records.savings_baselines import BaselineRow
from heatloop.store.records.savings_schema import savings_baseline, savings_day, savings_entry
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
UNIT = "UN0001"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    add = Schedule.add

    def without_savings(schedule: Schedule, job: Job) -> None:
        if job.name not in ("savings", "tuned_curves"):
            add(schedule, job)

    # Nights come when a test calls them, not when the clock is moved.
    monkeypatch.setattr(Schedule, "add", without_savings)
    engine = MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))
    async with town(tmp_path, engine=engine) as made:
        made.engine = engine  # type: ignore[attr-defined]
        yield made


def windows(key: int, start_s: int, values: list[float]) -> RollupColumns:
    n = len(values)
    ones, none = np.full(n, 12, np.uint32), np.zeros(n, np.uint32)
    mean = np.array(values)
    return RollupColumns(
        keys=np.full(n, key, np.uint32),
        slots=(start_s + HOUR_S * np.arange(n)).astype(np.uint32),
        count=ones,
        low=mean,
        mean=mean,
        high=mean,
        integral=mean,
        last=mean,
        good_count=ones,
        uncertain_count=none,
        bad_count=none,
        stale_count=none,
        estimated_count=none,
        origin=np.full(n, Origin.SIMULATED, np.uint8),
    )


def fill_day(here: Town, day: int, heat_kw: float, outdoor_c: float, room_c: float) -> None:
    world, savings = here.platform.world, here.platform.savings
    engine = here.engine  # type: ignore[attr-defined]
    start_s = savings.days.start_s(day)
    unit, _ = world.layout.units[UNIT]
    keys = {unit.keys["secondary_heat_power"]: heat_kw}
    keys[world.layout.weather[0].keys["outdoor_temperature"]] = outdoor_c
    for key in world.index.keys[world.layout.rooms_of[UNIT]].tolist():
        keys[key] = room_c
    for key, value in keys.items():
        engine.seed_rollup(HOUR_S, windows(key, start_s, [value] * 24))


def write_all_day(here: Town, day: int, reason: str) -> None:
    start_s = here.platform.savings.days.start_s(day)
    for k in range(48):
        here.platform.records.commands.insert(
            Command(
                id=f"{day}-{k}",
                point=f"{UNIT}.{SUPPLY}",
                value=50.0,
                mode="automatic",
                gateway="GW0001",
                issued=start_s + 1800.0 * k,
                expires=start_s + 1800.0 * k + 60.0,
                nonce="00",
                counter=k,
                key_id="k",
                signature="00",
            ),
            requested_by="curve",
            reason=reason,
        )


def curve_row(from_day: int, **other: Any) -> BaselineRow:
    """A tuned curve as the platform keeps it."""
    settings = dict(zip(NAMES, AS_DELIVERED.tolist(), strict=True)) | {"shift_k": 1.6}
    trial = {
        "target_c": 20.0, "supply_low_c": 25.0, "supply_high_c": 85.0, "area_m2": 18000.0,
        "spread_k": 0.8, "pump_kwh_d": 0.0, "feels_rooms": True,
    }  # fmt: skip
    row = BaselineRow(
        subject=UNIT,
        version=1,
        at=START_S,
        from_day=from_day,
        seen_from_day=from_day - 42,
        seen_until_day=from_day - 1,
        model_version=2,
        baseline="tuned",
        reason="",
        body={"settings": settings, "trial": trial, "standing": asdict(CurveDesign()),
              "figures": {"evaluations": 240, "standing_yuan_d": 400.0, "tuned_yuan_d": 390.0},
              "check": {"heat_ratio": 1.01}},
        digest="ab" * 32,
    )  # fmt: skip
    return replace(row, **other)


async def put_curve(here: Town, row: BaselineRow) -> None:
    """Put a curve into the ledger through its own door."""
    savings = here.platform.savings
    savings._ledger.add(START_S, "all", "baselines", {"rows": [row.told()]}, baselines=[row])
    await savings.baselines.load()


def told_days(here: Town, n: int, saved: float, gain_yuan: float | None = 0.0) -> None:
    """Put a season of days into the ledger through its own door."""
    savings = here.platform.savings
    today = savings.days.of(START_S)
    rng = np.random.default_rng(4)
    rows: list[dict[str, Any]] = []
    for day in range(today - n, today):
        outdoor = float(rng.normal(-6.0, 4.0))
        treated = day > today - n + 28 and not switches_back(UNIT, day)
        heat = (30.0 * (19.0 - outdoor) + rng.normal(0.0, 6.0)) * (1.0 - saved * treated)
        rows.append(
            {
                "subject": UNIT,
                "day": day,
                "mode": "strategy" if treated else "curve",
                "heat_kwh": float(heat),
                "power_kwh": 5.0,
                "cold_m2kh": 0.0,
                "outdoor_c": outdoor,
                "sun_kwh_m2": float(rng.uniform(0.5, 3.0)),
                "wind_ms": float(rng.uniform(1.0, 5.0)),
            }
        )
    known = {"baseline": 1, "gain_yuan": gain_yuan, "gain_kwh": 0.0, "sigma_yuan": 0.1}
    for first in range(0, n, 20):
        part = rows[first : first + 20]
        gains = [{"subject": UNIT, "day": row["day"], **known} for row in part]
        content: dict[str, Any] = {"day": first, "data": "", "rows": part}
        content["gains"] = gains = [] if gain_yuan is None else gains
        savings._ledger.add(START_S, "all", "days", content, days=part, gains=gains)


async def test_a_day_is_told_with_its_weather_cold_rooms_and_control(here: Town) -> None:
    savings = here.platform.savings
    day = savings.days.of(START_S) - 1
    fill_day(here, day, heat_kw=120.0, outdoor_c=-7.5, room_c=17.0)
    write_all_day(here, day, "heating_curve (changed)")
    await savings.run(START_S)
    row = dict(here.platform.records.savings.days(UNIT, day)[0])
    unit, station = here.platform.world.layout.units[UNIT]
    area = float(unit.asset.attributes.get("heated_area_m2") or 0.0)
    area = area or station.area_m2 / len(station.units)
    assert row["mode"] == "curve"
    assert row["heat_kwh"] == pytest.approx(2880.0)
    assert row["outdoor_c"] == pytest.approx(-7.5)
    assert row["cold_m2kh"] == pytest.approx(24.0 * area, rel=1e-6)
    assert area > 0.0
    entries = list(here.platform.records.savings.chain())
    assert [entry.kind for entry in entries] == ["days", "assessment"]
    assert entries[0].content["day"] == day
    assert len(entries[0].content["data"]) == 64
    await savings.run(START_S + 60.0)
    assert len(list(here.platform.records.savings.chain())) == 2
    assert savings.failure
    # Who wrote the set-point says what controlled the day; nobody's day counts for neither.
    for ahead, reason, mode in ((1, "follows the plan (changed)", "strategy"), (2, "", "other")):
        fill_day(here, day + ahead, heat_kw=100.0, outdoor_c=-3.0, room_c=20.0)
        if reason:
            write_all_day(here, day + ahead, reason)
        await savings.run(START_S + 86400.0 * ahead)
        (row,) = here.platform.records.savings.days(UNIT, day + ahead)
        assert row["mode"] == mode
        assert row["cold_m2kh"] == 0.0


async def test_people_see_the_verdict_the_days_and_the_chain(here: Town) -> None:
    told_days(here, 80, saved=0.06)
    await here.platform.savings.judge(START_S)
    async with here.client("wang", Role.DISPATCHER) as client:
        view = (await client.get(f"{API}/savings")).json()
        assert view["total"]["verdict"] == "saving"
        assert view["count"] == 1
        assert 4.0 < view["items"][0]["saving_pct"] < 8.0
        unit = (await client.get(f"{API}/savings/units/{UNIT}")).json()
        judged = [d for d in unit["days"] if d["saving_yuan"] is not None]
        assert len(unit["days"]) == 80
        assert judged[-1]["total_low_yuan"] > 0.0
        entries = (await client.get(f"{API}/savings/entries")).json()
        assert entries["items"][0]["kind"] == "assessment"
        assert entries["total"] == 5
        check = (await client.post(f"{API}/savings/verify")).json()
        assert check == {"whole": True, "entries": 5, "broken": None, "last": check["last"]}
        assert (await client.get(f"{API}/savings/units/SS0001")).status_code == 404
        # A figure changed behind the ledger's back is found, and where.
        first = here.platform.savings.days.of(START_S) - 80
        with here.platform.records.database.write() as connection:
            hit = savings_day.c.day == first + 9
            connection.execute(update(savings_day).where(hit).values(heat_kwh=1.0))
        check = (await client.post(f"{API}/savings/verify")).json()
        assert check["whole"] is False
        assert check["broken"] == 1
        with here.platform.records.database.write() as connection:
            hit = savings_entry.c.number == 3
            connection.execute(update(savings_entry).where(hit).values(content='{"day":1}'))
        check = (await client.post(f"{API}/savings/verify")).json()
        assert check["whole"] is False
        assert check["broken"] == 3


async def test_on_switch_back_days_the_strategy_is_silent(here: Town) -> None:
    platform, savings = here.platform, here.platform.savings
    day = savings.days.of(START_S)
    back = next(d for d in range(day, day + 60) if switches_back(UNIT, d))
    on = next(d for d in range(day, day + 60) if not switches_back(UNIT, d))
    for which, stands_back in ((back, True), (on, False)):
        here.clock.advance(savings.days.start_s(which) + 7200.0 - platform.world.now_s())
        assert platform.strategy.stands_back(UNIT) is stands_back


async def test_a_curve_that_was_refused_or_never_tuned_proves_no_saving(here: Town) -> None:
    savings = here.platform.savings
    # Six percent by any reckoning, but nobody knows what the tuned curve would have cost.
    told_days(here, 80, saved=0.06, gain_yuan=None)
    await savings.judge(START_S)
    async with here.client("wang", Role.DISPATCHER) as client:
        for reason, total in (("", 5), ("supply_at_limit", 7)):
            if reason:
                today = savings.days.of(START_S)
                await put_curve(here, curve_row(today, baseline="refused", reason=reason))
                await savings.judge(START_S)
            view = (await client.get(f"{API}/savings")).json()
            figure = view["items"][0]
            assert figure["against"] == view["total"]["against"] == "standing"
            assert figure["verdict"] == view["total"]["verdict"] == "not_proven"
            assert figure["low_yuan"] > 0.0
            assert figure["baseline"] == "refused"
            assert figure["reason"] == (reason or figure["reason"]) != ""
            entries = (await client.get(f"{API}/savings/entries")).json()
            assert entries["total"] == total
        body = {"version": 1, "approve": True}
        refused = await client.post(f"{API}/savings/units/{UNIT}/curve", json=body)
        assert refused.status_code == 422


async def test_what_the_tuned_curve_saves_by_itself_is_no_saving_of_the_strategy(
    here: Town,
) -> None:
    told_days(here, 80, saved=0.06, gain_yuan=3.0)
    _, found = here.platform.savings.assessed(UNIT, here.platform.savings.days.of(START_S))
    told = sum(row.saving_yuan for row in found.days)
    assert found.tuning_yuan == pytest.approx(3.0 * len(found.days))
    standing = sum(row.saving_yuan + row.tuning_yuan for row in found.days)
    assert told == pytest.approx(standing - found.tuning_yuan)
    assert found.against == "tuned"
    async with here.client("wang", Role.DISPATCHER) as client:
        text = (await client.get(f"{API}/savings/export")).text
    rows = list(csv.DictReader(text.splitlines()))
    judged = [row for row in rows if row["saving_yuan"]]
    assert len(judged) == len(found.days)
    assert {(row["against"], row["curve"], row["tuning_yuan"]) for row in judged} == {
        ("tuned", "1", "3.0")
    }


async def test_a_curve_is_approved_runs_on_switch_back_days_and_stands_in_the_chain(
    here: Town,
) -> None:
    platform, savings = here.platform, here.platform.savings
    day = savings.days.of(START_S)
    row = curve_row(day)
    row.body["settings"]["flow_ratio"] = 0.8
    await put_curve(here, row)
    world, run = platform.world, platform.tuned_run
    present = {PUMP: 45.0}
    back = next(d for d in range(day, day + 60) if switches_back(UNIT, d))
    on = next(d for d in range(back, back + 60) if not switches_back(UNIT, d))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuned_room, "outdoor_c", lambda world: -5.0)
        patch.setattr(tuned_room, "value", lambda world, node, kind: present.get(kind))
        here.clock.advance(savings.days.start_s(back) + 7200.0 - world.now_s())
        assert run.proposals() == []
        async with here.client("wang", Role.DISPATCHER) as client:
            url, body = f"{API}/savings/units/{UNIT}/curve", {"version": 1, "approve": True}
            other = await client.post(url, json=body | {"version": 2})
            assert other.status_code == 404, other.text
            unit = (await client.post(url, json=body | {"note": "checked"})).json()
            assert unit["switch_back_curve"] == "tuned"
            assert unit["curves"][0]["decided_by"] == "wang"
            assert unit["curves"][0]["settings"]["shift_k"] == 1.6
            # Its pump is moved only where the platform writes at all: else the standing one runs.
            assert run.proposals() == []
            world.stages[UNIT] = "automatic"
            told = {each.point: each for each in run.proposals()}
            asked = supply_c(CurveDesign(), -5.0, 1.6, 0.8)
            assert told[f"{UNIT}.{SUPPLY}"].value == pytest.approx(asked)
            assert told[f"{UNIT}.{SUPPLY}"].reason == "tuned_curve"
            assert told[f"{UNIT}.{PUMP}"].value == pytest.approx(36.0)
            assert {each.point for each in platform.curve.others()} >= set(told)
            await run.keep(world.now_s())
            # The stretch is over: the pump goes back to where it was, over a restart as well.
            present[PUMP] = 36.0
            here.clock.advance(86400.0 * (on - back))
            run.before_hz = {}
            await run.load()
            (over,) = run.proposals()
            assert (over.point, over.value) == (f"{UNIT}.{PUMP}", 45.0)
            present[PUMP] = 45.0
            assert run.proposals() == []
            check = (await client.post(f"{API}/savings/verify")).json()
            assert check["whole"], check
            with platform.records.database.write() as connection:
                connection.execute(update(savings_baseline).values(approval="withdrawn"))
            check = (await client.post(f"{API}/savings/verify")).json()
            assert not check["whole"]
        async with here.client("tom", Role.FIELD_TECHNICIAN) as tom:
            assert (await tom.post(url, json=body)).status_code == 403


async def test_writes_of_the_tuned_curve_make_a_day_on_it(here: Town) -> None:
    day = here.platform.savings.days.of(START_S) - 1
    fill_day(here, day, heat_kw=100.0, outdoor_c=-3.0, room_c=20.0)
    write_all_day(here, day, "tuned_curve ramped (changed)")
    await here.platform.savings.run(START_S)
    (row,) = here.platform.records.savings.days(UNIT, day)
    assert row["mode"] == "tuned"
