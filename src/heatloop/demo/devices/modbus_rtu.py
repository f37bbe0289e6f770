"""Modbus RTU slaves on one line, behind a DTU's TCP port or on a serial port; and Modbus TCP.

`serve` gives several unit numbers one RTU line; `serve_tcp` gives them one Modbus TCP port, as a
converter to TCP does. Values come from faces, so any profile fits.

Reference: Modbus over serial line 1.02, Modbus Messaging on TCP/IP 1.0b.
"""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.demo.devices.face import Face
from heatloop.demo.devices.line_server import LineServer, line_parameters
from heatloop.demo.devices.modbus_rtu_face import FaceRegisters
from heatloop.kernel.errors import InputError

_NO_SUCH_UNIT = 0x0B
_MAX_TCP = 260


def crc16(data: bytes) -> bytes:
    """Return the CRC that ends a Modbus RTU frame, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


def take_rtu_request(data: bytes) -> tuple[bytes, int] | None:
    """Return the request (unit, function, data) that the bytes begin with and its end.

    Raises:
        InputError: No request begins so, or its CRC is wrong.
    """
    if len(data) < 8:
        return None
    match data[1]:
        case 1 | 2 | 3 | 4 | 5 | 6:
            size = 8
        case 15 | 16:
            size = 9 + data[6]
        case 22:
            size = 10
        case other:
            raise InputError(f"unknown function {other}", thing="Modbus RTU request")
    if len(data) < size:
        return None
    if crc16(data[: size - 2]) != data[size - 2 : size]:
        raise InputError("CRC does not fit", thing="Modbus RTU request")
    return data[: size - 2], size


def take_tcp_request(data: bytes) -> tuple[bytes, int] | None:
    """Return the request (MBAP head included) that the bytes begin with and its end.

    Raises:
        InputError: No request begins so.
    """
    if len(data) < 8:
        return None
    length = int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\0\0" or not 2 <= length <= _MAX_TCP - 6:
        raise InputError("no Modbus TCP request", thing="Modbus TCP request")
    return (data[: 6 + length], 6 + length) if len(data) >= 6 + length else None


class _Slaves:
    def __init__(self, faces: Sequence[Face], *, gaps: bool) -> None:
        self._by_unit = {face.device.unit_id: FaceRegisters(face, gaps=gaps) for face in faces}

    def rtu(self, request: bytes) -> bytes:
        slave = self._by_unit.get(request[0])
        if slave is None or slave.silent:
            return b""
        frame = request[:1] + slave.answer(request)
        return frame + crc16(frame)

    def tcp(self, request: bytes) -> bytes:
        slave = self._by_unit.get(request[6])
        if slave is None:
            body = bytes((request[7] | 0x80, _NO_SUCH_UNIT))
        elif slave.silent:
            return b""
        else:
            body = slave.answer(request[6:])
        return request[:4] + (len(body) + 1).to_bytes(2, "big") + request[6:7] + body


async def serve(faces: Sequence[Face], host: str, port: int, *, gaps: bool = True) -> LineServer:
    """Answer for RTU slaves on one line.

    Args:
        faces: The slaves; `unit_id` tells them apart.
        host: Address, or a serial port.
        port: TCP port, 0 for any.
        gaps: Whether registers between those of a profile exist.

    Raises:
        OSError: The port cannot be had.
    """
    server = LineServer(take_rtu_request, _Slaves(faces, gaps=gaps).rtu)
    await server.start(host, port, line_parameters(faces), baud="9600", parity="N")
    return server


async def serve_tcp(
    faces: Sequence[Face], host: str, port: int, *, gaps: bool = True
) -> LineServer:
    """Answer for devices on one Modbus TCP port.

    Args:
        faces: The devices; `unit_id` tells them apart.
        host: Address.
        port: TCP port, 0 for any.
        gaps: Whether registers between those of a profile exist.

    Raises:
        OSError: The port cannot be had.
    """
    server = LineServer(take_tcp_request, _Slaves(faces, gaps=gaps).tcp)
    await server.start(host, port)
    return server
