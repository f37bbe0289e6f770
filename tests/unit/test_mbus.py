"""M-Bus: frames, values, times and the talk between master and meter."""

from dataclasses import replace

import pytest

from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.cursor import Cursor
from heatloop.protocols.mbus.fixed import BINARY, fixed_counter
from heatloop.protocols.mbus.frames import Ack, Long, Short, decode_frame, encode_frame, take_frame
from heatloop.protocols.mbus.header import (
    CI_FIXED,
    Identity,
    Telegram,
    letters_of,
    number_of_letters,
    status_words,
)
from heatloop.protocols.mbus.records import Records, decode_records, encode_records, make_record
from heatloop.protocols.mbus.session import ANY_METER, Meter, matches, read_out, read_out_selected
from heatloop.protocols.mbus.telegram import decode_telegram, encode_error, encode_telegram
from heatloop.protocols.mbus.times import pack_time, read_time, summer_time
from heatloop.protocols.mbus.vib import make_vib, plain_vib

METER = Identity(number="12345678", manufacturer="HYD", version=41, medium=4)


def one(hexadecimal):
    (record,) = decode_records(bytes.fromhex(hexadecimal)).records
    return record


@pytest.mark.parametrize(
    "hexadecimal, frame",
    [
        ("E5", Ack()),
        ("10 40 01 41 16", Short(control=0x40, address=1)),
        ("10 5B 01 5C 16", Short(control=0x5B, address=1)),
        ("68 03 03 68 53 FE 50 A1 16", Long(control=0x53, address=254, ci=0x50)),
    ],
)
def test_the_standard_frames(hexadecimal, frame):
    data = bytes.fromhex(hexadecimal)
    assert decode_frame(data) == frame
    assert encode_frame(frame) == data


@pytest.mark.parametrize(
    "hexadecimal, message",
    [
        ("", "cut short"),
        ("10 40 01 41", "cut short"),
        ("10 40 01 42 16", "checksum"),
        ("10 40 01 41 17", "stop byte"),
        ("10 40 01 41 16 00", "1 bytes more"),
        ("68 03 04 68 53 FE 50 A1 16", "differ"),
        ("68 02 02 68 53 FE 51 16", "no room"),
        ("FF 40 01 41 16", "begins no frame"),
    ],
)
def test_damaged_frames_are_refused(hexadecimal, message):
    with pytest.raises(InputError, match=message) as caught:
        decode_frame(bytes.fromhex(hexadecimal))
    assert caught.value.place.startswith("byte ")


def test_a_frame_is_taken_from_a_stream():
    data = bytes.fromhex("10 40 01 41 16 E5")
    assert take_frame(data[:4]) is None
    assert take_frame(data) == (Short(control=0x40, address=1), 5)


@pytest.mark.parametrize(
    "hexadecimal, value, unit",
    [
        ("0B 13 15 31 00", 3.115, "m3"),
        ("0C 06 00 00 00 F1", -1000000000, "Wh"),
        ("0B 5A 0A 00 00", None, "degC"),  # a digit above 9: the display shows no number
        ("05 2E 00 00 C0 7F", None, "W"),  # not a number
        ("01 FD 17 FF", 255, ""),  # flags have no sign
        ("02 5B FE FF", -2, "degC"),
        ("0D 78 C3 56 34 12", 123456, ""),
        ("0D 78 D3 56 34 12", -123456, ""),
        ("0D 78 E2 39 30", 12345, ""),
        ("0D FD 11 02 62 61", "ab", ""),
        ("04 FD C0 74 01 00 00 00", 1e-11, "V"),
        ("02 FB 00 05 00", 500000, "Wh"),
        ("02 A0 F0 00 05 00", 5e-06, "s"),  # extension bit chain: on time, factor 10^-6
        ("02 13 05 00", 0.005, "m3"),
        ("02 93 7D 05 00", 5, "m3"),
        ("02 AB 22 05 00", 5, "W/h"),
        ("01 93 51 02", 120, "s"),
    ],
)
def test_values(hexadecimal, value, unit):
    record = one(hexadecimal)
    assert record.value == value
    assert record.unit == unit


def test_phases_come_from_the_second_vife_table():
    record = one("02 FD C8 FC 02 97 00")
    assert (record.value, record.unit) == (15.1, "V")
    assert [m.name for m in record.vib.modifiers] == ["phase_l2"]


@pytest.mark.parametrize(
    "hexadecimal, text",
    [
        ("CD 13", "2014-03-13"),
        ("FF 0F", "2007-XX-31"),
        ("00 00", None),
        ("3F 1F", "2009-XX-31"),
        ("9F 2B", None),  # 31 November 2020
        ("FF FC", "XXXX-12-31"),
        ("0B 0B CD 13", "2014-03-13T11:11"),
        ("8B 0B CD 13", None),
        ("0B 1D CD 13", None),
        ("3F 1F E1 F1", "XXXX-01-01TXX:XX"),
        ("05 1E 06", "06:30:05"),
        ("45 1E 06 CD 13 00", "2014-03-13T06:30:05"),
        ("05 9E 06 CD 13 00", None),
    ],
)
def test_times(hexadecimal, text):
    assert read_time(bytes.fromhex(hexadecimal)) == text


def test_summer_time_is_told():
    packed = pack_time("2026-07-01T12:00", 4, summer=True)
    assert summer_time(packed)
    assert read_time(packed) == "2026-07-01T12:00"
    assert not summer_time(pack_time("2026-07-01T12:00", 4))


