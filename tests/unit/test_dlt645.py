"""DL/T 645-2007: vectors, values, long answers, refusals, clock and address."""

from datetime import datetime

import pytest

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.dlt645.frames import FOLLOW, Frame, decode_frame, encode_frame, take_frame
from heatloop.protocols.dlt645.messages import (
    answer,
    broadcast_time,
    decode_message,
    read,
    read_address,
    refuse,
    write,
)
from heatloop.protocols.dlt645.session import read_out
from heatloop.protocols.dlt645.values import Value, decode_values, encode_values, kind_of

METER = "000012345678"
READ_ENERGY = "68 78 56 34 12 00 00 68 11 04 33 33 34 33 C6 16"
WHO = "68 AA AA AA AA AA AA 68 13 00 DF 16"


def wire(text):
    return bytes.fromhex(text)


def test_the_guides_vectors():
    assert encode_frame(read_address()) == wire(WHO)
    assert encode_frame(read(METER, 0x00010000)) == wire(READ_ENERGY)
    asked = decode_message(decode_frame(b"\xfe" * 4 + wire(READ_ENERGY)))
    assert (asked.frame.address, asked.identifier) == (METER, 0x00010000)


def told(identifier, data):
    values = decode_values(kind_of(identifier), wire(data))
    return [each.value for each in values]


@pytest.mark.parametrize(
    "identifier, data, values",
    [
        (0x00010000, "56 34 12 00", [1234.56]),
        (0x00000000, "56 34 12 80", [-1234.56]),
        (0x00010203, "00 00 00 00", [0]),
        (0x0201FF00, "05 22 FF FF 98 21", [220.5, None, 219.8]),
        (0x02020100, "34 12 80", [-1.234]),
        (0x02030000, "56 34 12", [12.3456]),
        (0x0203FF00, "00 10 00 00 20 00 00 30 00 00 40 80", [0.1, 0.2, 0.3, -0.4]),
        (0x02060000, "00 10", [1.0]),
        (0x02800002, "00 50", [50.0]),
        (0x04000101, "04 15 01 26", ["2026-01-15"]),
        (0x04000102, "59 30 06", ["06:30:59"]),
        (0x04000102, "60 30 06", [None]),
        (0x04000401, "78 56 34 12 00 00", [METER]),
        (0x04000503, "10 00", ["0010"]),
        (0x0400040B, "00 00 00 00 00 00 00 41 42 43", ["CBA"]),
    ],
)
def test_values(identifier, data, values):
    assert told(identifier, data) == values
    kind = kind_of(identifier)
    if None not in values:
        again = encode_values(kind, [Value(value=each) for each in values])
        assert again == wire(data)


def test_a_maximum_has_its_time():
    kind = kind_of(0x01010000)
    (found,) = decode_values(kind, wire("00 50 01 30 18 15 01 26"))
    assert found == Value(value=1.5, at="2026-01-15T18:30")
    assert encode_values(kind, [found]) == wire("00 50 01 30 18 15 01 26")


def test_a_row_covers_its_tariffs_and_days_but_no_more():
    assert kind_of(0x0001010C).name == "forward_active_energy"
    assert kind_of(0x0001FF00).count == 64
    assert kind_of(0x0001400C) is None
    assert kind_of(0x0001000D) is None
    assert kind_of(-1) is kind_of(1 << 32) is None


def meter_of(values):
    """Return what a meter with these values answers, part by part."""
    parts = {}

    def reply(request):
        asked = decode_message(decode_frame(request))
        number = asked.sequence or 0
        if not number:
            parts.update(enumerate(answer(asked, values)))
        return encode_frame(parts[number])

    return reply


def run(task, reply):
    request = next(task)
    try:
        while True:
            request = task.send(reply(request))
    except StopIteration as end:
        return end.value


def test_a_long_answer_comes_in_parts():
    values = [Value(value=n / 100) for n in range(64)]
    seen = []

    def reply(request):
        seen.append(decode_frame(request).control)
        return meter(request)

    meter = meter_of(values)
    found = run(read_out(METER, 0x0001FF00), reply)
    assert list(found.values) == values
    assert seen == [0x11, 0x12]


def test_refusals_silence_and_strangers():
    asked = decode_message(read(METER, 0x00010000))
    no = refuse(asked, "no_data", "password")
    assert (no.control, decode_message(no).errors) == (0xD1, ("no_data", "password"))
    with pytest.raises(InputError, match="refuses: no_data, password"):
        run(read_out(METER, 0x00010000), lambda _: encode_frame(no))
    with pytest.raises(LinkError):
        run(read_out(METER, 0x00010000), lambda _: b"")
    other = answer(decode_message(read(METER, 0x00020000)), [Value(value=1)])[0]
    with pytest.raises(InputError, match="another question"):
        run(read_out(METER, 0x00010000), lambda _: encode_frame(other))
    endless = Frame(address=METER, control=0x91 | FOLLOW, data=wire("00 00 01 00"))
    with pytest.raises(InputError, match="another question"):
        run(read_out(METER, 0x00010000), lambda _: encode_frame(endless))


def test_the_clock_is_set_for_all():
    frame = broadcast_time(datetime(2026, 1, 15, 6, 30, 5))  # noqa: DTZ001 - meters keep local time
    assert (frame.address, frame.control) == ("999999999999", 0x08)
    assert frame.data == wire("05 30 06 15 01 26")


def test_a_meter_tells_its_address():
    (me,) = answer(decode_message(decode_frame(wire(WHO))), address=METER)
    assert decode_message(decode_frame(encode_frame(me))).address == METER


def test_a_value_is_written():
    frame = write(METER, 0x04000102, [Value(value="06:30:00")], "12345602", "00000001")
    assert frame.data == wire("02 01 00 04 02 56 34 12 01 00 00 00 00 30 06")
    with pytest.raises(InputError, match="unknown data identifier"):
        write(METER, 0x99999999, [Value(value=1)], "0", "0")


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "cut short"),
        (READ_ENERGY[:-3], "cut short"),
        (READ_ENERGY.replace("C6", "C7"), "checksum"),
        (READ_ENERGY[:-2] + "17", "stop byte"),
        (READ_ENERGY.replace("68 11", "69 11"), "start byte"),
        (READ_ENERGY + "00", "1 bytes more"),
    ],
)
def test_damaged_frames_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        decode_frame(wire(text))
    assert caught.value.place.startswith("byte ")


def test_a_frame_is_taken_from_a_stream():
    assert take_frame(wire(WHO) + b"\xfe")[1] == 12
    assert take_frame(wire(WHO)[:9]) is None


@pytest.mark.parametrize(
    "identifier, value, message",
    [
        (0x00010000, -1, "never negative"),
        (0x02030000, 99.9999, "sign"),
        (0x00010000, 1e9, "digits"),
        (0x00010000, "x", "not a number"),
        (0x04000102, 7, "not a text"),
        (0x04000101, "2026-02-30", "no date"),
        (0x0400040B, "much too long", "at most 10"),
        (0x0400040B, "电表", "Latin-1"),
    ],
)
def test_values_that_do_not_fit_are_refused(identifier, value, message):
    with pytest.raises(InputError, match=message):
        encode_values(kind_of(identifier), [Value(value=value)])
