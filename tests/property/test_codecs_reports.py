"""Whatever bytes come, and however good frames are bent: JSON or a refusal, never a crash."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.protocols.cjt188 import report as cjt188
from heatloop.protocols.dlt645 import report as dlt645
from heatloop.protocols.iec104 import report as iec104
from heatloop.protocols.mbus import report as mbus
from heatloop.protocols.sparkplug import report as sparkplug

KEY = bytes.fromhex("0102030405060708090A0B0C0D0E0F11")
GOOD = {
    "mbus": "681F1F680802727856341224400107550000000313153100DA023B13018B60043718021816",
    "stripped": "1F4493157856341233037A2A0000000C1427048502046D32371F1502FD170000",
    "cjt188": "68209109205900111181 2E1F90120000000005000300000500000000170000000035270000002C"
    "601400741400465400514909220410200000 6D16",
    "dlt645": "687856341200006891083333343389674533B216",
    "iec104": "6815120008001E0103000D911A2700D1552A0000010100",
    "sparkplug": "080512120A01741007200A28016900000000008035401803",
}
READ = {
    "mbus": mbus.describe,
    "stripped": lambda data: mbus.describe_wireless(data, KEY, "stripped"),
    "cjt188": cjt188.describe,
    "dlt645": dlt645.describe,
    "iec104": iec104.describe,
    "sparkplug": sparkplug.describe,
}
NAMES = st.sampled_from(sorted(READ))


def mended(name, wire):
    """Make length and checksum fit again, so that the bent content is read at all."""
    wire = bytearray(wire)
    if name == "mbus" and len(wire) > 9:
        wire[:4] = bytes((0x68, (len(wire) - 6) & 0xFF, (len(wire) - 6) & 0xFF, 0x68))
        wire[-2:] = bytes((sum(wire[4:-2]) & 0xFF, 0x16))
    elif name == "cjt188" and len(wire) > 13:
        wire[0], wire[10] = 0x68, (len(wire) - 13) & 0xFF
        wire[-2:] = bytes((sum(wire[:-2]) & 0xFF, 0x16))
    elif name == "dlt645" and len(wire) > 12:
        wire[0] = wire[7] = 0x68
        wire[9] = (len(wire) - 12) & 0xFF
        wire[-2:] = bytes((sum(wire[:-2]) & 0xFF, 0x16))
    elif name == "iec104" and len(wire) > 2:
        wire[:2] = bytes((0x68, (len(wire) - 2) & 0xFF))
    elif name == "stripped" and wire:
        wire[0] = (len(wire) - 1) & 0xFF
    return bytes(wire)


def reads(name, wire):
    try:
        json.dumps(READ[name](wire), allow_nan=False)
    except InputError as error:
        named = bool(error.thing)
    else:
        return True
    assert named
    return False


@given(NAMES, st.binary(max_size=300))
def test_noise(name, noise):
    reads(name, noise)
    reads(name, mended(name, noise))


@given(NAMES, st.data())
@example("mbus", None)
def test_bent_frames(name, data):
    wire = bytearray.fromhex(GOOD[name])
    if data is not None:
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(wire) - 1))
            match data.draw(st.sampled_from(["set", "insert", "delete"])):
                case "set":
                    wire[at] = data.draw(st.integers(0, 255))
                case "insert":
                    wire.insert(at, data.draw(st.integers(0, 255)))
                case _ if len(wire) > 1:
                    del wire[at]
    reads(name, mended(name, wire))


def test_the_good_frames_are_good():
    assert all(reads(name, mended(name, bytes.fromhex(GOOD[name]))) for name in GOOD)
