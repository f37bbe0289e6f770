"""SNMP, read only: servers, switches, routers, firewalls, power supplies.

`source` as in `snmp_sources`. Parameters (keys and communities are names of files in the
gateway's secrets folder):

    version=3 user=... auth=sha256 auth_key=... priv=aes128 priv_key=... context=...
    version=2c community=...

With version 3 every message is signed and encrypted; `auth=none` or `priv=none` must be asked
for. Version 2c sends everything in the clear, its community too.

Reference: RFC 3416, RFC 3414, RFC 3826, RFC 7860.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from pyasn1.type import univ
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio.auth import CommunityData, UsmUserData
from pysnmp.hlapi.v3arch.asyncio.cmdgen import get_cmd
from pysnmp.hlapi.v3arch.asyncio.context import ContextData
from pysnmp.hlapi.v3arch.asyncio.transport import UdpTransportTarget
from pysnmp.proto import errind, rfc1902, rfc1905
from pysnmp.smi.rfc1902 import ObjectIdentity, ObjectType
from structlog.typing import FilteringBoundLogger

from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.edge.drivers.snmp_settings import Settings
from heatloop.edge.drivers.snmp_sources import UPTIME, Counter, Source, combine, parse_source
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Binding, Device

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_OBJECTS_A_CALL = 20
_ABSENT = (rfc1905.NoSuchObject, rfc1905.NoSuchInstance, rfc1905.EndOfMibView)
_OPAQUE_FLOAT = b"\x9f\x78\x04"
_LONGEST_TEXT = 32


class _Engine:
    """The one SNMP engine of a gateway."""

    def __init__(self) -> None:
        self.engine = SnmpEngine()

    def close(self) -> None:
        """Close its sockets."""
        self.engine.close_dispatcher()


class SnmpDriver(Driver):
    """Asks one agent.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.

    Raises:
        ConfigError: Its parameters are wrong.
    """

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        self._settings = Settings(device)
        if self._settings.version == "2c":
            _LOG.warning("SNMP 2c travels in the clear, as the ledger asks", device=device.code)
        self._shared: _Engine | None = None
        self._target: UdpTransportTarget | None = None
        self._auth: CommunityData | UsmUserData | None = None
        self._counters: dict[int, Counter] = {}

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        sources: list[tuple[Binding, Source]] = []
        for each in planned:
            for binding in each.bindings:
                try:
                    sources.append((binding, parse_source(binding.source, self.device.address)))
                except InputError as error:
                    self.misfit(error, reading)
        # The clock stands in every question, so that counters and it are of one moment.
        wanted = list(dict.fromkeys(o for _, s in sources for o in s.objects if o != UPTIME))
        rates = any(s.form == "rate" for _, s in sources)
        room = _OBJECTS_A_CALL - rates
        held: dict[str, tuple[float, int, float]] = {}
        for at in range(0, len(wanted), room):
            part = wanted[at : at + room]
            found = await self._ask([*part, UPTIME] if rates else part)
            ticks = found.get(UPTIME, (math.nan, 0))[0]
            held |= {oid: (*value, ticks) for oid, value in found.items()}
        self._give(sources, held, reading)

    def _give(
        self,
        sources: Sequence[tuple[Binding, Source]],
        held: Mapping[str, tuple[float, int, float]],
        reading: Reading,
    ) -> None:
        bindings: list[Binding] = []
        raws: list[float] = []
        for binding, source in sources:
            missing = [o for o in source.objects if o not in held]
            if missing:
                error = InputError(f"agent tells no {missing[0]}", thing=binding.point)
                self.misfit(error, reading)
                continue
            raw: float | None
            if source.form == "rate":
                count, bits, ticks = held[source.objects[0]]
                raw = self._counters.setdefault(binding.key, Counter()).rate(count, ticks, bits)
            else:
                raw = combine(source, {oid: value for oid, (value, _, _) in held.items()})
            if raw is not None:
                bindings.append(binding)
                raws.append(raw)
        reading.add(bindings, raws)

    async def _ask(self, objects: Sequence[str]) -> dict[str, tuple[float, int]]:
        """Return value and width in bits of those objects the agent has."""
        loop, code = asyncio.get_running_loop(), self.device.code
        try:
            async with asyncio.timeout(self.tools.timeout_s):
                engine, auth, target = await self._ready()
                began = loop.time()
                self.tools.stats.asked(code)
                answer = await get_cmd(
                    engine,
                    auth,
                    target,
                    ContextData(contextName=self._settings.context.encode()),
                    *(ObjectType(ObjectIdentity(oid)) for oid in objects),
                    lookupMib=False,
                )
        except PySnmpError as error:
            raise LinkError(f"cannot ask: {error}", thing=code) from error
        problem, status, index, found = answer
        if problem:
            if isinstance(problem, errind.RequestTimedOut):
                raise TimeoutError(str(problem))
            raise InputError(f"agent refuses: {problem}", thing=code)
        if int(status):
            raise InputError(f"agent answers with error {int(status)}, object {int(index)}")
        self.tools.stats.answered(code, loop.time() - began)
        asked = set(objects)
        values = {str(name): _number(value) for name, value in found}
        return {oid: v for oid, v in values.items() if v is not None and oid in asked}

    async def _ready(self) -> tuple[SnmpEngine, CommunityData | UsmUserData, UdpTransportTarget]:
        if self._auth is None:
            self._auth = self._settings.credentials(self.tools)
        if self._target is None:
            address = self.device.host, self.device.port
            # Attempts are the poller's business, and so is how long one may take.
            wait_s = self.tools.timeout_s + 1.0
            self._target = await UdpTransportTarget.create(address, timeout=wait_s, retries=0)
        if self._shared is None:
            self._shared = self.tools.shared.get(("snmp",), _Engine)
        return self._shared.engine, self._auth, self._target

    def _drop(self) -> None:
        # Answers are told apart by their numbers; only a new address may be worth a look.
        self._target = None


def _number(value: Any) -> tuple[float, int] | None:
    """Return a value and its width in bits, None where it is no number or not there."""
    if isinstance(value, _ABSENT):
        return None
    if isinstance(value, rfc1902.Counter64):
        return float(int(value)), 64
    if isinstance(value, univ.Integer):
        return float(int(value)), 32
    if not isinstance(value, univ.OctetString) or isinstance(value, rfc1902.IpAddress):
        return None
    data = bytes(value)
    if data[:3] == _OPAQUE_FLOAT and len(data) == 7:
        return float(struct.unpack(">f", data[3:])[0]), 32
    try:
        found = float(data[:_LONGEST_TEXT]) if len(data) <= _LONGEST_TEXT else math.nan
    except ValueError:
        return None
    return (found, 32) if math.isfinite(found) else None
