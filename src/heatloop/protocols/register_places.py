"""Where values stand in a Modbus device: its four tables, and who may share a register."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from heatloop.protocols.dtypes import bits_of


class Field(Protocol):
    """What block planning must know of a binding."""

    @property
    def register(self) -> int:
        """First register."""

    @property
    def dtype(self) -> str:
        """A type of `dtypes`."""

    @property
    def words(self) -> int:
        """Registers taken."""


class Placed(Field, Protocol):
    """A field that says which table of the device it stands in."""

    @property
    def source(self) -> str:
        """A table of `TABLES`, or what another protocol calls the value."""


P = TypeVar("P", bound=Placed)
TABLES = ("", "holding", "input", "coil", "discrete")
"""The tables of a Modbus device; empty means holding."""


def table_of(source: str) -> str:
    """Return the table a source names, `holding` for other texts."""
    return source if source in TABLES and source else "holding"


def first_overlap(fields: Iterable[P]) -> P | None:
    """Return the first field that takes bits which an earlier one has, None if all fit."""
    used: dict[tuple[str, int], int] = {}
    for field in fields:
        low, count = bits_of(field.dtype)
        mask = ((1 << count) - 1) << low
        table = table_of(field.source)
        for register in range(field.register, field.register + field.words):
            taken = used.get((table, register), 0)
            if taken & mask:
                return field
            used[table, register] = taken | mask
    return None
