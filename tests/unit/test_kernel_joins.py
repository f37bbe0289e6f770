"""Time buckets, filled gaps and as-of joins against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.kernel.joins import as_of_join, gap_fill, time_bucket

NAN = np.nan


def test_time_bucket() -> None:
    slots = np.array([605, 0, 30, 599, 1200])
    values = np.array([7.0, 1.0, 5.0, 3.0, NAN])
    found = time_bucket(slots, values, 600)
    assert found.starts.tolist() == [0, 600]
    assert found.counts.tolist() == [3, 1]
    assert found.mean.tolist() == [3.0, 7.0]
    assert found.low.tolist() == [1.0, 7.0]
    assert found.high.tolist() == [5.0, 7.0]
    assert found.first.tolist() == [1.0, 7.0]
    assert found.last.tolist() == [3.0, 7.0]
    day = time_bucket(np.array([57_599, 57_600]), np.array([1.0, 2.0]), 86_400, origin_s=57_600)
    assert day.starts.tolist() == [57_600 - 86_400, 57_600]
    assert len(time_bucket(slots[:0], values[:0], 60).starts) == 0


def test_gap_fill() -> None:
    slots, values = np.array([0, 60, 240]), np.array([1.0, 2.0, 5.0])
    grid, held, made = gap_fill(slots, values, 0, 360, 60)
    assert grid.tolist() == [0, 60, 120, 180, 240, 300]
    assert held.tolist() == [1.0, 2.0, 2.0, 2.0, 5.0, 5.0]
    assert made.tolist() == [False, False, True, True, False, True]
    _, line, _ = gap_fill(slots, values, 0, 360, 60, how="linear")
    assert line[:5].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert np.isnan(line[5])
    _, short, _ = gap_fill(slots, values, 0, 360, 60, most_s=60)
    assert np.isnan(short).tolist() == [False, False, False, True, False, False]
    _, none, made = gap_fill(slots, values, 0, 360, 60, how="none")
    assert np.isnan(none).sum() == 3
    assert not made.any()
    _, before, _ = gap_fill(slots, values, -120, 60, 60)
    assert np.isnan(before[:2]).all()
    # What was known before the grid begins holds into it.
    _, later, _ = gap_fill(slots, values, 90, 200, 60)
    assert later.tolist() == [2.0, 2.0]


def test_as_of_join() -> None:
    at, right = np.array([10, 20, 35]), np.array([1.0, NAN, 3.0])
    values, age = as_of_join(np.array([9, 10, 25, 35, 99]), at, right)
    assert values[1:].tolist() == [1.0, 1.0, 3.0, 3.0]
    assert np.isnan(values[0])
    assert age.tolist() == [-1, 0, 15, 0, 64]
    values, _ = as_of_join(np.array([10, 35]), at, right, exact=False)
    assert np.isnan(values[0])
    assert values[1] == 1.0
    values, age = as_of_join(np.array([25, 99]), at, right, most_s=20)
    assert values[0] == 1.0
    assert np.isnan(values[1])
    assert age.tolist() == [15, -1]


@pytest.mark.parametrize("call", [
    lambda: time_bucket(np.array([1]), np.array([1.0]), 0),
    lambda: time_bucket(np.array([1, 2]), np.array([1.0]), 60),
    lambda: gap_fill(np.array([2, 1]), np.array([1.0, 2.0]), 0, 9, 1),
    lambda: gap_fill(np.array([1]), np.array([1.0]), 0, 9, 1, how="guess"),
    lambda: as_of_join(np.array([1]), np.array([2, 1]), np.array([1.0, 2.0])),
])  # fmt: skip
def test_what_is_refused(call) -> None:
    with pytest.raises(InputError):
        call()


_SERIES = st.lists(
    st.tuples(st.integers(0, 500), st.one_of(st.none(), st.floats(-50, 50))), max_size=30
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(_SERIES, st.lists(st.integers(-10, 510), max_size=20))
def test_as_of_never_sees_the_future(rows, wanted) -> None:
    slots = np.array([row[0] for row in rows], np.int64)
    values = np.array([NAN if row[1] is None else row[1] for row in rows], np.float64)
    found, _ = as_of_join(np.array(wanted, np.int64), slots, values)
    for slot, value in zip(wanted, found.tolist(), strict=True):
        known = [row[1] for row in rows if row[0] <= slot and row[1] is not None]
        assert value == known[-1] if known else np.isnan(value)


@given(_SERIES, st.integers(1, 90))
def test_buckets_hold_every_value_once(rows, step) -> None:
    kept = [(slot, value) for slot, value in rows if value is not None]
    slots = np.array([row[0] for row in rows], np.int64)
    values = np.array([NAN if row[1] is None else row[1] for row in rows], np.float64)
    found = time_bucket(slots, values, step)
    assert found.counts.sum() == len(kept)
    for start, count, mean in zip(found.starts, found.counts, found.mean, strict=True):
        inside = [value for slot, value in kept if start <= slot < start + step]
        assert count == len(inside)
        assert mean == pytest.approx(np.mean(inside))
