"""The public M-Bus telegrams: every record as libmbus prints it, every damaged one refused.

Where libmbus prints the raw number of a record whose VIFE changes its meaning, the standard's
reading is required instead: those records are listed in `BY_THE_STANDARD`.
"""

import xml.etree.ElementTree as ET

import pytest

from heatloop.kernel.errors import InputError
from heatloop.protocols.mbus.frames import Long, decode_frame, encode_frame
from heatloop.protocols.mbus.header import CI_FIXED, media
from heatloop.protocols.mbus.telegram import decode_telegram, encode_telegram
from heatloop.protocols.mbus.vib import is_date

FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Actual value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
}
UNITS = {
    "m^3": "m3", "m^3/h": "m3/h", "°C": "degC", "Units for H.C.A.": "HCA", "-": "", None: "",
    "Reserved": "",
}  # fmt: skip
QUANTITIES = {
    "Energy": "energy",
    "Volume": "volume",
    "Power": "power",
    "Volume flow": "volume_flow",
    "Flow temperature": "flow_temperature",
    "Return temperature": "return_temperature",
    "External temperature": "external_temperature",
    "Temperature difference": "temperature_difference",
    "Time point (date)": "date",
    "Time point (date & time)": "date_time",
    "Fabrication No": "fabrication_number",
    "On time": "on_time",
    "Operating time": "operating_time",
    "Averaging Duration": "averaging_duration",
    "Actuality Duration": "actuality_duration",
    "Error flags": "error_flags",
    "Software version": "software_version",
    "Firmware version": "firmware_version",
    "Model / Version": "model_version",
    "Parameter set identification": "parameter_set",
    "Customer location": "customer_location",
    "Digital Input": "digital_input",
    "Voltage": "voltage",
    "Current": "current",
    "H.C.A.": "hca_units",
    "Reserved": "reserved",
    "Manufacturer specific": "manufacturer_specific",
}
PLAIN = {"%RH", "cust. ID", "bat. time", "C", "c"}
MEDIA = {
    "Other": "other",
    "Oil": "oil",
    "Electricity": "electricity",
    "Gas": "gas",
    "Heat: Outlet": "heat_outlet",
    "Heat: Inlet": "heat_inlet",
    "Heat": "heat_outlet",
    "Heat / Cooling load meter": "heat_cooling",
    "Heat Cost Allocator": "heat_cost_allocator",
    "Warm water (30-90°C)": "warm_water",
    "Water": "water",
    "Cold water": "cold_water",
    "Breaker: Electricity": "breaker",
}
NO_TIME = {"2000-00-00", "1900-01-00T00:00:00Z"}
BY_THE_STANDARD = {
    # Duration of the last time below and above a limit, in seconds: VIFE 50 and 58.
    ("SEN_Pollustat", 12): (11582321, "s", "first_lower_duration"),
    ("SEN_Pollustat", 13): (756, "s", "first_upper_duration"),
    # When the maximum ended: VIFE 6F makes the data a date and time.
    ("landis+gyr_ultraheat_t230", 19): (None, "", "last_end"),
    ("landis+gyr_ultraheat_t230", 20): (None, "", "last_end"),
    ("landis+gyr_ultraheat_t230", 21): ("2011-08-26T20:50", "", "last_end"),
    ("landis+gyr_ultraheat_t230", 22): ("2011-08-09T11:43", "", "last_end"),
    # A due day: year 127 means every year.
    ("landis+gyr_ultraheat_t230", 32): ("XXXX-01-01T00:00", "", None),
}


def frames(heatloop_data, folder):
    found = sorted((heatloop_data / "protocol_frames" / folder).glob("*.hex"))
    assert found
    return [(path, bytes.fromhex(path.read_text())) for path in found]


def expected(path):
    # The files say ISO-8859-1 but are UTF-8.
    text = path.with_suffix(".norm.xml").read_text("utf-8").partition("?>")[2]
    root = ET.fromstring(text)
    head = {each.tag: each.text or "" for each in root.find("SlaveInformation")}
    records = [{each.tag: each.text for each in row} for row in root.findall("DataRecord")]
    return head, records


