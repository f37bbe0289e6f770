"""The journal of changes, on SQLite and on PostgreSQL: nothing is written without a trace."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heatloop.plant.data_classes import grade_of
from heatloop.store.records import Records
from heatloop.store.records.governance import PermitRow, misfits
from heatloop.store.records.governance_actor import acting, actor
from heatloop.store.records.governance_journal import (
    JOURNAL,
    install_journal,
    journalled,
    kept_by,
    secret_columns,
    table_named,
)
from heatloop.store.records.governance_verification import (
    DONE,
    OVERDUE,
    ItemRow,
    PlanRow,
    TaskRow,
)
from tests.contract.test_store_records import alarm, postgres, records, url

__all__ = ["postgres", "records", "url"]


def test_every_change_names_actor_time_old_and_new(records: Records) -> None:
    with acting("eva"):
        records.users.create("bo", password_hash="h1", roles=["manager"], scope=["x"], at=1.5)
    with acting("tom"):
        records.users.update("bo", at=2.0, roles=["dispatcher"])
    made, changed = records.governance.changes("user_account", "bo")
    assert (made.operation, made.user, made.before) == ("insert", "eva", None)
    assert (changed.operation, changed.user) == ("update", "tom")
    assert changed.before["roles"] == '["manager"]'
    assert changed.after["roles"] == '["dispatcher"]'
    assert changed.before == made.after
    assert 1.7e9 < made.at <= changed.at
    present = records.governance.present("user_account", "bo")
    assert present == changed.after
    assert list(misfits([made, changed], present)) == []
    assert actor() == "system"


def test_what_nobody_asked_for_is_the_systems(records: Records) -> None:
    records.settings.set("a.b", {"x": [1, 2.5]}, source="standard", by="eva", at=3.0)
    records.settings.set("a.b", None, source="operator", by="eva", at=4.0)
    rows = [records.governance.changes("setting", str(n)) for n in (1, 2)]
    assert [[c.operation for c in row] for row in rows] == [["insert", "update"], ["insert"]]
    assert {c.user for row in rows for c in row} == {"system"}


def test_secrets_are_told_to_have_changed_and_never_written(records: Records) -> None:
    records.users.create("bo", password_hash="argon-one", roles=[], scope=[], at=1.0)
    records.users.set_password("bo", "argon-two", at=2.0)
    records.users.update("bo", at=3.0, full_name="Bo")
    with records.database.read() as connection:
        told = connection.execute(text("SELECT before, after FROM record_change")).all()
    assert "argon" not in str(told)
    made, password, named = records.governance.changes("user_account", "bo")
    assert made.after["password_hash"] == "***"
    assert (password.before["password_hash"], password.after["password_hash"]) == (
        "*** OLD",
        "*** NEW",
    )
    assert named.before["password_hash"] == named.after["password_hash"] == "***"
    present = records.governance.present("user_account", "bo")
    assert list(misfits([made, password, named], present)) == []


def test_a_column_nobody_graded_is_secret() -> None:
    told = {"password_hash", "full_name", "sealed"}
    assert secret_columns(table_named("user_account")) == told
    assert grade_of("records", "user_account", "made_up").level == "L4"


def test_an_update_that_changes_nothing_is_no_change(records: Records) -> None:
    records.gateways.set_token("GW0001", "t")
    records.gateways.seen("GW0001", at=5.0)
    records.gateways.seen("GW0001", at=6.0)
    records.gateways.seen("GW0001", at=7.0, profile_version=3)
    told = records.governance.changes("gateway", "GW0001")
    assert told[0].operation == "insert"
    assert len(told) <= 3
    assert all("seen_at" not in (c.after or {}) for c in told)
    present = records.governance.present("gateway", "GW0001")
    assert list(misfits(told, present)) == []


def test_the_journal_is_never_changed_and_kept_three_years(records: Records) -> None:
    records.alarms.upsert(alarm(1), at=60.0)
    assert len(records.governance.changes("alarm", "a1")) == 1
    for statement in (
        "UPDATE record_change SET \"user\" = 'nobody'",
        "DELETE FROM record_change",
    ):
        with pytest.raises(DBAPIError), records.database.write() as connection:
            connection.execute(text(statement))
    # What is older may go: the keeping of the records decides.
    with records.database.write() as connection:
        connection.execute(
            text(
                'INSERT INTO record_change (record_table, record_id, operation, at, "user")'
                " VALUES ('setting', 'old', 'delete', 1000, 'eva')"
            )
        )
        connection.execute(text("DELETE FROM record_change WHERE record_id = 'old'"))
    assert records.governance.changes("setting", "old") == []


def test_records_from_before_the_journal_begin_as_they_were(records: Records) -> None:
    records.settings.set("a", 1, source="standard", by="eva", at=1.0)
    postgresql = records.database.dialect.name == "postgresql"
    query = (
        "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'journal_setting%'"
        if postgresql
        else "SELECT name FROM sqlite_master WHERE name LIKE 'journal_setting%'"
    )
    with records.database.write() as connection:
        names = connection.execute(text(query)).scalars().all()
        for name in names:
            connection.execute(text(f'DROP TRIGGER "{name}"' + " ON setting" * postgresql))
        connection.execute(text("UPDATE setting SET \"user\" = 'unseen'"))
    assert len(names) == (1 if postgresql else 3)
    assert list(
        misfits(
            records.governance.changes("setting", "1"), records.governance.present("setting", "1")
        )
    ) == ["the changes do not lead to what is there"]
    assert install_journal(records.database) == 1
    assert install_journal(records.database) == 0
    told = records.governance.changes("setting", "1")
    assert [c.operation for c in told] == ["insert", "baseline"]
    assert told[-1].after["user"] == "unseen"


def test_a_change_behind_the_journals_back_is_found(records: Records) -> None:
    records.users.create("bo", password_hash="h", roles=[], scope=[], at=1.0)
    told = records.governance.changes("user_account", "bo")
    present = records.governance.present("user_account", "bo")
    assert list(misfits(told, present)) == []
    assert list(misfits(told, present | {"full_name": "X"}))
    assert list(misfits(told[1:], present)) == ["no change is written down"]
    assert list(misfits(told, None))


def test_every_table_keeps_its_history_some_way() -> None:
    ways = {table.name: kept_by(table.name) for table in journalled()}
    assert set(ways.values()) == {JOURNAL}
    assert {"user_account", "setting", "quality_case", "data_permit", "verification_item"} <= set(
        ways
    )


def permit(number: int, **own: object) -> PermitRow:
    plain = {
        "id": f"p{number}", "user": "eva", "purpose": "billing", "classes": ("household",),
        "level": "L3", "subject": "", "reason": "r", "state": "requested",
        "asked_at": 10.0 + number,
    }  # fmt: skip
    return PermitRow(**(plain | own))


def test_tickets_are_decided_once_and_end(records: Records) -> None:
    store = records.governance
    for number in (1, 2, 3):
        store.add_permit(permit(number))
    decide = {"by": "zhao", "at": 20.0, "note": "n"}
    assert store.decide("p1", state="approved", expires_at=100.0, **decide)
    assert not store.decide("p1", state="refused", expires_at=None, **decide)
    assert store.decide("p2", state="refused", expires_at=None, **decide)
    assert [row.id for row in store.in_force("eva", 99.0)] == ["p1"]
    assert store.in_force("eva", 100.0) == []
    assert store.use("p1", 99.0)
    assert not store.use("p1", 101.0)
    assert not store.use("p3", 50.0)
    assert store.permit("p1").uses == 1
    states = {s: store.permits(state=s, at=101.0)[0] for s in ("requested", "refused", "expired")}
    assert states == {"requested": 1, "refused": 1, "expired": 1}
    assert store.permits(at=101.0, limit=2)[0] == 3
    assert store.permits(user="tom", at=101.0)[0] == 0


def test_what_people_decide_about_assets_is_kept_with_its_past(records: Records) -> None:
    store = records.governance
    with acting("zhao"):
        store.set_asset("metering", {"custodian": "收费处"}, user="zhao", at=5.0)
        store.set_asset("metering", {"custodian": "数据处"}, user="zhao", at=6.0)
    assert store.assets()["metering"].body == {"custodian": "数据处"}
    told = store.changes("data_asset", "metering")
    assert [(c.operation, c.user) for c in told] == [("insert", "zhao"), ("update", "zhao")]
    assert "收费处" in str(told[1].before)


def test_tasks_are_made_once_and_read_while_open(records: Records) -> None:
    store = records.verifications
    plan = PlanRow(
        id="v1", name="monthly", asset="", kinds=("a", "b"), points=2, every_s=100.0,
        answer_s=50.0, active=True, next_at=10.0, user="eva", at=1.0,
    )  # fmt: skip
    store.put_plan(plan)
    assert store.due_plans(9.0) == []
    assert store.due_plans(10.0) == [plan]
    task = TaskRow(
        id="t1", plan="v1", name="monthly", asset="", user="eva", made_at=10.0, due_at=60.0
    )
    items = [ItemRow(task="t1", point=p, kind="a", tolerance=1.0) for p in ("x", "y")]
    assert store.add_task(task, items, 110.0)
    assert not store.add_task(task, items, 110.0)
    assert store.plan("v1").next_at == 110.0
    read = ItemRow(
        task="t1", point="x", kind="a", tolerance=1.0, reading=5.0, read_at=20.0, user="tom",
        uploaded=5.5, quality=0,
    )  # fmt: skip
    assert store.read([read])
    assert read.within
    assert store.task("t1")[1][0] == read
    assert store.tasks(state=OVERDUE, at=61.0)[0] == 1
    assert store.tasks(assets=[], at=61.0)[0] == 0
    assert store.end("t1", state=DONE, at=62.0, note="ok")
    assert not store.end("t1", state=DONE, at=63.0, note="ok")
    assert not store.read([read])
    assert store.counts(0.0, 70.0) == (1, 1, 0)
    assert [row.point for row in store.readings(0.0)] == ["x"]
    assert store.readings(21.0) == []
    told = records.governance.changes("verification_item", "t1|x")
    assert [c.operation for c in told] == ["insert", "update"]
    # An upload that is missing does not agree with a reading.
    assert ItemRow(task="t", point="p", kind="a", tolerance=1.0, reading=1.0).within is False
