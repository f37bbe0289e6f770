"""Roll-up windows, newest samples and group commit, without an engine."""

import threading
from concurrent.futures import wait
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian.group_writer import GroupWriter
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.historian.newest import Newest, one_row_a_slot
from heatloop.store.historian.windows import (
    DirtyWindows,
    day_of,
    day_range,
    day_starts,
    days_match_hours,
    month_of,
    windows_of,
)

SHANGHAI, BERLIN, KOLKATA = (
    ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata")
)


def columns(*rows: tuple[int, int, float]) -> Columns:
    keys, slots, values = zip(*rows, strict=True)
    return Columns(
        np.array(keys, "u4"), np.array(slots, "u4"), np.array(values), np.zeros(len(rows), "u1")
    )


def test_local_days_begin_at_local_midnight() -> None:
    assert day_range(date(2024, 1, 1), SHANGHAI) == (1704038400, 1704124800)
    assert day_of(1704038399, SHANGHAI) == date(2023, 12, 31)
    start, end = day_range(date(2024, 3, 31), BERLIN)
    assert end - start == 23 * 3600
    slots = np.array([start - 1, start, end - 1, end], "u4")
    assert day_starts(slots, BERLIN).tolist() == [start - 86400, start, start, end]
    assert days_match_hours(start, BERLIN)
    assert not days_match_hours(start, KOLKATA)


def test_windows_of_near_and_far_slots() -> None:
    near = np.array([1200, 1199, 1800, 1201], "u4")
    assert windows_of(near).tolist() == [600, 1200, 1800]
    far = np.array([4_000_000_000, 5, 4_000_000_001], "u4")
    assert windows_of(far).tolist() == [0, 3_999_999_600]
    assert windows_of(far[:0]).tolist() == []


def test_months_are_those_of_utc() -> None:
    slots = np.array([0, 1704067199, 1704067200, 1706745600], "u4")
    assert month_of(slots).tolist() == [197001, 202312, 202401, 202402]


def test_dirty_windows_are_taken_once() -> None:
    dirty = DirtyWindows()
    dirty.mark(np.array([600, 0], "u4"))
    dirty.mark([600])
    assert dirty.take() == [0, 600]
    assert dirty.take() == []


def test_one_row_a_slot_keeps_the_last() -> None:
    given = columns((2, 30, 1.0), (1, 30, 2.0), (2, 30, 3.0), (2, 60, 4.0))
    assert one_row_a_slot(given).values.tolist() == [2.0, 3.0, 4.0]
    whole = columns((1, 0, 1.0), (1, 30, 2.0))
    assert one_row_a_slot(whole) is whole


def test_newest_shows_nothing_before_it_is_durable() -> None:
    newest = Newest()
    first = newest.pick(columns((5, 60, 1.0), (5, 90, 2.0), (7, 0, 3.0)))
    assert first.values.tolist() == [2.0, 3.0]
    assert newest.get(None).keys.tolist() == []
    newest.publish(first)
    assert newest.get(None).keys.tolist() == [5, 7]
    late = newest.pick(columns((5, 60, 9.0), (5000, 30, 4.0)))
    assert late.keys.tolist() == [5000]
    newest.publish(late)
    assert newest.get(np.array([5000, 5, 6, 1_000_000], "u4")).values.tolist() == [2.0, 4.0]
    assert len(newest) == 3


class Slow(MemoryHistorian):
    """Counts commits, and holds the first until told."""

    def __init__(self) -> None:
        super().__init__(zone=SHANGHAI)
        self.sizes: list[int] = []
        self.free, self.busy = threading.Event(), threading.Event()

    def append(self, columns: Columns) -> None:
        self.busy.set()
        assert self.free.wait(10)
        self.sizes.append(len(columns.keys))
        if columns.values[0] < 0:
            raise RuntimeError("disk full")
        super().append(columns)


def test_what_waits_shares_a_commit() -> None:
    store = Slow()
    writer = GroupWriter(store, group_rows=10)
    done = [writer.submit(columns((1, 30, 0.0)))]
    assert store.busy.wait(10)
    done += [writer.submit(columns(*((n, 60, 1.0) for n in range(1, 5)))) for _ in range(3)]
    done.append(writer.submit(columns(*((n, 90, 1.0) for n in range(1, 26)))))
    store.free.set()
    writer.close()
    assert all(future.result(0) is None for future in done)
    assert store.sizes == [1, 8, 4, 10, 10, 5]
    assert store.count(0, 100) == 1 + 4 + 25
    with pytest.raises(LinkError, match="stopping"):
        writer.submit(columns((1, 30, 0.0)))


def test_a_failed_commit_is_told_to_all_who_shared_it() -> None:
    store = Slow()
    store.free.set()
    writer = GroupWriter(store)
    store.free.clear()
    first = writer.submit(columns((1, 30, 0.0)))
    assert store.busy.wait(10)
    bad = [writer.submit(columns((2, 60, -1.0))), writer.submit(columns((3, 60, 5.0)))]
    store.free.set()
    wait([first, *bad], 10)
    assert first.exception() is None
    assert [str(future.exception()) for future in bad] == ["disk full"] * 2
    with pytest.raises(InputError):
        writer.submit(columns((0, 30, 0.0)))
    assert writer.submit(columns((4, 60, 5.0))).result(10) is None
    writer.close()
