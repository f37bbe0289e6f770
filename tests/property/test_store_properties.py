"""Properties of frames, newest samples and roll-ups over any input."""

import json
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.kernel.series import Columns
from heatloop.store.historian import wire
from heatloop.store.historian.memory import MemoryHistorian
from heatloop.store.tables import read_tables, write_tables

ROW = st.tuples(
    st.integers(1, 4),
    st.integers(0, 80).map(lambda n: 1_700_000_000 + 45 * n),
    st.floats(-1e6, 1e6),
    st.integers(0, 4),
)
BATCHES = st.lists(st.lists(ROW, max_size=12), max_size=6)
KEYS = [1, 2, 3, 4]
END = 1 << 32


def columns(rows: list[tuple[int, int, float, int]]) -> Columns:
    parts = list(zip(*rows, strict=True)) or [[], [], [], []]
    return Columns(
        *(np.array(part, kind) for part, kind in zip(parts, ("u4", "u4", "f8", "u1"), strict=True))
    )


def store_of(batches: list[list[tuple[int, int, float, int]]]) -> MemoryHistorian:
    store = MemoryHistorian(zone=ZoneInfo("Asia/Shanghai"))
    for batch in batches:
        store.append(columns(batch))
    return store


@given(BATCHES)
def test_raw_is_what_a_dictionary_would_hold(batches) -> None:
    told = {(k, s): (v, q) for batch in batches for k, s, v, q in batch}
    raw = store_of(batches).raw(KEYS, 0, END)
    found = list(zip(*(column.tolist() for column in raw), strict=True))
    assert found == [(k, s, v, q) for (k, s), (v, q) in sorted(told.items())]


@given(BATCHES)
def test_latest_is_the_last_row_of_raw(batches) -> None:
    store = store_of(batches)
    raw = {k: (s, v, q) for k, s, v, q in zip(*store.raw(KEYS, 0, END), strict=True)}
    latest = zip(*(column.tolist() for column in store.latest()), strict=True)
    assert [(k, (s, v, q)) for k, s, v, q in latest] == sorted(raw.items())


@given(BATCHES, st.integers(0, 6))
def test_rollups_do_not_depend_on_when_they_are_made(batches, early: int) -> None:
    at_once, by_turns = store_of(batches), store_of(batches[:early])
    by_turns.refresh_rollups()
    for batch in batches[early:] + batches:
        by_turns.append(columns(batch))
        by_turns.refresh_rollups()
    # Sending all again in order ends with the same values.
    at_once.refresh_rollups()
    for step in (600, 3600, 86400):
        one, other = (s.rollup(KEYS, 0, END, step) for s in (at_once, by_turns))
        for a, b in zip(one.columns, other.columns, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-6)


@given(BATCHES)
def test_every_step_counts_the_same_samples(batches) -> None:
    store = store_of(batches)
    store.refresh_rollups()
    raw = store.raw(KEYS, 0, END)
    used = int((~np.isin(raw.quality, (2, 3))).sum())
    for step in (600, 3600, 86400):
        found = store.rollup(KEYS, 0, END, step)
        assert int(found.count.sum()) == used
        some = found.take(found.count > 0)
        assert (some.low <= some.mean + 1e-6).all()
        assert (some.mean <= some.high + 1e-6).all()


COLUMN = st.sampled_from(["u4", "f8", "u1"]).flatmap(
    lambda kind: arrays(np.dtype(kind), st.integers(0, 20))
)


@given(st.dictionaries(st.sampled_from(["id", "op", "x"]), st.text()), st.lists(COLUMN, max_size=4))
def test_frames_come_back(head, given_arrays) -> None:
    frame = b"".join(wire.encode(head, given_arrays))
    size = wire.frame_size(frame[:4])
    assert size == len(frame) - 4
    found, columns_found = wire.decode(frame[4:])
    assert {name: found[name] for name in head} == head
    assert len(columns_found) == len(given_arrays)
    for a, b in zip(columns_found, given_arrays, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


JUNK = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "op", "arrays", "y"]), inner, max_size=3)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode() + b"\n12345678"),
)


@given(JUNK)
def test_junk_is_refused_and_nothing_else(payload: bytes) -> None:
    try:
        wire.decode(payload)
    except InputError:
        return
    head = json.loads(payload.partition(b"\n")[0])
    assert isinstance(head["arrays"], list)


@pytest.mark.parametrize("size", [0, 2, wire.MAX_FRAME + 1, (1 << 32) - 1])
def test_lengths_no_frame_has_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=f"frame of {size} bytes"):
        wire.frame_size(wire.LENGTH.pack(size))


def test_errors_cross_the_wire_as_what_they_were() -> None:
    told = wire.error_head(LinkError("gone", thing="x", place="y", fix="z"))
    with pytest.raises(LinkError, match="gone") as caught:
        wire.check_answer(json.loads(json.dumps(told)))
    assert (caught.value.thing, caught.value.place, caught.value.fix) == ("x", "y", "z")
    for odd in ({}, {"ok": False}, {"ok": False, "error": {"kind": "annotations"}}):
        with pytest.raises(HeatloopError):
            wire.check_answer(odd)


CELL = st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(st.lists(st.fixed_dictionaries({"code": st.just("x"), "a": CELL, "b": CELL}), max_size=4))
def test_csv_tables_come_back(rows) -> None:
    assert read_tables(write_tables({"t": rows}, "csv")) == {"t": rows}
