"""CJ/T 188 meters and valves of the city: several on one line.

A meter sends its data in the layout its points name (`heat_2018.heat`) or its parameters
(`layout=heat_2004`), each number in the finest unit whose digits hold it. Its valve obeys A017.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.line_server import LineServer, line_parameters
from heatloop.kernel.errors import InputError
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding
from heatloop.protocols.cjt188.answers import Message, answer, decode_message, refuse
from heatloop.protocols.cjt188.fields import pack_value
from heatloop.protocols.cjt188.frames import (
    ANY_ADDRESS,
    ANY_TYPE,
    READ,
    READ_ADDRESS,
    WRITE,
    Frame,
    decode_frame,
    encode_frame,
    take_frame,
)
from heatloop.protocols.cjt188.profiles import FieldKind, Profile, profile, profiles, units
from heatloop.protocols.cjt188.selection import METER_DATA, VALVE, selection
from heatloop.protocols.framing import whole
from heatloop.protocols.meter_units import from_house

_VALVE = 0xA017
_WAKE_UP = 2
# Unit codes a meter may state, finest first.
_CODES = {
    "energy": (0x05, 0x06, 0x07, 0x08, 0x09, 0x0A),
    "power": (0x17, 0x18, 0x19),
    "volume": (0x2C, 0x2D, 0x2E),
    "volume_flow": (0x35, 0x36, 0x37),
}
_CLOSED = 0x01


class Cjt188Meter:
    """One meter of the line."""

    def __init__(self, face: Face) -> None:
        self._face = face
        device = face.device
        words = field_parameters(device.parameters)
        self._type = int(words.get("type", "20"), 16)
        wanted = {b.point: selection(b.source) for b in face.bindings}
        named = {each.layout for each in wanted.values()} - {""}
        name = words.get("layout", "") or next(iter(named), "heat_2004")
        self._layout: Profile = profile(name)
        # Only what the meter sends by itself; other identifiers have no points in the city.
        self._values: dict[str, Binding] = {}
        for binding in face.bindings:
            each = wanted[binding.point]
            if each.identifier == METER_DATA:
                self._values.setdefault(each.field, binding)
        self._orders = [
            b for b in face.bindings if wanted[b.point].field == VALVE and b.access == "rw"
        ]
        self._valves = [b for b in face.bindings if wanted[b.point].field == VALVE]

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a question on the line, empty if another meter is meant."""
        frame = decode_frame(request)
        device = self._face.device
        own = frame.address in (device.address, ANY_ADDRESS) and not frame.is_reply
        if self._face.silent or not own or frame.type not in (self._type, ANY_TYPE):
            return b""
        try:
            asked = decode_message(frame)
        except InputError:
            return b""
        try:
            found = self._answer(asked)
        except InputError:
            found = refuse(asked)
        # Asked as any kind of meter, it still says what it is.
        return encode_frame(replace(found, type=self._type), _WAKE_UP)

    def _answer(self, asked: Message) -> Frame:
        function, own = asked.frame.function, self._face.device.address
        if function == READ_ADDRESS:
            return answer(asked, address=own)
        if function == READ and asked.identifier == METER_DATA:
            return self._meter_data(asked, own)
        if function == WRITE and asked.identifier == _VALVE and asked.values and self._orders:
            wanted = float(asked.values[0].value == "open")
            for binding in self._orders:
                if not self._face.write(binding, wanted):
                    return refuse(asked)
            return answer(asked, profiles()["valve"], {"status": self._status()}, address=own)
        return refuse(asked)

    def _meter_data(self, asked: Message, own: str) -> Frame:
        values: dict[str, float | str | None] = {}
        codes: list[int] = []
        shown: list[Binding] = []
        for field in self._layout.fields:
            if field.name == "status":
                values[field.name] = self._status()
                continue
            binding = self._values.get(field.name)
            value, code = self._field(field, binding)
            values[field.name] = value
            if field.unit_place:
                codes.append(code)
            if binding is not None and value is not None:
                shown.append(binding)
        shown += [b for b in self._valves if not math.isnan(self._face.value(b))]
        self._face.answered(shown)
        return answer(asked, self._layout, values, codes, address=own)

    def _field(self, field: FieldKind, binding: Binding | None) -> tuple[float | None, int]:
        """Return a field's value in the finest unit whose digits hold it, and the unit."""
        codes = _CODES.get(field.dimension, (0,))
        value = math.nan if binding is None else self._face.value(binding)
        if binding is None or math.isnan(value):
            return None, codes[0]
        about = point_kinds()[binding.kind]
        raw = round((value - binding.offset) / binding.factor, about.decimals)
        if not field.unit_place:
            return from_house(raw, about.unit, field.unit), 0
        for code in codes:
            unit = units()[code][0]
            wire = from_house(raw, about.unit, unit)
            try:
                pack_value(field, wire, code)
            except InputError:
                continue
            return wire, code
        return None, codes[0]

    def _status(self) -> str:
        closed = any(self._face.value(binding) == 0.0 for binding in self._valves)
        return f"{_CLOSED if closed else 0:02X}00"


async def serve(faces: Sequence[Face], host: str, port: int) -> LineServer:
    """Answer for the meters of one line.

    Args:
        faces: The meters; their addresses tell them apart.
        host: Address, or a serial port.
        port: TCP port, 0 for any.

    Raises:
        OSError: The port cannot be had.
    """
    meters = [Cjt188Meter(face) for face in faces]

    def reply(request: bytes) -> bytes:
        return b"".join([meter.answer(request) for meter in meters])

    server = LineServer(whole(take_frame), reply)
    await server.start(host, port, line_parameters(faces))
    return server
