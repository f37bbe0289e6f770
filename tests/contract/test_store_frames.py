"""What only the frame engine has: devices as rows, partial frames, growth, several processes."""

import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.frames import FramesHistorian
from heatloop.store.historian.frames_database import FramesDatabase
from tests.contract.postgres_server import PostgresServer, postgres_server

ZONE = ZoneInfo("Asia/Shanghai")
T0 = 1704038400
DEVICE = [11, 12, 13]
_turn = count(1)

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture(scope="module")
def server(program: Callable[[str], Path]) -> Iterator[str]:
    with postgres_server(program("postgres")) as url:
        yield url


class Store:
    """A schema nobody has used; `open` gives a historian on it, as another process would."""

    def __init__(self, url: str) -> None:
        self.url, self.schema = url, f"frames_{next(_turn)}"
        self._open: list[FramesHistorian] = []

    def open(self) -> FramesHistorian:
        made = FramesHistorian(self.url, zone=ZONE, schema=self.schema)
        self._open.append(made)
        return made

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, options=f"-c search_path={self.schema}") as connection:
            return connection.execute(query).fetchall()

    def close(self) -> None:
        for each in self._open:
            each.close()


@pytest.fixture
def store(server: str) -> Iterator[Store]:
    made = Store(server)
    yield made
    made.close()


def rows(*given: tuple[int, int, float, int]) -> Columns:
    keys, slots, values, quality = zip(*given, strict=True)
    return Columns(
        np.array(keys, "u4"), np.array(slots, "u4"), np.array(values), np.array(quality, "u1")
    )


