"""What the records owe: the same tests on SQLite and on a PostgreSQL server."""

import itertools
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from heatloop.kernel.errors import ConfigError, InputError, UnsafeError
from heatloop.kernel.messages import Alarm, AlarmState, Command, CommandState
from heatloop.store.records import Records, upgrade
from heatloop.store.records.audit import AuditWish
from heatloop.store.records.schema import gateway, metadata

KEY = {"data_key": bytes(range(32)), "data_key_id": "k1"}
_number = itertools.count(1)


@pytest.fixture(scope="module")
def postgres(program: Callable[[str], Path]) -> Iterator[str]:
    """A PostgreSQL server of Debian's binaries on a unix socket; returns the socket's folder."""
    binaries = program("postgres").parent
    home = Path(tempfile.mkdtemp(prefix="hlpg"))
    as_nobody: dict[str, str] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(home, "nobody", "nogroup")
        as_nobody = {"user": "nobody", "group": "nogroup"}
    data = home / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "heatloop", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=home,
        **as_nobody,
    )
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-k", home, "-c", "listen_addresses=", "-F"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=home,
        **as_nobody,
    )
    for _ in range(300):
        try:
            psycopg.connect(host=str(home), user="heatloop", dbname="postgres").close()
            break
        except psycopg.OperationalError:
            time.sleep(0.05)
    yield str(home)
    server.terminate()
    server.wait(30)
    shutil.rmtree(home)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database nobody has used."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.sqlite"
    folder, name = request.getfixturevalue("postgres"), f"test_{next(_number)}"
    with psycopg.connect(host=folder, user="heatloop", dbname="postgres", autocommit=True) as c:
        c.execute(f"CREATE DATABASE {name}")
    return f"postgresql://heatloop@/{name}?host={folder}"


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    made = Records.open(url, **KEY)
    yield made
    made.close()


def command(number: int, point: str = "SS0001.valve", issued: float = 100.0) -> Command:
    return Command(
        id=f"c{number}",
        point=point,
        value=41.5,
        mode="manual",
        gateway="GW0001",
        issued=issued,
        expires=issued + 60,
        nonce=f"n{number}",
        counter=number,
        key_id="k",
        signature="ab",
    )


def alarm(number: int, subject: str = "SS0001.t", onset: float = 50.0) -> Alarm:
    return Alarm(
        id=f"a{number}", subject=subject, rule="high", priority=2, onset=onset, value=1.5, limit=1.0
    )


def test_migrations_make_exactly_the_declared_tables(records: Records, url: str) -> None:
    upgrade(url)
    with records.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        columns = {
            table.name: [c["name"] for c in inspect(connection).get_columns(table.name)]
            for table in metadata.sorted_tables
        }
    assert columns == {t.name: [c.name for c in t.columns] for t in metadata.sorted_tables}


def test_records_of_a_newer_version_are_refused(records: Records, url: str) -> None:
    with records.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="cannot be upgraded"):
        upgrade(url)


@pytest.mark.parametrize("wrong", ["nonsense", "mysql://x/y", ""])
def test_a_wrong_url_is_named(wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Records(wrong)
    assert caught.value.place == "records_url"


def test_a_command_moves_once_however_many_ask(records: Records) -> None:
    records.commands.insert(command(1), requested_by="wang", reason="cold")
    start = threading.Barrier(8)

    def move(_: int) -> bool:
        start.wait()
        return records.commands.transition(
            "c1", [CommandState.QUEUED], CommandState.SENT, at=101.0, reason="link"
        )

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(move, range(8))) == [False] * 7 + [True]
    row = records.commands.get("c1")
    assert row is not None
    assert row.command == command(1)
    assert (row.state, row.requested_by, row.reason) == ("sent", "wang", "cold")
    assert [(e.state, e.at, e.reason) for e in row.events] == [
        ("queued", 100.0, "cold"),
        ("sent", 101.0, "link"),
    ]
    with pytest.raises(InputError, match="command exists"):
        records.commands.insert(command(1), requested_by="li")


