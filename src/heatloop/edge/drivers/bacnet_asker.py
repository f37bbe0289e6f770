"""The one BACnet/IP socket a gateway asks from; it answers nobody."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from typing import Any

from bacpypes3.apdu import (
    AbortPDU,
    ErrorRejectAbortNack,
    ReadPropertyACK,
    ReadPropertyRequest,
    RejectPDU,
)
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Boolean, Double, Enumerated, Integer, Real, Unsigned
from bacpypes3.vendor import get_vendor_info

from heatloop.edge.drivers.port import DamagedError
from heatloop.kernel.errors import InputError
from heatloop.protocols.real32 import shortest

logging.getLogger("bacpypes3").setLevel(logging.CRITICAL)
_INSTANCE = 4194302
_STANDARD = 0
_VALUE, _FLAGS = "present-value", "status-flags"
_NO_RESPONSE = "no-response"
Answer = tuple[float, tuple[int, ...]] | None
"""Value and status flags of an object; None: the device has no number there."""


class TooMuch(Exception):
    """The device cannot answer so many at once."""


class Unsupported(Exception):
    """The device does not know the service."""


class Asker(NormalApplication):  # type: ignore[misc]
    """The gateway's own BACnet device.

    Args:
        local: Own IPv4 address.
        timeout_s: Longest wait for an answer.
    """

    def __init__(self, local: str, timeout_s: float) -> None:
        about = DeviceObject(
            objectIdentifier=("device", _INSTANCE),
            objectName="heatloop",
            apduTimeout=round(1000 * timeout_s),
            numberOfApduRetries=0,
        )
        super().__init__(about, IPv4Address(f"{local}/32:0"))
        self._vendor = get_vendor_info(_STANDARD)
        server = self.normal.server
        upwards = server.response

        async def guarded(pdu: Any) -> None:
            try:
                await upwards(pdu)
            except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes can cause
                self._damaged(pdu.pduSource, error)

        server.response = guarded

    async def indication(self, apdu: Any) -> None:
        """Let foreign questions pass."""
        del apdu

    def _damaged(self, source: Any, error: Exception) -> None:
        """Tell whoever waits for this device that what came cannot be read."""
        for _, future in tuple(self._requests.get(source, ())):
            if not future.done():
                future.set_exception(DamagedError(f"frame cannot be read: {error}"))

    async def many(self, peer: Any, names: Sequence[Any]) -> list[Answer]:
        """Return the answers for some objects, asked for with one question.

        Raises:
            Unsupported: The device knows no ReadPropertyMultiple.
            TooMuch: It cannot answer so many at once.
            TimeoutError: It does not answer.
            InputError: It refuses.
        """
        wanted: list[Any] = []
        for name in names:
            wanted += [name, [_VALUE, _FLAGS]]
        try:
            rows = await self.read_property_multiple(peer, wanted, vendor_info=self._vendor)
        except ErrorRejectAbortNack as error:
            raise _meaning(error) from None
        if rows is None:
            raise DamagedError("another service answers")
        found: dict[tuple[Any, str], Any] = {(n, str(p)): value for n, p, _, value in rows}
        return [_answer(found.get((n, _VALUE)), found.get((n, _FLAGS))) for n in names]

    async def one(self, peer: Any, name: Any) -> Answer:
        """Return the answer for one object, by ReadProperty.

        Raises:
            TimeoutError: The device does not answer.
            InputError: It refuses.
        """
        try:
            value = await self.property(peer, name, _VALUE)
        except InputError:
            return None
        try:
            flags = await self.property(peer, name, _FLAGS)
        except InputError:
            flags = None  # not every kind of object has them
        return _answer(value, flags)

    async def property(self, peer: Any, name: Any, which: str) -> Any:
        """Return one property of an object.

        Raises:
            TimeoutError: The device does not answer.
            InputError: It refuses.
        """
        asked = ReadPropertyRequest(
            objectIdentifier=name, propertyIdentifier=which, destination=peer
        )
        try:
            answer = await self.request(asked)
        except ErrorRejectAbortNack as error:
            raise _meaning(error) from None
        kind = self._vendor.get_object_class(name[0])
        type_ = kind.get_property_type(asked.propertyIdentifier) if kind is not None else None
        if not isinstance(answer, ReadPropertyACK) or type_ is None:
            raise DamagedError("another service answers")
        if (answer.objectIdentifier, answer.propertyIdentifier) != (name, asked.propertyIdentifier):
            raise DamagedError("another object answers")
        try:
            return answer.propertyValue.cast_out(type_, null=True)
        except Exception as error:
            raise DamagedError(f"value cannot be read: {error}") from error


def _meaning(error: ErrorRejectAbortNack) -> Exception:
    """Return what a refusal means for us."""
    reason = str(error.reason)
    if isinstance(error, AbortPDU):
        if reason == _NO_RESPONSE:
            return TimeoutError("device does not answer")
        return TooMuch(reason)
    if isinstance(error, RejectPDU) and reason == "unrecognized-service":
        return Unsupported(reason)
    return InputError(f"device refuses: {reason}")


def _answer(value: Any, flags: Any) -> Answer:
    number: float | None = None
    if isinstance(value, Double):
        number = float(value)
    elif isinstance(value, Real):
        number = shortest(float(value))
    elif isinstance(value, Unsigned | Integer | Boolean | Enumerated):
        number = float(value)
    if number is None:
        return None
    try:
        bits = tuple(int(flag) for flag in flags) if flags is not None else ()
    except (TypeError, ValueError):
        bits = ()
    return number, bits


def own_address(host: str, port: int) -> str:
    """Return the address of this machine that packets to a host leave from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        return str(probe.getsockname()[0])
