"""CJ/T 188 codecs: what is written reads the same, and noise is refused, never crashed on."""

import json

from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.cjt188.answers import answer, decode_message, request
from heatloop.protocols.cjt188.frames import Frame, decode_frame, encode_frame
from heatloop.protocols.cjt188.profiles import identifiers, profiles, units

BYTES = st.integers(0, 255)
FRAMES = st.builds(
    Frame,
    type=BYTES,
    address=st.text("0123456789", min_size=14, max_size=14),
    control=BYTES,
    data=st.binary(max_size=255),
)


def reads(data):
    try:
        found = decode_message(decode_frame(data))
        json.dumps([[v.value, v.unit] for v in found.values], allow_nan=False)
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


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    reads(noise)


@given(BYTES, BYTES, st.sampled_from(sorted(identifiers())), st.binary(max_size=60))
def test_noise_in_a_good_frame_is_read_or_refused(meter, control, identifier, noise):
    frame = request(meter, "01", control, identifier, data=noise)
    reads(encode_frame(frame))


@st.composite
def said(draw, kind):
    """Return a value of a field and its unit code."""
    if kind.kind == "clock":
        return draw(st.datetimes()).replace(microsecond=0).isoformat(), None
    if kind.kind == "status":
        return f"{draw(st.integers(0, 0xFFFF)):04X}", None
    if kind.kind == "digits":
        return draw(st.text("0123456789", min_size=14, max_size=14)), None
    if kind.kind == "valve":
        return draw(st.sampled_from(["open", "close"])), None
    power, code = -kind.decimals, None
    if kind.unit_place:
        code = draw(st.sampled_from([c for c, u in units().items() if u[1] == kind.dimension]))
        power += units()[code][2]
    count = draw(st.integers(0, 100**kind.size - 1))
    return (count * 10**power if power >= 0 else count / 10**-power), code


@given(st.sampled_from(sorted(profiles())), st.data())
def test_every_profile_survives(name, data):
    profile = profiles()[name]
    pairs = {each.name: data.draw(said(each)) for each in profile.fields}
    asked = decode_message(request(profile.types[0], "01", identifier=profile.identifiers[0]))
    values = {key: value for key, (value, _) in pairs.items()}
    codes = [code for _, code in pairs.values() if code is not None]
    wire = encode_frame(answer(asked, profile, values, codes))
    found = decode_message(decode_frame(wire), profile)
    assert {v.field.name: v.value for v in found.values} == values
