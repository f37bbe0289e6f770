"""What a ledger calls a value of an SNMP agent.

    1.3.6.1.2.1.25.1.6.0     the object itself
    rate:OID                 how fast a counter runs, a second, by the agent's own clock
    pct:USED/TOTAL           100 * used / total; either may be a number instead of an object
    free:FREE/TOTAL          100 * (1 - free / total)

`{address}` in it stands for the ledger's `address`, for example an interface's index.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from heatloop.kernel.errors import InputError

UPTIME = "1.3.6.1.2.1.1.3.0"
"""sysUpTime, hundredths of a second."""
_OID = re.compile(r"[0-2](?:\.[0-9]{1,10}){2,127}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)
_FORMS = frozenset(("rate", "pct", "free"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """How a value is made of objects."""

    form: str
    """`value`, `rate`, `pct` or `free`."""
    parts: tuple[str | float, ...]
    """Objects by their identifiers, or numbers."""

    @property
    def objects(self) -> tuple[str, ...]:
        """Identifiers of all objects that must be asked for."""
        own = tuple(part for part in self.parts if isinstance(part, str))
        return (*own, UPTIME) if self.form == "rate" else own


@lru_cache(maxsize=65536)
def parse_source(text: str, address: str = "") -> Source:
    """Return what a source says.

    Args:
        text: The source.
        address: What `{address}` stands for; 1 where it is empty.

    Raises:
        InputError: It is not written as this module says.
    """
    form, colon, rest = text.partition(":")
    if not colon:
        form, rest = "value", text
    parts = tuple(_part(p) for p in rest.replace("{address}", address or "1").split("/"))
    wanted = 2 if form in ("pct", "free") else 1
    known = form == "value" or form in _FORMS
    if not known or None in parts or len(parts) != wanted or isinstance(parts[0], float):
        fix = "write an object identifier, rate:OID, pct:USED/TOTAL or free:FREE/TOTAL"
        raise InputError(f"no such source: {text!r}", thing="SNMP source", fix=fix)
    return Source(form=form, parts=tuple(p for p in parts if p is not None))


def _part(text: str) -> str | float | None:
    if _OID.fullmatch(text):
        return text
    return float(text) if _NUMBER.fullmatch(text) else None


class Counter:
    """A counter's last reading, by the agent's own clock."""

    __slots__ = ("_bits", "_count", "_ticks")

    def __init__(self) -> None:
        self._count: float | None = None
        self._ticks = 0.0
        self._bits = 32

    def rate(self, count: float, ticks: float, bits: int) -> float | None:
        """Return counts a second since the reading before; None where there is none to go by.

        Args:
            count: The counter.
            ticks: The agent's sysUpTime, hundredths of a second.
            bits: Width of the counter.
        """
        before, since = self._count, ticks - self._ticks
        first = before is None or since <= 0 or bits != self._bits
        if first and before is not None and since == 0 and bits == self._bits:
            return None  # asked twice in a hundredth of a second: wait for the next
        self._count, self._ticks, self._bits = count, ticks, bits
        if first or before is None:
            return None
        grown = count - before
        if grown < 0:
            grown += 2.0**bits  # it ran over, as a 32-bit one does on a fast line
        return 100.0 * grown / since


def combine(source: Source, held: Mapping[str, float]) -> float:
    """Return a value or share of the objects it is made of; not a number without a total."""
    values = [held[part] if isinstance(part, str) else part for part in source.parts]
    if source.form == "value":
        return values[0]
    if not values[1] > 0:
        return math.nan
    if source.form == "pct":
        return 100.0 * values[0] / values[1]
    return 100.0 * (values[1] - values[0]) / values[1]
