"""What every historian engine owes: the same tests over memory, chdb, and chdb in its process."""

import asyncio
import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.client import HistorianClient
from heatloop.store.historian.frames import FramesHistorian
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import EventRow, Historian, Origin, RollupColumns
from heatloop.store.historian.sync_client import connect_sync
from heatloop.store.historian.windows import day_of
from tests.contract.clickhouse_peers import Endpoint, open_endpoints
from tests.contract.postgres_server import postgres_server

ZONE = ZoneInfo("Asia/Shanghai")
_turn = itertools.count(1)


def start_process(data: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "heatloop.store.historian", "--data", str(data)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    client = HistorianClient(data / "run" / "historian.sock")

    async def ready() -> None:
        try:
            await client.wait_ready(60)
        finally:
            await client.close()

    asyncio.run(ready())
    return process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbFolder]:
    made = ChdbFolder(tmp_path_factory.mktemp("chdb"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def plant() -> Iterator[Path]:
    # A short path: a unix socket's name has little room.
    data = Path(tempfile.mkdtemp(prefix="hl"))
    process = start_process(data)
    yield data
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0, log.decode()
    shutil.rmtree(data)


@pytest.fixture(scope="module")
def postgres_url(program: Callable[[str], Path]) -> Iterator[str]:
    with postgres_server(program("postgres")) as url:
        yield url


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Endpoint]]:
    made = [Endpoint(tmp_path_factory.mktemp(name)).launch() for name in ("one", "other")]
    yield [one.ready() for one in made]
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def clickhouse(
    servers: list[Endpoint], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Historian]:
    url = f"clickhouse://heat@{servers[0].host}/single"
    store = open_endpoints(url, tmp_path_factory.mktemp("single"), ZONE)
    yield store
    store.close()


@pytest.fixture(scope="module")
def shards(
    servers: list[Endpoint], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Historian]:
    # Rows of the middle of all tests lie over one shard, earlier and later ones over two.
    hosts = ";".join(one.host for one in servers)
    url = f"clickhouse://heat@{hosts}/shards?shards=2,1@2025-01-01,2@2027-06-15"
    store = open_endpoints(url, tmp_path_factory.mktemp("shards"), ZONE)
    yield store
    store.close()


class Case(NamedTuple):
    store: Historian
    key: int
    t0: int


FRAMES = pytest.param("postgresql", marks=pytest.mark.needs("postgres"))


@pytest.fixture(params=["memory", "chdb", "process", FRAMES, "clickhouse", "shards"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    """An engine, and a range of keys and a month of time nobody else uses."""
    turn = next(_turn)
    store: Historian
    if request.param == "memory":
        store = MemoryHistorian(zone=ZONE)
    elif request.param == "chdb":
        store = ChdbHistorian(request.getfixturevalue("folder"), zone=ZONE, database=f"test_{turn}")
    elif request.param in ("clickhouse", "shards"):
        store = request.getfixturevalue(request.param)
    elif request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        store = FramesHistorian(url, zone=ZONE, schema=f"test_{turn}")
    else:
        store = connect_sync(request.getfixturevalue("plant") / "run" / "historian.sock")
    # Local midnight of the first day of 2024, a month further each turn.
    yield Case(store, 1000 * turn, 1704038400 + turn * 35 * 86400)
    if request.param not in ("clickhouse", "shards"):
        store.close()


def rows(*given: tuple[int, int, float, int]) -> Columns:
    keys, slots, values, quality = zip(*given, strict=True)
    return Columns(
        np.array(keys, "u4"),
        np.array(slots, "u4"),
        np.array(values, "f8"),
        np.array(quality, "u1"),
    )


def same(found: Columns, wanted: Columns) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_raw_is_ordered_by_key_and_slot(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k + 2, t, 1.5, 0), (k + 1, t + 30, 2.5, 1), (k + 1, t, 3.5, 2)))
    same(
        case.store.raw([k + 2, k + 1], t, t + 60),
        rows((k + 1, t, 3.5, 2), (k + 1, t + 30, 2.5, 1), (k + 2, t, 1.5, 0)),
    )


