"""What a device's protocol server sees of its device: values out, orders in, and who to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from heatloop.plant.model import Binding, Device


class Face(Protocol):
    """One device as its protocol server sees it."""

    @property
    def device(self) -> Device:
        """The device as the ledger has it: address, parameters."""

    @property
    def bindings(self) -> Sequence[Binding]:
        """All its points, in register order; `source` is what the protocol calls each."""

    @property
    def silent(self) -> bool:
        """Whether it takes requests without answering, as a hung device does."""

    def value(self, binding: Binding) -> float:
        """Return what a point shows now, in house units; not a number where it shows nothing."""

    def answered(self, bindings: Sequence[Binding]) -> None:
        """Say that the present values of these points were sent in answer."""

    def write(self, binding: Binding, value: float) -> bool:
        """Take an order in house units; return whether the point may be written."""


class Served(Protocol):
    """A running protocol server."""

    async def close(self) -> None:
        """Stop listening and close every connection."""


class TableFace:
    """A device whose values are put in by hand.

    Args:
        device: The device.
        bindings: Its points.
        values: What they show, by point code; kept and changed by writes.
    """

    def __init__(
        self, device: Device, bindings: Sequence[Binding], values: Mapping[str, float]
    ) -> None:
        self.device, self.bindings = device, tuple(bindings)
        self.values = dict(values)
        self.silent = False
        self.told: list[tuple[str, float]] = []
        """(point, value) of everything answered, in order."""

    def value(self, binding: Binding) -> float:
        """Return what a point shows."""
        return self.values.get(binding.point, float("nan"))

    def answered(self, bindings: Sequence[Binding]) -> None:
        """Remember what was answered."""
        self.told += [(b.point, self.value(b)) for b in bindings]

    def write(self, binding: Binding, value: float) -> bool:
        """Take an order for a writable point."""
        if binding.access != "rw":
            return False
        self.values[binding.point] = value
        return True
