"""BACnet/IP devices of the city: one a port, its objects read from the device when asked.

Nothing can be written; Who-Is is answered to whoever asked.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Sequence
from typing import Any

from bacpypes3.basetypes import EngineeringUnits
from bacpypes3.errors import PropertyError
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Double, ObjectIdentifier, Real
from bacpypes3.vendor import get_vendor_info

from heatloop.demo.devices.face import Face
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding

logging.getLogger("bacpypes3").setLevel(logging.CRITICAL)
_FAULTY, _FINE = [0, 1, 0, 0], [0, 0, 0, 0]


class _Controller(NormalApplication):  # type: ignore[misc]
    """One device."""

    def __init__(self, face: Face, host: str, port: int) -> None:
        instance = int(face.device.address)
        about = DeviceObject(
            objectIdentifier=("device", instance),
            objectName=face.device.code,
            vendorName="heatloop",
            modelName="demo",
        )
        super().__init__(about, IPv4Address(f"{host}/32:{port}"))
        self._face = face
        self._ours: dict[Any, tuple[Binding, Any]] = {}
        vendor = get_vendor_info(0)
        for binding in face.bindings:
            name = ObjectIdentifier(binding.source)
            kind = vendor.get_object_class(name[0])
            if kind is None or kind.get_property_type("present-value") is None:
                raise InputError(f"no object: {binding.source}", thing=binding.point)
            made = kind(
                objectIdentifier=name,
                objectName=binding.point,
                statusFlags=_FINE,
                eventState="normal",
                outOfService=False,
            )
            if kind.get_property_type("units") is not None:
                made.units = EngineeringUnits("no-units")
            self.add_object(made)
            self._ours[name] = binding, made

    async def indication(self, apdu: Any) -> None:
        """Answer, unless the device hangs."""
        if not self._face.silent:
            await super().indication(apdu)

    async def do_ReadPropertyRequest(self, apdu: Any) -> None:  # noqa: N802
        """Answer one property with its present value."""
        told = self._refresh([apdu.objectIdentifier])
        await super().do_ReadPropertyRequest(apdu)
        if str(apdu.propertyIdentifier) == "present-value":
            self._face.answered(told)

    async def do_ReadPropertyMultipleRequest(self, apdu: Any) -> None:  # noqa: N802
        """Answer several properties with their present values."""
        told = self._refresh([spec.objectIdentifier for spec in apdu.listOfReadAccessSpecs])
        await super().do_ReadPropertyMultipleRequest(apdu)
        self._face.answered(told)

    async def do_WritePropertyRequest(self, apdu: Any) -> None:  # noqa: N802
        """Refuse: nothing here can be written."""
        raise PropertyError(errorCode="writeAccessDenied")

    async def do_WritePropertyMultipleRequest(self, apdu: Any) -> None:  # noqa: N802
        """Refuse: nothing here can be written."""
        raise PropertyError(errorCode="writeAccessDenied")

    def _refresh(self, names: Sequence[Any]) -> list[Binding]:
        """Bring objects up to date; return the points of those that are ours."""
        told = []
        for name in names:
            found = self._ours.get(name)
            if found is None:
                continue
            binding, made = found
            value = self._face.value(binding)
            told.append(binding)
            kind = made.get_property_type("present-value")
            raw = (value - binding.offset) / binding.factor
            if issubclass(kind, Real | Double):
                made.presentValue = kind(raw)
            elif not math.isnan(raw):
                made.presentValue = kind(round(raw))
            made.statusFlags = type(made.statusFlags)(_FAULTY if math.isnan(raw) else _FINE)
        return told


class BacnetServed:
    """A running device."""

    def __init__(self, controller: _Controller, port: int) -> None:
        self._controller = controller
        self.port = port
        """UDP port."""

    async def close(self) -> None:
        """Stop listening."""
        self._controller.close()
        await asyncio.sleep(0)


async def serve(faces: Sequence[Face], host: str, port: int) -> BacnetServed:
    """Start the BACnet device of one device.

    Args:
        faces: The device; a port has one.
        host: IPv4 address to listen on.
        port: UDP port; 0 for any.

    Raises:
        InputError: There are several, or a source is no object.
        OSError: The port is taken.
    """
    if len(faces) != 1:
        fix = "give each device a port of its own"
        raise InputError("a BACnet port has one device", thing=f"{host}:{port}", fix=fix)
    # The library shares a taken port and waits for ever for an address it cannot have.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, port))
        port = probe.getsockname()[1]
    controller = _Controller(faces[0], host, port)
    await controller.normal.server._local_transport_ready.wait()
    return BacnetServed(controller, port)
