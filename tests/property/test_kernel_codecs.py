"""Batch, envelope, canonical bytes, units and scope for any input hypothesis can think of."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heatloop.kernel import canonical
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import (
    MAX_BODY,
    Envelope,
    EnvelopeKind,
    decode,
    encode,
    seal_notes,
    seal_samples,
)
from heatloop.kernel.errors import InputError
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns, concat, to_batch, view
from heatloop.kernel.units import UNITS, convert

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
ROW = st.tuples(U32, U32, st.floats(), st.integers(0, 255))
BATCH = st.lists(ROW, max_size=60).map(
    lambda rows: SampleBatch(*zip(*rows, strict=True)) if rows else SampleBatch()
)
NAME = st.text(max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner,
                      max_size=4),
    max_leaves=12,
)  # fmt: skip


def sign(data: bytes) -> bytes:
    """Stand-in of the right length that depends on every byte."""
    return struct.pack("<II", zlib.crc32(data), zlib.adler32(data)) * 8


@given(BATCH)
def test_batch_bytes_round_trip(batch):
    assert SampleBatch.from_bytes(batch.to_bytes()) == batch


@given(st.lists(st.tuples(U32, st.floats(), st.integers(0, 4)), min_size=1, max_size=50), U32)
def test_one_slot_is_sent_once(rows, slot):
    batch = SampleBatch()
    for key, value, quality in rows:
        batch.append(key, slot, value, quality)
    data = batch.to_bytes()
    assert len(data) == 5 + 4 + 13 * len(rows)
    assert SampleBatch.from_bytes(data) == batch


@given(BATCH, BATCH)
def test_columns_and_batches_are_the_same_rows(first, second):
    both = SampleBatch()
    both.extend(first)
    both.extend(second)
    assert to_batch(concat([view(first), view(second)])) == both
    assert to_batch(concat([])) == SampleBatch()
    columns = view(both)
    odd = columns.take(np.arange(len(both)) % 2 == 1)
    assert len(odd.keys) == len(both) // 2
    assert list(map(len, Columns.empty())) == [0, 0, 0, 0]


@given(st.binary(max_size=200))
@example(b"\x00" + b"\xff" * 4)
@example(b"\x01\x00\x00\x00\x00")
def test_any_bytes_make_a_batch_or_an_input_error(data):
    try:
        batch = SampleBatch.from_bytes(data)
    except InputError:
        return
    assert len(batch) == struct.unpack_from("<I", data, 1)[0]


@given(BATCH, U64, U64, U32, U32, st.text(max_size=40), st.text(max_size=20))
def test_envelope_round_trip(batch, epoch, first, ledger, profile, gateway, key_id):
    envelope = Envelope(
        gateway=gateway, epoch=epoch, first=first, count=len(batch), ledger_version=ledger,
        profile_version=profile, slot_min=1, slot_max=2, body=seal_samples(batch),
    )  # fmt: skip
    found = decode(encode(envelope, sign, key_id))
    assert (found.gateway, found.epoch, found.first, found.last) == (
        gateway, epoch, first, first + len(batch) - 1,
    )  # fmt: skip
    assert (found.ledger_version, found.profile_version) == (ledger, profile)
    assert found.key_id == key_id
    assert found.signature == sign(found.signed)
    assert found.batch() == batch
    with pytest.raises(InputError):
        found.notes()


@given(st.lists(st.dictionaries(NAME, st.integers() | NAME, max_size=3), max_size=5))
def test_notes_round_trip(notes):
    try:
        body = seal_notes(notes)
    except InputError:
        return  # half a surrogate pair
    envelope = Envelope(gateway="GW0001", epoch=1, first=1, count=len(notes),
                        kind=EnvelopeKind.NOTES, body=body)  # fmt: skip
    found = decode(encode(envelope, sign, "k"))
    assert found.notes() == notes
    with pytest.raises(InputError):
        found.batch()


def sample_envelope():
    batch = SampleBatch([1, 2, 3], [30, 30, 30], [1.0, 2.0, 3.0], [0, 0, 0])
    return Envelope(gateway="GW0001", epoch=9, first=1, count=3, body=seal_samples(batch))


@given(st.data())
def test_a_changed_byte_is_noticed(data):
    """Every byte is under the signature, is the signature, or is the name of the key."""
    good = encode(sample_envelope(), sign, "key")
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(bytes(bad))
    except InputError:
        return
    assert found.signature != sign(found.signed) or found.key_id != "key"


@given(st.integers(0, 200), st.binary(max_size=10))
def test_a_cut_or_padded_envelope_is_refused(cut, tail):
    good = encode(sample_envelope(), sign, "key")
    cut = min(cut, len(good))
    bad = good[:cut] if cut < len(good) else good + b"x" + tail
    with pytest.raises(InputError):
        decode(bad)


@given(st.binary(max_size=120))
def test_any_bytes_make_an_envelope_or_an_input_error(data):
    for candidate in (data, b"HLE\x01" + data):
        try:
            found = decode(candidate)
            found.batch()
        except InputError:
            continue


@pytest.mark.parametrize(
    "body, count",
    [
        (b"", 3),
        (b"not zlib", 3),
        (seal_samples(SampleBatch([1], [2], [3.0], [0])), 3),
        (seal_samples(SampleBatch([1], [2], [3.0], [0])) + b"more", 1),
        (seal_samples(SampleBatch([1], [2], [3.0], [0]))[:-3], 1),
    ],
)
def test_a_body_that_is_damaged_is_refused(body, count):
    with pytest.raises(InputError):
        Envelope(gateway="G", epoch=1, first=1, count=count, body=body).batch()


def test_a_bomb_is_not_unpacked():
    bomb = zlib.compress(bytes(MAX_BODY + 1))
    with pytest.raises(InputError, match="too large"):
        Envelope(gateway="G", epoch=1, first=1, count=1, body=bomb).batch()


@pytest.mark.parametrize("notes", [b"{}", b"[1]", b"[", b'[{"a":NaN}]', b"\xff", b"[" * 99_999])
def test_a_body_that_is_no_notes_is_refused(notes):
    envelope = Envelope(gateway="G", epoch=1, first=1, count=1, kind=EnvelopeKind.NOTES,
                        body=zlib.compress(notes))  # fmt: skip
    with pytest.raises(InputError):
        envelope.notes()


@given(PLAIN)
def test_canonical_round_trip_and_one_encoding(value):
    data = canonical.canonical(value)
    assert canonical.decode(data) == value
    assert canonical.canonical(canonical.decode(data)) == data


@given(st.dictionaries(st.text("abc", max_size=3), st.integers(), max_size=6))
def test_canonical_does_not_see_the_order_of_keys(plain):
    assert canonical.canonical(dict(reversed(plain.items()))) == canonical.canonical(plain)


PAIRS = [(a, b) for a in UNITS for b in UNITS if UNITS[a].dimension == UNITS[b].dimension]


@given(st.sampled_from(PAIRS), st.floats(-1e6, 1e6))
def test_units_convert_there_and_back(pair, value):
    source, target = pair
    there = convert(value, source, target)
    assert convert(there, target, source) == pytest.approx(value, rel=1e-12, abs=1e-9)
    assert convert(value, source, source) == value


PATH = st.lists(st.sampled_from(["CO01", "BR01", "BR02", "TM01"]), max_size=4).map("/".join)


@given(st.frozensets(PATH, max_size=3), PATH, st.sampled_from(["TM02", "UN0001"]))
def test_what_holds_a_thing_holds_everything_below_it(roots, path, child):
    scope = Scope.of(roots)
    if path and scope.holds(path):
        assert scope.holds(f"{path}/{child}")
    assert scope.holds(path) == any(
        root == "" or (path + "/").startswith(root + "/") for root in roots
    )
