"""How the city's devices hold their values inside, whatever protocol they speak outside.

A Modbus device holds its registers. Any other holds whole numbers at the resolution its kind of
point is shown in, two registers a value, and its server turns them into what the wire carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Binding, Device
from heatloop.protocols.registers import decode_raw, encode_raw

OnRead = Callable[[int, int, int, bytes], None]
OnWrite = Callable[[int, int, int], None]


def speaks_modbus(device: Device) -> bool:
    """Return whether a device's registers are themselves on the wire."""
    return device.protocol.startswith("modbus")


def held(device: Device, binding: Binding) -> Binding:
    """Return where and how a device of the city holds a point's value."""
    if speaks_modbus(device):
        return binding
    kind = point_kinds()[binding.kind]
    if binding.access == "rw":
        dtype = "int16"
    else:
        # A broken sensor shows less than any plausible value; only counters need the whole range.
        dtype = "uint32" if kind.class_ == "metering" else "int32"
    return replace(binding, dtype=dtype, factor=1.0 / 10**kind.decimals, offset=0.0)


def shown(binding: Binding, raw: float) -> float:
    """Return the value a held number stands for, as exactly as its decimals say."""
    return round(raw * binding.factor, point_kinds()[binding.kind].decimals)


class MemoryFace:
    """A device whose values stand in the city's register memory.

    Args:
        index: Its number in the city.
        device: The device.
        bindings: Its points, as the ledger has them.
        memory: Its registers, two big-endian bytes each.
        on_read: Called as (device, start, count, bytes) for every value answered.
        on_write: Called as (device, start, count) after every write accepted.
    """

    def __init__(
        self,
        index: int,
        device: Device,
        bindings: Sequence[Binding],
        memory: memoryview,
        on_read: OnRead,
        on_write: OnWrite,
    ) -> None:
        self.index, self.device, self.bindings = index, device, tuple(bindings)
        self.memory = memory
        self.silent = False
        self._held = {b.key: held(device, b) for b in self.bindings}
        self._on_read, self._on_write = on_read, on_write

    def value(self, binding: Binding) -> float:
        """Return what a point shows now, in house units."""
        inner = self._held[binding.key]
        return shown(inner, decode_raw(self._words(inner), inner.dtype))

    def _words(self, inner: Binding) -> list[int]:
        data = self.memory[2 * inner.register : 2 * (inner.register + inner.words)]
        return [data[2 * i] << 8 | data[2 * i + 1] for i in range(inner.words)]

    def answered(self, bindings: Sequence[Binding]) -> None:
        """Write down what was sent."""
        for binding in bindings:
            inner = self._held[binding.key]
            at, count = inner.register, inner.words
            self._on_read(self.index, at, count, bytes(self.memory[2 * at : 2 * (at + count)]))

    def write(self, binding: Binding, value: float) -> bool:
        """Take an order; return whether the point may be written."""
        inner = self._held[binding.key]
        if inner.access != "rw":
            return False
        words = encode_raw(value / inner.factor, inner.dtype)
        at = inner.register
        self.memory[2 * at : 2 * (at + len(words))] = b"".join(w.to_bytes(2, "big") for w in words)
        self._on_write(self.index, at, len(words))
        return True
