"""The register memory of all the city's devices that are asked, written in one sweep.

One block of bytes holds every device's registers side by side, big-endian as on the wire; device
servers answer straight from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.held import held
from heatloop.network.arrays import Floats
from heatloop.plant.field_protocols import protocol
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Binding, Device

_RANGE = {
    "int16": (-32768.0, 32767.0),
    "uint16": (0.0, 65535.0),
    "int32": (-2147483648.0, 2147483647.0),
    "uint32": (0.0, 4294967295.0),
}
_WORDS_SWAPPED = {"ABCD": False, "CDAB": True}


class RegisterMemory:
    """Registers of the devices of a ledger, and where each point's value stands.

    `measured` are the bindings the devices fill, `settings` those others write.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.devices: tuple[Device, ...] = tuple(
            device for device in ledger.devices.values() if not protocol(device.protocol).reports
        )
        self.number = {device.code: index for index, device in enumerate(self.devices)}
        by_device = {
            d.code: [held(d, b) for b in ledger.bindings_of_device(d.code)] for d in self.devices
        }
        sizes = [
            max((b.register + b.words for b in by_device[d.code]), default=0) for d in self.devices
        ]
        self._first = [0, *np.cumsum(sizes).tolist()]
        self._bytes = memoryview(bytearray(2 * self._first[-1]))
        self.words: NDArray[np.uint16] = np.frombuffer(self._bytes, dtype=">u2")
        rows = [b for d in self.devices for b in by_device[d.code]]
        self.measured: tuple[Binding, ...] = tuple(b for b in rows if b.access == "r")
        self.settings: tuple[Binding, ...] = tuple(b for b in rows if b.access == "rw")
        self._plan_measured()
        self._plan_settings()

    def memory(self, index: int) -> memoryview:
        """Return the bytes of one device's registers."""
        return self._bytes[2 * self._first[index] : 2 * self._first[index + 1]]

    def writable(self, index: int) -> frozenset[int]:
        """Return the register numbers of a device that may be written."""
        code = self.devices[index].code
        return frozenset(b.register for b in self.settings if b.device == code)

    def address(self, binding: Binding) -> int:
        """Return the word of `words` where a binding's value starts."""
        return int(self._first[self.number[binding.device]]) + binding.register

    def _plan_measured(self) -> None:
        rows = self.measured
        at = np.array([self.address(b) for b in rows], dtype=np.intp)
        wide = np.array([b.words == 2 for b in rows])
        orders = {d.code: _WORDS_SWAPPED[d.word_order] for d in self.devices}
        swapped = np.array([orders[b.device] for b in rows])
        self._factor = np.array([b.factor for b in rows])
        self._offset = np.array([b.offset for b in rows])
        self._low = np.array([_RANGE[b.dtype][0] for b in rows])
        self._high = np.array([_RANGE[b.dtype][1] for b in rows])
        # The low word always stands alone; the high word only for 32-bit values.
        self._low_at = np.where(wide & ~swapped, at + 1, at)
        self._wide = np.flatnonzero(wide)
        self._high_at = np.where(swapped, at + 1, at)[self._wide]

    def _plan_settings(self) -> None:
        rows = self.settings
        self.setting_at = np.array([self.address(b) for b in rows], dtype=np.intp)
        self._setting_factor = np.array([b.factor for b in rows])
        self._setting_signed = np.array([b.dtype == "int16" for b in rows])
        self.setting_number = {b.point: index for index, b in enumerate(rows)}

    def raw_of(self, values: Floats) -> NDArray[np.int64]:
        """Return the integers that stand for values of the measured points, shape (n_measured,)."""
        raw = np.rint((values - self._offset) / self._factor)
        kept: Floats = np.clip(raw, self._low, self._high)
        return kept.astype(np.int64)

    def store(self, raw: NDArray[np.int64]) -> None:
        """Put the integers of all measured points into the registers, shape (n_measured,)."""
        self.words[self._low_at] = raw & 0xFFFF
        self.words[self._high_at] = (raw[self._wide] >> 16) & 0xFFFF

    def decoded(self, raw: NDArray[np.int64]) -> Floats:
        """Return the values a reader gets from these integers, shape (n_measured,)."""
        return np.asarray(raw * self._factor + self._offset)

    def setting_values(self) -> Floats:
        """Return what the writable registers hold now, shape (n_settings,)."""
        raw = self.words[self.setting_at].astype(np.int64)
        raw = np.where(self._setting_signed & (raw > 32767), raw - 65536, raw)
        return np.asarray(raw * self._setting_factor)

    def write_settings(self, values: Mapping[str, float]) -> None:
        """Put values of writable points (by code) into their registers."""
        for code, value in values.items():
            index = self.setting_number[code]
            raw = round(value / float(self._setting_factor[index]))
            self.words[self.setting_at[index]] = raw & 0xFFFF

    def write_words(self, index: int, start: int, words: Sequence[int]) -> None:
        """Put words into a device's registers, as somebody at its panel would."""
        first = self._first[index] + start
        self.words[first : first + len(words)] = words
