"""CJ/T 188: the field guide's vectors, both 901F layouts, writes, refusals and own profiles."""

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.cjt188.answers import (
    HIGH_FIRST,
    answer,
    decode_message,
    read_address,
    refuse,
    request,
    write_address,
    write_valve,
)
from heatloop.protocols.cjt188.fields import status_words
from heatloop.protocols.cjt188.frames import decode_frame, encode_frame, take_frame
from heatloop.protocols.cjt188.profiles import make_profile, profile, profiles

READ_HEAT = "68 20 32 41 31 40 00 00 00 01 03 90 1F 01 20 16"
UNIT_FIRST = (
    "68 20 32 41 31 40 00 00 00 81 2E 90 1F 01 0802000000 0802000000 1700000000 3500000000"
    "2C34100000 352500 662500 000000 53001210071520 0000 31 16"
)
READ_WATER = "68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16"


def message(hexadecimal, wanted=None):
    return decode_message(decode_frame(bytes.fromhex(hexadecimal)), wanted)


def values(found):
    return {each.field.name: (each.value, each.unit) for each in found.values}


def test_the_guides_requests():
    heat = request(0x20, "00000040314132", serial=1, order=HIGH_FIRST)
    assert encode_frame(heat) == bytes.fromhex(READ_HEAT)
    water = request(0x10, "78330011223344")
    assert encode_frame(water, wake_up=2) == b"\xfe\xfe" + bytes.fromhex(READ_WATER)
    assert message(READ_WATER).identifier == message(READ_HEAT).identifier == 0x901F


def test_a_meter_that_sends_units_first_has_its_own_profile():
    found = message(UNIT_FIRST)
    assert found.profile.name == "heat_2004_unit_first"
    assert values(found)["heat"] == (20000, "Wh")
    assert values(found)["volume"] == (10.34, "m3")
    assert values(found)["supply_temperature"] == (25.35, "degC")
    assert values(found)["clock"] == ("2015-07-10T12:00:53", "")


@pytest.mark.parametrize("name, length", [("heat_2004", 0x2E), ("heat_2018", 0x2B)])
def test_both_editions_are_told_apart_by_length(name, length):
    asked = decode_message(request(0x20, "00000012345678", serial=9))
    said = {
        "settlement_heat": 1230, "heat": 4560, "power": 7890, "volume_flow": 1.25,
        "volume": 99.01, "supply_temperature": 75.31, "return_temperature": 48.6,
        "working_time": 1234, "clock": "2026-01-15T06:30:00", "status": "0500",
    }  # fmt: skip
    wire = encode_frame(answer(asked, profile(name), said, (5, 5, 0x17, 0x35, 0x2C)))
    assert wire[10] == length
    found = decode_message(decode_frame(wire))
    assert found.profile.name == name
    assert {each.field.name: each.value for each in found.values} == said
    assert status_words("0500") == ("valve_closed", "low_battery")


def test_valves_addresses_and_refusals():
    close = write_valve(0x10, "00000000000001", "close", serial=3)
    assert encode_frame(close).hex(" ").upper() == (
        "68 10 01 00 00 00 00 00 00 04 04 17 A0 03 99 D4 16"
    )
    asked = decode_message(close)
    assert values(asked) == {"valve": ("close", "")}
    said = decode_message(answer(asked, profile("valve"), {"status": "0100"}))
    assert (said.frame.control, values(said)) == (0x84, {"status": ("0100", "")})
    no = decode_message(refuse(asked, "0200"))
    assert (no.frame.control, no.abnormal, no.serial) == (0xC4, "0200", 3)
    assert status_words(no.abnormal) == ("valve_fault",)
    who = read_address(0x20, serial=1, order=HIGH_FIRST)
    assert encode_frame(who) == bytes.fromhex("6820AAAAAAAAAAAAAA0303810A01C016")
    me = answer(decode_message(who), address="11110033167106")
    assert me.address == "11110033167106"
    new = decode_message(write_address(0x20, "AA" * 7, "00000000000042"))
    assert values(new) == {"address": ("00000000000042", "")}
    with pytest.raises(InputError, match="opens or closes"):
        write_valve(0x10, "01", "half")


