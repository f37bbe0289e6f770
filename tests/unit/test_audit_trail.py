"""The trail as the application writes it: group commit, journal, copies, and what fails."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from heatloop.app.audit import MOST_A_COMMIT, Audit
from heatloop.app.audit_copies import Copies
from heatloop.app.audit_journal import Journal
from heatloop.app.audit_keeper import AuditKeeper
from heatloop.app.audit_origin import Origin, coming_from, result_of
from heatloop.app.audit_periods import Periods
from heatloop.app.audit_settings import AuditSettings, chain_algorithm, check_audit
from heatloop.app.refusals import Refused
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import ConfigError, InputError, LinkError, UnsafeError
from heatloop.security.keys import KeyRing, SigningKey
from heatloop.store.audit_feed import (
    FeedCopy,
    compare,
    read_feed,
    read_lines,
    read_segment,
    segment_bytes,
)
from heatloop.store.objects_folder import FolderObjects
from heatloop.store.records import Records
from heatloop.store.records.audit import AuditWish


@dataclass
class OneKey:
    """What `PlatformKeys` offers, without a folder."""

    signing: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def ring(self) -> KeyRing:
        return KeyRing([self.signing.public])


class Alarms:
    """Takes the place of the alarms: what they are asked for is what matters here."""

    def __init__(self) -> None:
        self.now: dict[str, bool] = {}

    async def set(self, rule: str, wrong: bool, **_: Any) -> None:
        self.now[rule] = wrong


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    made = Records.open(f"sqlite:///{tmp_path}/records.sqlite")
    yield made
    made.close()


@pytest.fixture
def keys() -> OneKey:
    return OneKey()


def keeper_of(records: Records, audit: Audit, keys: OneKey, *targets: Any) -> AuditKeeper:
    made = AuditKeeper(
        world=None,  # type: ignore[arg-type] - only its alarms need one
        records=records,
        audit=audit,
        alarming=None,  # type: ignore[arg-type]
        keys=keys,  # type: ignore[arg-type]
        copies=Copies(records, list(targets)),
        settings=AuditSettings(checkpoint_entries=10, copy_every_s=1.0),
    )
    made._alarms = Alarms()  # type: ignore[assignment]
    return made


def broken(records: Records) -> None:
    """Make every insert fail, as a damaged or full database does."""
    with records.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )


def mended(records: Records) -> None:
    with records.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER no_room")


async def test_many_writers_share_a_commit_and_each_returns_when_durable(records: Records) -> None:
    audit, commits = Audit(records), list[int]()
    real = records.audit.append_many

    def counted(wishes: Any, **more: Any) -> Any:
        commits.append(len(wishes))
        return real(wishes, **more)

    records.audit.append_many = counted  # type: ignore[method-assign]

    async def write(n: int) -> None:
        with coming_from(Origin(request=f"{n:04x}", address="10.0.0.1", role="dispatcher")):
            await audit.add(f"u{n % 7}", "test.written", str(n), after=n)
        # Whoever returns finds his entry in the database.
        assert any(e["request"] == f"{n:04x}" for e, _ in records.audit.after(0))

    await asyncio.gather(*(write(n) for n in range(600)))
    found = records.audit.examine()
    assert (found.entries, found.broken) == (600, None)
    assert len(commits) <= 10
    assert max(commits) <= MOST_A_COMMIT
    row = records.audit.get(1)
    assert row is not None
    assert (row.address, row.role, row.result) == ("10.0.0.1", "dispatcher", "done")


async def test_one_bad_entry_takes_nobody_down(records: Records) -> None:
    audit = Audit(records)
    wishes = [audit.add("u", "test.a", "x", n=n if n != 3 else object()) for n in range(6)]
    done = await asyncio.gather(*wishes, return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [InputError]
    assert records.audit.verify() == (5, None)


async def test_a_cancelled_writer_leaves_its_entry(records: Records) -> None:
    audit = Audit(records)
    task = asyncio.create_task(audit.add("u", "test.a", "x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await audit.close()
    assert records.audit.verify() == (1, None)


def test_how_it_went_is_told_by_the_name_of_the_action() -> None:
    told = {"command.refused": "refused", "data.export_refused": "refused", "job.failed": "failed",
            "session.failed": "failed", "command.request": "done", "web.write": "done"}  # fmt: skip
    assert {action: result_of(action) for action in told} == told


async def test_gbt22239_ces1_15_without_a_trail_nothing_privileged_is_begun(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    audit = Audit(records, Journal(tmp_path / "journal", keys))
    keeper, said = keeper_of(records, audit, keys), list[bool]()
    audit.when_changed(lambda works, _: said.append(works))
    await audit.must()
    broken(records)
    with coming_from(Origin(request="00aa")), pytest.raises(Refused) as refused:
        await audit.add("wang", "setting.changed", "x")
    assert refused.value.code == "audit_unavailable"
    with pytest.raises(LinkError):  # Background work tries again instead.
        await audit.add("system", "command.verified", "x")
    with pytest.raises(Refused):
        await audit.must()
    # An emergency stop goes on, in the local journal.
    await audit.add("wang", "emergency.stop", "SS0001", reason="burst")
    await audit.add("wang", "emergency.release", "SS0001")
    assert audit.journal is not None
    assert audit.journal.reach()[1] == 2
    await asyncio.sleep(0)
    assert said == [False]
    assert keeper._alarms.now == {"audit_unavailable": True}
    mended(records)
    await keeper.tend()
    await asyncio.gather(*keeper._tasks)
    assert said == [False, True]
    assert keeper._alarms.now == {"audit_unavailable": False}
    await audit.must()
    trail = [e["action"] for e, _ in records.audit.after(0)]
    assert [a for a in trail if a.startswith("emergency")] == [
        "emergency.stop",
        "emergency.release",
    ]
    assert trail.count("audit.recovered") == 1
    assert "setting.changed" not in trail
    assert audit.journal.reach() == ("", 0)
    assert records.audit.examine().broken is None


async def test_the_journal_is_chained_in_in_order_exactly_once(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal", keys)
    audit = Audit(records, journal)
    keeper = keeper_of(records, audit, keys)
    for n in range(5):
        journal.append({"user": "u", "action": "emergency.stop", "subject": str(n), "at": 1.0 + n})
    name, _ = journal.reach()
    # A crash after the commit and before the file was laid aside.
    journal.finished = lambda through: None  # type: ignore[method-assign]
    assert await keeper.chain_in() == 5
    again = Journal(tmp_path / "journal", keys)
    assert await keeper_of(records, Audit(records, again), keys).chain_in() == 0
    rows = [json.loads(e["detail"]) | {"s": e["subject"]} for e, _ in records.audit.after(0)]
    assert [(r["s"], r["line"], r["journal"]) for r in rows] == [
        (str(n), n + 1, name) for n in range(5)
    ]
    again = Journal(tmp_path / "journal", keys)
    again.append({"user": "u", "action": "emergency.stop", "subject": "6"})
    assert again.reach()[0] != name


async def test_a_changed_line_of_the_journal_is_chained_in_as_spoilt(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal", keys)
    for n in range(4):
        journal.append({"user": "u", "action": "emergency.stop", "subject": f"SS{n}"})
    (file,) = (tmp_path / "journal").glob("*.journal")
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"SS1", b"SS9")
    lines[2] = b"garbage\n"
    file.write_bytes(b"".join(lines) + b'{"entry": half a li')
    fresh = Journal(tmp_path / "journal", keys)
    assert [line.good for line in fresh.lines()] == [True, False, False, False]
    assert fresh.append({"user": "u", "action": "emergency.stop", "subject": "SS4"}) == 5
    await keeper_of(records, Audit(records, fresh), keys).chain_in()
    results = [e["result"] for e, _ in records.audit.after(0)]
    assert results == ["done", "failed", "failed", "failed", "done"]


def test_the_journal_survives_kill_9(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from types import SimpleNamespace
        from heatloop.app.audit_journal import Journal
        from heatloop.security.keys import SigningKey
        key = SigningKey.from_bytes(bytes(range(32)))
        journal = Journal(Path(sys.argv[1]), SimpleNamespace(signing=key))
        n = 0
        while True:
            n += 1
            journal.append({"user": "u", "action": "emergency.stop", "subject": str(n)})
            print(n, flush=True)
        """
    )
    command = [sys.executable, "-c", program, str(tmp_path / "journal")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = 0
    for line in process.stdout:
        told = int(line)
        if told >= 40:
            break
    os.kill(process.pid, signal.SIGKILL)
    told = max([told, *(int(line) for line in process.stdout.read().split() if line.isdigit())])
    process.stdout.close()
    process.wait(10)
    key = OneKey(SigningKey.from_bytes(bytes(range(32))))
    lines = Journal(tmp_path / "journal", key).lines()
    assert told <= len(lines) <= told + 1
    assert [(line.number, line.wish.subject, line.good) for line in lines] == [
        (n, str(n), True) for n in range(1, len(lines) + 1)
    ]


async def test_checkpoints_follow_the_chain(records: Records, keys: OneKey) -> None:
    audit = Audit(records)
    keeper = keeper_of(records, audit, keys)
    for n in range(9):
        await audit.add("u", "a.b", str(n))
    assert await keeper.checkpoint() == 0
    await audit.add("u", "a.b", "10")
    assert await keeper.checkpoint() == 10
    assert await keeper.checkpoint() == 0
    await audit.add("u", "a.b", "11")
    assert await keeper.checkpoint(now=True) == 11
    trusted = {keys.signing.key_id: keys.signing.public.hex()}
    found = records.audit.examine(trusted=trusted)
    assert (found.checkpoints, found.signed_through, found.broken) == (2, 11, None)


async def test_gbt22239_ces1_14_a_copy_elsewhere_shows_what_was_done_to_the_trail(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    audit, store = Audit(records), FolderObjects(tmp_path / "copy")
    keeper = keeper_of(records, audit, keys, FeedCopy(store, lambda: keys.signing))
    await asyncio.gather(*(audit.add("u", "a.b", str(n), after=n) for n in range(30)))
    await keeper.tend()
    (state,) = keeper.copies.states
    assert (state.through, state.lag_s, state.failing) == (30, 0.0, "")
    names = [info.name for info in store.list()]
    await audit.add("u", "a.b", "31")
    state.sent_s = 0.0
    await keeper.tend()
    # Nothing that was copied is written again.
    assert [info.name for info in store.list()][:-1] == names
    assert state.through == 31
    copy = list(read_feed(store, keys.ring))
    trail = list(records.audit.after(0))
    assert compare(trail, copy) == (31, None)
    assert compare(trail[5:], copy) == (26, None)  # Dropped by whole periods.
    assert compare(trail, copy[3:]) == (28, None)  # The copy was set up later.

    def first(changed: list[Any]) -> tuple[int, str, tuple[str, ...]]:
        _, found = compare(changed, copy)
        assert found is not None
        return found.seq, found.what, found.fields

    altered = [({**e, "user": "li"} if e["seq"] == 7 else e, h) for e, h in trail]
    assert first(altered) == (7, "altered", ("user",))
    assert first([*trail[:11], *trail[12:]]) == (12, "missing", ())
    assert first(trail[:20]) == (21, "missing", ())
    doubled = [*trail[:4], ({**trail[3][0], "seq": 4}, "x"), *trail[4:]]
    assert first(doubled)[:2] == (4, "inserted")
    assert first([(e, h if e["seq"] != 9 else "0") for e, h in trail]) == (9, "altered", ("hash",))


async def test_a_trail_that_was_made_anew_stops_the_copy_and_raises_an_alarm(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    audit, store = Audit(records), FolderObjects(tmp_path / "copy")
    keeper = keeper_of(records, audit, keys, FeedCopy(store, lambda: keys.signing))
    for n in range(5):
        await audit.add("u", "a.b", str(n))
    await keeper.tend()
    with records.database.write() as connection:
        for name in ("entry_no_UPDATE", "entry_no_DELETE", "entry_no_PAST", "head_no_UPDATE"):
            connection.exec_driver_sql(f"DROP TRIGGER audit_{name}")
        connection.exec_driver_sql("DELETE FROM audit_entry")
        connection.exec_driver_sql("UPDATE audit_head SET seq = 0, hash = ''")
    for n in range(8):
        await audit.add("li", "a.b", str(n))
    assert records.audit.verify() == (8, None)
    before = [info.name for info in store.list()]
    keeper.copies.states[0].sent_s = 0.0
    await keeper.tend()
    assert keeper.copies.states[0].differs
    assert keeper._alarms.now["audit_copy_differs"]  # type: ignore[attr-defined]
    assert [info.name for info in store.list()] == before
    _, found = compare(records.audit.after(0), read_feed(store))
    assert found is not None
    assert (found.seq, found.what) == (1, "altered")
    assert await keeper.copies.restart(store.url)
    await keeper.tend()
    assert not keeper._alarms.now["audit_copy_differs"]  # type: ignore[attr-defined]


async def test_gbt22239_ces1_14_old_periods_are_sealed_read_back_and_dropped(
    records: Records, keys: OneKey, tmp_path: Path
) -> None:
    audit, store = Audit(records), FolderObjects(tmp_path / "sealed")
    periods = Periods(records, audit, store, keys)  # type: ignore[arg-type]
    old = [
        AuditWish(at=1e9 + n, user="li", action="a.b", subject=str(n), detail={}) for n in range(30)
    ]
    records.audit.append_many(old)
    await audit.add("li", "a.b", "now")
    period = await periods.seal("sun", 2e9)
    assert period is not None
    assert (period.first_seq, period.last_seq, period.sealed_by) == (1, 30, "sun")
    assert await periods.seal("sun", 2e9) is None  # The last day stays open.
    kept = read_segment(store.get(period.file), keys.ring)
    assert [e["seq"] for e, _ in kept.entries] == list(range(1, 31))
    # A file that is not what was sealed stands for nothing.
    whole = store.get(period.file)
    store.put(period.file, whole.replace(b'"li"', b'"wu"', 1))
    with pytest.raises(Refused) as refused:
        await periods.drop("sun", 1)
    assert refused.value.code == "audit_kept"
    store.put(period.file, whole)
    dropped, gone = await periods.drop("sun", 1)
    assert (gone, dropped.dropped_by) == (30, "sun")
    with pytest.raises(Refused):
        await periods.drop("sun", 1)
    found = records.audit.examine()
    assert (found.broken, found.first) == (None, 31)
    row = records.audit.list(action="audit.period_dropped")[1][0]
    assert (row.user, row.detail["last_seq"], row.detail["hash"]) == ("sun", 30, period.hash)
    # What is sealed but young stays.
    young = [AuditWish(at=machine_s() - 200_000, user="u", action="a.b", subject="y", detail={})]
    fresh = Records.open(f"sqlite:///{tmp_path}/young.sqlite")
    fresh.audit.append_many(young)
    mine = Periods(fresh, Audit(fresh), store, keys)  # type: ignore[arg-type]
    assert await mine.seal("sun", 2e9) is not None
    with pytest.raises(Refused) as refused:
        await mine.drop("sun", 1)
    assert refused.value.code == "audit_kept"
    fresh.close()


async def test_a_late_copy_raises_an_alarm(records: Records, keys: OneKey) -> None:
    class Away:
        name = "away"

        def send(self, entries: Any, previous: str) -> None:
            raise LinkError("no route")

    audit = Audit(records)
    keeper = keeper_of(records, audit, keys, Away())
    await audit.add("u", "a.b", "c")
    await keeper.tend()
    (state,) = keeper.copies.states
    assert "no route" in state.failing
    assert not keeper._alarms.now["audit_copy_late"]  # type: ignore[attr-defined]
    keeper.settings = replace(keeper.settings, copy_late_s=-1.0)
    await keeper.tend()
    assert keeper._alarms.now["audit_copy_late"]  # type: ignore[attr-defined]


def test_a_file_of_the_copy_cannot_be_changed_or_cut(keys: OneKey, tmp_path: Path) -> None:
    entries = [({"seq": n, "user": "u"}, f"{n:064x}") for n in range(1, 4)]
    data = segment_bytes(keys.signing, entries, "")
    assert read_segment(data, keys.ring).entries == entries
    with pytest.raises(UnsafeError):
        read_segment(data.replace(b'"u"', b'"v"', 1), keys.ring)
    with pytest.raises(UnsafeError):
        read_segment(data, OneKey().ring)
    with pytest.raises(InputError):
        read_segment(b"\n".join(data.splitlines()[:-1]), keys.ring)
    store = FolderObjects(tmp_path)
    for first in (1, 3):
        some = [({"seq": n, "user": "u"}, f"{n:064x}") for n in (first, first + 1)]
        store.put(f"audit/{first:012d}-x.jsonl", segment_bytes(keys.signing, some, ""))
    assert len(list(read_feed(store))) == 4
    store.delete("audit/000000000001-x.jsonl")
    some = [({"seq": 9, "user": "u"}, "9")]
    store.put("audit/000000000009-x.jsonl", segment_bytes(keys.signing, some, ""))
    with pytest.raises(InputError, match="5 to 8 are missing"):
        list(read_feed(store))


def test_a_syslog_servers_own_file_is_a_copy_too(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    line = 'Nov 23 10:00:00 host heatloop {"entry":{"seq":%d,"user":"u"},"hash":"%d"}\n'
    file.write_text("noise\n" + line % (2, 2) + line % (1, 1) + line % (2, 2))
    assert [e["seq"] for e, _ in read_lines(file)] == [1, 2]


@pytest.mark.parametrize(
    "given",
    [{"algorithm": "md5"}, {"checkpoint_entries": 1}, {"copy_every_s": 61.0}, {"syslog": "host"},
     {"syslog": "host:0"}, {"syslog_certificate": "x"}],
)  # fmt: skip
def test_settings_a_trail_cannot_be_kept_with_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        check_audit(AuditSettings(**given))


def test_the_chain_follows_the_suite_unless_told() -> None:
    assert chain_algorithm(AuditSettings(), "sm") == "sm3"
    assert chain_algorithm(AuditSettings(), "international") == "sha256"
    assert chain_algorithm(AuditSettings(algorithm="sha256"), "sm") == "sha256"
