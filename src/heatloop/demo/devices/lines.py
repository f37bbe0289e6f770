"""Which server speaks for which devices of the city: one a port, by protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from heatloop.demo.devices.face import Face, Served
from heatloop.demo.devices.line_server import LineServer
from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
from heatloop.demo.devices.modbus_rtu import crc16, take_rtu_request
from heatloop.demo.held import MemoryFace

CityDevice: TypeAlias = ModbusDevice | MemoryFace
# Loaded only where a device of the city speaks the protocol.
_SERVERS = {
    "opc_ua": "heatloop.demo.devices.opc_ua",
    "iec104": "heatloop.demo.devices.iec104",
    "mbus": "heatloop.demo.devices.mbus",
    "cjt188": "heatloop.demo.devices.cjt188",
    "dlt645": "heatloop.demo.devices.dlt645",
    "bacnet": "heatloop.demo.devices.bacnet",
    "snmp": "heatloop.demo.devices.snmp",
}


class _ModbusServed:
    def __init__(self, device: ModbusDevice, server: asyncio.Server) -> None:
        self._device, self._server = device, server

    async def close(self) -> None:
        await stop(self._device, self._server)


def _rtu(slaves: Mapping[int, ModbusDevice], request: bytes) -> bytes:
    """Return the answer of the slave that is meant; nothing from any other."""
    slave = slaves.get(request[0])
    if slave is None or slave.silent:
        return b""
    answer = request[:1] + slave.answer(request)
    return answer + crc16(answer)


async def serve_line(
    protocol: str, devices: Sequence[CityDevice], host: str, port: int, folder: Path
) -> Served:
    """Start answering for the devices behind one port.

    Args:
        protocol: What they speak.
        devices: One, or several that share a line.
        host: Address to listen on.
        port: Port.
        folder: Where servers with certificates keep them.

    Raises:
        OSError: The port is taken.
    """
    if protocol == "modbus_tcp":
        device = cast(ModbusDevice, devices[0])
        return _ModbusServed(device, await serve(device, host, port))
    if protocol == "modbus_rtu_tcp":
        slaves = {device.unit_id: device for device in cast(Sequence[ModbusDevice], devices)}
        line = LineServer(take_rtu_request, lambda request: _rtu(slaves, request))
        await line.start(host, port)
        return line
    module = import_module(_SERVERS[protocol])
    faces = cast(Sequence[Face], devices)
    if protocol == "opc_ua":
        access = module.Access(folder=folder)
        return cast(Served, await module.serve(faces, host, port, access=access))
    return cast(Served, await module.serve(faces, host, port))
