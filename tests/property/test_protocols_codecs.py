"""Register and report codecs: whatever goes in comes out, whatever is damaged is refused."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.dtypes import words_of
from heatloop.protocols.registers import (
    DTYPES,
    WORD_ORDERS,
    Block,
    decode_raw,
    encode_raw,
    plan_blocks,
)
from heatloop.protocols.room_report import RoomReport, decode_report, encode_report

ORDERS = st.sampled_from(sorted(WORD_ORDERS))
LIMITS = {"int16": 15, "uint16": 16, "int32": 31, "uint32": 32, "int64": 63, "uint64": 64}


@dataclass(frozen=True)
class Spot:
    register: int
    dtype: str

    @property
    def words(self) -> int:
        return words_of(self.dtype)


@st.composite
def typed_numbers(draw):
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    if dtype.startswith("float"):
        width = int(dtype[5:])
        return dtype, draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    bits = LIMITS[dtype]
    low = 0 if dtype.startswith("u") else -(1 << bits)
    return dtype, draw(st.integers(low, (1 << bits) - 1))


@given(typed_numbers(), ORDERS)
def test_a_number_survives_its_registers(typed, order):
    dtype, number = typed
    words = encode_raw(number, dtype, order)
    assert all(0 <= word <= 0xFFFF for word in words)
    assert decode_raw(words, dtype, order) == number


@pytest.mark.parametrize(
    "order, words",
    [
        ("ABCD", (0x1122, 0x3344)),
        ("CDAB", (0x3344, 0x1122)),
        ("BADC", (0x2211, 0x4433)),
        ("DCBA", (0x4433, 0x2211)),
    ],
)
def test_word_orders_are_what_their_names_say(order, words):
    assert encode_raw(0x11223344, "uint32", order) == words


@pytest.mark.parametrize(
    "number, dtype",
    [
        (65536, "uint16"),
        (-1, "uint16"),
        (32768, "int16"),
        (1e39, "float32"),
        (float("nan"), "int16"),
    ],
)
def test_what_does_not_fit_is_refused(number, dtype):
    with pytest.raises(InputError):
        encode_raw(number, dtype)


@given(
    st.lists(
        st.builds(Spot, st.integers(0, 700), st.sampled_from(sorted(DTYPES))),
        min_size=1,
        max_size=60,
    ),
    ORDERS,
    st.randoms(use_true_random=False),
)
def test_blocks_read_what_single_reads_would(spots, order, rng):
    image = [rng.randrange(65536) for _ in range(710)]
    blocks = plan_blocks(spots, word_order=order, max_words=120, max_gap=16)
    seen = []
    for block in blocks:
        assert block.count <= 120
        words = image[block.start : block.start + block.count]
        for spot, raw in zip(block.fields, block.unpack_words(words), strict=True):
            single = decode_raw(
                image[spot.register : spot.register + spot.words], spot.dtype, order
            )
            assert raw == single or (raw != raw and single != single)
            seen.append(spot)
    assert sorted(seen, key=repr) == sorted(spots, key=repr)


def test_a_wide_hole_starts_a_new_block_and_a_short_answer_is_refused():
    blocks = plan_blocks([Spot(0, "uint16"), Spot(10, "int16"), Spot(40, "float32")])
    assert [(b.start, b.count) for b in blocks] == [(0, 11), (40, 2)]
    with pytest.raises(InputError, match="came"):
        Block([Spot(0, "uint32")]).unpack(b"\x00\x00")


REPORTS = st.builds(
    RoomReport,
    device_code=st.text(min_size=1, max_size=12),
    at_s=st.integers(0, 2**32 - 1),
    counter=st.integers(0, 2**32 - 1),
    fields=st.lists(st.none() | st.integers(-(2**40), 2**40), max_size=20).map(tuple),
)


@given(REPORTS)
def test_a_report_survives_the_wire(report):
    assert decode_report(encode_report(report)) == report


@given(REPORTS, st.data())
def test_a_damaged_report_is_refused(report, data):
    wire = bytearray(encode_report(report))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InputError):
        decode_report(bytes(wire))


@given(st.binary(max_size=80))
def test_noise_is_refused_not_crashed_on(noise):
    with pytest.raises(InputError):
        decode_report(noise)


def test_a_usual_report_is_small():
    report = RoomReport(
        device_code="DV000123",
        at_s=1_800_000_000,
        counter=77,
        fields=(213, 200, 1, 52311, 451, 388),
    )
    assert len(encode_report(report)) <= 36
