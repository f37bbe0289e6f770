"""Roll-ups of every engine against a plain reference of the rule that `port` tells."""

import itertools
import math
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.store.historian.chdb import ChdbHistorian
from heatloop.store.historian.chdb_folder import ChdbFolder
from heatloop.store.historian.digest import RowDigest, merkle_root
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.port import DAY_S, HOUR_S, TEN_MINUTES_S, Historian, RollupColumns
from heatloop.store.historian.windows import day_of, day_start

ZONE = ZoneInfo("Asia/Shanghai")
T0 = 1704038400
"""Local midnight of the first day of 2024."""
PERIODS = {1: 30, 2: 60, 3: 600, 4: 1800}
KEYS = list(PERIODS)
_turn = itertools.count(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbFolder]:
    made = ChdbFolder(tmp_path_factory.mktemp("chdb"), key=b"k" * 32)
    yield made
    made.close()


def engines(folder: ChdbFolder) -> list[Historian]:
    """Return memory, chdb, and chdb that computes everything from its tables."""
    turn = next(_turn)
    made: list[Historian] = [
        MemoryHistorian(zone=ZONE),
        ChdbHistorian(folder, zone=ZONE, database=f"live_{turn}"),
        ChdbHistorian(folder, zone=ZONE, database=f"tables_{turn}", alone=False),
    ]
    for engine in made:
        engine.set_periods(KEYS, list(PERIODS.values()))
    return made


def rows(*given: tuple[int, int, float, int]) -> Columns:
    keys, slots, values, quality = zip(*given, strict=True)
    return Columns(
        np.array(keys, "u4"),
        np.array(slots, "u4"),
        np.array(values, "f8"),
        np.array(quality, "u1"),
    )


def integral(samples: list[tuple[int, float]], window: int, period: int) -> float:
    """Return value x hours of one 10-minute window, written down as the rule is told."""
    if period > TEN_MINUTES_S:
        return sum(value * period for _, value in samples) / HOUR_S
    longest, total = 3 * period, 0.0
    (first, first_value), (last, last_value) = samples[0], samples[-1]
    if first - window <= longest:
        total += first_value * (first - window)
    if window + TEN_MINUTES_S - last <= longest:
        total += last_value * (window + TEN_MINUTES_S - last)
    for (a, x), (b, y) in itertools.pairwise(samples):
        if b - a <= longest:
            total += (x + y) / 2 * (b - a)
    return total / HOUR_S


def reference(
    told: dict[tuple[int, int], tuple[float, int]], step_s: int
) -> dict[tuple[int, int], list[float]]:
    """Return per (key, window): all statistics, from what a dictionary holds."""
    ten: dict[tuple[int, int], list[tuple[int, float, int]]] = {}
    for (key, slot), (value, quality) in sorted(told.items()):
        ten.setdefault((key, slot - slot % 600), []).append((slot, value, quality))
    parts: dict[tuple[int, int], list[tuple[int, float, int]]] = {}
    whole: dict[tuple[int, int], float] = {}
    for (key, window), samples in ten.items():
        start = window
        if step_s == HOUR_S:
            start = window - window % HOUR_S
        elif step_s == DAY_S:
            start = day_start(day_of(window, ZONE), ZONE)
        parts.setdefault((key, start), []).extend(samples)
        used = [(slot, value) for slot, value, quality in samples if quality not in (2, 3)]
        if used:
            added = integral(used, window, PERIODS[key])
            whole[key, start] = whole.get((key, start), 0.0) + added
    out = {}
    for at, samples in parts.items():
        used_values = [value for _, value, quality in samples if quality not in (2, 3)]
        counts = [sum(q == code for _, _, q in samples) for code in range(5)]
        none = not used_values
        out[at] = [
            float(len(used_values)),
            math.nan if none else min(used_values),
            math.nan if none else math.fsum(used_values) / len(used_values),
            math.nan if none else max(used_values),
            math.nan if none else whole[at],
            math.nan if none else used_values[-1],
            *map(float, counts),
        ]
    return out


def listed(found: RollupColumns) -> dict[tuple[int, int], list[float]]:
    columns = [column.tolist() for column in found.columns]
    return {
        (key, slot): [float(value) for value in rest[:-1]]
        for key, slot, *rest in zip(*columns, strict=True)
    }


def agree(
    found: dict[tuple[int, int], list[float]], wanted: dict[tuple[int, int], list[float]]
) -> None:
    assert found.keys() == wanted.keys()
    for at, values in wanted.items():
        np.testing.assert_allclose(found[at], values, rtol=1e-9, atol=1e-9, err_msg=str(at))


