"""What backups owe, on a real historian process: consistent, sealed, complete, restorable."""

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.store.backup_after import data_key, write_down
from heatloop.store.backup_keys import make_chain, open_chain
from heatloop.store.backup_manifest import prune, read_heads
from heatloop.store.backup_open import open_backup
from heatloop.store.backup_restore import restore
from heatloop.store.backup_verify import verify
from heatloop.store.objects import open_objects
from heatloop.store.records import Records
from tests.contract.keeping_house import DAY_S, PASSPHRASE, START_S, House, historian, slot


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house backed up in full, with two days of samples, and its historian stopped."""
    made = House(tmp_path_factory.mktemp("house"))
    made.furnish()
    with historian(made.data) as series:
        for number in (*range(40), *range(2880, 2900)):
            series.append(slot(number))
        series.refresh_rollups()
        made.count = series.count(0, 1 << 31)
        made.digest = series.day_digest(START_S, START_S + DAY_S)
        made.records.keeping.put_day(
            START_S,
            digest=made.digest.hex(),
            samples=8000,
            counter=series.day_counter(START_S, START_S + DAY_S),
            reason="first",
            at=1.0,
        )
    made.backup(full=True)
    yield made
    made.close()


def test_everything_comes_back_with_equal_counts_and_hashes(house: House, tmp_path: Path) -> None:
    back = restore(house.opened(), tmp_path / "d")
    assert back.findings == ()
    with historian(tmp_path / "d") as series:
        assert series.count(0, 1 << 31) == house.count == 12_000
        assert series.day_digest(START_S, START_S + DAY_S) == house.digest
        assert len(series.latest().keys) == 200
    mine, theirs = (sqlite3.connect(f / "records.sqlite") for f in (house.data, tmp_path / "d"))
    with closing(mine), closing(theirs):
        tables = [r[0] for r in mine.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        assert len(tables) > 30
        for table in tables:
            rows = [list(c.execute(f'SELECT * FROM "{table}"')) for c in (mine, theirs)]
            assert rows[0] == rows[1], table
    for name in ("keys/platform.ed25519", "keys/data.aes256", "keys/historian.aes256"):
        assert (tmp_path / "d" / name).read_bytes() == (house.data / name).read_bytes()
        assert (tmp_path / "d" / name).stat().st_mode & 0o077 == 0
    for digest in (house.photo, house.voice):
        assert (tmp_path / "d/files" / digest[:2] / digest).read_bytes()
    assert (tmp_path / "d/edge/GW0001/edge.toml").exists()
    assert not (tmp_path / "d/edge/GW0001/spool").exists()


def test_a_trial_restore_finds_a_good_backup_good(house: House, tmp_path: Path) -> None:
    found = verify(house.opened(), room=tmp_path)
    assert found.findings == ()
    assert (found.rows["raw"], found.days, found.files) == (12_000, 1, 2)
    assert found.audit_entries >= 20
    assert not list(tmp_path.iterdir())


def test_a_trial_restore_finds_a_day_that_was_changed(house: House, tmp_path: Path) -> None:
    opened = house.opened()
    part = opened.manifest.part("records")
    assert part is not None
    entry = part.files[0]
    copy = tmp_path / "r.sqlite"
    copy.write_bytes(opened.bytes_of(entry))
    with closing(sqlite3.connect(copy)) as connection, connection:
        for trigger in ("heatloop_at", "heatloop_actor"):
            connection.create_function(trigger, 0, lambda: 0)
        connection.execute("UPDATE keeping_day SET digest = replace(digest, 'a', 'b')")
    changed = copy.read_bytes()
    get = opened.reader.get
    pieces = {c: changed[i * 65536 : (i + 1) * 65536] for i, c in enumerate(entry.chunks)}
    opened.reader.get = lambda name: pieces.get(name, b"") or get(name)  # type: ignore[method-assign]
    found = verify(opened, room=tmp_path)
    # Even the journal of changes shows it.
    assert found.findings[-1] == f"day {START_S} has another digest"
    assert all("record_change" in finding for finding in found.findings[:-1])


def test_nothing_readable_leaves_the_house(house: House) -> None:
    signing = (house.data / "keys/platform.ed25519").read_bytes()
    for each in house.store.list():
        data = house.store.get(each.name)
        for secret in (b"keeper", b"SS0001", b"13900000001", b"SQLite format", signing):
            assert secret not in data, each.name


def test_a_plaintext_backup_still_seals_the_keys(house: House, tmp_path: Path) -> None:
    store = open_objects(str(tmp_path / "plain"))
    plain = House.__new__(House)
    plain.__dict__ = {**house.__dict__, "store": store}
    made = plain.backup(full=True, encrypted=False)
    assert not made.head.encrypted
    sealed = {
        file.path: all(made.manifest.places[c].sealed for c in file.chunks)
        for part in made.manifest.parts
        for file in part.files
    }
    assert sealed["platform.ed25519"]
    assert sealed["GW0001/edge.toml"]
    assert not sealed["records.sqlite"]
    keys = [p.read_bytes() for p in (house.data / "keys").iterdir()]
    for each in store.list():
        assert not any(key in store.get(each.name) for key in keys)
    assert restore(plain.opened(), tmp_path / "d").findings == ()


def test_another_passphrase_opens_nothing(house: House) -> None:
    with pytest.raises(UnsafeError, match="does not open"):
        open_backup(house.store, "another passphrase")


@pytest.mark.parametrize("kind", ["packs", "body", "head", "chain.json"])
def test_a_changed_byte_is_found(house: House, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "copy"
    shutil.copytree(house.folder / "backups", place)
    for path in place.rglob("*"):
        if path.is_file() and kind in path.as_posix():
            data = bytearray(path.read_bytes())
            at = len(data) // 2 if kind != "chain.json" else data.index(b'"encrypted":') + 13
            data[at] ^= 1
            path.write_bytes(data)
    with pytest.raises((InputError, UnsafeError)):
        restore(open_backup(open_objects(str(place)), PASSPHRASE), tmp_path / "d")
    assert not (tmp_path / "d" / "records.sqlite").exists()


def test_a_head_of_somebody_else_is_refused(house: House, tmp_path: Path) -> None:
    from heatloop.security.keys import SigningKey
    from heatloop.store.backup_manifest import read_manifest, write_run

    place = tmp_path / "copy"
    shutil.copytree(house.folder / "backups", place)
    store = open_objects(str(place))
    head = read_heads(store)[-1]
    key = open_chain(store.get(f"{head.chain}/chain.json"), PASSPHRASE)
    write_run(store, key, SigningKey.generate(), head, read_manifest(store, key, head))
    with pytest.raises(UnsafeError, match="not trusted"):
        open_backup(store, PASSPHRASE)


def test_a_folder_in_use_or_not_empty_is_refused(house: House, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "records.sqlite").write_bytes(b"mine")
    with pytest.raises(InputError, match="not empty"):
        restore(house.opened(), tmp_path / "d")
    back = restore(house.opened(), tmp_path / "d", force=True)
    assert back.aside is not None
    assert (back.aside / "records.sqlite").read_bytes() == b"mine"
    with historian(tmp_path / "d"), pytest.raises(UnsafeError, match="runs on this folder"):
        restore(house.opened(), tmp_path / "d", force=True)


def test_a_restore_that_broke_off_goes_on(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = house.opened()
    get, count = opened.reader.get, 0

    def some(name: str) -> bytes:
        nonlocal count
        count += 1
        if count == 40:
            raise InputError("the line is cut")
        return get(name)

    monkeypatch.setattr(opened.reader, "get", some)
    with pytest.raises(InputError, match="cut"):
        restore(opened, tmp_path / "d")
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["restoring"]
    total = sum(len(f.chunks) for p in opened.manifest.parts for f in p.files)
    restore(opened, tmp_path / "d")
    assert count < total + 5
    assert not (tmp_path / "d" / "restoring").exists()


def test_the_restore_is_written_down_and_numbers_jump(house: House, tmp_path: Path) -> None:
    back = restore(house.opened(), tmp_path / "d")
    token_user = "admin"
    key = data_key(tmp_path / "d" / "keys")
    records = Records(f"sqlite:///{tmp_path}/d/records.sqlite", **key)
    records.sessions.create("h", user=token_user, at=1.0, expires_at=9e9)
    version, keys = records.ledger.version(), records.ledger.load().keys
    records.close()
    write_down(tmp_path / "d", back, records_url="", user="keeper", at=machine_s(), seconds=3.0)
    records = Records(f"sqlite:///{tmp_path}/d/records.sqlite", **key)
    try:
        assert records.ledger.version() > version + 900
        assert max(records.ledger.load().keys.values()) > max(keys.values()) + 9000
        assert records.audit.verify()[1] is None
        newest = records.audit.list(limit=1)[1][0]
        assert (newest.action, newest.subject) == ("keeping.restore", back.head.run)
        assert records.keeping.end_sessions() == 0
        row = records.keeping.newest(("restore",))
        assert row is not None
        assert row.body["settled"] is False
    finally:
        records.close()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="hlb") as made:
        yield Path(made)


def test_ingest_goes_on_and_no_acknowledged_sample_is_missing(short_path: Path) -> None:
    """What the records call acknowledged is in the historian of the same backup."""
    tmp_path = short_path
    house = House(tmp_path)
    house.furnish()
    stop = threading.Event()
    with historian(house.data) as series:

        def ingest() -> None:
            number = 0
            while not stop.is_set():
                series.append(slot(number))
                number += 1
                house.records.gateways.advance("GW0001", 7, number * 200, at=1.0)

        pump = threading.Thread(target=ingest)
        pump.start()
        try:
            made = [house.backup(full=n == 0) for n in range(4)]
        finally:
            stop.set()
            pump.join()
    assert [each.head.kind for each in made] == ["full", *["incremental"] * 3]
    assert len({each.head.chain for each in made}) == 1
    before = 0
    for each in made:
        target = tmp_path / each.head.run
        restore(house.opened(run=each.head.run), target)
        records = Records(f"sqlite:///{target}/records.sqlite")
        through = records.gateways.through("GW0001", 7)
        records.close()
        part = each.manifest.part("historian")
        assert part is not None
        assert part.counts["raw"] >= through > before
        before = through
    with historian(tmp_path / made[-1].head.run) as series:
        assert series.count(0, 1 << 31) >= before
        assert series.duplicates(0, 1 << 31) == 0
    house.close()


def test_an_incremental_carries_what_changed_and_times_can_be_chosen(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.furnish()
    with historian(house.data) as series:
        for number in range(30):
            series.append(slot(number))
    first = house.backup(full=True)
    house.note(100)
    second = house.backup()
    carried = {part.name: part.new_bytes for part in second.manifest.parts}
    assert carried["historian"] == carried["files"] == carried["keys"] == 0
    assert 0 < carried["records"] < second.head.bytes / 20
    between = (first.head.at + second.head.at) / 2
    for before, entries in ((between, 21), (None, 22)):
        opened = house.opened(before=before)
        target = tmp_path / f"at{entries}"
        restore(opened, target)
        records = Records(f"sqlite:///{target}/records.sqlite")
        assert records.audit.verify() == (entries, None)
        records.close()
    with pytest.raises(InputError, match="no such backup"):
        house.opened(before=first.head.at - 1)
    house.close()


def test_the_last_good_chain_is_never_removed(tmp_path: Path) -> None:
    house = House(tmp_path)
    (house.data / "historian" / "metadata").mkdir(parents=True)
    house.store.put("somebody/elses", b"file")
    for number in range(4):
        house.backup(full=True)
        house.note(number)
    ordered = [h.chain for h in read_heads(house.store)]
    assert prune(house.store, 1, frozenset(ordered)) == []
    # The newest failed its trial: it does not count, and the two before it stay.
    assert prune(house.store, 2, frozenset(ordered[-1:])) == ordered[:1]
    assert [h.chain for h in read_heads(house.store)] == ordered[1:]
    assert prune(house.store, 1) == ordered[1:3]
    assert {each.name.split("/")[0] for each in house.store.list()} == {ordered[3], "somebody"}
    assert house.store.has("somebody/elses")
    house.close()


def test_a_damaged_photo_keeps_nothing_else_from_being_backed_up(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.furnish()
    (house.data / "historian" / "metadata").mkdir(parents=True)
    path = house.data / "files" / house.photo[:2] / house.photo
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    made = house.backup(full=True)
    assert made.manifest.facts["files"]["damaged"] == [f"{house.photo[:2]}/{house.photo}"]
    part = made.manifest.part("files")
    assert part is not None
    assert [file.path.split("/")[1] for file in part.files] == [house.voice]
    house.close()


def test_a_chain_document_belongs_to_its_passphrase_and_its_words() -> None:
    key, document = make_chain("c", PASSPHRASE, encrypted=True, at=1.0)
    assert open_chain(document, PASSPHRASE) == key
    with pytest.raises(UnsafeError):
        open_chain(document.replace(b"true", b"false"), PASSPHRASE)
    assert replace(key, encrypted=False) != key
