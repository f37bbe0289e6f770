"""Markers for a loop check: does every point of the platform show its own register?

Every point gets a raw number that no other point has in the same round (types of a few bits:
over the rounds together). What the platform then shows under the point's code must be that
number, scaled as the ledger says; anything else is a crossed wire, profile or address
(clause 6.1.3 a).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heatloop.kernel.errors import InputError
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Device
from heatloop.protocols.dtypes import kind_of
from heatloop.protocols.registers import encode_raw, merge_bits, table_of

PROTOCOLS = ("modbus_tcp",)
"""Protocols whose devices can be stood in for."""
_PRIME = 32749
"""Fits a signed register, so that a raw number is the same in every whole type."""
_STEP = 7919
_ROUND = 10007


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """What one point must show in one round."""

    point: str
    """Point code."""
    device: str
    """Device code."""
    register: int
    """First register."""
    words: tuple[int, ...]
    """What the registers hold."""
    dtype: str
    """Type of the value."""
    value: float
    """In the point's unit."""

    def fits(self, shown: float | None) -> bool:
        """Return whether this is what the platform shows."""
        return shown is not None and math.isclose(shown, self.value, rel_tol=1e-9, abs_tol=1e-9)


def markers(ledger: Ledger, devices: Iterable[Device], number: int) -> list[Marker]:
    """Return the markers of all points of some devices.

    Args:
        ledger: Where the points stand.
        devices: Modbus devices.
        number: Round, from 0; every round has other markers.

    Raises:
        InputError: There are more points than numbers, or a type cannot carry one.
    """
    found = []
    bindings = [(d, b) for d in devices for b in ledger.bindings_of_device(d.code)]
    if len(bindings) > _PRIME:
        raise InputError(f"more than {_PRIME} points", fix="check fewer devices at a time")
    for index, (device, binding) in enumerate(bindings):
        if table_of(binding.source) != "holding":
            raise InputError("only holding registers carry markers", thing=binding.point)
        raw = (index * _STEP + number * _ROUND) % _PRIME + 1
        _, bits = kind_of(binding.dtype).bits
        if binding.dtype == "bool" or bits < 16:
            width = 1 if binding.dtype == "bool" else bits
            raw = index >> (width * number) & ((1 << width) - 1)
        elif "bcd16" in binding.dtype:
            raw %= 10_000
        found.append(
            Marker(
                point=binding.point,
                device=device.code,
                register=binding.register,
                words=encode_raw(raw, binding.dtype, device.word_order),
                dtype=binding.dtype,
                value=raw * binding.factor + binding.offset,
            )
        )
    return found


def image(found: Iterable[Marker], registers: int = 65536) -> bytearray:
    """Return the registers of one device that holds these markers, two bytes each."""
    memory = bytearray(2 * registers)
    for marker in found:
        at = 2 * marker.register
        words = marker.words
        if len(words) == 1:
            words = merge_bits(int.from_bytes(memory[at : at + 2], "big"), words, marker.dtype)
        for word in words:
            memory[at : at + 2] = word.to_bytes(2, "big")
            at += 2
    return memory


def crossed(found: Iterable[Marker], shown: Mapping[str, float | None]) -> list[dict[str, object]]:
    """Return the points that do not show their marker, and whose they show instead."""
    every = list(found)
    owner = {round(marker.value, 9): marker.point for marker in every}
    wrong: list[dict[str, object]] = []
    for marker in every:
        value = shown.get(marker.point)
        if not marker.fits(value):
            instead = owner.get(round(value, 9), "") if value is not None else ""
            wrong.append(
                {
                    "point": marker.point,
                    "device": marker.device,
                    "register": marker.register,
                    "expected": marker.value,
                    "shown": value,
                    "shows_marker_of": instead,
                }
            )
    return wrong