def batches(random: np.random.Generator) -> Iterator[Columns]:
    """Yield two days of samples: in order, late, again, with gaps and every quality."""
    for key, period in PERIODS.items():
        many = 2 * DAY_S // period
        slots = T0 + period * np.arange(many)
        kept = random.random(many) > 0.1
        for _ in range(int(random.integers(1, 4))):  # gaps of several periods
            at = int(random.integers(0, many))
            kept[at : at + int(random.integers(2, 12))] = False
        slots = slots[kept] + random.integers(0, 2, kept.sum()) * (period // 2)
        values = np.round(50 + 20 * random.standard_normal(len(slots)), 1)
        quality = random.choice([0, 0, 0, 0, 1, 2, 3, 4], len(slots))
        late = random.random(len(slots)) < 0.1
        for chosen in (~late, late):
            picked = np.flatnonzero(chosen)
            yield Columns(
                np.full(len(picked), key, "u4"),
                slots[picked].astype("u4"),
                values[picked],
                quality[picked].astype("u1"),
            )


@pytest.mark.parametrize("seed", range(2))
def test_every_engine_gives_what_the_rule_says(folder: ChdbFolder, seed: int) -> None:
    stores = engines(folder)
    random = np.random.default_rng(seed)
    told: dict[tuple[int, int], tuple[float, int]] = {}
    whole = list(batches(random))
    day = [b.take(b.slots < T0 + DAY_S) for b in whole]
    rest = [b.take(b.slots >= T0 + DAY_S) for b in whole]
    again = [batch.take(np.flatnonzero(random.random(len(batch.keys)) < 0.05)) for batch in day]
    again = [batch._replace(values=batch.values + 1.0) for batch in again]
    for index, batch in enumerate([*day, *rest, *again]):
        for key, slot, value, quality in zip(*(c.tolist() for c in batch), strict=True):
            told[key, slot] = (value, quality)
        for store in stores:
            store.append(batch)
            if index % 3 == seed:
                store.refresh_rollups()
    for store in stores:
        store.refresh_rollups()
        for step in (TEN_MINUTES_S, HOUR_S, DAY_S):
            found = store.rollup(KEYS, T0 - DAY_S, T0 + 4 * DAY_S, step)
            agree(listed(found), reference(told, step))


def test_live_windows_close_and_go_on_correctly(folder: ChdbFolder) -> None:
    stores = engines(folder)
    told: dict[tuple[int, int], tuple[float, int]] = {}
    # A sweep every 30 s over three hours across a local midnight, rolled up now and then; one
    # sample comes two hours late, and a day later another one.
    start = T0 + DAY_S - 5400
    for turn in range(24):
        given: list[tuple[int, int, float, int]] = []
        for tick in range(15 * turn, 15 * turn + 15):
            slot = start + 30 * tick
            given.append((1, slot, 10.0 + math.sin(tick / 7), 0))
            given.append((2, slot - slot % 60, float(tick), 0))
        if turn == 18:  # late in a closed window of the day that goes on
            given.append((1, start + 5400 + 345, 77.0, 0))
        if turn == 20:
            given.append((1, start + 45, 99.0, 0))
        if turn == 21:
            given.append((2, start + 2700, -5.0, Quality.UNCERTAIN))
        for key, at, value, quality in given:
            told[key, at] = (value, quality)
        for store in stores:
            store.append(rows(*given))
            if turn % 3 == 2:
                store.refresh_rollups()
    for store in stores:
        store.refresh_rollups()
        for step in (TEN_MINUTES_S, HOUR_S, DAY_S):
            agree(listed(store.rollup(KEYS, T0, T0 + 3 * DAY_S, step)), reference(told, step))


def test_a_gap_of_more_than_three_periods_adds_nothing(folder: ChdbFolder) -> None:
    for store in engines(folder):
        # 30 s points: 0..60 s and 240..570 s of the window; 180 s between are a gap.
        store.append(rows(*((1, T0 + at, 36.0, 0) for at in (0, 30, 60, *range(240, 600, 30)))))
        store.append(rows((4, T0 + 60, 36.0, 0), (5, T0, 36.0, 0)))
        store.refresh_rollups()
        found = store.rollup([1, 4, 5], T0, T0 + 600, TEN_MINUTES_S)
        covered = (60 + 360, 1800, 0)  # the slow one stands for its period; the unknown for none
        assert found.integral.tolist() == pytest.approx([36.0 * s / HOUR_S for s in covered])


def test_a_revision_is_in_integral_and_counts(folder: ChdbFolder) -> None:
    for store in engines(folder):
        store.append(rows(*((1, T0 + at, 12.0, 0) for at in range(0, 600, 30))))
        store.refresh_rollups()
        bad = [(1, T0 + at, 12.0, int(Quality.BAD)) for at in range(300, 600, 30)]
        store.revise(rows(*bad), method="mark_bad", who="li")
        store.refresh_rollups()
        found = store.rollup([1], T0, T0 + HOUR_S, HOUR_S)
        assert (found.count.tolist(), found.bad_count.tolist()) == ([10], [10])
        assert found.integral.tolist() == pytest.approx([12.0 * 270 / HOUR_S])


def test_digests_agree_between_engines_and_tell_every_change(folder: ChdbFolder) -> None:
    stores = engines(folder)
    batch = rows((2, T0 + 60, 1.5, 0), (1, T0, -0.0, 0), (1, T0 + 30, float("nan"), 2))
    wanted = RowDigest()
    wanted.add(batch.take(np.array([1, 2, 0])))
    for store in stores:
        empty = store.day_digest(T0, T0 + DAY_S)
        assert (empty, store.day_counter(T0, T0 + DAY_S)) == (RowDigest().digest(), 0)
        store.append(batch)
        assert store.day_digest(T0, T0 + DAY_S) == wanted.digest()
        before = store.day_counter(T0, T0 + DAY_S)
        store.append(batch.take(np.array([0])))
        store.revise(rows((1, T0, 7.0, 4)), method="linear", who="li")
        assert store.day_digest(T0, T0 + DAY_S) == wanted.digest()
        assert store.day_counter(T0, T0 + DAY_S) > before
        store.append(rows((1, T0, 0.0, 1)))
        assert store.day_digest(T0, T0 + DAY_S) != wanted.digest()


def test_a_month_has_a_merkle_root() -> None:
    days = [bytes([n]) * 32 for n in range(5)]
    root = merkle_root(days)
    assert len(root) == 32
    assert root == merkle_root(list(days))
    for at in range(5):
        other = list(days)
        other[at] = b"x" * 32
        assert merkle_root(other) != root
    assert len({merkle_root(days[:n]) for n in range(6)}) == 6


def test_partitions_go_whole_or_but_for_points_to_keep(folder: ChdbFolder) -> None:
    january, february = T0 + 10 * DAY_S, T0 + 40 * DAY_S
    for store in engines(folder):
        given = [(key, at + 30 * n, 1.0, 0) for key in KEYS for at in (january, february)
                 for n in range(3)]  # fmt: skip
        store.append(rows(*given))
        names = {p.name: p.rows for p in store.partitions() if p.table == "raw"}
        assert names == {202401: 12, 202402: 12}
        before = store.day_counter(january, january + DAY_S)
        assert store.drop_partition("raw", 202401, [1, 2]) == 6
        kept = store.raw(KEYS, january, january + DAY_S)
        assert sorted(set(kept.keys.tolist())) == [1, 2]
        assert len(kept.keys) == 6
        assert store.day_counter(january, january + DAY_S) > before
        assert store.drop_partition("raw", 202402) == 12
        assert store.count(february, february + DAY_S) == 0
        assert store.drop_partition("raw", 202402) == 0


def test_kept_samples_come_back_and_a_change_is_seen(folder: ChdbFolder) -> None:
    for store in engines(folder):
        store.append(rows((1, T0, 1.0, 0), (2, T0, 2.0, 0)))
        assert store.compare_kept()[:3] == (1, 2, 0)
        # Sent again with another value: no longer comparable, which is no fault.
        store.append(rows((1, T0, 5.0, 0)))
        assert store.compare_kept()[:3] == (1, 1, 0)
        store.drop_partition("raw", 202312)
        assert store.compare_kept().changed == 1


def test_samples_of_a_kind_are_measured_by_themselves(folder: ChdbFolder) -> None:
    for store in engines(folder):
        many = [(key, T0 + 30 * n, 20.0 + n % 3, 0) for key in KEYS for n in range(200)]
        store.append(rows(*many))
        size = store.measure([1, 3], T0, T0 + DAY_S)
        assert size.rows == 400
        assert size.stored_bytes > 0
        store.compact()
        assert store.count(T0, T0 + DAY_S) == 800
