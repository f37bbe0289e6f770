"""Series of a server in backups: read by days with digests, restored into any engine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.kernel.series import Columns
from heatloop.store.backup_historian import Target
from heatloop.store.backup_restore import restore
from heatloop.store.backup_run import Subject
from heatloop.store.backup_series import Piece, load_piece, write_piece
from heatloop.store.backup_series_plan import Series, load_series, read_series
from heatloop.store.backup_verify import verify
from heatloop.store.historian.engine_choice import open_historian
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import EventRow, Historian, Origin, RollupColumns
from tests.contract.clickhouse_peers import LOGIN, Endpoint
from tests.contract.keeping_house import DAY_S, START_S, House, historian, slot
from tests.contract.postgres_server import postgres_server

ZONE = ZoneInfo("Asia/Shanghai")
NOW_S = START_S + 3 * DAY_S + 7200
_number = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    made = Endpoint(tmp_path_factory.mktemp("server")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "password"
    path.write_text(LOGIN.password)
    return path


@pytest.fixture(scope="module")
def postgres_url(program: Callable[[str], Path]) -> Iterator[str]:
    with postgres_server(program("postgres")) as url:
        yield url


def target(server: Endpoint, password: Path) -> Target:
    url = f"clickhouse://heat@{server.host}/backup_{next(_number)}"
    return Target(url=url, password_file=str(password))


def fill(engine: Historian) -> None:
    """Store two days that are over and two hours of the day that runs, with all there is."""
    engine.set_periods([7], [300])
    for number in (*range(20), *range(2880, 2890)):
        engine.append(slot(number, 30))
    slots = np.array([NOW_S - 7000, NOW_S - 100], "u4")
    odd = np.array([np.nan, -0.0])
    engine.append(Columns(np.array([5, 5], "u4"), slots, odd, np.array([2, 0], "u1")))
    for method, value in (("by hand", 1.0), ("neighbour", 2.0)):
        engine.revise(
            Columns(np.array([3], "u4"), np.array([START_S], "u4"), np.array([value]),
                    np.array([4], "u1")), method=method, who="丽",
        )  # fmt: skip
    engine.append_events([EventRow(3, START_S * 1000 + 17, "SS0001", "阀门 opened")])
    expired = START_S - 400 * DAY_S
    fields = [np.array([3], "u4"), np.array([expired], "u4"), np.array([20], "u4")]
    fields += [np.array([v]) for v in (1.0, 2.0, 3.0, 4.0, 5.0)]
    fields += [np.array([n], "u4") for n in (20, 0, 0, 0, 0)] + [np.array([0], "u1")]
    for step in (600, 3600):
        engine.seed_rollup(step, RollupColumns(*fields), as_they_were=True)
    engine.refresh_rollups()


def alike(one: Historian, other: Historian) -> None:
    """Compare all that two engines hold."""
    start, end = START_S - 500 * DAY_S, NOW_S
    keys = np.arange(1, 31, dtype="u4")
    for day in range(START_S, NOW_S, DAY_S):
        assert one.day_digest(day, day + DAY_S) == other.day_digest(day, day + DAY_S)
    mine, theirs = one.trace(keys, start, end), other.trace(keys, start, end)
    for a, b in zip(mine.laid, theirs.laid, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (mine.methods, mine.who) == (theirs.methods, theirs.who)
    assert len(mine.methods) == 2
    for a, b in zip(one.raw(keys, start, end), other.raw(keys, start, end), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.events(0, NOW_S * 1000) == other.events(0, NOW_S * 1000) != []
    for step in (600, 3600, DAY_S):
        a, b = one.rollup(keys, start, end, step), other.rollup(keys, start, end, step)
        for x, y in zip(a.columns, b.columns, strict=True):
            np.testing.assert_allclose(x, y)
    old = other.rollup([3], start, START_S - DAY_S, 600)
    assert (len(old), old.origin.tolist()) == (1, [Origin.MEASURED])
    assert {7: 300}.items() <= dict(
        zip(*(c.tolist() for c in other.periods()), strict=True)
    ).items()


@contextmanager
def house_of(folder: Path, series: Target) -> Iterator[House]:
    made = House(folder)
    made.furnish()
    plain = made.subject

    def subject() -> Subject:
        return replace(plain(), series=series)

    made.subject = subject  # type: ignore[method-assign]
    try:
        yield made
    finally:
        made.close()


def opened(series: Target, data: Path) -> Historian:
    return open_historian(series.url, data=data, zone=ZONE, password_file=series.password_file)


def test_6_2_d_a_servers_series_are_backed_up_and_restored_into_any_engine(
    server: Endpoint, password: Path, tmp_path: Path
) -> None:
    series = target(server, password)
    with house_of(tmp_path / "h", series) as house, closing(opened(series, tmp_path)) as engine:
        fill(engine)
        made = house.backup(full=True, plant_at=float(NOW_S))
        part = made.manifest.part("historian")
        assert part is not None
        names = {file.path for file in part.files}
        day = str(np.datetime64(START_S, "s"))[:10]
        assert {f"raw/{day}.rows", f"revision/{day}.rows", f"event/{day}.rows"} <= names
        assert len([n for n in names if n.startswith("raw/") and "T" in n]) == 2
        assert part.counts["raw"] == 30 * 30 + 2
        assert (part.counts["revision"], part.counts["event"]) == (2, 1)

        # Late data of a day that is over, and a new hour: only those are carried.
        engine.append(slot(25, 30))
        engine.append(Columns(np.array([5], "u4"), np.array([NOW_S - 5], "u4"), np.array([1.5]),
                              np.zeros(1, "u1")))  # fmt: skip
        engine.refresh_rollups()
        second = house.backup(plant_at=float(NOW_S))
        assert second.head.kind == "incremental"
        again = {f.path: f for f in second.manifest.part("historian").files}  # type: ignore[union-attr]
        first = {f.path: f for f in part.files}
        changed = {n for n in again if n.startswith("raw/") and first.get(n) != again[n]}
        assert f"raw/{day}.rows" in changed
        assert len(changed) == 2

        # Into the embedded engine, with the key made for it; checked by digest.
        back = restore(house.opened(), tmp_path / "d")
        assert back.findings == ()
        assert (tmp_path / "d/keys/historian.aes256").stat().st_mode & 0o077 == 0
        with historian(tmp_path / "d") as chdb:
            alike(engine, chdb)

        found = verify(house.opened(), room=tmp_path)
        assert found.findings == ()
        assert (found.rows["raw"], found.days) == (30 * 31 + 3, 4)


@pytest.mark.slow
def test_an_embedded_engines_own_files_are_restored_into_a_server(
    server: Endpoint, password: Path, tmp_path: Path
) -> None:
    series = target(server, password)
    house = House(tmp_path / "h")
    try:
        house.furnish()
        with historian(house.data) as engine:
            fill(engine)
        house.backup(full=True)
        back = restore(house.opened(), tmp_path / "d", series=series)
        assert back.findings == ()
        assert not (tmp_path / "d/historian").exists()
        like = MemoryHistorian(zone=ZONE)
        fill(like)
        with closing(opened(series, tmp_path)) as copied:
            alike(like, copied)
        with pytest.raises(InputError, match="holds series already"):
            restore(house.opened(), tmp_path / "e", series=series)
    finally:
        house.close()


@pytest.mark.needs("postgres")
def test_6_2_d_frames_of_postgresql_are_backed_up_too(postgres_url: str, tmp_path: Path) -> None:
    series = Target(url=postgres_url)
    with house_of(tmp_path / "h", series) as house, closing(opened(series, tmp_path)) as engine:
        fill(engine)
        house.backup(full=True, plant_at=float(NOW_S))
        restore(house.opened(), tmp_path / "d")
        with historian(tmp_path / "d") as chdb:
            alike(engine, chdb)


def test_a_backup_of_series_that_were_changed_is_refused(tmp_path: Path) -> None:
    source = MemoryHistorian(zone=ZONE)
    fill(source)
    series, read = read_series(source, tmp_path, before=None, plant_at=NOW_S)
    assert read == set(series.pieces)
    assert Series.of(series.to_facts()) == series
    copy = MemoryHistorian(zone=ZONE)
    assert load_series(copy, series, tmp_path) == []
    alike(source, copy)
    piece = next(p for p in series.pieces.values() if p.table == "raw")
    path = tmp_path / piece.name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\1")
    with pytest.raises(UnsafeError, match="not those backed up"):
        load_piece(MemoryHistorian(zone=ZONE), piece, path)
    path.write_bytes(whole[:-3])
    with pytest.raises(InputError):
        load_piece(MemoryHistorian(zone=ZONE), piece, path)
    # An engine that lost a row of it is found out.
    (lacking := MemoryHistorian(zone=ZONE)).append(slot(0, 29))
    path.write_bytes(whole)
    series.pieces = {piece.name: replace(piece, digest="00")}
    with pytest.raises(UnsafeError):
        load_series(lacking, series, tmp_path)


def test_hours_give_way_to_their_day_and_what_expired_is_left_out(tmp_path: Path) -> None:
    source = MemoryHistorian(zone=ZONE)
    fill(source)
    first, _ = read_series(source, tmp_path, before=None, plant_at=NOW_S)
    hours = [n for n in first.pieces if n.startswith("raw/") and "T" in n]
    assert len(hours) == 2
    later, read = read_series(source, tmp_path, before=first, plant_at=NOW_S + DAY_S)
    day = str(np.datetime64(START_S + 3 * DAY_S, "s"))[:10]
    assert f"raw/{day}.rows" in read
    assert not [n for n in later.pieces if "T" in n]
    assert later.counts == first.counts
    month = int(str(np.datetime64(START_S, "s"))[:7].replace("-", ""))
    source.drop_partition("raw", month)
    gone, _ = read_series(source, tmp_path, before=later, plant_at=NOW_S + DAY_S)
    assert gone.counts["raw"] == 0
    assert gone.counts["event"] == 1
    empty = write_piece(source, Piece(table="raw", start=0, end=DAY_S), tmp_path / "x")
    assert (empty.rows, (tmp_path / "x").exists()) == (0, False)