def test_commands_are_listed_by_point_and_page(records: Records) -> None:
    for n in range(5):
        point = f"SS000{n % 2}.v"
        records.commands.insert(command(n, point, 100.0 + n), requested_by="w")
    records.commands.transition("c0", [CommandState.QUEUED], CommandState.FAILED, at=1.0)
    total, page = records.commands.list(point="SS0000.v", limit=2)
    assert (total, [r.command.id for r in page]) == (3, ["c4", "c2"])
    total, page = records.commands.list(points={"SS0001.v", "x"}, offset=1)
    assert (total, [r.command.id for r in page]) == (2, ["c1"])
    many = {f"P{n}" for n in range(60_000)} | {"SS0000.v"}
    assert records.commands.list(points=many, limit=1)[0] == 3
    assert records.commands.list(points=set()) == (0, [])
    assert [r.command.id for r in records.commands.list_open()] == ["c1", "c2", "c3", "c4"]
    assert records.commands.get("nothing") is None


def test_an_alarm_lives_once(records: Records) -> None:
    new = alarm(1)
    assert records.alarms.upsert(new, at=50.0, event="raise")
    assert not records.alarms.upsert(new, at=50.0, event="raise")
    seen = Alarm.from_dict(new.to_dict() | {"state": AlarmState.ACKNOWLEDGED})
    assert records.alarms.acknowledge(seen, by="wang", at=60.0)
    assert not records.alarms.acknowledge(seen, by="li", at=61.0)
    gone = Alarm.from_dict(new.to_dict() | {"state": AlarmState.CLEARED})
    records.alarms.upsert(gone, at=70.0, event="clear")
    records.alarms.upsert(new, at=80.0, event="raise")
    row = records.alarms.get("a1")
    assert row is not None
    assert (row.alarm, row.cleared) == (gone, 70.0)
    assert (row.acknowledged_by, row.acknowledged_at) == ("wang", 60.0)
    steps = [(s.state, s.at, s.user, s.note) for s in records.alarms.events("a1")]
    assert steps == [
        ("active", 50.0, "", "raise"),
        ("acknowledged", 60.0, "wang", "acknowledge"),
        ("cleared", 70.0, "", "clear"),
    ]


def test_alarms_are_listed_by_subject_time_and_state(records: Records) -> None:
    for n in range(6):
        records.alarms.upsert(alarm(n, f"SS000{n % 3}.t", 100.0 * n), at=0.0, event="raise")
    gone = Alarm.from_dict(alarm(0, "SS0000.t", 0.0).to_dict() | {"state": AlarmState.CLEARED})
    records.alarms.upsert(gone, at=1.0, event="clear")
    total, page = records.alarms.list(limit=2, offset=1)
    assert (total, [r.alarm.id for r in page]) == (6, ["a4", "a3"])
    assert records.alarms.list(subjects=["SS0000.t"], state="open")[0] == 1
    assert records.alarms.list(start=100.0, end=300.0)[0] == 2
    assert records.alarms.list(priority=1)[0] == 0
    assert [r.alarm.id for r in records.alarms.list_open()] == ["a1", "a2", "a3", "a4", "a5"]


def test_the_audit_is_one_chain_under_many_writers(records: Records) -> None:
    def write(n: int) -> int:
        wishes = [
            AuditWish(at=0.1 * n, user=f"u{n}", action="test", subject="x", detail={"n": i})
            for i in range(5)
        ]
        return len(records.audit.append_many(wishes))

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(write, range(12))) == 60
    seq, digest = records.audit.append(
        at=1.25, user="王", action="last", subject="y", detail={"before": None, "after": 1.5}
    )
    assert records.audit.verify() == (61, None)
    total, page = records.audit.list(user="王", limit=5)
    assert (total, page[0].seq, page[0].hash) == (1, seq, digest)
    assert dict(page[0].detail) == {"before": None, "after": 1.5}
    with pytest.raises(InputError):
        records.audit.append(at=0.0, user="u", action="a", subject="s", detail={"x": object()})
    assert records.audit.verify() == (61, None)


