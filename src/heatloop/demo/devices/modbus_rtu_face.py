"""A device's Modbus registers made from its face: every type, order and table of a profile.

A real that has no value goes out as not a number; a whole number that has none as its highest
bit pattern, as controllers do.
"""

from __future__ import annotations

import math
import struct
from collections import defaultdict

from heatloop.demo.devices.face import Face
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding
from heatloop.protocols.dtypes import kind_of
from heatloop.protocols.register_places import table_of
from heatloop.protocols.registers import decode_raw, encode_raw, merge_bits

_TABLE = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_WRITE_COIL, _WRITE_ONE, _WRITE_COILS, _WRITE_MANY, _MASK_WRITE = 5, 6, 15, 16, 22
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3
_PAIR = struct.Struct(">HH")


class RefusalError(InputError):
    """A request is answered with an exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class FaceRegisters:
    """Answers Modbus requests with what a device's face shows.

    Args:
        face: The device.
        gaps: Whether registers between those of the profile exist (they hold 0).
    """

    def __init__(self, face: Face, *, gaps: bool = True) -> None:
        self.face, self._gaps = face, gaps
        self._order = face.device.word_order
        self._at: dict[tuple[str, int], list[Binding]] = defaultdict(list)
        self._end: dict[str, int] = defaultdict(int)
        for binding in face.bindings:
            table = table_of(binding.source)
            bits = table in ("coil", "discrete")
            size = 1 if bits else binding.words
            for register in range(binding.register, binding.register + size):
                self._at[table, register].append(binding)
            self._end[table] = max(self._end[table], binding.register + size)

    @property
    def unit_id(self) -> int:
        """Unit number answered to."""
        return self.face.device.unit_id

    @property
    def silent(self) -> bool:
        """Whether it takes requests without answering."""
        return self.face.silent

    def answer(self, request: bytes) -> bytes:
        """Return function and data of the answer to a request of unit, function and data."""
        function = request[1]
        try:
            if function in _TABLE:
                return bytes((function,)) + self._read(_TABLE[function], request[2:])
            if function in (_WRITE_ONE, _WRITE_COIL, _WRITE_MANY, _WRITE_COILS, _MASK_WRITE):
                return bytes((function,)) + self._write(function, request[2:])
        except RefusalError as refused:
            return bytes((function | 0x80, refused.code))
        except (InputError, struct.error, IndexError):
            return bytes((function | 0x80, _ILLEGAL_VALUE))
        return bytes((function | 0x80, _ILLEGAL_FUNCTION))

    def _found(self, table: str, start: int, count: int, most: int) -> list[Binding]:
        if not 1 <= count <= most:
            raise RefusalError(_ILLEGAL_VALUE)
        places = [self._at.get((table, register), ()) for register in range(start, start + count)]
        beyond = start + count > self._end[table]
        if beyond or not any(places) or not (self._gaps or all(places)):
            raise RefusalError(_ILLEGAL_ADDRESS)
        return list({b.key: b for place in places for b in place}.values())

    def _read(self, table: str, data: bytes) -> bytes:
        start, count = _PAIR.unpack(data)
        bits = table in ("coil", "discrete")
        found = self._found(table, start, count, 2000 if bits else 125)
        if bits:
            packed = self._bits(found, start, count)
        else:
            words = self._words(found, start, count)
            packed = struct.pack(f">{count}H", *words)
        shown = [b for b in found if self._whole(b, start, count, bits=bits)]
        self.face.answered([b for b in shown if not math.isnan(self.face.value(b))])
        return bytes((len(packed),)) + packed

    @staticmethod
    def _whole(binding: Binding, start: int, count: int, *, bits: bool) -> bool:
        size = 1 if bits else binding.words
        return start <= binding.register and binding.register + size <= start + count

    def _bits(self, found: list[Binding], start: int, count: int) -> bytes:
        packed = bytearray((count + 7) // 8)
        for binding in found:
            at = binding.register - start
            value = self.face.value(binding)
            if value != 0.0 and not math.isnan(value):
                packed[at // 8] |= 1 << at % 8
        return bytes(packed)

    def _words(self, found: list[Binding], start: int, count: int) -> list[int]:
        words = [0] * count
        for binding in found:
            own = self._encoded(binding)
            for at, word in enumerate(own, binding.register - start):
                if 0 <= at < count:
                    words[at] = merge_bits(words[at], (word,), binding.dtype)[0]
        return words

    def _encoded(self, binding: Binding) -> tuple[int, ...]:
        value = self.face.value(binding)
        if not math.isnan(value):
            raw = (value - binding.offset) / binding.factor
            return encode_raw(raw, binding.dtype, self._order)
        kind = kind_of(binding.dtype)
        if kind.real:
            data = struct.pack(">" + kind.code, math.nan)
            return struct.unpack(f">{kind.words}H", data)
        return (0x7FFF if binding.dtype.startswith("int") else 0xFFFF,) * kind.words

    def _write(self, function: int, data: bytes) -> bytes:
        start, count = _PAIR.unpack_from(data)
        if function == _WRITE_COIL:
            if count not in (0, 0xFF00):
                raise RefusalError(_ILLEGAL_VALUE)
            self._set_coils(start, [count != 0])
        elif function == _WRITE_COILS:
            size = data[4]
            if not 1 <= count <= 1968 or size != (count + 7) // 8 or len(data) != 5 + size:
                raise RefusalError(_ILLEGAL_VALUE)
            self._set_coils(start, [bool(data[5 + i // 8] >> i % 8 & 1) for i in range(count)])
        elif function == _WRITE_ONE:
            self._set_words(start, [count])
        elif function == _MASK_WRITE:
            keep, ones = _PAIR.unpack(data[2:])
            present = self._words(self._found("holding", start, 1, 1), start, 1)[0]
            self._set_words(start, [present & keep | ones & ~keep & 0xFFFF])
            return data
        else:
            if not 1 <= count <= 123 or data[4] != 2 * count or len(data) != 5 + 2 * count:
                raise RefusalError(_ILLEGAL_VALUE)
            self._set_words(start, list(struct.unpack(f">{count}H", data[5:])))
        return data[:4]

    def _set_coils(self, start: int, states: list[bool]) -> None:
        found = self._found("coil", start, len(states), 1968)
        self._order_all({b: float(states[b.register - start]) for b in found})

    def _set_words(self, start: int, words: list[int]) -> None:
        found = self._found("holding", start, len(words), 123)
        if not all(self._whole(b, start, len(words), bits=False) for b in found):
            raise RefusalError(_ILLEGAL_ADDRESS)
        orders = {}
        for b in found:
            own = words[b.register - start : b.register - start + b.words]
            orders[b] = decode_raw(own, b.dtype, self._order) * b.factor + b.offset
        self._order_all(orders)

    def _order_all(self, orders: dict[Binding, float]) -> None:
        """Give orders for the points that change; all must be writable."""
        for binding, value in orders.items():
            present = self.face.value(binding)
            if math.isclose(present, value, rel_tol=1e-7, abs_tol=1e-9):
                if binding.access != "rw" and not kind_of(binding.dtype).partial:
                    raise RefusalError(_ILLEGAL_ADDRESS)
                continue
            if math.isnan(value) or not self.face.write(binding, value):
                raise RefusalError(_ILLEGAL_ADDRESS)
