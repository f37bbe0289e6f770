"""What the fuzzer feeds: every decoder that sees bytes from a device or a gateway.

The first byte of an input chooses a way in: as it is, or as the body of a frame whose checksum is
right, so that what stands behind the checksum is reached too. A decoder may refuse with an error
of `kernel.errors`; anything else is a crash.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from zlib import compress

from heatloop.kernel import envelope
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.envelope import Envelope, EnvelopeKind
from heatloop.kernel.errors import HeatloopError
from heatloop.plant.field_protocols import field_parameters
from heatloop.protocols.cjt188 import frames as cjt188_frames
from heatloop.protocols.cjt188 import report as cjt188_report
from heatloop.protocols.cjt188.answers import request as cjt188_request
from heatloop.protocols.cjt188.selection import selection as cjt188_selection
from heatloop.protocols.dlt645 import frames as dlt645_frames
from heatloop.protocols.dlt645 import report as dlt645_report
from heatloop.protocols.dlt645.messages import read as dlt645_read
from heatloop.protocols.dlt645.selection import selection as dlt645_selection
from heatloop.protocols.dtypes import DTYPES, WORD_ORDERS
from heatloop.protocols.iec104 import report as iec104_report
from heatloop.protocols.mbus import frames as mbus_frames
from heatloop.protocols.mbus import report as mbus_report
from heatloop.protocols.mbus.header import Identity, Telegram
from heatloop.protocols.mbus.radio_link import STRIPPED
from heatloop.protocols.mbus.records import Records, make_record
from heatloop.protocols.mbus.selection import selection as mbus_selection
from heatloop.protocols.mbus.telegram import encode_telegram
from heatloop.protocols.mbus.vib import make_vib
from heatloop.protocols.mbus.wireless import encode_wireless
from heatloop.protocols.registers import Block, decode_raw, decode_text, encode_raw
from heatloop.protocols.room_report import RoomReport, decode_report, encode_report
from heatloop.protocols.sparkplug import report as sparkplug_report

_KEY = bytes(range(16))
_METER = Identity(number="12345678", manufacturer="HLP", version=1, medium=12)
_TELEGRAM = Telegram(
    identity=_METER,
    records=Records(
        records=(
            make_record(make_vib("energy", "Wh", 3), 12_345_000.0, 4),
            make_record(make_vib("flow_temperature", "degC", -2), 63.25, 2, storage=3, tariff=1),
            make_record(make_vib("customer_location"), "Block 7", 13),
            make_record(make_vib("date_time"), "2026-01-15T06:30", 4),
        )
    ),
)
_OTHER_TYPES = ("bool", "bit3", "bits4-7", "bcd16", "bcd32", "pt100", "pt1000", "string:8")


def _mbus(way: int, data: bytes) -> None:
    if way % 2:
        body = bytes((8, 1, (0x72, 0x73, 0x78, 0x7A)[way // 2 % 4])) + data[:252]
        data = mbus_frames.encode_frame(
            mbus_frames.Long(control=body[0], address=body[1], ci=body[2], data=body[3:])
        )
    mbus_report.describe(data)


def _wmbus(way: int, data: bytes) -> None:
    form = ("A", "B", STRIPPED, "")[way % 4]
    mbus_report.describe_wireless(data, _KEY if way & 4 else None, form)


def _cjt188(way: int, data: bytes) -> None:
    if way % 2 and data:
        data = cjt188_frames.encode_frame(
            cjt188_frames.Frame(
                type=data[0], address="1" * 14, control=(0x81, 0xC1, 0x01, 0x84)[way // 2 % 4],
                data=data[1:200],
            )
        )  # fmt: skip
    cjt188_report.describe(data)


def _dlt645(way: int, data: bytes) -> None:
    if way % 2:
        control = (0x91, 0xD1, 0xB1, 0x93, 0x92, 0x11, 0x14)[way // 2 % 7]
        data = dlt645_frames.encode_frame(
            dlt645_frames.Frame(address="1" * 12, control=control, data=data[:200])
        )
    dlt645_report.describe(data)


def _iec104(way: int, data: bytes) -> None:
    if way % 2:
        body = b"\x00\x00\x00\x00" + data[:249]
        data = bytes((0x68, len(body))) + body
    iec104_report.describe(data)


def _sparkplug(way: int, data: bytes) -> None:
    del way
    sparkplug_report.describe(data)


def _room_report(way: int, data: bytes) -> None:
    del way
    decode_report(data)


def _envelope(way: int, data: bytes) -> None:
    if way % 2:
        kind = EnvelopeKind(way // 2 % 2)
        sealed = Envelope(
            gateway="GW0001",
            epoch=1,
            first=1,
            count=way // 4 % 8,
            kind=kind,
            body=compress(data, 1),
        )
        data = envelope.encode(sealed, lambda _: bytes(64), "key")
    found = envelope.decode(data)
    if found.kind is EnvelopeKind.NOTES:
        found.notes()
    else:
        found.batch()


class _Field:
    def __init__(self, register: int, dtype: str, words: int) -> None:
        self.register, self.dtype, self.words = register, dtype, words


def _registers(way: int, data: bytes) -> None:
    words = struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])
    types = (*DTYPES, *_OTHER_TYPES)
    dtype = types[way % len(types)]
    order = sorted(WORD_ORDERS)[way // len(types) % 4]
    if dtype.startswith("string"):
        decode_text(words[:4], dtype, order)
        return
    count = int("".join(filter(str.isdecimal, dtype)) or 16) // 16 if dtype in DTYPES else 0
    for size in (count,) if count else (1, 2):
        number = decode_raw(words[:size], dtype, order)
        if number == number and abs(number) != float("inf"):
            assert decode_raw(encode_raw(number, dtype, order), dtype, order) is not None
    Block([_Field(0, dtype, 1), _Field(1, dtype, 1)], order).unpack(data)


def _sources(way: int, data: bytes) -> None:
    """Texts of the ledger are read as carefully as bytes of the field."""
    text = data.decode("utf-8", errors="replace")
    (mbus_selection, cjt188_selection, dlt645_selection, field_parameters)[way % 4](text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A decoder and inputs to begin with."""

    decode: Callable[[int, bytes], None]
    """Takes the way in and the bytes."""
    seeds: tuple[bytes, ...]
    """Good inputs, without the way in."""

    def __call__(self, data: bytes) -> None:
        """Feed an input; a refusal is as good as a result.

        Raises:
            Exception: The decoder crashes.
        """
        try:
            self.decode(data[0] if data else 0, data[1:])
        except HeatloopError:
            pass