def test_two_processes_share_the_records(records: Records, url: str) -> None:
    other = Records(url)

    def write(n: int) -> None:
        one = (records, other)[n % 2]
        one.audit.append(at=0.0, user=f"u{n}", action="a", subject="s", detail={})
        one.gateways.advance("GW0001", 7, n, at=0.0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    assert other.audit.verify() == (40, None)
    assert other.gateways.through("GW0001", 7) == 39
    other.close()


@pytest.mark.parametrize(
    "sql", ["UPDATE audit_entry SET action = 'x' WHERE seq = 2", "DELETE FROM audit_entry"]
)
def test_the_audit_refuses_changes(records: Records, sql: str) -> None:
    _three_entries(records)
    with pytest.raises(DBAPIError, match="never changed"), records.database.write() as connection:
        connection.execute(text(sql))
    assert records.audit.verify() == (3, None)


@pytest.mark.parametrize(
    "sql, broken",
    [
        ("UPDATE audit_entry SET detail = '[9]' WHERE seq = 2", 2),
        ('UPDATE audit_entry SET "at" = 5.5 WHERE seq = 3', 3),
        ("DELETE FROM audit_entry WHERE seq = 2", 2),
        ("DELETE FROM audit_entry WHERE seq = 3", 3),
    ],
)
def test_verify_finds_what_got_past_the_guard(records: Records, sql: str, broken: int) -> None:
    _three_entries(records)
    with records.database.write() as connection:
        if connection.dialect.name == "sqlite":
            for event in ("UPDATE", "DELETE"):
                connection.execute(text(f"DROP TRIGGER audit_entry_no_{event}"))
        else:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"))
        connection.execute(text(sql))
    assert records.audit.verify()[1] == broken


def _three_entries(records: Records) -> None:
    for n in range(3):
        records.audit.append(at=float(n), user="u", action="a", subject="s", detail={"n": n})


SHEETS = {
    "company": [{"code": "CO01", "zh": "供热", "en": "Heat", "heated_area_m2": 1.5}],
    "person": [
        {"code": "PE001", "zh": "王", "en": "Wang", "phone": "13800000001", "duty": "x"},
        {"code": "PE002", "zh": "李", "en": "Li", "phone": None, "duty": "y"},
    ],
}


def test_the_ledger_comes_back_as_saved_with_its_history(records: Records) -> None:
    assert records.ledger.load().version == 0
    keys = {"SS0001.t": 1, "SS0001.p": 2}
    records.ledger.save(SHEETS, version=1, keys=keys, at=5.0, by="wang", note="first")
    saved = records.ledger.load()
    assert (saved.version, saved.keys) == (1, keys)
    filled = [{k: v for k, v in row.items() if v is not None} for row in SHEETS["person"]]
    assert saved.sheets == {"company": SHEETS["company"], "person": filled}

    changed = {"person": [SHEETS["person"][0] | {"phone": "13900000002"}]}
    records.ledger.save(changed, version=2, keys={"SS0002.t": 3}, at=6.0, by="li")
    assert records.ledger.load().keys == keys | {"SS0002.t": 3}
    assert [row["phone"] for row in records.ledger.load().sheets["person"]] == ["13900000002"]
    assert records.ledger.load(1).sheets == saved.sheets
    phones = [(v.first_version, v.last_version, v.row["phone"]) for v in _history(records)]
    assert phones == [(2, None, "13900000002"), (1, 1, "13800000001")]
    versions = [(v.version, v.user, v.note, v.rows_changed) for v in records.ledger.versions()]
    assert versions == [(2, "li", "", 3), (1, "wang", "first", 3)]


def _history(records: Records):
    return records.ledger.history("person", "PE001")


def test_a_ledger_is_saved_whole_or_not_at_all(records: Records) -> None:
    records.ledger.save(SHEETS, version=1, keys={"a": 1, "b": 2}, at=5.0, by="w")
    wrong = [
        ({"version": 1, "keys": {}}, "at version 1"),
        ({"version": 3, "keys": {}}, "at version 1"),
        ({"version": 2, "keys": {"a": 7}}, "never change"),
        ({"version": 2, "keys": {"c": 1}}, "never change"),
        ({"version": 2, "keys": {"c": 3, "d": 3}}, "never change"),
    ]
    for given, reason in wrong:
        with pytest.raises(InputError, match=reason):
            records.ledger.save({}, at=6.0, by="w", **given)
    twice = {"company": SHEETS["company"] * 2}
    with pytest.raises(InputError, match="code of its own"):
        records.ledger.save(twice, version=2, keys={"c": 3}, at=6.0, by="w")
    assert records.ledger.load() == _present(records)
    assert len(records.ledger.versions()) == 1
    assert records.ledger.load().keys == {"a": 1, "b": 2}


def _present(records: Records):
    return records.ledger.load(1)


def test_personal_data_do_not_stand_readable(records: Records, url: str) -> None:
    records.ledger.save(SHEETS, version=1, keys={}, at=5.0, by="w")
    with records.database.read() as connection:
        rows = connection.execute(text("SELECT body, sealed FROM ledger_row")).all()
    everything = b"".join(row.body.encode() + bytes(row.sealed or b"") for row in rows)
    assert b"13800000001" not in everything
    assert "供热".encode() in everything
    assert "王".encode() not in everything
    stranger = Records(url)
    with pytest.raises((InputError, UnsafeError)):
        stranger.ledger.load()
    with pytest.raises(ConfigError, match="without a data key"):
        stranger.ledger.save(
            {"person": [{"code": "PE009", "phone": "1"}]}, version=2, keys={}, at=1.0, by="w"
        )
    stranger.close()
    turned = Records(url, data_key=b"n" * 32, data_key_id="k2", old_keys={"k1": KEY["data_key"]})
    assert turned.ledger.load().sheets["person"][0]["phone"] == "13800000001"
    turned.close()


def test_users_and_their_sessions(records: Records) -> None:
    made = records.users.create(
        "wang", password_hash="h1", roles=["dispatcher"], scope=["CO01/BR01"], at=1.0
    )
    assert (made.roles, made.scope, made.must_change) == (("dispatcher",), ("CO01/BR01",), True)
    with pytest.raises(InputError, match="user exists"):
        records.users.create("wang", password_hash="h", roles=[], scope=[], at=1.0)
    for token in ("t1", "t2"):
        records.sessions.create(token, user="wang", at=2.0, expires_at=100.0)
    records.sessions.touch("t1", at=9.0, expires_at=200.0)
    found = records.sessions.get("t1")
    assert found is not None
    assert (found.user, found.seen_at, found.expires_at) == ("wang", 9.0, 200.0)
    assert records.sessions.purge(at=150.0) == 1
    records.users.update("wang", at=3.0, full_name="王工")
    assert records.sessions.get("t1") is not None
    records.users.set_password("wang", "h2", at=4.0)
    assert records.sessions.get("t1") is None
    changed = records.users.update("wang", at=5.0, roles=["manager"], disabled=True)
    assert (changed.full_name, changed.password_hash, changed.disabled) == ("王工", "h2", True)
    assert [u.name for u in records.users.list()] == ["wang"]
    with pytest.raises(InputError, match="no such user"):
        records.users.disable("nobody", at=1.0)
    assert records.users.get("nobody") is None


def test_a_gateway_enrols_once_and_its_sequence_never_goes_back(records: Records) -> None:
    records.gateways.set_token("GW0001", "hash")
    keys = {"public_key": b"p" * 32, "key_id": "k", "at": 5.0}
    with pytest.raises(UnsafeError):
        records.gateways.enrol("GW0001", token_hash="other", **keys)
    records.gateways.enrol("GW0001", token_hash="hash", **keys)
    with pytest.raises(UnsafeError):
        records.gateways.enrol("GW0001", token_hash="hash", **keys)
    records.gateways.seen("GW0001", at=7.0, profile_version=3)
    found = records.gateways.get("GW0001")
    assert found is not None
    assert (found.public_key, found.seen_at, found.profile_version) == (b"p" * 32, 7.0, 3)
    epoch = (1 << 64) - 1
    assert records.gateways.through("GW0001", epoch) == 0
    records.gateways.advance("GW0001", epoch, 10, at=1.0)
    records.gateways.advance_many([("GW0001", epoch, 7), ("GW0002", 1, 3)], at=2.0)
    assert records.gateways.through("GW0001", epoch) == 10
    assert [(e.gateway, e.epoch, e.through) for e in records.gateways.epochs()] == [
        ("GW0001", epoch, 10),
        ("GW0002", 1, 3),
    ]
    assert [g.code for g in records.gateways.list()] == ["GW0001", "GW0002"]
    with pytest.raises(InputError, match="u64"):
        records.gateways.through("GW0001", 1 << 64)


def test_settings_and_stages_keep_their_history(records: Records) -> None:
    records.settings.set("alarm.high", {"c": 75}, source="field", by="w", at=1.0)
    records.settings.set("alarm.high", {"c": 70}, source="operator", by="l", at=2.0)
    assert records.settings.all()["alarm.high"].value == {"c": 70}
    assert [(r.value["c"], r.source) for r in records.settings.history("alarm.high")] == [
        (70, "operator"),
        (75, "field"),
    ]
    assert records.settings.get("nothing") is None
    records.stages.set("UN0001", "advise", by="w", at=1.0)
    records.stages.set("UN0001", "automatic", by="w", at=2.0, manual_setpoint_c=45.5)
    assert records.stages.all() == {"UN0001": "automatic"}
    found = records.stages.get("UN0001")
    assert found is not None
    assert found.manual_setpoint_c == 45.5
    assert [r.stage for r in records.stages.history("UN0001")] == ["automatic", "advise"]


def test_gaps_open_close_and_are_one(records: Records) -> None:
    gap = {"gateway": "GW0001", "device": "DV0001", "slots_from": 60, "cause": "edge_restart"}
    records.gaps.put(**gap, slots_to=None)
    assert records.gaps.list(open_only=True)[0] == 1
    records.gaps.put(**gap, slots_to=90)
    records.gaps.put(**gap, slots_to=None)
    records.gaps.put(**gap | {"device": "DV0002", "slots_from": 120}, slots_to=150)
    total, rows = records.gaps.list()
    assert (total, [(r.device, r.slots_to) for r in rows]) == (2, [("DV0002", 150), ("DV0001", 90)])
    assert records.gaps.list(devices={"DV0001"}, start=90, end=61)[0] == 1
    assert records.gaps.list(gateways=["GW0002"])[0] == 0
    assert records.gaps.list(start=91, end=120)[0] == 0


def test_a_flood_in_quarantine_is_counted(records: Records) -> None:
    for n in range(50):
        records.quarantine.add(gateway="GW1", at=10.0 + n, reason="key", detail="d", rows=2)
    records.quarantine.add(gateway="GW1", at=4000.0, reason="key", detail="d", rows=1)
    total, rows = records.quarantine.list(gateways=["GW1"])
    assert total == 2
    assert [(r.rows, r.times, r.at, r.last_at) for r in rows] == [
        (1, 1, 4000.0, 4000.0),
        (100, 50, 10.0, 59.0),
    ]


def test_a_job_is_done_once_for_each_due_time(records: Records) -> None:
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda _: records.jobs.claim("rollup", 600.0, at=601.0), range(6)))
    assert sorted(claims) == [False] * 5 + [True]
    records.jobs.finish("rollup", 600.0, at=602.0, ok=False, detail="engine away")
    assert records.jobs.last("rollup") is None
    assert records.jobs.claim("rollup", 600.0, at=603.0)
    assert records.jobs.release(at=604.0) == 1
    assert records.jobs.claim("rollup", 600.0, at=605.0)
    records.jobs.finish("rollup", 600.0, at=606.0)
    assert not records.jobs.claim("rollup", 600.0, at=607.0)
    for due in (1200.0, 1800.0):
        records.jobs.claim("rollup", due, at=due)
        records.jobs.finish("rollup", due, at=due)
    last = records.jobs.last("rollup")
    assert last is not None
    assert (last.due, last.state) == (1800.0, "done")
    assert records.jobs.forget(before=9999.0) == 2


def test_a_transaction_that_fails_leaves_nothing(records: Records) -> None:
    def half_way() -> None:
        with records.database.write() as connection:
            connection.execute(gateway.insert().values(code="GW9", key_id="", profile_version=0))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_way()
    assert records.gateways.list() == []
    records.ping()
