"""DL/T 645 codecs: what is written reads the same, and noise is refused, never crashed on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.dlt645.frames import Frame, decode_frame, encode_frame
from heatloop.protocols.dlt645.messages import answer, decode_message, read
from heatloop.protocols.dlt645.values import Value, kind_of
from heatloop.protocols.tables import table

BYTES = st.integers(0, 255)
FRAMES = st.builds(
    Frame,
    address=st.text("0123456789", min_size=12, max_size=12),
    control=BYTES,
    data=st.binary(max_size=255),
)
IDENTIFIERS = [int(row["first"], 16) for row in table("dlt645", "identifiers.csv")]


def reads(data):
    try:
        found = decode_message(decode_frame(data))
        json.dumps([[v.value, v.at] for v in found.values], allow_nan=False)
    except InputError as error:
        named = bool(error.thing)
    else:
        return True
    assert named
    return False


@given(FRAMES)
def test_a_frame_survives(frame):
    assert decode_frame(encode_frame(frame)) == frame


@given(FRAMES, st.data())
def test_a_damaged_frame_is_refused(frame, data):
    wire = bytearray(encode_frame(frame))
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert not reads(bytes(wire))


@given(FRAMES)
def test_a_good_frame_with_any_data_is_read_or_refused(frame):
    reads(encode_frame(frame))


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    reads(noise)


@given(st.sampled_from(IDENTIFIERS), st.binary(max_size=80))
def test_any_value_is_read_or_refused(identifier, noise):
    data = identifier.to_bytes(4, "little") + noise
    reads(encode_frame(Frame(address="0" * 12, control=0x91, data=data)))


@given(st.sampled_from(IDENTIFIERS), st.data())
def test_numbers_survive(identifier, data):
    kind = kind_of(identifier)
    if kind.kind != "number":
        return
    most = 10 ** (2 * kind.size) - 1 if not kind.signed else 8 * 10 ** (2 * kind.size - 1) - 1
    counts = data.draw(
        st.lists(st.integers(-most if kind.signed else 0, most), min_size=1, max_size=kind.count)
    )
    values = [Value(value=n / 10**kind.decimals if kind.decimals else n) for n in counts]
    parts = answer(decode_message(read("0" * 12, identifier)), values)
    if len(parts) == 1:
        found = decode_message(decode_frame(encode_frame(parts[0])))
        assert list(found.values) == values
