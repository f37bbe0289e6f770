"""Types of registers: names, parts of a register, analogue inputs, and who may share a place."""

import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.edge.drivers.modbus_plan import short_float
from heatloop.kernel.errors import InputError
from heatloop.plant import profiles
from heatloop.protocols.analogue import platinum_celsius, platinum_ohm, span
from heatloop.protocols.dtypes import bits_of, kind_of, words_of
from heatloop.protocols.register_places import first_overlap
from heatloop.protocols.registers import decode_raw, encode_raw, merge_bits


@dataclass(frozen=True)
class Spot:
    register: int
    dtype: str
    source: str = ""

    @property
    def words(self):
        return words_of(self.dtype)


@pytest.mark.parametrize(
    "dtype, words, bits",
    [
        ("int16", 1, (0, 16)), ("float32", 2, (0, 16)), ("uint64", 4, (0, 16)),
        ("float64:CDAB", 4, (0, 16)), ("bit0", 1, (0, 1)), ("bits8-15", 1, (8, 8)),
        ("bcd32", 2, (0, 16)), ("string:5", 3, (0, 16)), ("pt1000", 1, (0, 16)),
        ("", 1, (0, 16)), ("whatever another protocol says", 1, (0, 16)),
    ],
)  # fmt: skip
def test_a_type_takes_its_registers(dtype, words, bits):
    assert words_of(dtype) == words
    assert bits_of(dtype) == bits


@pytest.mark.parametrize(
    "dtype",
    ["", "int8", "float", "bit16", "bits7-4", "bits3", "bit3-4", "bcd64", "string:0", "string:999",
     "float32:ABDC", "float32:", "int16 "],
)  # fmt: skip
def test_nonsense_is_no_type(dtype):
    with pytest.raises(InputError) as caught:
        kind_of(dtype)
    assert caught.value.fix


def test_text_is_no_number():
    with pytest.raises(InputError, match="text"):
        decode_raw((0x4142,), "string:2")


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.integers(1, 16), st.data())
def test_a_part_of_a_register_changes_alone(present, low, count, data):
    count = min(count, 16 - low)
    dtype = f"bits{low}-{low + count - 1}"
    value = data.draw(st.integers(0, (1 << count) - 1))
    (word,) = merge_bits(present, encode_raw(value, dtype), dtype)
    assert decode_raw((word,), dtype) == value
    mask = ((1 << count) - 1) << low
    assert word & ~mask == present & ~mask


@pytest.mark.parametrize("word", [0x123A, 0xF000, 0xFFFF])
def test_digits_that_are_none_are_no_value(word):
    assert math.isnan(decode_raw((word,), "bcd16"))


@pytest.mark.parametrize(
    "value, dtype", [(10_000, "bcd16"), (-1, "bcd16"), (2, "bool"), (2, "bit3"), (-300, "pt1000")]
)
def test_what_does_not_fit_is_refused(value, dtype):
    with pytest.raises(InputError):
        encode_raw(value, dtype)


@given(st.floats(-199.0, 440.0))
def test_a_thermometer_comes_back_within_its_resolution(celsius):
    assert decode_raw(encode_raw(celsius, "pt1000"), "pt1000") == pytest.approx(celsius, abs=0.02)
    assert platinum_celsius(platinum_ohm(celsius)) == pytest.approx(celsius, abs=1e-6)


def test_a_span_needs_two_ends():
    assert span(4000, 20_000, 0.0, 16.0) == (0.001, -4.0)
    with pytest.raises(InputError):
        span(4, 4, 0.0, 1.0)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_short_real_is_the_same_real(number):
    assert encode_raw(short_float(number), "float32") == encode_raw(number, "float32")


@pytest.mark.parametrize("text", ["85.3", "0.1", "-0.001", "123456.7", "4.7e-05", "3.4028235e+38"])
def test_a_short_real_is_what_was_meant(text):
    number = decode_raw(encode_raw(float(text), "float32"), "float32")
    assert short_float(number) == float(text)


def test_a_profile_may_give_an_offset(monkeypatch):
    row = {
        "child": "device", "stride": "", "register": "3", "kind": "tank_level", "n": "",
        "dtype": "uint16", "factor": "0.001", "offset": "-4", "access": "r",
    }  # fmt: skip
    monkeypatch.setattr(profiles, "profile_names", lambda: ("level",))
    monkeypatch.setattr(profiles, "table", lambda name: [row])
    (found,) = profiles.profile.__wrapped__("level")
    assert (found.factor, found.offset) == (0.001, -4.0)


def test_parts_share_a_register_and_tables_do_not_meet():
    fits = [
        Spot(1, "bit0"), Spot(1, "bits1-3"), Spot(1, "uint16", "input"), Spot(1, "", "coil"),
        Spot(2, "float32"), Spot(4, "int16"),
    ]  # fmt: skip
    assert first_overlap(fits) is None
    for more in (Spot(1, "bit2"), Spot(3, "int16"), Spot(0, "uint32"), Spot(1, "int16", "input")):
        assert first_overlap([*fits, more]) is more