def test_a_row_sent_again_is_there_once_with_its_last_value(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t, 1.0, 0), (k, t, 2.0, 0), (k + 1, t, 9.0, 0)))
    same(case.store.raw([k], t, t + 1), rows((k, t, 2.0, 0)))
    case.store.append(rows((k, t, 3.0, 1)))
    case.store.append(rows((k + 1, t, 9.0, 0)))
    same(case.store.raw([k, k + 1], t, t + 1), rows((k, t, 3.0, 1), (k + 1, t, 9.0, 0)))
    assert case.store.count(t, t + 1) == 2
    assert case.store.duplicates(t, t + 1) == 0


def test_a_range_holds_its_start_and_not_its_end(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t - 1, 0.0, 0), (k, t, 1.0, 0), (k, t + 59, 2.0, 0)))
    case.store.append(rows((k, t + 60, 3.0, 0)))
    assert case.store.raw([k], t, t + 60).values.tolist() == [1.0, 2.0]
    assert case.store.raw([k], t, t).values.tolist() == []
    assert case.store.raw([], t, t + 60).values.tolist() == []
    assert case.store.raw([k], t, t + 61, limit=2).values.tolist() == [1.0, 2.0]


def test_below_what_readers_get_lies_what_was_received_and_who_laid_over_it(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t, 1.0, 0), (k, t + 30, 2.0, 1), (k + 1, t, 9.0, 0)))
    case.store.append(rows((k, t, 1.5, 0)))
    case.store.revise(rows((k, t, 7.0, 4)), method="interpolated", who="eva")
    case.store.revise(
        rows((k, t, 8.0, 4), (k, t + 60, 3.0, 4)), method="neighbour", who="\u4e3d'; --"
    )
    found = case.store.trace([k], t, t + 61)
    received = found.received
    assert (np.diff(received.slots.astype("i8")) >= 0).all()
    last = np.flatnonzero(np.append(received.slots[1:] != received.slots[:-1], True))
    # An engine may have merged the first version of a slot away, never the last one.
    same(received.take(last), rows((k, t, 1.5, 0), (k, t + 30, 2.0, 1)))
    assert set(received.values.tolist()) <= {1.0, 1.5, 2.0}
    assert len(found.counters) == len(received.keys)
    assert int(found.counters[last[0]]) > 0
    of_slot = found.counters[received.slots == t]
    assert (np.diff(of_slot.astype("i8")) > 0).all()
    same(found.laid, rows((k, t, 7.0, 4), (k, t, 8.0, 4), (k, t + 60, 3.0, 4)))
    assert found.methods == ["interpolated", "neighbour", "neighbour"]
    assert found.who == ["eva", "\u4e3d'; --", "\u4e3d'; --"]
    assert int(found.laid_counters[1]) > int(found.laid_counters[0]) > int(of_slot[-1])
    same(case.store.raw([k], t, t + 1), rows((k, t, 8.0, 4)))
    few = case.store.trace([k, k + 1], t, t + 61, limit=1)
    assert (len(few.received.keys), len(few.laid.keys), len(few.who)) == (1, 1, 1)
    for nothing in (case.store.trace([], t, t + 61), case.store.trace([k + 5], t, t + 61)):
        assert len(nothing.received.keys) == len(nothing.laid.keys) == len(nothing.who) == 0