def flat(columns: Columns) -> list[tuple[int, int, float, int]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_device_a_tick_is_one_row_and_a_partial_frame_erases_nothing(store: Store) -> None:
    h = store.open()
    h.define_frames({"DV0001": DEVICE})
    h.append(rows((11, T0, 1.0, 0), (12, T0, 2.0, 0), (13, T0, 3.0, 0)))
    h.append(rows((12, T0 + 30, 5.0, 0)))
    h.append(rows((13, T0 + 30, 6.0, 2), (12, T0 + 30, 5.5, 0)))
    h.append(rows((11, T0 + 30, 4.0, 0), (13, T0, 3.5, 1)))
    assert store.ask("SELECT slot, n, vals, quality FROM frame ORDER BY slot") == [
        (T0, 3, [1.0, 2.0, 3.5], b"\0\0\1"),
        (T0 + 30, 3, [4.0, 5.5, 6.0], b"\0\0\2"),
    ]
    assert flat(h.raw(DEVICE, T0, T0 + 60)) == [
        (11, T0, 1.0, 0),
        (11, T0 + 30, 4.0, 0),
        (12, T0, 2.0, 0),
        (12, T0 + 30, 5.5, 0),
        (13, T0, 3.5, 1),
        (13, T0 + 30, 6.0, 2),
    ]


def test_what_came_again_changes_nothing(store: Store) -> None:
    h = store.open()
    frame = rows((11, T0, np.nan, 2), (12, T0, -0.0, 0))
    h.append(frame)
    counter, digest = h.day_counter(T0, T0 + 1), h.day_digest(T0, T0 + 1)
    for _ in range(2):
        h.append(frame)
        h.append(rows((12, T0, -0.0, 0)))
    assert h.day_counter(T0, T0 + 1) == counter
    h.append(rows((12, T0, 0.0, 0)))
    assert h.day_counter(T0, T0 + 1) > counter
    assert h.day_digest(T0, T0 + 1) != digest
    assert h.count(T0, T0 + 1) == 2


def test_a_frame_grows_and_what_was_written_before_stays_readable(store: Store) -> None:
    h = store.open()
    assert h.define_frames({"DV0001": DEVICE}) == 3
    h.append(rows(*((key, T0, float(key), 0) for key in DEVICE)))
    assert h.define_frames({"DV0001": [12, 14], "DV0002": [14, 15]}) == 2
    h.append(rows((14, T0, 14.0, 0), (11, T0 + 30, 1.0, 0), (14, T0 + 30, 2.0, 0)))
    found = store.ask("SELECT version, name, keys FROM frame_set ORDER BY frame, version")
    assert found == [(1, "DV0001", DEVICE), (2, "DV0001", [*DEVICE, 14]), (1, "DV0002", [15])]
    assert h.raw([11, 12, 13, 14], T0, T0 + 1).values.tolist() == [11.0, 12.0, 13.0, 14.0]
    assert h.raw([12, 14], T0 + 30, T0 + 31).values.tolist() == [2.0]
    assert h.received([12, 14], T0, T0 + 60).received.tolist() == [1, 2]
    with pytest.raises(InputError, match="too many points"):
        h.define_frames({"DV0003": range(100, 2000)})
    assert h.define_frames({"DV0004": [16]}) == 1


def test_points_that_come_together_are_read_together(store: Store) -> None:
    h = store.open()
    tick = [*range(1, 201), *range(500, 510)]
    h.append(rows(*((key, T0, 1.0, 0) for key in tick), (300, T0 + 7, 1.0, 0)))
    widths = [len(keys) for (keys,) in store.ask("SELECT keys FROM frame_set ORDER BY frame")]
    assert sorted(widths) == [1, 8, 10, 64, 64, 64]


def test_several_processes_see_each_others_samples(store: Store) -> None:
    a, b = store.open(), store.open()
    a.define_frames({"DV0001": DEVICE})
    a.append(rows((11, T0, 1.0, 0), (12, T0, 2.0, 0)))
    assert flat(b.latest([11, 12])) == [(11, T0, 1.0, 0), (12, T0, 2.0, 0)]
    b.append(rows((13, T0, 3.0, 0), (99, T0 + 30, 9.0, 0)))
    assert flat(a.raw([11, 13, 99], T0, T0 + 60)) == [
        (11, T0, 1.0, 0),
        (13, T0, 3.0, 0),
        (99, T0 + 30, 9.0, 0),
    ]
    # The one that did not write it knows that the frame is there, and does not write it twice.
    a.append(rows((99, T0 + 30, 9.5, 0), (11, T0 + 60, 1.5, 0)))
    assert b.latest([99]).values.tolist() == [9.5]
    b.revise(rows((11, T0, 7.0, 4)), method="linear", who="li")
    assert a.raw([11], T0, T0 + 1).values.tolist() == [7.0]
    assert a.refresh_rollups() == 1
    assert b.refresh_rollups() == 0
    assert b.rollup([11], T0, T0 + 600, 600).count.tolist() == [2]
    assert store.ask("SELECT count(*) FROM frame") == [(3,)]


def test_two_that_write_at_once_lose_nothing(store: Store) -> None:
    both = store.open(), store.open()

    def write(n: int) -> None:
        for tick in range(20):
            keys = range(1 + 40 * (n % 2), 61 + 40 * (n % 2))
            both[n % 2].append(rows(*((k, T0 + 30 * tick, float(k), 0) for k in keys)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = both[0].raw(range(1, 101), T0, T0 + 600)
    assert len(found.keys) == 100 * 20
    assert (found.values == found.keys).all()
    assert both[1].duplicates(T0, T0 + 600) == 0


def test_a_process_that_died_leaves_nothing_to_do_by_hand(store: Store) -> None:
    a = store.open()
    a.append(rows((11, T0, 1.0, 0), (12, T0 + 90, 2.0, 1)))
    a.refresh_rollups()
    a.append(rows((11, T0 + 60, 3.0, 0)))
    b = store.open()  # `a` was never closed
    assert flat(b.latest()) == [(11, T0 + 60, 3.0, 0), (12, T0 + 90, 2.0, 1)]
    assert b.refresh_rollups() == 1
    assert b.rollup([11], T0, T0 + 600, 600).mean.tolist() == [2.0]
    b.append(rows((11, T0 + 60, 3.0, 0)))
    assert b.refresh_rollups() == 0 or b.rollup([11], T0, T0 + 600, 600).count.tolist() == [2]


def test_a_month_goes_but_for_the_points_that_are_kept(store: Store) -> None:
    h = store.open()
    later = T0 + 40 * 86400
    tick = [(key, slot, float(key), 0) for key in (11, 12, 13) for slot in (T0, T0 + 30, later)]
    h.append(rows(*tick))
    h.revise(rows((11, T0, 5.0, 4)), method="m", who="w")
    h.refresh_rollups()
    month = {p.table: p for p in h.partitions() if p.name == 202312}
    assert {table: p.rows for table, p in month.items()} == {
        "raw": 6,
        "revision": 1,
        "rollup_10m": 3,
    }
    assert h.drop_partition("raw", 202312, [12]) == 4
    assert h.drop_partition("rollup_10m", 202312, [12]) == 2
    assert h.drop_partition("revision", 202312) == 1
    assert h.drop_partition("raw", 201001) == 0
    assert flat(h.raw([11, 12, 13], T0, T0 + 60)) == [(12, T0, 12.0, 0), (12, T0 + 30, 12.0, 0)]
    assert h.rollup([11, 12], T0, T0 + 600, 600).keys.tolist() == [12]
    assert h.count(T0, later + 1) == 5
    h.compact()
    h.append(rows((11, T0, 1.0, 0)))
    assert h.raw([11], T0, T0 + 1).values.tolist() == [1.0]
    with pytest.raises(InputError, match="no such table"):
        h.drop_partition("frame; DROP", 202312)


def test_what_points_take_by_themselves_is_measured(store: Store) -> None:
    h = store.open()
    tick = [(key, T0 + 30 * n, float(key), 0) for key in range(1, 151) for n in range(4)]
    h.append(rows(*tick))
    whole, part = h.measure(range(1, 151), 0, 1 << 32), h.measure(range(60, 70), T0, T0 + 60)
    assert (whole.table, whole.rows, whole.plain_bytes) == ("probe", 600, 600 * 17)
    assert part.rows == 20
    assert 0 < part.stored_bytes <= whole.stored_bytes
    assert h.measure([999], 0, 1 << 32).rows == h.measure([1], 5, 6).stored_bytes == 0


def test_a_statement_that_fails_leaves_the_engine_usable(store: Store) -> None:
    h = store.open()
    h.append(rows((11, T0, 1.0, 0)))
    with psycopg.connect(store.url, options=f"-c search_path={store.schema}") as connection:
        connection.execute("ALTER TABLE frame ADD CONSTRAINT refuse CHECK (n < 2)")
    with pytest.raises(HeatloopError, match="refuse"):
        h.append(rows((21, T0, 1.0, 0), (22, T0, 1.0, 0)))
    assert h.latest([21, 22]).keys.tolist() == []
    with psycopg.connect(store.url, options=f"-c search_path={store.schema}") as connection:
        connection.execute("ALTER TABLE frame DROP CONSTRAINT refuse")
    h.append(rows((21, T0, 1.0, 0), (22, T0, 1.0, 0)))
    assert h.latest().keys.tolist() == [11, 21, 22]
    assert h.count(T0, T0 + 1) == 3


def test_wrong_places_are_named(server: str) -> None:
    with pytest.raises(InputError, match="not a schema name"):
        FramesDatabase(server, "a; DROP")
    with pytest.raises(LinkError, match="does not answer"):
        FramesDatabase("postgresql://x@/nothing?host=/nonexistent")
    database = FramesDatabase(server, "newer")
    with database.connection("write") as connection:
        connection.execute("INSERT INTO migration VALUES (9999, 'x')")
    database.close()
    with pytest.raises(ConfigError, match="newer version"):
        FramesDatabase(server, "newer")


def test_a_killed_server_loses_nothing_acknowledged(program: Callable[[str], Path]) -> None:
    server = PostgresServer(program("postgres"), durable=True)
    try:
        server.start()
        h = FramesHistorian(server.url, zone=ZONE)
        acknowledged = 0

        def write() -> None:
            nonlocal acknowledged
            while True:
                slot = T0 + 30 * acknowledged
                h.append(rows(*((key, slot, float(key), 0) for key in range(1, 65))))
                acknowledged += 1

        for turn in range(3):
            timer = threading.Timer(0.15 + 0.1 * turn, server.kill)
            timer.start()
            with pytest.raises(LinkError):
                write()
            timer.join()
            server.start()
        found = h.raw(range(1, 65), T0, T0 + 30 * acknowledged)
        assert len(found.keys) == 64 * acknowledged
        # Whole frames or none: what was not acknowledged is there with all its values or not.
        assert h.count(T0, T0 + 30 * (acknowledged + 1)) % 64 == 0
        assert h.latest([1]).slots[0] >= T0 + 30 * (acknowledged - 1)
        h.close()
    finally:
        server.stop()