@pytest.mark.parametrize(
    "text, size",
    [("2026-02-30", 2), ("2026-01-01", 4), ("hello", 4), ("2026-01-01T24:00", 4), ("1950-01-01", 2),
     ("2026-01-01T10:00", 5), ("10:61:00", 3)],
)  # fmt: skip
def test_impossible_times_are_refused(text, size):
    with pytest.raises(InputError, match="no time"):
        pack_time(text, size)


def test_reserved_and_endless_records_are_refused():
    for hexadecimal, message in (
        ("3F", "reserved"),
        ("84" + "80" * 11 + "00 00", "more than 10 DIFEs"),
        ("04" + "83" * 12 + "00", "more than 10 VIFEs"),
        ("0D 78 F7 00", "reserved"),
        ("01 5B", "data needs 1 bytes"),
    ):
        with pytest.raises(InputError, match=message):
            decode_records(bytes.fromhex(hexadecimal))


def test_records_are_made_and_read():
    heat = make_record(make_vib("energy", "Wh", 3), 1234567, 12, storage=33, tariff=2, subunit=1)
    due = make_record(make_vib("date"), "2026-10-15", 2, storage=1)
    flow = make_record(make_vib("volume_flow", "m3/h", -3), -1.5, 11, function="maximum")
    name = make_record(make_vib("customer_location"), "Block 7", 13)
    humid = make_record(plain_vib("%RH", b"\x74"), 45.64, 2)
    made = (heat, due, flow, name, humid)
    read = decode_records(encode_records(made)).records
    assert read == made
    assert [r.value for r in read] == [1235000, "2026-10-15", -1.5, "Block 7", 45.64]
    assert encode_records([heat]).hex(" ").upper() == "CC E0 01 06 35 12 00 00"


@pytest.mark.parametrize(
    "value, code, message",
    [(1e9, 2, "16 bits"), (1e9, 12, "8 decimal digits"), (-1e9, 12, "8 digits"), (None, 4, "value"),
     (1e39, 5, "32 bits"), (1, 15, "no data field")],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(value, code, message):
    with pytest.raises(InputError, match=message):
        make_record(make_vib("power", "W", 0), value, code)


def test_a_quantity_without_code_is_refused():
    with pytest.raises(InputError, match="no VIF"):
        make_vib("energy", "Wh", 9)


def test_manufacturers_and_status():
    assert letters_of(number_of_letters("HYD")) == "HYD"
    assert letters_of(0xFFFF) == "FFFF"
    assert number_of_letters("FFFF") == 0xFFFF
    assert status_words(0x27) == ("abnormal", "low_power", "manufacturer_5")


def telegrams():
    first = make_record(make_vib("energy", "Wh", 3), 12000, 12)
    second = make_record(make_vib("volume", "m3", -2), 3.21, 12)
    return (
        Telegram(identity=METER, records=Records(records=(first,), more_follow=True)),
        Telegram(identity=METER, access=1, records=Records(records=(second,))),
    )


def run(task, meter):
    request = next(task)
    try:
        while True:
            request = task.send(meter.answer(request))
    except StopIteration as end:
        return end.value


def test_all_telegrams_of_a_meter_are_read():
    meter = Meter(address=5, identity=METER, telegrams=telegrams())
    found = run(read_out(5), meter)
    assert [t.records.records[0].value for t in found] == [12000, 3.21]
    assert run(read_out(254), meter) == found
    with pytest.raises(LinkError, match="does not answer"):
        run(read_out(6), meter)


def test_a_meter_is_selected_by_its_secondary_address():
    meter = Meter(address=5, identity=METER, telegrams=telegrams())
    wanted = replace(ANY_METER, number="1234FFFF", medium=4)
    assert matches(wanted, METER)
    assert len(run(read_out_selected(wanted), meter)) == 2
    with pytest.raises(LinkError):
        run(read_out_selected(replace(wanted, number="9FFFFFFF")), meter)
    # The failed selection has deselected it.
    assert meter.answer(encode_frame(Short(control=0x7B, address=253))) == b""


def test_a_repeated_request_gets_the_same_telegram():
    meter = Meter(address=5, identity=METER, telegrams=telegrams())
    ask = encode_frame(Short(control=0x7B, address=5))
    assert meter.answer(ask) == meter.answer(ask)
    assert meter.answer(encode_frame(Short(control=0x5B, address=5))) != meter.answer(ask)


def test_another_meters_answer_is_refused():
    liar = Meter(address=5, identity=METER, telegrams=telegrams())
    task = read_out_selected(replace(METER, number="00000001"))
    next(task)
    task.send(b"\xe5")
    liar.answer(encode_frame(Short(control=0x40, address=5)))
    answer = encode_frame(encode_telegram(telegrams()[1], 5))
    with pytest.raises(InputError, match="answers instead"):
        task.send(answer)


def test_an_application_error_is_a_refusal():
    with pytest.raises(InputError, match="error 8: application too busy"):
        decode_telegram(encode_error(8))


def test_fixed_answers_are_written_and_read():
    status = BINARY
    counters = (
        fixed_counter("energy", "Wh", 3, 6531000, binary=True),
        fixed_counter("volume", "m3", -3, 0.069, binary=True),
    )
    identity = Identity(number="90919293", manufacturer="", version=0, medium=4)
    telegram = Telegram(
        identity=identity, access=16, status=status, records=Records(records=counters), ci=CI_FIXED
    )
    again = decode_telegram(decode_frame(encode_frame(encode_telegram(telegram, 1))))
    assert again == telegram
    assert [r.value for r in again.records.records] == [6531000, 0.069]


def test_a_short_cursor_says_where():
    with pytest.raises(InputError) as caught:
        Cursor(b"ab", "thing", 10).take(3, "it")
    assert caught.value.place == "byte 10"
