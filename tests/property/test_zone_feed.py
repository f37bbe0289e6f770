"""The feed between zones: what is made is read again, anything else is refused."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from heatloop.bridge.feed_fec import parity, restore
from heatloop.bridge.feed_frame import GATE, MOST_BYTES, Batch, open_batch
from heatloop.bridge.feed_order import Order
from heatloop.bridge.feed_schema import (
    FEED_SCHEMAS,
    GATE_SCHEMAS,
    REASONS,
    FeedRefused,
    check_record,
)
from heatloop.bridge.feed_udp import Joiner, datagram_key, split
from heatloop.kernel.series import Columns
from tests.unit.zone_pair import NOW_S, Stream, answer, opened, pair

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@cache
def keys():
    return pair(Path(tempfile.mkdtemp(prefix="zone-keys-")))


@cache
def genuine() -> bytes:
    points = Columns(
        np.arange(1, 50, dtype="u4"),
        np.full(49, int(NOW_S), "u4"),
        np.linspace(0, 40, 49),
        np.zeros(49, "u1"),
    )
    return Stream(keys()[0]).next([answer()], points=points)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(FeedRefused) as refused:
        opened(data, keys()[1])
    assert refused.value.reason in REASONS


@given(st.binary(min_size=0, max_size=60), st.integers(0, 80))
def test_what_begins_like_a_batch_and_is_none_is_refused(data, head):
    with pytest.raises(FeedRefused):
        opened(b"HLZ1" + head.to_bytes(4, "big") + data, keys()[1])


@given(st.data())
@settings(max_examples=40)
def test_every_changed_byte_and_every_cut_is_refused(data):
    blob = genuine()
    at = data.draw(st.integers(0, len(blob) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(blob)
    changed[at] ^= flip
    for bad in (bytes(changed), blob[:at], blob + bytes((flip,))):
        with pytest.raises(FeedRefused):
            opened(bad, keys()[1])


def test_the_genuine_batch_is_read_again():
    batch = opened(genuine(), keys()[1])
    assert batch.records == [answer()]
    assert batch.points.keys.tolist() == list(range(1, 50))
    np.testing.assert_allclose(batch.points.values, np.linspace(0, 40, 49), rtol=1e-6)


def test_the_other_direction_and_the_own_echo_are_refused():
    control, customer = keys()
    with pytest.raises(FeedRefused, match="forged"):
        opened(genuine(), control)
    gate = Stream(customer, GATE).next([])
    with pytest.raises(FeedRefused, match="forged"):
        opened(gate, customer, GATE)
    with pytest.raises(FeedRefused, match="stream"):
        open_batch(gate, "feed", control.ring(), control.seal_keys)
    assert opened(gate, control, GATE).records == []


@given(_JSON)
@settings(max_examples=50)
def test_no_record_of_another_shape_passes(value):
    for stream in ("feed", "gate"):
        with pytest.raises(FeedRefused):
            check_record(stream, value)


@given(
    st.sampled_from(sorted(GATE_SCHEMAS)),
    st.dictionaries(st.text(max_size=12), _JSON, max_size=6),
)
@settings(max_examples=50)
def test_records_of_the_gate_with_other_fields_are_refused(kind, fields):
    record = {**fields, "kind": kind}
    if set(record) == {"kind", *GATE_SCHEMAS[kind].fields}:
        return
    with pytest.raises(FeedRefused):
        check_record("gate", record)


@given(st.data())
def test_a_field_of_the_wrong_sort_is_refused(data):
    kind = data.draw(st.sampled_from(sorted(FEED_SCHEMAS)))
    good = {"answer": answer()}.get(kind)
    if good is None:
        return
    name = data.draw(st.sampled_from(sorted(FEED_SCHEMAS[kind].fields)))
    wrong = data.draw(
        st.sampled_from([float("nan"), float("inf"), "\x00", [[]], {}, 1e30, True, "x" * 9000])
    )
    with pytest.raises(FeedRefused):
        check_record("feed", {**good, name: wrong})


def test_no_schema_of_either_direction_names_a_command_or_a_device():
    words = {"command", "setpoint", "device", "gateway", "register", "write", "mode", "stage"}
    for schemas in (FEED_SCHEMAS, GATE_SCHEMAS):
        for schema in schemas.values():
            assert not words & {schema.kind, *schema.fields}


@given(st.integers(1, 40), st.integers(0, 12), st.integers(1, 30), st.integers(0, 2**32), st.data())
@settings(max_examples=25)
def test_any_k_pieces_give_the_data_back(k, m, length, seed, data):
    pieces = np.random.default_rng(seed).integers(0, 256, (k, length), "u1")
    everything = np.concatenate([pieces, parity(pieces, m)])
    chosen = data.draw(st.permutations(range(k + m)))[:k]
    found = restore({i: everything[i] for i in chosen}, k, m)
    assert (found == pieces).all()


@given(st.integers(1, 60_000), st.integers(0, 2**32), st.floats(0, 0.15))
@settings(max_examples=12)
@example(size=1200, seed=1, loss=0.0)
def test_datagrams_in_any_order_with_losses_give_the_batch(size, seed, loss):
    random = np.random.default_rng(seed)
    blob = random.bytes(size)
    key = datagram_key(b"k" * 32)
    sent = list(split(blob, key, 40.0))
    assert max(len(each) for each in sent) <= 1280 - 48
    random.shuffle(sent)
    kept = sent[int(len(sent) * loss) :]
    joiner = Joiner(key)
    done = [each for each in (joiner.take(d, 0.0) for d in [*kept, *kept]) if each is not None]
    assert done == [blob]


@given(st.binary(max_size=1500))
def test_forged_datagrams_are_counted_and_nothing_else(datagram):
    joiner = Joiner(datagram_key(b"k" * 32))
    assert joiner.take(datagram, 0.0) is None
    assert joiner.heard.forged == 1


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
@settings(max_examples=30)
def test_whatever_order_batches_come_in_what_is_applied_only_rises(order):
    stream = Stream(keys()[0])
    made: list[Batch] = [opened(stream.next(at=NOW_S + i), keys()[1]) for i in range(12)]
    follow, applied, missing = Order(3600, 300), [], set()
    for number in order:
        batch = made[number - 1]
        try:
            gap = follow.take(batch, NOW_S + 20, "file")
        except FeedRefused as error:
            reason = error.reason
        else:
            reason = ""
        if reason:
            assert reason in ("replay", "order")
            assert number in applied or number < max(applied)
            continue
        last = max(applied, default=0)
        assert number > last
        applied.append(number)
        expected = set(range(last + 1, number))
        missing |= expected
        assert (gap is None) == (not expected)
    told = {n for gap in follow.gaps for n in range(gap.first, gap.last + 1)}
    assert told == missing


def test_a_batch_that_unpacks_without_end_is_refused_and_no_memory_taken():
    control, customer = keys()
    import zlib

    from heatloop.bridge import feed_frame

    class Bomb:
        def __getattr__(self, name):
            return getattr(control.suite, name)

        def seal(self, key_id, key, plain, aad):
            packed = zlib.compressobj(9)
            zeros = bytes(1 << 20)
            body = b"".join(packed.compress(zeros) for _ in range(64)) + packed.flush()
            return control.suite.seal(key_id, key, body, aad)

    head = feed_frame.Head(
        stream="feed", epoch="0" * 16, seq=1, kind="delta", previous="0" * 64,
        issued_s=NOW_S, plant_s=NOW_S, speed=1.0,
    )  # fmt: skip
    blob = feed_frame.make_batch(
        head, [], signer=control.signing, seal_key=control.seal_key, suite=Bomb()
    )
    most = feed_frame.MOST_BODY_BYTES
    feed_frame.MOST_BODY_BYTES = 1 << 20
    try:
        with pytest.raises(FeedRefused, match="does not end"):
            opened(blob, customer)
    finally:
        feed_frame.MOST_BODY_BYTES = most
    assert len(blob) < MOST_BYTES
