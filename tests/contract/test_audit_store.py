"""What the database itself owes the audit trail: the same on SQLite and on PostgreSQL."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heatloop.app.audit_periods import KEPT_S
from heatloop.kernel.errors import ConfigError
from heatloop.security import sm
from heatloop.security.keys import SigningKey
from heatloop.store.records import Records
from heatloop.store.records.audit import AuditWish
from heatloop.store.records.audit_check import DROPPED, checkpoint_bytes
from heatloop.store.records.audit_roles import make_roles
from heatloop.store.records.audit_rows import Checkpoint, Period
from tests.contract.postgres_server import make_database, postgres_server

_number = itertools.count(1)


@pytest.fixture(scope="module")
def server(program: Callable[[str], Path]) -> Iterator[str]:
    with postgres_server(program("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.sqlite"
    return make_database(request.getfixturevalue("server"), f"audit_{next(_number)}")


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    made = Records.open(url)
    yield made
    made.close()


def wish(n: int, at: float | None = None) -> AuditWish:
    return AuditWish(
        at=float(n) if at is None else at,
        user="wang",
        action="alarm.acknowledge",
        subject=f"SS{n:04d}",
        detail={"before": None, "after": n},
        role="dispatcher",
        address="10.1.2.3",
        request="00ff",
    )


def unguarded(records: Records, *statements: str) -> None:
    """Do what somebody with the database's own tools could."""
    with records.database.write() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'")
            )
            for (name,) in names.all():
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            for table in ("audit_entry", "audit_head", "audit_checkpoint", "audit_period"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for statement in statements:
            connection.execute(text(statement))


def test_the_chain_changes_its_algorithm_only_where_it_says_so(records: Records) -> None:
    records.audit.append_many([wish(n) for n in range(1, 4)])
    records.audit.use_algorithm("sm3")
    records.audit.append_many([wish(n) for n in range(4, 7)])
    found = records.audit.examine()
    assert (found.broken, found.entries) == (None, 7)  # The mark is an entry of its own.
    assert found.algorithms == {"sha256": 3, "sm3": 4}
    mark = records.audit.get(4)
    assert mark is not None
    assert (mark.action, mark.alg) == ("audit.algorithm", "sm3")
    assert dict(mark.detail) == {"before": "sha256", "after": "sm3"}
    records.audit.use_algorithm("sha256")
    records.audit.append_many([wish(9)])
    assert records.audit.examine().algorithms == {"sha256": 5, "sm3": 4}
    with pytest.raises(ConfigError):
        records.audit.use_algorithm("md5")
    # Without its mark the change is found.
    unguarded(records, "UPDATE audit_entry SET action = 'x' WHERE seq = 4")
    assert (records.audit.examine().broken, records.audit.examine().reason) == (4, "algorithm")


def test_every_field_of_an_entry_is_under_the_hash(tmp_path: Path) -> None:
    records = Records.open(f"sqlite:///{tmp_path}/r.sqlite")
    records.audit.append_many([wish(n) for n in range(1, 6)])
    unguarded(records)
    for field in ("user", "action", "subject", "detail", "alg", "role", "address", "request"):
        (kept,) = (e[field] for e, _ in records.audit.after(2, 1))
        for value, broken in (("[1]", 3), (kept, None)):
            with records.database.write() as connection:
                change = text(f'UPDATE audit_entry SET "{field}" = :value WHERE seq = 3')
                connection.execute(change, {"value": value})
            assert records.audit.examine().broken == broken, field
    records.close()


FORBIDDEN = (
    "UPDATE audit_entry SET result = 'done' WHERE seq = 2",
    "DELETE FROM audit_entry WHERE seq = 3",
    "UPDATE audit_head SET seq = 1",
    "UPDATE audit_head SET hash = 'x'",
    "DELETE FROM audit_head",
    (
        "INSERT INTO audit_entry SELECT 2, at, 'li', action, subject, detail, hash, alg, role,"
        " address, request, result FROM audit_entry WHERE seq = 1"
    ),
    "UPDATE audit_checkpoint SET hash = 'x'",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_period SET last_seq = 3",
    "DELETE FROM audit_period",
)


def test_gbt22239_ces1_14_the_database_refuses_every_change(records: Records) -> None:
    records.audit.append_many([wish(n) for n in range(1, 4)])
    sign(records, SigningKey.generate(), 3)
    records.audit_around.add_period(period(1, 1, "x", at=1.0))
    for statement in FORBIDDEN:
        with pytest.raises(DBAPIError), records.database.write() as connection:
            connection.execute(text(statement))
    assert records.audit.verify() == (3, None)


def test_gbt22239_ces1_14_replacing_a_row_is_no_way_around(tmp_path: Path) -> None:
    records = Records.open(f"sqlite:///{tmp_path}/r.sqlite")
    records.audit.append_many([wish(n) for n in range(1, 4)])
    sign(records, SigningKey.generate(), 3)
    for statement in (
        "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE seq = 2",
        "REPLACE INTO audit_head VALUES (1, 0, '', '')",
        "INSERT OR REPLACE INTO audit_checkpoint SELECT * FROM audit_checkpoint",
    ):
        with pytest.raises(DBAPIError), records.database.write() as connection:
            connection.execute(text(statement))
    records.close()


def sign(records: Records, key: SigningKey, seq: int) -> None:
    row = records.audit.get(seq)
    assert row is not None
    records.audit_around.add_checkpoint(
        Checkpoint(
            seq=seq,
            hash=row.hash,
            at=1.0,
            alg=key.algorithm,
            key_id=key.key_id,
            public_key=key.public.hex(),
            signature=key.sign(checkpoint_bytes(seq, row.hash)).hex(),
        )
    )


@pytest.mark.parametrize("make", [SigningKey.generate, sm.Sm2Key.generate])
def test_a_chain_that_was_made_anew_does_not_fit_its_signatures(
    tmp_path: Path, make: Callable[[], SigningKey]
) -> None:
    records, key = Records.open(f"sqlite:///{tmp_path}/r.sqlite"), make()
    records.audit.append_many([wish(n) for n in range(1, 6)])
    sign(records, key, 3)
    sign(records, key, 5)
    trusted = {key.key_id: key.public.hex()}
    found = records.audit.examine(trusted=trusted)
    assert (found.broken, found.checkpoints, found.signed_through) == (None, 2, 5)
    # Whoever signs anew needs the key: another one is not trusted.
    assert records.audit.examine(trusted={"0" * 16: "00"}).reason == "checkpoint"
    # The whole chain made anew, every hash right, without the second entry.
    entries = records.audit.after(0)
    unguarded(records, "DELETE FROM audit_entry", "UPDATE audit_head SET seq = 0, hash = ''")
    rows = [wish(n) for n in (1, 3, 4, 5, 6)]
    records.audit.append_many(rows)
    assert len(records.audit.after(0)) == len(entries)
    found = records.audit.examine(trusted=trusted)
    assert (found.broken, found.reason) == (3, "checkpoint")
    records.close()


def period(first: int, last: int, digest: str, *, at: float, previous: str = "") -> Period:
    return Period(
        first_seq=first,
        last_seq=last,
        first_at=at,
        last_at=at,
        previous=previous,
        hash=digest,
        file="f",
        file_sha256="00",
        key_id="k",
        signature="s",
        sealed_at=at,
        sealed_by="audit",
    )


def test_only_sealed_and_old_entries_go_and_the_chain_still_verifies(records: Records) -> None:
    now = 1.8e9
    with records.database.read() as connection:
        if connection.dialect.name == "sqlite":
            now = float(connection.execute(text("SELECT heatloop_at()")).scalar_one())
        else:
            query = text("SELECT extract(epoch FROM clock_timestamp())")
            now = float(connection.execute(query).scalar_one())
    old, young = now - KEPT_S - 86400, now - KEPT_S + 86400
    records.audit.append_many([wish(n, at=old) for n in range(1, 5)])
    records.audit.append_many([wish(n, at=young) for n in range(5, 8)])
    ends = {row[0]["seq"]: row[1] for row in records.audit.after(0)}
    assert records.audit_around.next_period(now - KEPT_S) == (1, 4)
    first = period(1, 4, ends[4], at=old)
    second = period(5, 6, ends[6], at=young, previous=ends[4])
    for each in (first, second):
        records.audit_around.add_period(each)
    assert records.audit_around.next_period(now)[0] == 7
    with pytest.raises(DBAPIError):
        records.audit_around.drop(second, at=now, by="audit")
    assert records.audit.verify() == (7, None)
    told = {"last_seq": 4, "hash": ends[4]}
    records.audit.append(at=now, user="audit", action=DROPPED, subject="f", detail=told)
    assert records.audit_around.drop(first, at=now, by="audit") == 4
    found = records.audit.examine()
    assert (found.broken, found.first, found.entries) == (None, 5, 4)
    kept = {k: v for k, v in asdict(first).items() if not k.startswith("dropped")}
    stored = asdict(records.audit_around.periods()[0])
    assert kept == {k: v for k, v in stored.items() if not k.startswith("dropped")}
    # Entries that went without a word in the chain are missing.
    unguarded(records, f"UPDATE audit_entry SET action = 'x' WHERE action = '{DROPPED}'")
    assert records.audit.examine().broken is not None


def test_a_drop_nobody_wrote_down_is_found(tmp_path: Path) -> None:
    records = Records.open(f"sqlite:///{tmp_path}/r.sqlite")
    records.audit.append_many([wish(n) for n in range(1, 6)])
    (_, end) = records.audit.after(2)[0]
    records.audit_around.add_period(period(1, 3, end, at=1.0))
    assert records.audit_around.drop(records.audit_around.periods()[0], at=9.0, by="x") == 3
    found = records.audit.examine()
    assert (found.broken, found.reason) == (4, "period")
    records.close()


@pytest.mark.needs("postgres")
def test_gbt22239_ces1_14_the_programs_own_role_cannot_touch_the_trail(server: str) -> None:
    owner = make_database(server, f"roles_{next(_number)}")
    make_roles(owner, "heatloop_app")
    make_roles(owner, "heatloop_app")  # Again, as after an upgrade.
    own = owner.replace("heatloop@", "heatloop_app@")
    records = Records.open(own)
    for n in range(1, 4):
        records.audit.append_many([wish(n)])
    records.users.create("zhao", password_hash="x", roles=[], scope=[""], at=0.0, must_change=False)
    records.settings.set("a.b", 1, source="operator", by="zhao", at=1.0)
    old = records.audit_around
    old.add_period(period(1, 2, records.audit.after(1)[0][1], at=1.0))
    assert old.drop(old.periods()[0], at=2.0, by="audit") == 2
    plain = re.sub(r"^postgresql\+psycopg", "postgresql", own)
    for statement in (
        "UPDATE audit_entry SET result = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "DELETE FROM audit_head",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_period SET hash = 'x'",
        "DELETE FROM record_change",
        "ALTER TABLE audit_entry DISABLE TRIGGER USER",
        "DROP TRIGGER audit_entry_no_change ON audit_entry",
        "DROP TABLE audit_entry",
        "CREATE TABLE public.audit_shadow (n int)",
        (
            "CREATE OR REPLACE FUNCTION audit_entry_guard() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NULL; END $$"
        ),
        "SELECT audit_drop_period(3)",
        # A table of one's own in front of the real one must not deceive the owner's function.
        (
            "CREATE TEMPORARY TABLE audit_period AS SELECT 3::bigint first_seq, 9::bigint last_seq,"
            " 0::float8 last_at, 1::float8 dropped_at; SELECT audit_drop_period(3)"
        ),
        "SET ROLE heatloop",
    ):
        with psycopg.connect(plain) as connection, pytest.raises(psycopg.Error):
            connection.execute(statement)
    assert records.audit.examine().entries == 1
    with pytest.raises(ConfigError):
        make_roles(owner, "heatloop")
    records.close()
