"""BACnet/IP, read only: building controllers, air handling, meters of buildings.

`address` is the device instance; it is checked, so that another device at the same address is
not taken for this one. `source` is an object: `analog-input,1`, `binary-value,3`,
`accumulator,1`; its present value is read together with its status flags. Parameters, both
optional: `objects=16` read with one question (1: ReadProperty only), `local=192.168.1.5` own
address, if not the one the machine would use. Devices behind a BACnet router are not reached.

Reference: ISO 16484-5 (ASHRAE 135), clauses 15.5, 15.7 and annex J.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any

from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier

from heatloop.edge.drivers.bacnet_asker import Answer, Asker, TooMuch, Unsupported, own_address
from heatloop.edge.drivers.port import DamagedError, Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding, Device

_OBJECT = re.compile(r"[a-z][a-z-]*,[0-9]{1,7}", re.ASCII)
_MAX_INSTANCE = 4194302
_FAULT, _OVERRIDDEN, _OUT_OF_SERVICE = 1, 2, 3
_KNOWN = frozenset(("objects", "local"))
_OBJECTS = 16


class BacnetDriver(Driver):
    """Asks one device.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.

    Raises:
        ConfigError: Its address or parameters are wrong.
    """

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        fix = "give the device instance as address, and parameters like objects=16"
        try:
            given = field_parameters(device.parameters)
            unknown = sorted(given.keys() - _KNOWN)
            if unknown:
                raise InputError(f"no such parameter: {unknown[0]}")
            self._instance = int(device.address)
            self._most = int(given.get("objects", _OBJECTS))
            self._local = given.get("local", "")
            if self._local:
                ipaddress.IPv4Address(self._local)
            if not 0 <= self._instance <= _MAX_INSTANCE or not 1 <= self._most <= 100:
                raise InputError("device instance is 0 to 4194302, objects 1 to 100")
        except (InputError, ValueError) as error:
            raise ConfigError(str(error), thing=device.code, place="address", fix=fix) from error
        self._peer: Any = None
        self._known = False

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        asker = await self._asker()
        if not self._known:
            await self._identify(asker)
        wanted: list[tuple[Binding, Any]] = []
        for each in planned:
            for binding in each.bindings:
                try:
                    wanted.append((binding, _object(binding)))
                except InputError as error:
                    self.misfit(error, reading)
        at = 0
        while at < len(wanted):
            some = wanted[at : at + self._most]
            try:
                answers = await self._ask(asker, [name for _, name in some])
            except TooMuch as error:
                if self._most == 1:
                    text = f"device cannot answer: {error}"
                    raise InputError(text, thing=self.device.code) from error
                self._most = max(1, self._most // 2)
                continue
            except Unsupported:
                self._most = 1
                continue
            at += len(some)
            self._give([binding for binding, _ in some], answers, reading)

    async def _asker(self) -> Asker:
        host, port = self.device.host, self.device.port
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.tools.timeout_s):
                found = await loop.getaddrinfo(host, port, family=socket.AF_INET)
        except socket.gaierror as error:
            raise InputError(f"host has no address: {error}", thing=host) from error
        address = str(found[0][4][0])
        local = self._local or own_address(address, port)
        timeout_s = self.tools.timeout_s
        self._peer = Address(f"{address}:{port}")
        return self.tools.shared.get(("bacnet", local), lambda: Asker(local, timeout_s))

    async def _identify(self, asker: Asker) -> None:
        """Make sure that the device that answers is the one of the ledger.

        Raises:
            InputError: It is another.
        """
        name = ObjectIdentifier(f"device,{self._instance}")
        try:
            async with asyncio.timeout(self.tools.timeout_s):
                await asker.property(self._peer, name, "object-name")
        except InputError as error:
            text = f"who answers is not device {self._instance}: {error.message}"
            fix = "correct host, port or address"
            raise InputError(text, thing=self.device.code, fix=fix) from error
        self._known = True

    async def _ask(self, asker: Asker, names: Sequence[Any]) -> list[Answer]:
        """Return the answers for some objects, counted."""
        stats, code, loop = self.tools.stats, self.device.code, asyncio.get_running_loop()
        stats.asked(code)
        began = loop.time()
        async with asyncio.timeout(self.tools.timeout_s):
            if self._most > 1:
                try:
                    found = await asker.many(self._peer, names)
                except DamagedError:
                    raise
                except InputError:
                    # Some devices refuse the whole question where one object is unknown.
                    found = [await asker.one(self._peer, name) for name in names]
            else:
                found = [await asker.one(self._peer, name) for name in names]
        stats.answered(code, loop.time() - began)
        return found

    def _give(
        self, bindings: Sequence[Binding], answers: Sequence[Answer], reading: Reading
    ) -> None:
        found: list[Binding] = []
        raws: list[float] = []
        for binding, answer in zip(bindings, answers, strict=True):
            if answer is None:
                text = f"device has no number at {binding.source}"
                self.misfit(InputError(text, thing=binding.point), reading)
                continue
            raw, flags = answer
            found.append(binding)
            raws.append(raw)
            if len(flags) > _OUT_OF_SERVICE:
                if flags[_FAULT]:
                    reading.doubtful[binding.key] = Quality.BAD
                elif flags[_OVERRIDDEN] or flags[_OUT_OF_SERVICE]:
                    reading.doubtful[binding.key] = Quality.UNCERTAIN
        reading.add(found, raws)

    def _drop(self) -> None:
        # Answers are told apart by their numbers; who answers is looked at again.
        self._known = False


def _object(binding: Binding) -> Any:
    """Return the object a source means.

    Raises:
        InputError: It is no object of the standard.
    """
    fix = "write e.g. analog-input,1"
    if _OBJECT.fullmatch(binding.source) is None:
        raise InputError(f"no object: {binding.source!r}", thing=binding.point, fix=fix)
    try:
        return ObjectIdentifier(binding.source)
    except ValueError as error:
        raise InputError(f"no such object: {error}", thing=binding.point, fix=fix) from error
