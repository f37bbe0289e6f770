"""Which server speaks for which devices of the city: one a port, by protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import TypeAlias, cast

from heatloop.demo.devices.face import Face, Served
from heatloop.demo.devices.modbus import ModbusDevice, serve, stop
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


async def serve_line(protocol: str, devices: Sequence[CityDevice], host: str, port: int) -> Served:
    """Start answering for the devices behind one port.

    Args:
        protocol: What they speak.
        devices: One, or several that share a line.
        host: Address to listen on.
        port: Port.

    Raises:
        OSError: The port is taken.
    """
    if protocol == "modbus_tcp":
        device = cast(ModbusDevice, devices[0])
        return _ModbusServed(device, await serve(device, host, port))
    module = import_module(_SERVERS[protocol])
    faces = cast(Sequence[Face], devices)
    return cast(Served, await module.serve(faces, host, port))