def test_what_a_backup_asks_for_is_told_alike(case: Case) -> None:
    k, t = case.key, case.t0
    day = t - t % 86400 + 86400
    case.store.append(rows((k, day, 1.0, 0), (k + 1, day + 7200, 2.0, 1)))
    before = int(case.store.changed("raw", 0, 86400).counters.max())
    case.store.append(rows((k, day, 5.0, 0), (k, day + 3 * 86400 + 60, 3.0, 0)))
    case.store.revise(rows((k + 1, day + 7200, 9.0, 4)), method="by hand", who="eva")
    case.store.append_events([EventRow(k, (day + 86400) * 1000 + 5, "A", "moved")])

    def days(table: str, after: int) -> list[int]:
        found = case.store.changed(table, after, 86400)
        assert len(found.counters) == len(found.starts)
        # What was stored a moment before the counter may be told again.
        return [at for at in found.starts.tolist() if day <= at < day + 5 * 86400]

    assert days("raw", 0) == [day, day + 3 * 86400]
    assert set(days("raw", before)) >= {day, day + 3 * 86400}
    assert (days("revision", 0), days("event", 0)) == ([day], [day + 86400])
    hours = case.store.changed("raw", 0, 3600).starts.tolist()
    assert {day, day + 7200, day + 3 * 86400} <= set(hours)
    newest = int(case.store.changed("raw", 0, 86400).counters.max())
    assert days("raw", newest + (1 << 60)) == []
    found = case.store.keys_of("raw", day, day + 86400)
    assert {k, k + 1} <= set(found.keys.tolist())
    assert len(found.counts) == len(found.keys)
    assert case.store.keys_of("revision", day, day + 86400).keys.tolist() == [k + 1]
    came = case.store.as_received([k + 1, k], day, day + 86400)
    same(came, rows((k, day, 5.0, 0), (k + 1, day + 7200, 2.0, 1)))
    case.store.refresh_rollups()
    assert set(case.store.keys_of("rollup_10m", day, day + 86400).keys.tolist()) >= {k, k + 1}
    assert day in days("rollup_1h", 0)
    case.store.set_periods([k], [300])
    keys, seconds = case.store.periods()
    assert dict(zip(keys.tolist(), seconds.tolist(), strict=True))[k] == 300
    assert case.store.define_frames({"DV1": [k, k + 1]}) == 0
    assert case.store.differing(day, day + 86400) == []
    for words in (("latest", 0, 3600), ("raw; --", 0, 3600)):
        with pytest.raises(InputError, match="no such table"):
            case.store.changed(*words)
    with pytest.raises(InputError, match="no such table"):
        case.store.keys_of("event", day, day + 1)


def test_windows_of_a_backup_keep_their_origin_and_give_way_to_samples(case: Case) -> None:
    k, t = case.key, case.t0
    fields = [np.array([k], "u4"), np.array([t], "u4"), np.array([20], "u4")]
    fields += [np.array([v]) for v in (1.0, 2.0, 3.0, 4.0, 5.0)]
    fields += [np.array([n], "u4") for n in (20, 0, 0, 0, 0)] + [np.array([0], "u1")]
    window = RollupColumns(*fields)
    case.store.seed_rollup(600, window, as_they_were=True)
    (back,) = (case.store.rollup([k], t, t + 600, 600),)
    for given, found in zip(window.columns, back.columns, strict=True):
        np.testing.assert_array_equal(given, found)
    assert back.origin.tolist() == [Origin.MEASURED]
    case.store.append(rows((k, t, 70.0, 0)))
    case.store.refresh_rollups()
    assert case.store.rollup([k], t, t + 600, 600).mean.tolist() == [70.0]


def test_latest_is_the_greatest_event_time_never_the_last_to_arrive(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t + 60, 2.0, 0), (k + 1, t, 5.0, 0), (k, t + 90, 3.0, 0)))
    case.store.append(rows((k, t + 30, 1.0, 0)))
    same(case.store.latest([k + 1, k, k + 2]), rows((k, t + 90, 3.0, 0), (k + 1, t, 5.0, 0)))
    case.store.append(rows((k, t + 90, 4.0, 1)))
    same(case.store.latest([k]), rows((k, t + 90, 4.0, 1)))
    assert k in case.store.latest().keys


def test_many_keys_are_found_as_well_as_few(case: Case) -> None:
    k, t = case.key, case.t0
    keys = np.arange(k, k + 900, dtype="u4")
    full = Columns(keys, np.full(900, t, "u4"), keys / 7.0, np.zeros(900, "u1"))
    case.store.append(full)
    same(case.store.raw(keys, t, t + 1), full)
    same(case.store.raw(keys[::2], t, t + 1), full.take(np.arange(0, 900, 2)))


