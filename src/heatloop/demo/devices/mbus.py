"""Meters of the city on a wired M-Bus: several on one line, answering as real ones do.

A meter has the records of its points (`protocols.mbus.selection`), in integers of the decimal
its point kind is shown with, and answers in as many telegrams as they need. Counters take 48
bits where 32 do not hold them. One that is faulty or silent says nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.line_server import LineServer, line_parameters
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding
from heatloop.protocols.framing import whole
from heatloop.protocols.mbus.frames import MAX_DATA, take_frame
from heatloop.protocols.mbus.header import Identity, Telegram, number_of_letters
from heatloop.protocols.mbus.records import Record, Records, encode_records, make_record
from heatloop.protocols.mbus.selection import Selection, selection
from heatloop.protocols.mbus.session import Meter
from heatloop.protocols.mbus.vib import Vib, make_vib, unit_of
from heatloop.protocols.meter_units import from_house

_INT32, _INT48 = 4, 6
_HEADER = 13
_HEAT_INLET = 0x0C
# House unit -> unit of `vif.csv` and its power of ten of one house unit.
_WIRE = {
    "kWh": ("Wh", 3),
    "kW": ("W", 3),
    "m3": ("m3", 0),
    "m3/h": ("m3/h", 0),
    "degC": ("degC", 0),
    "kPa": ("bar", -2),
    "V": ("V", 0),
    "A": ("A", 0),
    "Hz": ("Hz", 0),
}


def _vib(wanted: Selection, kind: str) -> Vib:
    """Return value information fine enough for what a point kind shows.

    Raises:
        InputError: M-Bus has no such quantity in its unit.
    """
    about = point_kinds()[kind]
    unit, power = _WIRE.get(about.unit, ("", 0))
    for finer in range(12):
        try:
            return make_vib(wanted.quantity, unit, power - about.decimals - finer)
        except InputError as error:
            last = error
    raise last


class MbusMeter:
    """One meter of the line: the standard's slave, with the telegrams of this moment."""

    def __init__(self, face: Face) -> None:
        self._face = face
        device = face.device
        words = field_parameters(device.parameters)
        letters = words.get("manufacturer", "HLP")
        number_of_letters(letters)
        identity = Identity(
            number=device.address or f"{device.unit_id:08d}",
            manufacturer=letters,
            version=int(words.get("version", "1"), 16),
            medium=int(words.get("medium", f"{_HEAT_INLET:02X}"), 16),
        )
        self._identity, self._access = identity, 0
        self._parts = self._split()
        address = device.unit_id if device.unit_id <= 250 else 0
        self.meter = Meter(address=address, identity=identity, telegrams=self)

    def _split(self) -> list[list[Binding]]:
        """Return the points telegram by telegram; a record takes 12 bytes at most here."""
        room = (MAX_DATA - _HEADER) // 16
        known = list(self._face.bindings)
        return [known[at : at + room] for at in range(0, len(known), room)] or [[]]

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int) -> Telegram:
        """Return what the meter says now; the points in it are told as answered."""
        self._access = (self._access + 1) % 256
        shown: list[Binding] = []
        records: list[Record] = []
        for binding in self._parts[number]:
            record = self._record(binding)
            if record is not None:
                records.append(record)
                shown.append(binding)
        self._face.answered(shown)
        more = number < len(self._parts) - 1
        telegram = Telegram(
            identity=self._identity,
            access=self._access,
            records=Records(records=tuple(records), more_follow=more),
        )
        assert len(encode_records(telegram.records)) <= MAX_DATA - _HEADER
        return telegram

    def _record(self, binding: Binding) -> Record | None:
        value = self._face.value(binding)
        if math.isnan(value):
            return None
        wanted = selection(binding.source)
        about = point_kinds()[binding.kind]
        vib = _vib(wanted, binding.kind)
        raw = (value - binding.offset) / binding.factor
        wire = from_house(round(raw, about.decimals), about.unit, unit_of(vib))
        for code in (_INT32, _INT48):
            try:
                return make_record(
                    vib, wire, code, function=wanted.function, storage=wanted.storage,
                    tariff=wanted.tariff, subunit=wanted.subunit,
                )  # fmt: skip
            except InputError:
                continue
        return None

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a question on the line, empty if another meter is meant."""
        return b"" if self._face.silent else self.meter.answer(request)


async def serve(faces: Sequence[Face], host: str, port: int) -> LineServer:
    """Answer for the meters of one line.

    Args:
        faces: The meters; their primary addresses or numbers tell them apart.
        host: Address, or a serial port.
        port: TCP port, 0 for any.

    Raises:
        OSError: The port cannot be had.
    """
    meters = [MbusMeter(face) for face in faces]

    def answer(request: bytes) -> bytes:
        # Every meter hears every question: a selection of one deselects the others.
        return b"".join([meter.answer(request) for meter in meters])

    server = LineServer(whole(take_frame), answer)
    await server.start(host, port, line_parameters(faces))
    return server
