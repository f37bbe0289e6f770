"""OPC UA over TCP: distributed control systems, PLCs and SCADA servers.

`source` is a node id: `ns=2;s=Boiler1.SupplyT`, `ns=4;i=1001`, or by namespace URI, which does
not move when a server is rebuilt: `nsu=urn:plant:dcs;s=Boiler1.SupplyT`. `{address}` in it stands
for the ledger's `address`, so that one profile serves several alike devices of a server.
Parameters (passwords and certificates are names of files in the gateway's secrets folder):

    server_cert=...       the server's certificate; asked for unless security=none
    security=sign_encrypt or sign, or none (said in the log)
    policy=Basic256Sha256 or Aes128Sha256RsaOaep, Aes256Sha256RsaPss
    user=... password=... else anonymous
    mode=subscribe        or poll: every read asks for the values
    publish_ms=1000       publishing interval; sample_ms: sampling interval, the same if not given
    path=...              of the endpoint URL

Only security=none travels in the clear. Reference: OPC 10000-4, OPC 10000-6.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from heatloop.edge.drivers.opc_ua_link import OpcUaLink
from heatloop.edge.drivers.opc_ua_settings import settings_of
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding, Device
from heatloop.protocols.real32 import shortest

_TYPES = ua.VariantType
_WHOLE = {
    _TYPES.SByte: (-(1 << 7), (1 << 7) - 1),
    _TYPES.Byte: (0, (1 << 8) - 1),
    _TYPES.Int16: (-(1 << 15), (1 << 15) - 1),
    _TYPES.UInt16: (0, (1 << 16) - 1),
    _TYPES.Int32: (-(1 << 31), (1 << 31) - 1),
    _TYPES.UInt32: (0, (1 << 32) - 1),
    _TYPES.Int64: (-(1 << 63), (1 << 63) - 1),
    _TYPES.UInt64: (0, (1 << 64) - 1),
}
# The server says that the profile does not fit it, not that a measurement is bad.
_MISFIT = frozenset(
    (
        StatusCodes.BadNodeIdUnknown,
        StatusCodes.BadNodeIdInvalid,
        StatusCodes.BadAttributeIdInvalid,
        StatusCodes.BadNotReadable,
        StatusCodes.BadUserAccessDenied,
        StatusCodes.BadNotSupported,
    )
)
_LAST_USABLE = frozenset(
    (
        StatusCodes.UncertainLastUsableValue,
        StatusCodes.UncertainNoCommunicationLastUsableValue,
    )
)


class OpcUaDriver(Driver):
    """Talks to one device of a server.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.

    Raises:
        ConfigError: Its parameters are wrong.
    """

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        settings = settings_of(device)
        key = ("opc_ua", settings)
        self._link = tools.shared.get(key, lambda: OpcUaLink(settings, tools))
        self._bytes = 0

    def _source(self, binding: Binding) -> str:
        return binding.source.replace("{address}", self.device.address)

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        stats, code = self.tools.stats, self.device.code
        sources = [self._source(b) for each in planned for b in each.bindings]
        began = asyncio.get_running_loop().time()
        stats.asked(code)
        await self._link.refreshed(sources)
        rtt_s = asyncio.get_running_loop().time() - began
        up = self._link.bytes_up
        stats.answered(code, rtt_s, up - self._bytes if up >= self._bytes else up)
        self._bytes = up
        misfit: InputError | None = None
        for each in planned:
            found: list[Binding] = []
            raws: list[float] = []
            for binding in each.bindings:
                try:
                    raw, quality = self._taken(binding)
                except InputError as error:
                    misfit = error
                    continue
                found.append(binding)
                raws.append(raw)
                if quality is not Quality.GOOD:
                    reading.doubtful[binding.key] = quality
            reading.add(found, raws)
        if misfit is not None:
            self.misfit(misfit, reading)

    def _taken(self, binding: Binding) -> tuple[float, Quality]:
        """Return what the server says of a point.

        Raises:
            InputError: It has no such node, or it holds no number.
        """
        source = self._source(binding)
        self._link.node_id(source)
        value = self._link.newest.get(source)
        if value is None:
            raise InputError("server does not tell its value", thing=binding.point)
        status = value.StatusCode
        code = status.value if status is not None else StatusCodes.Good
        if code & 0xFFFF0000 in _MISFIT:
            name = status.name if status is not None else ""
            raise InputError(f"server refuses {source}: {name}", thing=binding.point)
        raw = _number(value, binding)
        if code >> 30 >= 2:
            return raw, Quality.BAD
        if code >> 30 == 1:
            stale = code & 0xFFFF0000 in _LAST_USABLE
            return raw, Quality.STALE if stale else Quality.UNCERTAIN
        return raw, Quality.GOOD

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        del read_back  # always: the next read is answered from what is known here
        source = self._source(binding)
        await self._link.refreshed([source])
        self._taken(binding)
        held = self._link.newest[source]
        kind = held.Value.VariantType if held.Value is not None else _TYPES.Null
        if kind is _TYPES.Null:
            raise InputError(f"server does not say the type of {source}", thing=binding.point)
        await self._link.write(source, _variant(raw, kind, binding))
        back, quality = self._taken(binding)
        if quality is Quality.BAD:
            raise InputError("what was written is bad at once", thing=binding.point)
        return back

    def _drop(self) -> None:
        if not self.closed:
            self._link.reset()


def _number(value: ua.DataValue, binding: Binding) -> float:
    """Return a value as a number; none at all is not a number."""
    variant = value.Value
    if variant is None or variant.Value is None:
        return math.nan
    raw = variant.Value
    if variant.VariantType is _TYPES.Float and not variant.is_array:
        return shortest(raw)
    if isinstance(raw, bool | int | float) and not variant.is_array:
        return float(raw)
    raise InputError(f"no number but {variant.VariantType.name}", thing=binding.point)


def _variant(raw: float, kind: ua.VariantType, binding: Binding) -> ua.Variant:
    """Return a raw number in the type a node has.

    Raises:
        InputError: It does not fit.
    """
    if math.isfinite(raw):
        if kind in (_TYPES.Float, _TYPES.Double):
            return ua.Variant(raw, kind)
        if kind is _TYPES.Boolean:
            return ua.Variant(bool(round(raw)), kind)
        low, high = _WHOLE.get(kind, (1, 0))
        if low <= round(raw) <= high:
            return ua.Variant(round(raw), kind)
    raise InputError(f"{raw:g} does not fit {kind.name}", thing=binding.point)