def test_rollups_count_a_sent_again_row_once(case: Case) -> None:
    k, t = case.key, case.t0
    one = rows((k, t, 10.0, 0), (k, t + 30, 20.0, 0), (k, t + 600, 40.0, 1))
    for _ in range(3):
        case.store.append(one)
        case.store.refresh_rollups()
    found = case.store.rollup([k], t, t + 3600, 600)
    assert found.slots.tolist() == [t, t + 600]
    assert found.count.tolist() == [2, 1]
    assert found.mean.tolist() == [15.0, 40.0]
    assert (found.low.tolist(), found.high.tolist()) == ([10.0, 40.0], [20.0, 40.0])
    assert found.last.tolist() == [20.0, 40.0]
    assert found.good_count.tolist() == [2, 0]
    assert found.origin.tolist() == [Origin.MEASURED] * 2


def test_bad_and_stale_samples_do_not_count(case: Case) -> None:
    k, t = case.key, case.t0
    bad, stale = Quality.BAD, Quality.STALE
    case.store.append(rows((k, t, 99.0, bad), (k, t + 30, 5.0, 1), (k + 1, t, 7.0, stale)))
    case.store.refresh_rollups()
    found = case.store.rollup([k, k + 1], t, t + 600, 600)
    assert found.count.tolist() == [1, 0]
    np.testing.assert_array_equal(found.mean, [5.0, np.nan])
    np.testing.assert_array_equal(found.low, [5.0, np.nan])
    np.testing.assert_array_equal(found.last, [5.0, np.nan])
    day = case.store.rollup([k, k + 1], t, t + 86400, 86400)
    np.testing.assert_array_equal(day.high, [5.0, np.nan])


def test_hours_and_days_follow_late_samples(case: Case) -> None:
    k, t = case.key, case.t0
    slots = np.arange(t, t + 86400, 300, dtype="u4")
    values = np.sin(slots / 5000.0)
    late = (slots // 300) % 3 == 0
    full = Columns(np.full(288, k, "u4"), slots, values, np.zeros(288, "u1"))
    case.store.append(full.take(~late))
    case.store.refresh_rollups()
    case.store.append(full.take(late))
    assert case.store.refresh_rollups() > 0
    assert case.store.refresh_rollups() == 0
    windows = case.store.rollup([k], t, t + 86400, 600)
    assert np.diff(windows.slots, prepend=t - 600, append=t + 86400).max() == 600
    hours = case.store.rollup([k], t, t + 86400, 3600)
    assert hours.slots.tolist() == list(range(t, t + 86400, 3600))
    np.testing.assert_allclose(hours.mean, values.reshape(24, 12).mean(1))
    np.testing.assert_allclose(hours.low, values.reshape(24, 12).min(1))
    day = case.store.rollup([k], t, t + 86400, 86400)
    assert (day.slots.tolist(), day.count.tolist()) == ([t], [288])
    np.testing.assert_allclose([day.mean[0], day.last[0]], [values.mean(), values[-1]])


def test_simulated_windows_give_way_to_measured_ones_only(case: Case) -> None:
    k, t = case.key, case.t0

    def seeds(*windows: tuple[int, float]) -> RollupColumns:
        slots = np.array([slot for slot, _ in windows], "u4")
        value = np.array([v for _, v in windows], "f8")
        n = np.full(len(slots), 20, "u4")
        keys = np.full(len(slots), k, "u4")
        none = np.zeros(len(slots), "u4")
        return RollupColumns(
            keys=keys,
            slots=slots,
            count=n,
            low=value - 1,
            mean=value,
            high=value + 1,
            integral=value / 6,
            last=value,
            good_count=n,
            uncertain_count=none,
            bad_count=none,
            stale_count=none,
            estimated_count=none,
            origin=np.zeros(len(slots), "u1"),
        )

    case.store.append(rows((k, t + 600, 50.0, 0)))
    case.store.refresh_rollups()
    case.store.seed_rollup(600, seeds((t, 1.0), (t + 600, 2.0), (t + 3600, 3.0)))
    case.store.seed_rollup(3600, seeds((t, 1.0), (t + 3600, 3.0)))
    found = case.store.rollup([k], t, t + 7200, 600)
    assert found.mean.tolist() == [1.0, 50.0, 3.0]
    assert found.origin.tolist() == [Origin.SIMULATED, Origin.MEASURED, Origin.SIMULATED]
    case.store.append(rows((k, t + 630, 60.0, 0)))
    case.store.refresh_rollups()
    hours = case.store.rollup([k], t, t + 7200, 3600)
    assert hours.origin.tolist() == [Origin.MIXED, Origin.SIMULATED]
    assert hours.mean.tolist() == [pytest.approx((20 * 1.0 + 110.0) / 22), 3.0]
    assert hours.low.tolist() == [0.0, 2.0]


def test_a_revision_lies_over_raw_on_reading(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t, 1.0, 0), (k, t + 60, 3.0, 0)))
    estimated = Quality.ESTIMATED
    case.store.revise(
        rows((k, t, 9.0, estimated), (k, t + 30, 2.0, estimated)), method="linear", who="li"
    )
    case.store.append(rows((k, t, 1.0, 0)))
    same(
        case.store.raw([k], t, t + 90),
        rows((k, t, 9.0, estimated), (k, t + 30, 2.0, estimated), (k, t + 60, 3.0, 0)),
    )
    case.store.refresh_rollups()
    assert case.store.rollup([k], t, t + 600, 600).high.tolist() == [9.0]
    assert case.store.count(t, t + 90) == 3


