"""M-Bus codecs: what is written reads the same, and noise is refused, never crashed on."""

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.mbus.frames import Ack, Long, Short, decode_frame, encode_frame
from heatloop.protocols.mbus.header import Identity, Telegram
from heatloop.protocols.mbus.radio_link import RadioFrame, decode_radio, encode_radio
from heatloop.protocols.mbus.records import (
    FUNCTIONS,
    Record,
    Records,
    decode_records,
    encode_records,
)
from heatloop.protocols.mbus.telegram import decode_telegram, encode_telegram
from heatloop.protocols.mbus.times import pack_time, read_time
from heatloop.protocols.mbus.values import field_of_number, field_of_text
from heatloop.protocols.mbus.vib import make_vib, plain_vib
from heatloop.protocols.mbus.vif_tables import quantities
from heatloop.protocols.mbus.wireless import decode_wireless, encode_wireless

BYTES = st.integers(0, 255)
FRAMES = st.one_of(
    st.just(Ack()),
    st.builds(Short, control=BYTES, address=BYTES),
    st.builds(Long, control=BYTES, address=BYTES, ci=BYTES, data=st.binary(max_size=252)),
)
IDENTITIES = st.builds(
    Identity,
    number=st.text("0123456789", min_size=8, max_size=8),
    manufacturer=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
    version=BYTES,
    medium=BYTES,
)
VIFES = st.sampled_from([b"", b"\x22", b"\x3b", b"\x74", b"\x7f\x05", b"\x7c\x01"])


@st.composite
def vibs(draw):
    if draw(st.booleans()):
        return plain_vib(draw(st.text(st.characters(max_codepoint=255), max_size=20)))
    each = draw(st.sampled_from([q for q in quantities().values() if q.kind != "date"]))
    power = each.power + draw(st.integers(0, each.last - each.first))
    return make_vib(each.name, each.unit, power, draw(VIFES))


FIELDS = st.one_of(
    st.builds(field_of_number, st.sampled_from([1, 2, 3, 4, 6, 7]), st.integers(-128, 127)),
    st.builds(field_of_number, st.sampled_from([9, 10, 11, 12, 14]), st.integers(-9, 99)),
    st.builds(field_of_number, st.just(5), st.floats(width=32, allow_nan=False)),
    st.builds(field_of_text, st.text(st.characters(max_codepoint=255), max_size=30)),
)
RECORDS = st.builds(
    Record,
    vib=vibs(),
    field=FIELDS,
    function=st.sampled_from(FUNCTIONS),
    storage=st.integers(0, (1 << 41) - 1),
    tariff=st.integers(0, (1 << 20) - 1),
    subunit=st.integers(0, (1 << 10) - 1),
)
TELEGRAMS = st.builds(
    Telegram,
    identity=IDENTITIES,
    access=BYTES,
    status=BYTES,
    config=st.integers(0, 0xFF),
    records=st.builds(
        Records,
        records=st.lists(RECORDS, max_size=3).map(tuple),
        manufacturer_data=st.binary(max_size=8),
        more_follow=st.booleans(),
    ),
)


def reads(data):
    """Read noise as far as it goes; whatever it says must be printable."""
    try:
        frame = decode_frame(data)
        if isinstance(frame, Long):
            for each in decode_telegram(frame).records.records:
                json.dumps([each.value, each.unit, each.quantity], allow_nan=False)
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


@given(st.lists(RECORDS, max_size=4))
def test_records_survive(records):
    assert list(decode_records(encode_records(records)).records) == records


@given(TELEGRAMS)
def test_a_telegram_survives(telegram):
    assert decode_telegram(decode_frame(encode_frame(encode_telegram(telegram, 3)))) == telegram


@given(st.binary(max_size=252), st.sampled_from([0x70, 0x72, 0x73, 0x78, 0x7A]))
def test_noise_in_a_good_frame_is_read_or_refused(noise, ci):
    reads(encode_frame(Long(control=8, address=1, ci=ci, data=noise)))


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    reads(noise)


@given(st.binary(max_size=1 << 15))
def test_long_noise_makes_few_records(noise):
    try:
        found = decode_records(noise)
    except InputError:
        return
    assert len(found.records) <= 1 << 12


@given(st.binary(min_size=2, max_size=6))
def test_any_time_is_read(data):
    text = read_time(data)
    if text is not None and len(data) == 2:
        assert read_time(pack_time(text, 2)) == text


@given(st.dates(min_value=date(1981, 1, 1), max_value=date(2080, 12, 31)), st.integers(0, 1439))
def test_a_time_survives(day, minute):
    text = f"{day.isoformat()}T{minute // 60:02d}:{minute % 60:02d}"
    assert read_time(pack_time(text, 4)) == text
    assert read_time(pack_time(text, 6)) == f"{text}:00"
    assert read_time(pack_time(text[:10], 2)) == text[:10]


RADIO = st.builds(
    RadioFrame, control=BYTES, sender=IDENTITIES, content=st.binary(min_size=1, max_size=242)
)


@given(RADIO, st.sampled_from("AB"))
def test_a_radio_frame_survives(frame, form):
    assert decode_radio(encode_radio(frame, form), form) == frame


@given(TELEGRAMS, st.binary(min_size=16, max_size=16), st.sampled_from("AB"))
def test_a_secret_survives(telegram, key, form):
    try:
        wire = encode_wireless(telegram, telegram.identity, key, form=form)
    except InputError:
        return
    found = decode_wireless(wire, key, form).telegram
    assert found.records.records == telegram.records.records


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_radio_noise_is_refused(noise, key):
    named = []
    for form in ("", "stripped"):
        try:
            decode_wireless(noise, key, form)
        except InputError as error:
            named.append(error.thing)
    assert all(named)