@pytest.mark.parametrize(
    "hexadecimal, text",
    [
        ("", "cut short"),
        ("FEFEFE", "cut short"),
        (READ_HEAT[:-6], "cut short"),
        (READ_HEAT.replace("20 16", "21 16"), "checksum"),
        (READ_HEAT.replace("20 16", "20 17"), "stop byte"),
        (READ_HEAT + "16", "1 bytes more"),
        ("00" + READ_HEAT, "begins no frame"),
    ],
)
def test_damaged_frames_are_refused(hexadecimal, text):
    with pytest.raises(InputError, match=text) as caught:
        decode_frame(bytes.fromhex(hexadecimal))
    assert caught.value.place.startswith("byte ")


def test_the_printed_water_reply_with_a_wrong_checksum_is_refused():
    good = bytearray.fromhex(READ_WATER)
    good[-2] = 0x08
    with pytest.raises(InputError, match="checksum is 08"):
        decode_frame(bytes(good))


def test_frames_come_out_of_a_stream():
    wire = bytes.fromhex("FEFE" + READ_HEAT + READ_WATER)
    frame, end = take_frame(wire)
    assert (frame.type, end) == (0x20, 18)
    assert take_frame(wire[:12]) is None


def test_a_unit_of_another_quantity_is_refused():
    wrong = bytearray.fromhex(UNIT_FIRST)
    wrong[14] = 0x2C  # cubic metres of heat
    wrong[-2] = sum(wrong[:-2]) & 0xFF
    with pytest.raises(InputError, match="is no unit of energy") as caught:
        message(wrong.hex())
    assert caught.value.fix == "try another profile"


def test_an_unknown_answer_keeps_its_bytes():
    found = decode_message(answer(decode_message(request(0x40, "01"))))
    assert (found.profile, found.values, found.data) == (None, (), b"")
    longer = found.frame.data + b"\x01\x02\x03"
    odd = decode_message(type(found.frame)(type=0x40, address="01", control=0x81, data=longer))
    assert (odd.profile, odd.data) == (None, b"\x01\x02\x03")
    with pytest.raises(InputError, match="19 bytes, 3 came"):
        decode_message(odd.frame, profile("water"))


def test_digits_that_are_none_are_no_value():
    asked = decode_message(request(0x10, "01"))
    found = decode_message(answer(asked, profile("water"), {"status": "0000"}, (0x2C, 0x2C)))
    assert values(found)["volume"] == (None, "m3")


def test_a_makers_own_table_needs_no_code():
    row = {"profile": "mine", "zh": "", "en": "", "types": "10-19", "di": "901F"}
    field = {
        "field": "volume", "zh": "", "en": "volume", "kind": "bcd", "bytes": "4",
        "decimals": "3", "dimension": "", "unit": "m3", "unit_place": "",
    }  # fmt: skip
    mine = make_profile(row, [field])
    asked = decode_message(request(0x10, "01"))
    wire = answer(asked, mine, {"volume": 12.345})
    assert values(decode_message(wire, mine)) == {"volume": (12.345, "m3")}
    for change in ({"bytes": "99"}, {"kind": "float"}, {"decimals": "x"}):
        with pytest.raises(InputError, match="profile table is wrong"):
            make_profile(row, [field | change])
    with pytest.raises(InputError, match="unknown profile"):
        profile("mine")


def test_every_profile_is_well_formed():
    assert profiles()["heat_2004"].width + 3 == 0x2E
    assert profiles()["heat_2018"].width + 3 == 0x2B
    assert profiles()["water"].width + 3 == 0x16


@pytest.mark.parametrize(
    "said, codes, text",
    [
        ({"volume": 1e9}, (0x2C, 0x2C), "decimal digits"),
        ({"volume": 1}, (0x05, 0x2C), "does not measure"),
        ({"volume": 1}, (), "does not measure"),
        ({"volume": "x"}, (0x2C, 0x2C), "not a number"),
        ({"volume": 1, "settlement_volume": 1, "clock": "today"}, (0x2C, 0x2C), "no time"),
        ({"volume": 1}, (0x2C, 0x2C, 5), "more unit codes"),
    ],
)
def test_values_that_do_not_fit_are_refused(said, codes, text):
    with pytest.raises(InputError, match=text):
        answer(decode_message(request(0x10, "01")), profile("water"), said, codes)
