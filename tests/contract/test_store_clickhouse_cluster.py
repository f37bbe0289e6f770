"""Shards of replicas without Keeper: four endpoint processes, one killed, others added."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian import clickhouse_repair
from heatloop.store.historian.clickhouse_cluster import ClusterHistorian
from heatloop.store.historian.clickhouse_open import grow, open_clickhouse
from heatloop.store.historian.clickhouse_url import parse
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import Difference, EventRow, Historian
from tests.contract.clickhouse_peers import LOGIN, Endpoint, open_endpoints

ZONE = ZoneInfo("Asia/Shanghai")
T0 = 1704038400  # local midnight of the first day of 2024
KEYS = np.arange(1, 2001, dtype="u4")
_turn = itertools.count(1)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Endpoint]]:
    made = [Endpoint(tmp_path_factory.mktemp(f"node{n}")) for n in range(4)]
    try:
        for one in made:
            one.launch()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Endpoint.ready, made))
        yield made
    finally:
        for one in made:
            one.kill()


class Plant:
    """A cluster in a database of its own, on any of the endpoints."""

    def __init__(self, state: Path) -> None:
        self.state, self.database = state, f"test_{next(_turn)}"
        self.opened: list[ClusterHistorian] = []

    def url(self, *shards: list[Endpoint], layout: str = "") -> str:
        hosts = ";".join(",".join(one.host for one in shard) for shard in shards)
        return f"clickhouse://heat@{hosts}/{self.database}" + (layout and f"?shards={layout}")

    def open(self, url: str) -> ClusterHistorian:
        store = open_clickhouse(parse(url), LOGIN.password, zone=ZONE, state=self.state)
        assert isinstance(store, ClusterHistorian)
        self.opened.append(store)
        return store

    def grow(self, store: ClusterHistorian, url: str) -> None:
        grow(store, parse(url), LOGIN.password, zone=ZONE, state=self.state)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path / "state")
    yield made
    for store in made.opened:
        store.close()


def tick(slot: int, keys: np.ndarray = KEYS, more: float = 0.0) -> Columns:
    values = keys * 0.5 + slot % 1000 + more
    return Columns(keys, np.full(len(keys), slot, "u4"), values, np.zeros(len(keys), "u1"))


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


class Ingest:
    """Sends a tick after the other, again until acknowledged, as an edge does."""

    def __init__(self, store: ClusterHistorian) -> None:
        self.store, self.next = store, T0
        self.acknowledged: list[int] = []
        self.slowest_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            begun, slot = time.monotonic(), self.next
            try:
                self.store.append(tick(slot))
            except LinkError:
                time.sleep(0.05)
                continue
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            self.acknowledged.append(slot)
            if self.next == slot:  # nobody jumped meanwhile
                self.next += 30
            time.sleep(0.05)

    def after(self, more: int) -> None:
        wanted = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= wanted)

    def end(self) -> list[int]:
        self._stop.set()
        self._thread.join()
        return self.acknowledged


def check(store: ClusterHistorian, slots: list[int]) -> None:
    """Everything acknowledged is there once, and nothing else."""
    end = slots[-1] + 1
    assert store.count(T0, end) == len(KEYS) * len(slots)
    assert store.duplicates(T0, end) == 0
    for some in (KEYS[::97], KEYS[1::89]):
        found = store.raw(some, T0, end)
        wanted = np.tile(slots, len(some)) % 1000 + np.repeat(some, len(slots)) * 0.5
        np.testing.assert_array_equal(found.keys, np.repeat(some, len(slots)))
        np.testing.assert_array_equal(found.slots, np.tile(slots, len(some)))
        np.testing.assert_array_equal(found.values, wanted)


def test_a_replica_killed_during_ingest_loses_nothing_and_catches_up(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    a, b, c, d = endpoints
    store = plant.open(plant.url([a, b], [c, d]))
    ingest = Ingest(store)
    try:
        ingest.after(10)
        b.kill()
        ingest.after(10)
        assert store.stats()["replicas_up"] == 3
        # Readings go on, whichever replica a turn begins with.
        for _ in range(4):
            assert len(store.raw(KEYS[:8], T0, T0 + 1)) == 4
            assert len(store.raw(KEYS[:8], T0, T0 + 1).keys) == 8
        assert store.refresh_rollups() >= 1
        b.start()
        until(lambda: store.stats()["replicas_behind"] == 0 and store.stats()["replicas_up"] == 4)
        ingest.after(10)
    finally:
        slots = ingest.end()
    store.refresh_rollups()
    check(store, slots)
    # The one that was away has all of it, row for row, and roll-ups as its neighbour.
    here, there = (node.store() for node in store.replicas.shards[0])
    assert clickhouse_repair.differing_days(here, there, T0, slots[-1] + 1) == []
    end = slots[-1] // 600 * 600
    keys = np.arange(2, 2001, 2, dtype="u4")
    ours, theirs = (one.rollup(keys, T0, end, 600) for one in (here, there))
    assert len(ours) == len(keys) * (end - T0) // 600 > 0
    for one, other in zip(ours.columns, theirs.columns, strict=True):
        # One sums in memory, the other in SQL.
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_what_a_replica_missed_outlives_this_process(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    a, b = endpoints[:2]
    store = plant.open(plant.url([a, b]))
    store.append(tick(T0))
    b.kill()
    store.append(tick(T0 + 30))
    store.append(tick(T0 + 30, more=1.0))
    store.close()
    plant.opened.clear()
    again = plant.open(plant.url([a, b]))
    again.append(tick(T0 + 60))
    b.start()
    until(lambda: again.stats()["replicas_behind"] == 0 and again.stats()["replicas_up"] == 2)
    there = again.replicas.shards[0][1].store()
    # Of two values of one slot the later one counts, though both came late.
    found = there.raw(KEYS[:1], T0, T0 + 90)
    assert found.slots.tolist() == [T0, T0 + 30, T0 + 60]
    assert found.values[1] == tick(T0 + 30, more=1.0).values[0]


def test_with_no_replica_of_a_shard_nothing_is_acknowledged(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    a, b = endpoints[0], endpoints[1]
    store = plant.open(plant.url([a], [b]))
    store.append(tick(T0))
    b.kill()
    try:
        with pytest.raises(LinkError):
            store.append(tick(T0 + 30))
        # Rows of the other shard are no worse off.
        store.append(tick(T0 + 30, keys=KEYS[KEYS % 2 == 0]))
        with pytest.raises(LinkError):
            store.count(T0, T0 + 60)
    finally:
        b.start()
    until(lambda: _reads(store))
    store.append(tick(T0 + 30))
    check(store, [T0, T0 + 30])


def _reads(store: ClusterHistorian) -> bool:
    try:
        store.count(T0, T0 + 1)
    except LinkError:
        return False
    return True


def test_6_2_d_1_a_replica_and_a_shard_are_added_while_rows_come_in(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    a, b, c, d = endpoints
    store = plant.open(plant.url([a], layout="1"))
    ingest = Ingest(store)
    try:
        ingest.after(10)
        # A replica: filled from its neighbour while it takes what is new.
        plant.grow(store, plant.url([a, b], layout="1"))
        until(lambda: store.stats()["replicas_behind"] == 0)
        ingest.after(5)
        # Another shard: rows of the coming day are spread over both, nothing is moved.
        wider = plant.url([a, b], [c, d], layout="1,2@2024-01-02")
        plant.grow(store, wider)
        ingest.next = T0 + 86400 - 120
        until(lambda: ingest.acknowledged[-1] > T0 + 86400 + 120)
    finally:
        slots = ingest.end()
    assert ingest.slowest_s < 5.0
    check(store, slots)
    first = slots[0]
    here, there = (node.store() for node in store.replicas.shards[0])
    assert clickhouse_repair.differing_days(here, there, first, slots[-1] + 1) == []
    assert store.differing(first, slots[-1] + 1) == []
    # One replica gets behind the other's back what only it was told.
    here.append(tick(first - 86400))
    day = (first - 86400) // 86400 * 86400
    two = [node.name for node in store.replicas.shards[0]]
    found = [d for d in store.differing(day, day + 86400) if d.table == "raw"]
    assert found == [Difference("raw", day, two[1], two[0])]
    # The old day lies in the first shard, of the new one half in each.
    added = store.replicas.shards[1][0].store()
    assert added.count(first, T0 + 86400) == 0
    assert 2 * added.count(T0 + 86400, slots[-1] + 1) == store.count(T0 + 86400, slots[-1] + 1)
    # A row of either day that is sent again finds its first copy.
    store.append(tick(slots[0]))
    store.append(tick(slots[-1]))
    check(store, slots)
    assert len(store.latest().keys) == len(KEYS)
    assert set(store.latest().slots.tolist()) == {slots[-1]}
    # Nobody can later lay out stored rows another way.
    store.close()
    plant.opened.clear()
    with pytest.raises(ConfigError, match="other shards"):
        plant.open(plant.url([a, b], [c, d]))
    check(plant.open(wider), slots)


def test_an_emptied_replica_is_filled_from_its_neighbour(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    a, b = endpoints[:2]
    store = plant.open(plant.url([a], layout="1"))
    for n in range(3):
        store.append(tick(T0 + 30 * n))
    store.revise(tick(T0, keys=KEYS[:5], more=7.0), method="degree days", who="wang")
    store.set_periods([1, 2], [300, 900])
    store.close()
    plant.opened.clear()
    both = plant.open(plant.url([b, a]))
    until(lambda: both.stats()["replicas_behind"] == 0)
    full = both.replicas.shards[0][0].store()
    assert full.raw([1], T0, T0 + 60).values.tolist() == [
        tick(T0, more=7.0).values[0],
        tick(T0 + 30).values[0],
    ]
    assert full.count(T0, T0 + 90) == 3 * len(KEYS)
    assert len(full.latest().keys) == len(KEYS)


def test_digests_partitions_and_retention_are_those_of_one_store(
    plant: Plant, endpoints: list[Endpoint]
) -> None:
    one: Historian = open_endpoints(
        f"clickhouse://heat@{endpoints[0].host}/{plant.database}_one", plant.state, ZONE
    )
    both = plant.open(plant.url(endpoints[:2], endpoints[2:], layout="2,1@2024-01-02"))
    memory = MemoryHistorian(zone=ZONE)
    month = 31 * 86400
    try:
        for store in (memory, one, both):
            store.set_periods([1, 2], [300, 900])
            for slot in (T0, T0 + 30, T0 + 86400, T0 + month + 86400):
                store.append(tick(slot))
            store.append(tick(T0 + 30))
            store.append_events([EventRow(7, T0 * 1000, "HS1", "opened")])
            store.refresh_rollups()
        end = T0 + 2 * month
        digests = {store.day_digest(T0, end) for store in (memory, one, both)}
        assert len(digests) == 1
        both.append(tick(T0, keys=KEYS[:1], more=1.0))
        counter = both.day_counter(T0, T0 + 86400)
        assert both.day_digest(T0, end) not in digests
        assert counter > both.day_counter(T0 + 86400, end) > 0
        for store in (one, both):
            assert store.compare_kept().changed == 0
            assert store.measure(KEYS, T0, end).rows == 4 * len(KEYS)
            store.compact()
            months = {part.name: part.rows for part in store.partitions() if part.table == "raw"}
            # Local midnight of 1 January is still December in UTC.
            assert months == {202312: 2 * len(KEYS), 202401: len(KEYS), 202402: len(KEYS)}
            assert store.drop_partition("raw", 202312, keep=[2, 5, 400]) == 2 * (len(KEYS) - 3)
            assert store.count(T0, end) == 2 * len(KEYS) + 6
            assert store.drop_partition("raw", 202401) == len(KEYS)
            assert store.count(T0, end) == len(KEYS) + 6
            assert store.events(T0 * 1000, T0 * 1000 + 1) == [
                EventRow(7, T0 * 1000, "HS1", "opened")
            ]
        pairs = [[node.store() for node in shard] for shard in both.replicas.shards]
        for here, there in pairs:
            assert here.count(T0, end) == there.count(T0, end)
        assert both.rollup([1], T0, T0 + 600, 600).integral == pytest.approx(
            one.rollup([1], T0, T0 + 600, 600).integral
        )
    finally:
        one.close()