def _batch() -> bytes:
    batch = SampleBatch()
    for key in range(8):
        batch.append(key, 1_800_000_000, key / 7)
    return batch.to_bytes()


def targets() -> dict[str, Target]:
    """Return every target by name."""
    report = RoomReport(device_code="DV000123", at_s=1_800_000_000, counter=77, fields=(213, 200))
    wired = mbus_frames.encode_frame(encode_telegram(_TELEGRAM, 1))
    heat = cjt188_frames.encode_frame(cjt188_request(0x20, "1" * 14))
    return {
        "mbus": Target(decode=_mbus, seeds=(wired, wired[7:-2])),
        "wmbus": Target(
            decode=_wmbus,
            seeds=(encode_wireless(_TELEGRAM, _METER), encode_wireless(_TELEGRAM, _METER, _KEY)),
        ),
        "cjt188": Target(decode=_cjt188, seeds=(heat, b"\x20\x1f\x90\x01" + bytes(43))),
        "dlt645": Target(
            decode=_dlt645,
            seeds=(
                dlt645_frames.encode_frame(dlt645_read("1" * 12, 0x00010000)),
                bytes.fromhex("0000010078563412"),
            ),
        ),
        "iec104": Target(
            decode=_iec104,
            seeds=(
                bytes.fromhex("680E0000000064010600010000000014"),
                bytes.fromhex("0D0103000100"),
            ),
        ),
        "sparkplug": Target(decode=_sparkplug, seeds=(bytes.fromhex("08a0061206 0a0161200a5805"),)),
        "registers": Target(decode=_registers, seeds=(bytes(range(16)),)),
        "room_report": Target(decode=_room_report, seeds=(encode_report(report),)),
        "envelope": Target(decode=_envelope, seeds=(_batch(), b'[{"type":"gap"}]')),
        "sources": Target(
            decode=_sources, seeds=(b"energy storage=1 n=2", b"0201FF00 n=2", b"baud=2400 parity=E")
        ),
    }
