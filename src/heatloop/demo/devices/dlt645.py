"""DL/T 645-2007 electricity meters of the city: several on one line."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.line_server import LineServer, line_parameters
from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding
from heatloop.protocols.dlt645.frames import (
    ANY_ADDRESS,
    READ,
    READ_ADDRESS,
    READ_MORE,
    Frame,
    decode_frame,
    encode_frame,
    take_frame,
)
from heatloop.protocols.dlt645.messages import Message, answer, decode_message, refuse
from heatloop.protocols.dlt645.selection import selection
from heatloop.protocols.dlt645.values import Kind, Value, kind_of
from heatloop.protocols.framing import whole
from heatloop.protocols.meter_units import from_house

_WAKE_UP = 4


class Dlt645Meter:
    """One meter of the line."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._points: dict[int, dict[int, Binding]] = defaultdict(dict)
        for binding in face.bindings:
            wanted = selection(binding.source)
            self._points[wanted.identifier].setdefault(wanted.n, binding)
        self._rest: list[Frame] = []

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a question on the line, empty if another meter is meant."""
        frame = decode_frame(request)
        own = frame.address in (self._face.device.address, ANY_ADDRESS) and not frame.is_reply
        if self._face.silent or not own:
            return b""
        try:
            asked = decode_message(frame)
        except InputError:
            return b""
        return encode_frame(self._answer(asked), _WAKE_UP)

    def _answer(self, asked: Message) -> Frame:
        own, function = self._face.device.address, asked.frame.function
        if function == READ_ADDRESS:
            return answer(asked, address=own)[0]
        if function == READ_MORE and self._rest:
            return self._rest.pop(0)
        points = self._points.get(asked.identifier if asked.identifier is not None else -1)
        kind = kind_of(asked.identifier) if asked.identifier is not None else None
        if function != READ or not points or kind is None:
            return refuse(asked, "no_data")
        values = [self._value(points.get(n), kind) for n in range(1, max(points) + 1)]
        try:
            first, *self._rest = answer(asked, values, address=own)
        except InputError:
            return refuse(asked, "other")
        self._face.answered([b for n, b in points.items() if values[n - 1].value is not None])
        return first

    def _value(self, binding: Binding | None, kind: Kind) -> Value:
        value = math.nan if binding is None else self._face.value(binding)
        if binding is None or math.isnan(value):
            return Value(value=None)
        about = point_kinds()[binding.kind]
        raw = (round(value, about.decimals) - binding.offset) / binding.factor
        return Value(value=from_house(raw, about.unit, kind.unit))


async def serve(faces: Sequence[Face], host: str, port: int) -> LineServer:
    """Answer for the meters of one line.

    Args:
        faces: The meters; their addresses tell them apart.
        host: Address, or a serial port.
        port: TCP port, 0 for any.

    Raises:
        OSError: The port cannot be had.
    """
    meters = [Dlt645Meter(face) for face in faces]

    def reply(request: bytes) -> bytes:
        return b"".join([meter.answer(request) for meter in meters])

    server = LineServer(whole(take_frame), reply)
    await server.start(host, port, line_parameters(faces))
    return server