def test_completeness_counts_distinct_slots_of_a_local_day(case: Case) -> None:
    k, t = case.key, case.t0
    case.store.append(rows((k, t - 30, 0.0, 0), (k, t, 0.0, 0), (k, t + 86399, 0.0, 2)))
    case.store.append(rows((k, t, 0.0, 0), (k, t + 86400, 0.0, 0), (k + 2, t, 0.0, 0)))
    day = day_of(t, ZONE)
    found = case.store.completeness([k + 2, k, k + 1], day)
    assert found.keys.tolist() == [k + 2, k, k + 1]
    assert found.received.tolist() == [1, 2, 0]
    assert found.good.tolist() == [1, 1, 0]
    part = case.store.received([k + 2, k, k + 1], t + 1, t + 86401)
    assert part.received.tolist() == [0, 2, 0]
    assert part.good.tolist() == [0, 1, 0]


def test_events_keep_their_order_and_come_back_once(case: Case) -> None:
    t = case.t0 * 1000
    told = [
        EventRow(0, t + 2, f"GW{case.key}", "第二 'quoted' \\ line\nbreak"),
        EventRow(case.key, t + 1, f"SS{case.key}.flood", "1"),
        EventRow(case.key, t + 1, f"SS{case.key}.flood", "0"),
    ]
    case.store.append_events(told)
    case.store.append_events(told[:1])
    case.store.append_events([])
    assert case.store.events(t, t + 3) == [told[2], told[1], told[0]]
    assert case.store.events(t, t + 2, subject=told[1].subject, limit=1) == [told[2]]
    assert case.store.events(t, t + 3, subject="' OR 1") == []


def test_wrong_questions_are_refused_by_name(case: Case) -> None:
    k, t = case.key, case.t0
    with pytest.raises(InputError, match="no such roll-up"):
        case.store.rollup([k], t, t + 1, 60)
    with pytest.raises(InputError, match="range ends before"):
        case.store.raw([k], t + 1, t)
    with pytest.raises(InputError, match="limit out of bounds"):
        case.store.raw([k], t, t + 1, limit=0)
    with pytest.raises(InputError, match="outside the ledger"):
        case.store.append(rows((1 << 24, t, 0.0, 0)))
    with pytest.raises(InputError, match="outside the ledger"):
        case.store.append(rows((0, t, 0.0, 0)))
    assert case.store.count(t, t + 10) == 0


def test_stats_tell_engine_and_points(case: Case) -> None:
    case.store.append(rows((case.key, case.t0, 1.0, 0)))
    found = case.store.stats()
    assert found["engine"] in {"memory", "chdb", "postgresql", "clickhouse"}
    assert int(found["points"]) >= 1