def as_printed(record):
    value = record.value
    if isinstance(value, str) or value is None:
        return value
    return f"{value:.6f}"


def check_record(record, row, key):
    assert record.function == FUNCTIONS[row["Function"]]
    assert record.storage == int(row.get("StorageNumber") or 0)
    assert record.tariff == int(row.get("Tariff") or 0)
    assert record.subunit == int(row.get("Device") or 0)
    if key in BY_THE_STANDARD:
        value, unit, modifier = BY_THE_STANDARD[key]
        assert (record.value, record.unit) == (value, unit)
        assert modifier is None or modifier in {each.name for each in record.vib.modifiers}
        return
    wanted, quantity = row["Value"], row["Quantity"]
    if is_date(record.vib):
        # libmbus writes seconds and a Z that the meter does not know.
        assert record.value == (None if wanted in NO_TIME else wanted[:16])
    else:
        assert as_printed(record) == (wanted or "")
    if quantity in PLAIN:
        assert (record.quantity, record.vib.text) == ("plain_text", quantity)
        return
    assert record.quantity == QUANTITIES[quantity]
    assert record.vib.quantity.unit == UNITS.get(row["Unit"], row["Unit"])


def test_every_record_is_as_published(heatloop_data):
    checked, listed = 0, set()
    for path, data in frames(heatloop_data, "mbus"):
        telegram = decode_telegram(decode_frame(data))
        head, rows = expected(path)
        name = path.name.removesuffix(".hex")
        assert telegram.identity.number.lstrip("0") == head["Id"].lstrip("0"), name
        assert media()[telegram.identity.medium][0] == MEDIA[head["Medium"]], name
        assert telegram.access == int(head["AccessNumber"]), name
        assert telegram.status == int(head["Status"], 16), name
        if telegram.ci == CI_FIXED:
            continue
        assert telegram.identity.manufacturer == head["Manufacturer"], name
        assert telegram.identity.version == int(head["Version"]), name
        assert telegram.config == int(head["Signature"], 16), name
        if rows[-1]["Function"] in {"Manufacturer specific", "More records follow"}:
            tail = rows.pop()
            assert telegram.records.more_follow == (tail["Function"] == "More records follow"), name
            assert telegram.records.manufacturer_data == bytes.fromhex(tail["Value"] or ""), name
        else:
            assert telegram.records.manufacturer_data is None, name
        pairs = zip(telegram.records.records, rows, strict=True)
        for index, (record, row) in enumerate(pairs):
            check_record(record, row, (name, index))
            listed |= {(name, index)} & set(BY_THE_STANDARD)
            checked += 1
    assert checked == 421
    assert listed == set(BY_THE_STANDARD)


def test_the_fixed_answer_is_as_published(heatloop_data):
    path = heatloop_data / "protocol_frames" / "mbus" / "sen_pollusonic_2.hex"
    telegram = decode_telegram(decode_frame(bytes.fromhex(path.read_text())))
    _, rows = expected(path)
    litre = {"l": 1000, "kWh": 0.001}
    for record, row in zip(telegram.records.records, rows, strict=True):
        assert record.value * litre[row["Unit"]] == int(row["Value"])
        assert (record.unit, record.storage) == ({"l": "m3", "kWh": "Wh"}[row["Unit"]], 0)


def test_every_telegram_is_written_again(heatloop_data):
    """Byte for byte, but for longer DIFs than needed and filler, which read the same."""
    same = 0
    for _, data in frames(heatloop_data, "mbus"):
        frame = decode_frame(data)
        telegram = decode_telegram(frame)
        again = encode_telegram(telegram, frame.address, frame.control)
        assert decode_telegram(decode_frame(encode_frame(again))) == telegram
        same += encode_frame(again) == data
    assert same == 34


def test_damaged_telegrams_are_refused(heatloop_data):
    for path, data in frames(heatloop_data, "mbus_errors"):
        frame = decode_frame(data)
        assert isinstance(frame, Long)
        with pytest.raises(InputError) as caught:
            decode_telegram(frame)
        assert caught.value.thing, path.name
        assert caught.value.place.startswith("byte "), path.name
        assert caught.value.fix, path.name
