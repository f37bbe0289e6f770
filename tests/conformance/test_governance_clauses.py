"""Governance: grades and tickets, ownership, traceable changes, coverage, periods, verification."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.routing import APIRoute

from heatloop.app.coverage import coverage
from heatloop.app.coverage_machines import HEADROOM_PCT, this_machine
from heatloop.app.governance import Governance
from heatloop.app.governance_permits import Permits
from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.verification import Verification
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.data_classes import (
    Grade,
    Level,
    clearances,
    data_classes,
    field_grades,
    may_read,
    point_grade,
)
from heatloop.proof import data_grading
from heatloop.security.access import Principal, Role
from heatloop.store.records.governance_actor import acting
from tests.unit.app_town import START_S, Town, town

API = "/api/v1"
ROOM = "RC0001.room_temperature"
SUPPLY = "SS0001.primary_supply_temperature"
DAY_S = 86400


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path / "town") as made:
        yield made


def who(name: str, *roles: Role, scope: str = "") -> Principal:
    return Principal(user=name, roles=frozenset(roles), scope=Scope.of([scope]))


def store(
    here: Town, point: str, slots: np.ndarray, values: Any, quality: Quality = Quality.GOOD
) -> None:
    n = len(slots)
    rows = Columns(
        np.full(n, here.key(point), "u4"),
        slots.astype("u4"),
        np.broadcast_to(np.asarray(values, "f8"), (n,)).copy(),
        np.full(n, quality, "u1"),
    )
    here.platform.historian.engine.append(rows)
    here.platform.world.latest.update(rows)


# 6.3 c: classes and levels, access by them, approval tickets


def test_6_3_c_every_field_has_a_class_a_level_and_an_owner() -> None:
    found = data_grading.check(data_grading.every_field(), field_grades())
    assert found.ungraded == ()
    assert found.stale == ()
    assert found.words == ()
    assert found.fields > 1500
    places = {place for place, _, _ in field_grades()}
    assert places == {"records", "historian", "ledger", "view"}
    assert all(grade.owner for grade in field_grades().values())


def test_6_3_c_a_field_nobody_graded_fails_the_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = ("records", "alarm", "made_up")
    every = [*data_grading.every_field(), new]
    found = data_grading.check(every, field_grades())
    assert found.ungraded == (new,)
    assert not found.ok
    monkeypatch.setattr(data_grading, "every_field", lambda: every)
    assert data_grading.main([]) == 1
    assert "not graded: records alarm.made_up" in capsys.readouterr().out
    # A grade of something that is gone is found as well.
    gone = {**field_grades(), new: Grade(class_name="system", level=Level.L2)}
    assert data_grading.check(every[:-1], gone).stale == (new,)


def test_6_3_c_what_is_proposed_is_what_the_table_takes() -> None:
    fields = [("records", "alarm", "made_up"), ("view", "Nothing", "phone"),
              ("view", "Nothing", "api_token")]  # fmt: skip
    assert list(data_grading.proposed_rows(fields)) == [
        "records,alarm,made_up,alarm_command,L2",
        "view,Nothing,phone,personal,L3",
        "view,Nothing,api_token,secret,L4",
    ]


def test_6_3_c_the_same_rule_says_who_may_read() -> None:
    assert may_read(["dispatcher"], "operating", Level.L2)
    assert not may_read(["dispatcher"], "household", Level.L3)
    assert may_read(["manager"], "household", Level.L3)
    assert not may_read(["heat_user"], "operating", Level.L2)
    # Being cleared for a level is not enough, nor is being a reader of the class.
    assert not may_read(["security_admin"], "operating", Level.L1)
    assert not may_read(["field_technician"], "work", Level.L3)
    assert not any(may_read([role], "secret", Level.L4) for role in clearances())
    assert point_grade("room_temperature", "room_collector").level is Level.L3
    assert point_grade("primary_supply_temperature", "substation").level is Level.L2
    assert point_grade("outdoor_temperature", "weather_station").level is Level.L1


async def test_6_3_c_export_of_l3_needs_a_ticket_from_another_person(here: Town) -> None:
    door = Governance.of(here.platform)
    room = here.keys[ROOM]
    eva = who("eva", Role.MANAGER)

    async def take(by: Principal = eva, purpose: str = "billing") -> Any:
        return await door.release(by, purpose=purpose, what="test", points=[room])

    with pytest.raises(Forbidden) as error:
        await take()
    assert error.value.code == "permit_needed"
    async with here.client("eva", Role.MANAGER) as client:
        wish = {"purpose": "billing", "classes": ["household"], "reason": "年度结算",
                "subject": "FL00001"}  # fmt: skip
        made = await client.post(f"{API}/governance/permits", json=wish)
        assert made.status_code == 201, made.text
        ticket = made.json()["id"]
        own = await client.post(f"{API}/governance/permits/{ticket}/decision",
                                json={"approve": True})  # fmt: skip
        assert own.status_code == 403
        ask = {"points": ROOM, "purpose": "billing"}
        verdict = (await client.get(f"{API}/governance/access", params=ask)).json()
        assert (verdict["allowed"], verdict["needs_permit"]) == (False, True)
    with pytest.raises(Forbidden):
        await take()
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:
        listed = (await client.get(f"{API}/governance/permits?state=requested")).json()
        assert [row["id"] for row in listed["items"]] == [ticket]
        path = f"{API}/governance/permits/{ticket}/decision"
        done = await client.post(path, json={"approve": True, "hours": 1.0, "note": "ok"})
        assert done.json()["state"] == "approved"
        assert (await client.post(path, json={"approve": False})).status_code == 409
    tag = await take()
    assert (tag.permit, tag.level, tag.classes) == (ticket, "L3", ("household",))
    assert tag.headers()["x-heatloop-owner"] == "customer_service"
    # For another purpose, by another person, or beyond its asset it does not hold.
    for by, purpose, points in (
        (eva, "customer_service", [room]),
        (who("tom", Role.MANAGER), "billing", [room]),
        (eva, "billing", [here.keys["RC0002.room_temperature"]]),
    ):
        with pytest.raises(Forbidden) as error:
            await door.release(by, purpose=purpose, what="test", points=points)
        assert error.value.code == "permit_needed"
    audit = here.platform.records.audit
    assert audit.list(action="data.export")[0] == 1
    assert audit.list(action="data.export_refused")[0] == 5
    (entry,) = audit.list(action="data.export")[1]
    assert entry.detail["permit"] == ticket
    assert audit.list(action="data.permit_approved")[1][0].user == "zhao"
    # What is not sensitive needs none.
    plain = await door.release(
        who("li", Role.DISPATCHER), purpose="operation", what="x", points=[here.keys[SUPPLY]]
    )
    assert (plain.permit, plain.level) == ("", "L2")


async def test_6_3_c_a_ticket_ends_with_its_time(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Governance.of(here.platform)
    eva, zhao = who("eva", Role.MANAGER), who("zhao", Role.SECURITY_ADMIN)
    permits = Permits(door, here.platform.records, here.platform.audit)
    made = await permits.request(
        eva, purpose="billing", classes=["household"], level="L3", subject="", reason="r"
    )
    await permits.decide(zhao, made.id, approve=True, hours=1.0, note="")
    await door.release(eva, purpose="billing", what="x", points=[here.keys[ROOM]])
    from heatloop.app import governance, governance_permits

    now = governance.machine_s()
    for module in (governance, governance_permits):
        monkeypatch.setattr(module, "machine_s", lambda: now + 3601.0)
    with pytest.raises(Forbidden):
        await door.release(eva, purpose="billing", what="x", points=[here.keys[ROOM]])
    page = await permits.page(eva, state="", page=1, size=10)
    assert (page.items[0].state, page.items[0].uses) == ("expired", 1)


async def test_6_3_c_nobody_decides_on_his_own_request(here: Town) -> None:
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:
        wish = {"purpose": "audit", "classes": ["personal"], "reason": "r"}
        ticket = (await client.post(f"{API}/governance/permits", json=wish)).json()["id"]
        path = f"{API}/governance/permits/{ticket}/decision"
        own = await client.post(path, json={"approve": True})
        assert (own.status_code, own.json()["error"]["code"]) == (403, "own_request")
    assert here.platform.records.governance.permit(ticket).state == "requested"


async def test_6_3_c_who_may_not_read_a_class_gets_no_ticket_for_it(here: Town) -> None:
    async with here.client("li", Role.DISPATCHER) as client:
        wish = {"purpose": "operation", "classes": ["household"], "reason": "r"}
        answer = await client.post(f"{API}/governance/permits", json=wish)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "data_not_yours")
        wish["classes"] = ["nothing"]
        assert (await client.post(f"{API}/governance/permits", json=wish)).status_code == 422


# 9.2.3: the data-asset register


async def test_9_2_3_the_register_names_owner_custodian_uses_consent_and_place(here: Town) -> None:
    async with here.client("li", Role.DISPATCHER) as client:
        items = (await client.get(f"{API}/governance/assets")).json()["items"]
    assert {item["code"] for item in items} == set(data_classes())
    assert all(item["owner"] and item["custodian"] and item["uses"] for item in items)
    by_code = {item["code"]: item for item in items}
    assert "historian: raw" in by_code["operating"]["locations"]
    assert by_code["personal"]["consent"] == "contract"
    assert "ledger: person (责任人员)" in by_code["personal"]["locations"]
    assert by_code["metering"]["retention_days"] >= 6 * 365
    assert min(i["retention_days"] for i in items if i["code"] in ("operating", "audit_trail")) >= (
        3 * 365
    )


async def test_9_2_3_a_use_that_is_not_permitted_is_denied_and_written_down(here: Town) -> None:
    door = Governance.of(here.platform)
    li, point = who("li", Role.DISPATCHER), here.keys[SUPPLY]
    await door.release(li, purpose="research", what="x", points=[point])
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:
        change = {"uses": ["operation", "maintenance"], "owner": "市供热集团", "note": "2026-11"}
        done = await client.patch(f"{API}/governance/assets/operating", json=change)
        assert done.status_code == 200, done.text
        assert (done.json()["owner"], done.json()["changed_by"]) == ("市供热集团", "zhao")
        short = await client.patch(
            f"{API}/governance/assets/operating", json={"retention_days": 1000}
        )
        assert short.json()["error"]["code"] == "retention_too_short"
        wrong = await client.patch(f"{API}/governance/assets/operating", json={"uses": ["fun"]})
        assert wrong.status_code == 422
    with pytest.raises(Forbidden) as error:
        await door.release(li, purpose="research", what="x", points=[point])
    assert error.value.code == "purpose_not_permitted"
    refused = here.platform.records.audit.list(action="data.export_refused")[1]
    assert (refused[0].user, refused[0].detail["purpose"]) == ("li", "research")
    tag = await door.release(li, purpose="operation", what="x", points=[point])
    assert tag.plain()["owner"] == "市供热集团"
    assert tag.headers()["x-heatloop-owner"].isascii()
    with pytest.raises(Refused):
        await door.release(li, purpose="fun", what="x", points=[point])
    told = here.platform.records.audit.list(action="data.asset")[1][0].detail
    assert "research" in told["before"]["uses"]
    assert told["after"]["uses"] == ["operation", "maintenance"]


async def test_9_2_3_without_consent_personal_data_stay(here: Town) -> None:
    async with here.client("zhao", Role.SECURITY_ADMIN) as client:
        await client.patch(f"{API}/governance/assets/household", json={"consent": "needed"})
    with pytest.raises(Forbidden) as error:
        await Governance.of(here.platform).release(
            who("eva", Role.MANAGER), purpose="billing", what="x", points=[here.keys[ROOM]]
        )
    assert error.value.code == "consent_missing"


# 9.2.2 #2: every change has actor, time, old and new


async def test_9_2_2_2_a_hundred_records_drawn_at_random_have_their_history(here: Town) -> None:
    with acting("ann"):
        for n in range(60):
            here.add_user(f"u{n}", Role.DISPATCHER)
    async with here.client("ann", Role.SECURITY_ADMIN) as client:
        for n in range(0, 60, 3):
            await client.patch(f"{API}/users/u{n}", json={"disabled": True})
    async with here.client("cai", Role.AUDIT_ADMIN) as client:
        check = (await client.get(f"{API}/history-check?records=100&seed=7")).json()
        assert (check["checked"], check["passed"], check["findings"]) == (100, 100, [])
        history = (await client.get(f"{API}/history-of/user_account/u3")).json()
        assert [c["user"] for c in history["changes"]] == ["ann", "ann"]
        assert history["complete"]
        assert "password_hash" in history["hidden"]
        made, disabled = history["changes"]
        assert (made["before"], made["operation"]) == (None, "insert")
        assert set(disabled["changed"]) == {"disabled", "disabled_reason", "changed_at"}
        # A change behind everybody's back is found.
        with here.platform.records.database.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER " + _trigger(here, "user_account", "update"))
            connection.exec_driver_sql("UPDATE user_account SET scope = 'X' WHERE name = 'u5'")
        check = (await client.get(f"{API}/history-check?records=1000")).json()
        assert [(f["table"], f["id"]) for f in check["findings"]] == [("user_account", "u5")]


def _trigger(here: Town, table: str, operation: str) -> str:
    with here.platform.records.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return next(
            name for (name,) in rows
            if name.startswith(f"journal_{table}_") and name.endswith(operation)
        )  # fmt: skip


async def test_9_2_2_2_a_row_of_the_ledger_has_all_its_versions(here: Town) -> None:
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        book = (await client.get(f"{API}/ledger/export?format=xlsx")).content
        done = await client.post(
            f"{API}/ledger/import", files={"file": ("l.xlsx", _renamed(book, "SS0001", "新名"))}
        )
        assert done.status_code == 200, done.text
    async with here.client("cai", Role.AUDIT_ADMIN) as client:
        path = f"{API}/history-of/ledger_row/substation|SS0001"
        history = (await client.get(path)).json()
        assert [(c["operation"], c["user"]) for c in history["changes"]] == [
            ("insert", "system"),
            ("update", "eva"),
        ]
        assert history["changes"][1]["changed"] == ["zh"]
        assert history["changes"][1]["before"]["zh"] == "名SS0001"
        assert history["present"]["zh"] == "新名"
        assert (await client.get(f"{API}/history-of/ledger_row/substation|XX")).status_code == 404
        assert (await client.get(f"{API}/history-of/nothing/x")).status_code == 404
        # Whoever is cleared sees that there is a telephone; all of it is revealed with a reason.
        person = (await client.get(f"{API}/history-of/ledger_row/person|PE0001")).json()
        assert person["present"]["phone"] == "139****0001"
        tables = (await client.get(f"{API}/history-of")).json()["items"]
        assert {row["kept_by"] for row in tables} == {"journal", "versions", "append", "running"}


def _renamed(book: bytes, code: str, zh: str) -> bytes:
    from heatloop.store.tables import read_tables, write_tables

    sheets = read_tables(book)
    for rows in sheets.values():
        for row in rows:
            if row.get("code") == code or row.get("编码") == code:
                row["zh" if "zh" in row else "名称"] = zh
    return write_tables(sheets, "xlsx")


# 6.1.2 h, b, e: coverage and periods


async def test_6_1_2_h_1_coverage_of_five_stages_and_a_missing_one_is_a_finding(
    here: Town,
) -> None:
    now = np.array([int(START_S) - 30])
    store(here, SUPPLY, now, 90.0)
    store(here, "UN0001.secondary_supply_temperature", now, 45.0)
    async with here.client("li", Role.MANAGER) as client:
        body = (await client.get(f"{API}/coverage")).json()
    stages = {row["stage"]: row for row in body["stages"]}
    assert list(stages) == ["source", "primary", "station", "secondary", "user"]
    assert (stages["station"]["assets"], stages["station"]["live"]) == (2, 1)
    assert stages["station"]["missing"] == ["SS0002"]
    assert stages["primary"]["live"] == 1
    assert stages["secondary"]["share_pct"] == 50.0
    assert stages["user"]["live"] == 0
    findings = {row["stage"]: row for row in body["findings"]}
    assert "没有任何实时数据" in findings["user"]["zh"]
    assert "source" in findings
    # A room's sensor speaks for flat and building.
    store(here, ROOM, now, 21.0)
    world = here.platform.world
    after = {row.stage: row for row in coverage(world, Scope.everything()).stages}
    assert (after["user"].live, after["user"].assets) == (2, 4)
    # Neither estimates nor bad values are live data.
    store(here, "SS0002.primary_flow", now, 30.0, Quality.ESTIMATED)
    store(here, "SS0002.primary_supply_pressure", now, 30.0, Quality.BAD)
    after = {row.stage: row for row in coverage(world, Scope.everything()).stages}
    assert (after["station"].live, after["primary"].live) == (1, 1)
    # Old values do not count.
    here.clock.advance(7200)
    assert {row.live for row in coverage(world, Scope.everything()).stages} == {0}
    narrow = {row.stage: row for row in coverage(world, Scope.of(["CO01/BR02"])).stages}
    assert narrow["station"].assets == 1


async def test_6_1_2_b_3_effective_period_against_configured_within_ten_percent(
    here: Town,
) -> None:
    ticks = int(START_S) - 3600 + 30 * np.arange(120)
    store(here, SUPPLY, ticks, 90.0)
    # 27 of 30 seconds' samples: a tenth is lost, evenly.
    slow = "SS0001.primary_return_temperature"
    store(here, slow, ticks[::2], 50.0)
    async with here.client("li", Role.MANAGER) as client:
        body = (await client.get(f"{API}/coverage/periods?asset=SS0001&size=500")).json()
    rows = {row["point"]: row for row in body["items"]}
    assert body["tolerance_pct"] == 10.0
    good, bad = rows[SUPPLY], rows[slow]
    assert (good["period_s"], good["effective_s"], good["within"]) == (30, 30.0, True)
    assert (bad["effective_s"], bad["deviation_pct"], bad["within"]) == (60.0, 100.0, False)
    assert body["within"] == 1
    assert body["silent"] == body["points"] - 2
    assert body["items"][-1]["point"] == SUPPLY


async def test_6_1_2_e_1_p99_of_intervals_at_stations_and_its_violators(here: Town) -> None:
    ticks = int(START_S) - 3600 + 30 * np.arange(120)
    store(here, SUPPLY, np.delete(ticks, [50]), 90.0)
    late = "SS0001.primary_return_temperature"
    store(here, late, np.delete(ticks, [30, 60, 90]), 50.0)
    async with here.client("li", Role.MANAGER) as client:
        body = (await client.get(f"{API}/coverage/periods?asset=SS0001&size=500")).json()
    rows = {row["point"]: row for row in body["items"]}
    assert (rows[SUPPLY]["p99_s"], rows[SUPPLY]["longest_s"]) == (30.0, 60.0)
    assert rows[SUPPLY]["fast_enough"]
    assert (rows[late]["p99_s"], rows[late]["fast_enough"]) == (60.0, False)
    assert body["asked_fast"] - body["slow"] == 1
    assert body["limit_s"] == 30.0
    assert body["p99_s"] == 60.0


# 6.2 a: machines and their headroom


async def test_6_2_a_machines_are_listed_with_a_warning_below_a_fifth(
    here: Town, tmp_path: Path
) -> None:
    async with here.client("li", Role.MANAGER) as client:
        body = (await client.get(f"{API}/coverage/infrastructure")).json()
        own = body["machines"][0]
        parts = {part["name"]: part for part in own["parts"]}
        assert set(parts) == {"cpu", "memory", "disk"}
        for part in parts.values():
            assert 0.0 <= part["used"] <= part["total"]
            free = 100.0 * (part["total"] - part["used"]) / part["total"]
            assert part["headroom_pct"] == pytest.approx(free)
            assert part["enough"] is (free >= HEADROOM_PCT)
        short = [f"{own['name']}: {p['name']}" for p in own["parts"] if not p["enough"]]
        assert body["warnings"] == short
    async with here.client("wu", Role.MANAGER, scope="CO01/BR02") as client:
        assert (await client.get(f"{API}/coverage/infrastructure")).json()["machines"] == []
    assert this_machine(tmp_path, 0.0).parts[2].unit == "GiB"


# 9.2.1 #1: verification


async def test_9_2_1_1_points_are_drawn_read_compared_and_counted(here: Town) -> None:
    ticks = int(START_S) - 600 + 30 * np.arange(20)
    for point, value in ((SUPPLY, 90.0), ("SS0001.primary_return_temperature", 50.0)):
        store(here, point, ticks, value)
    kinds = ["primary_supply_temperature", "primary_return_temperature"]
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        wish = {"name": "月度核查", "asset": "SS0001", "kinds": kinds, "points": 5}
        made = await client.post(f"{API}/verification/tasks", json=wish)
        assert made.status_code == 201, made.text
        task = made.json()
        assert {item["point"].partition(".")[2] for item in task["items"]} == set(kinds)
    path = f"{API}/verification/tasks/{task['id']}"
    async with here.client("tom", Role.FIELD_TECHNICIAN) as client:
        early = await client.post(f"{path}/end", json={})
        assert early.json()["error"]["code"] == "verification_unread"
        readings = {"readings": [
            {"point": SUPPLY, "value": 90.4},
            {"point": "SS0001.primary_return_temperature", "value": 55.0, "note": "就地表"},
        ]}  # fmt: skip
        done = (await client.post(f"{path}/readings", json=readings)).json()
        items = {item["point"]: item for item in done["items"]}
        assert items[SUPPLY]["error"] == pytest.approx(-0.4)
        assert items[SUPPLY]["within"]
        assert (done["read"], done["failed"]) == (2, 1)
        strange = {"readings": [{"point": "SS0002.primary_supply_temperature", "value": 1.0}]}
        assert (await client.post(f"{path}/readings", json=strange)).status_code == 404
        ended = (await client.post(f"{path}/end", json={"note": "换表"})).json()
        assert ended["state"] == "done"
        again = await client.post(f"{path}/readings", json=readings)
        assert again.json()["error"]["code"] == "verification_ended"
        figures = (await client.get(f"{API}/verification/statistics")).json()
    assert (figures["tasks"], figures["done"], figures["readings"]) == (1, 1, 2)
    assert figures["within_pct"] == 50.0
    worst = figures["kinds"][0]
    assert (worst["kind"], worst["bias"], worst["within_pct"]) == (kinds[1], -5.0, 0.0)
    entry = here.platform.records.audit.list(action="verification.reading")[1][0]
    assert (entry.user, entry.detail["before"][SUPPLY]) == ("tom", None)


async def test_9_2_1_1_plans_make_tasks_in_time_once_and_late_ones_are_told(here: Town) -> None:
    async with here.client("eva", Role.OPERATION_ENGINEER) as client:
        wish = {"name": "季度", "points": 3, "every_days": 90, "days_to_answer": 7}
        plan = (await client.post(f"{API}/verification/plans", json=wish)).json()
        job = Verification.of(here.platform)
        for _ in range(2):
            await job.run_plans(START_S)
        page = (await client.get(f"{API}/verification/tasks")).json()
        assert (page["total"], page["overdue"]) == (1, 0)
        assert page["items"][0]["plan"] == plan["id"]
        here.clock.advance(8 * DAY_S)
        late = (await client.get(f"{API}/verification/tasks?state=overdue")).json()
        assert (late["total"], late["items"][0]["overdue"]) == (1, True)
        assert (await client.get(f"{API}/verification/statistics")).json()["overdue"] == 1
        # The next turn makes another; a plan that is halted makes none.
        await job.run_plans(START_S + 90 * DAY_S)
        assert (await client.get(f"{API}/verification/tasks")).json()["total"] == 2
        halted = await client.patch(
            f"{API}/verification/plans/{plan['id']}", json={"active": False}
        )
        assert halted.json()["next"] is None
        await job.run_plans(START_S + 180 * DAY_S)
        assert (await client.get(f"{API}/verification/tasks")).json()["total"] == 2
    async with here.client("wu", Role.OPERATION_ENGINEER, scope="CO01/BR02") as client:
        assert (await client.get(f"{API}/verification/tasks")).json()["total"] == 0
        path = f"{API}/verification/tasks/{page['items'][0]['id']}"
        assert (await client.get(path)).status_code == 404
    assert "verification" in {job.name for job in here.platform.schedule._jobs}


async def test_9_2_3_an_export_carries_the_owners_tag_and_names_its_purpose(here: Town) -> None:
    span = {"start": "2027-01-15T07:00:00Z", "end": "2027-01-15T08:00:00Z"}
    store(here, ROOM, np.array([int(START_S) - 600]), 21.0)
    async with here.client("eva", Role.MANAGER) as client:
        path = f"{API}/bulk/samples"
        ask = {**span, "points": SUPPLY}
        plain = await client.get(path, params=ask)
        assert plain.status_code == 200, plain.text
        labels = json.loads(plain.headers["x-heatloop-labels"])
        assert (labels["owner"], labels["level"], labels["purpose"]) == (
            "dispatcher", "L2", "operation",
        )  # fmt: skip
        wrong = await client.get(path, params=ask, headers={"X-Heatloop-Purpose": "security"})
        assert wrong.json()["error"]["code"] == "purpose_not_permitted"
        ask = {**span, "points": ROOM}
        closed = await client.get(path, params=ask, headers={"X-Heatloop-Purpose": "billing"})
        assert (closed.status_code, closed.json()["error"]["code"]) == (403, "permit_needed")
        wish = {"purpose": "billing", "classes": ["household"], "reason": "r"}
        ticket = (await client.post(f"{API}/governance/permits", json=wish)).json()["id"]
        zhao = who("zhao", Role.SECURITY_ADMIN)
        await Permits.of(here.platform).decide(zhao, ticket, approve=True, hours=1.0, note="")
        done = await client.get(path, params=ask, headers={"X-Heatloop-Purpose": "billing"})
        assert done.status_code == 200, done.text
        labels = json.loads(done.headers["x-heatloop-labels"])
        assert (labels["permit"], labels["owner"]) == (ticket, "customer_service")
    entry = here.platform.records.audit.list(action="bulk.exported")[1][0]
    assert entry.detail["labels"]["permit"] == ticket


async def test_9_2_2_2_a_write_nobody_wrote_down_is_written_down(here: Town) -> None:
    async def quietly() -> dict[str, int]:
        await in_thread(
            here.platform.records.settings.set, "x.y", 1, source="operator", by="?", at=1.0
        )
        return {"done": 1}

    here.app.router.routes.insert(
        0, APIRoute("/api/v1/quietly", quietly, methods=["POST"], response_model=None)
    )
    async with here.client("li", Role.DISPATCHER) as client:
        assert (await client.post("/api/v1/quietly")).status_code == 200
        assert (await client.post("/api/v1/nowhere")).status_code >= 400
        stage = await client.put(f"{API}/units/UN0001/stage", json={"stage": "advise"})
        assert stage.status_code == 200
    total, entries = here.platform.records.audit.list(action="web.write")
    assert [(e.user, e.subject) for e in entries] == [("li", "/api/v1/quietly")]
    assert total == 1
    # The journal of the records names the same person, and for the stage both say it.
    (made,) = here.platform.records.governance.changes("setting", "1")
    assert (made.user, made.after["name"]) == ("li", "x.y")
    assert here.platform.records.audit.list(action="unit.stage")[0] == 1
    (made,) = here.platform.records.governance.changes("unit_stage", "1")
    assert (made.user, made.after["stage"]) == ("li", "advise")
