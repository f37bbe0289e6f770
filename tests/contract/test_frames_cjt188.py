"""The public CJ/T 188 frames, value by value, and written again byte for byte."""

import json

from heatloop.protocols.cjt188.answers import Message, answer, decode_message, request
from heatloop.protocols.cjt188.frames import decode_frame, encode_frame

NAMES = {
    "cold": "settlement_heat",
    "heat": "heat",
    "power": "power",
    "flow": "volume_flow",
    "volume": "volume",
}
DECIMALS = {"05": 3, "17": 3, "35": 0, "2C": 0}
WATER = {
    "W1": (123.0, 0.0, "0000"),
    "W2": (2.0, 2.0, "00FF"),
    "W3": (0.29, 0.29, "0023"),
    "W4": (0.6, 0.6, "0000"),
}


def cases(heatloop_data):
    return json.loads((heatloop_data / "protocol_frames" / "cjt188.json").read_text("utf-8"))


def test_every_frame_is_read_as_published(heatloop_data):
    kinds = []
    for case in cases(heatloop_data):
        wire = bytes.fromhex(case["hex"])
        frame = decode_frame(wire)
        message = decode_message(frame)
        assert f"0x{frame.type:02X}" == case["type"]
        assert bytes.fromhex(frame.address)[::-1].hex() == case["addr_lsb_first"]
        assert f"0x{frame.control:02X}" == case["ctrl"]
        assert encode_frame(frame) == wire
        kinds.append(message.profile.name if message.profile else "request")
        values = {each.field.name: each for each in message.values}
        if case["id"] in WATER:
            volume, settled, status = WATER[case["id"]]
            assert values["volume"].value == volume
            assert values["settlement_volume"].value == settled
            assert (values["volume"].unit, values["status"].value) == ("m3", status)
            assert values["clock"].value is None
        if "raw" in case:
            check_heat(values, case["raw"])
    assert kinds == ["heat_2004"] * 2 + ["request"] * 4 + ["water"] * 4


def check_heat(values, raw):
    for theirs, ours in NAMES.items():
        count, code = raw[theirs]
        found = values[ours]
        assert found.unit_code == int(code, 16)
        power = found.field.decimals - DECIMALS[code]
        assert round(found.value * 10**power if power >= 0 else found.value / 10**-power) == count
    assert round(values["supply_temperature"].value * 100) == raw["t_supply_x100"]
    assert round(values["return_temperature"].value * 100) == raw["t_return_x100"]
    assert values["working_time"].value == raw["hours"]
    clock = bytes.fromhex(raw["clock"])[::-1].hex()
    assert values["clock"].value.translate(str.maketrans("", "", "-:T")) == clock
    assert values["status"].value == raw["status"]


def test_every_frame_is_written_from_its_values(heatloop_data):
    for case in cases(heatloop_data):
        wire = bytes.fromhex(case["hex"])
        frame = decode_frame(wire)
        said = decode_message(frame)
        if said.profile is None:
            again = request(
                frame.type, frame.address, frame.control, said.identifier,
                serial=said.serial, order=said.order,
            )  # fmt: skip
            assert encode_frame(again) == wire
            continue
        asked = Message(
            frame=request(frame.type, frame.address), identifier=said.identifier,
            order=said.order, serial=said.serial,
        )  # fmt: skip
        values = {each.field.name: each.value for each in said.values}
        codes = [each.unit_code for each in said.values if each.unit_code is not None]
        again = answer(asked, said.profile, values, codes)
        if case["id"] != "W4":
            assert encode_frame(again) == wire, case["id"]
        else:
            # Its clock shows second 60: no time, and a meter without one sends zeros.
            assert decode_message(again).values == said.values
