"""The table of latest values and the live fan-out over it."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heatloop.app.latest import KeyIndex, LatestValues
from heatloop.app.live import MAX_EVENTS, Hub, LiveEvent, Subscriber
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns

Row = tuple[int, int, float, int]


def columns(*rows: Row) -> Columns:
    keys, slots, values, quality = zip(*rows, strict=True)
    return Columns(
        np.array(keys, "u4"), np.array(slots, "u4"), np.array(values), np.array(quality, "u1")
    )


def table() -> LatestValues:
    return LatestValues(KeyIndex([7, 3, 12]))


def test_index_finds_known_keys_and_no_others() -> None:
    index = KeyIndex([7, 3, 12])
    found = index.find(np.array([3, 7, 12, 0, 8, 13, 2**32 - 1], "u4"))
    assert found.tolist() == [0, 1, 2, -1, -1, -1, -1]
    assert KeyIndex([]).find(np.array([1], "u4")).tolist() == [-1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([3, 7, 12, 99]),
            st.integers(1, 6),
            st.floats(0, 9),
            st.sampled_from([0, 1, 2]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(1, 4),
)
def test_greatest_slot_wins_in_any_order(rows: list[Row], parts: int) -> None:
    latest = table()
    for start in range(parts):
        if rows[start::parts]:
            latest.update(columns(*rows[start::parts]))
    for key in (3, 7, 12):
        mine = [row for row in rows if row[0] == key]
        last = latest.last(key)
        assert (last is None) == (not mine)
        if last is not None:
            newest = max(row[1] for row in mine)
            assert last[2] == newest
            assert (last[0], last[1]) in {(r[2], r[3]) for r in mine if r[1] == newest}


def test_bad_and_stale_values_are_not_worked_with() -> None:
    latest = table()
    latest.update(columns((3, 30, 5.0, Quality.GOOD), (7, 30, 6.0, Quality.BAD)))
    assert (latest.value(3), latest.value(7), latest.value(12)) == (5.0, None, None)
    assert latest.usable() == [5.0, None, None]
    latest.mark_stale(np.array([3, 99], "u4"))
    assert latest.value(3) is None
    assert latest.last(3) == (5.0, Quality.STALE, 30)
    # The same row sent again does not bring a silent point back to life.
    latest.update(columns((3, 30, 5.0, Quality.GOOD)))
    assert latest.value(3) is None
    latest.update(columns((3, 60, 5.5, Quality.GOOD)))
    assert latest.value(3) == 5.5


def test_values_are_carried_over_to_a_new_ledger() -> None:
    older, newer = table(), LatestValues(KeyIndex([3, 4]))
    older.update(columns((3, 30, 5.0, 0), (7, 30, 6.0, 0)))
    newer.carry_over(older)
    assert (newer.value(3), newer.value(4)) == (5.0, None)


async def test_subscriber_gets_each_change_once_and_the_last_value_always() -> None:
    latest = table()
    stream = Subscriber(frozenset({3, 12, 50}), None)
    latest.update(columns((3, 30, 5.0, 0), (7, 30, 6.0, 0)))
    assert [e.data["values"] for e in stream.take(latest)] == [[[3, 5.0, 0, 30]]]
    assert list(stream.take(latest)) == []
    latest.update(columns((3, 60, 5.1, 0)))
    latest.update(columns((3, 90, 5.2, 0), (12, 90, float("nan"), 2)))
    (event,) = stream.take(latest)
    assert event.data == {"at": 90, "values": [[3, 5.2, 0, 90], [12, None, 2, 90]]}
    newer = LatestValues(KeyIndex([3, 50]))
    newer.update(columns((50, 120, 1.0, 0)))
    assert [e.data["values"] for e in stream.take(newer)] == [[[50, 1.0, 0, 120]]]


async def test_too_many_events_drop_the_oldest_and_say_so() -> None:
    stream = Subscriber(frozenset(), None)
    for n in range(MAX_EVENTS + 10):
        stream.push(LiveEvent(name="alarm", data={"n": n}))
    first, *rest = stream.take(table())
    assert (first.name, first.data) == ("lagged", {"dropped": 10})
    assert [event.data["n"] for event in rest] == list(range(10, MAX_EVENTS + 10))


async def test_waiting_ends_when_something_happens() -> None:
    stream, hub = Subscriber(frozenset(), None), Hub(1)
    assert hub.add(stream)
    assert not hub.add(Subscriber(frozenset(), None))
    waiting = asyncio.create_task(stream.wait(10.0))
    await asyncio.sleep(0)
    hub.values_changed()
    async with asyncio.timeout(1):
        await waiting
    hub.remove(stream)
    assert len(hub) == 0
