"""Which value of a DL/T 645-2007 meter is meant: the words a profile calls it by.

`forward_active_energy`, `voltage_a`, `active_power` ...: a name of `identifiers.csv`, with
`tariff=2` or `day=1` (settlement day) for energies; or a data identifier in hexadecimal, with `n=2`
for the second value of a block: `0201FF00 n=2` is the voltage of phase B.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.dlt645.messages import Message
from heatloop.protocols.dlt645.values import kind_of, single_kinds
from heatloop.protocols.meter_units import to_house

_FIX = "write e.g. forward_active_energy, voltage_a or 0201FF00 n=2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Says which value of a meter is meant."""

    identifier: int
    """Data identifier."""
    n: int = 1
    """Which value of a block, from 1."""

    def value(self, message: Message, unit: str) -> float | None:
        """Return the value in a unit of `kernel.units`, None where the meter has none.

        Raises:
            InputError: The answer has not so many values, or measures something else.
        """
        kind = message.kind
        if kind is None or len(message.values) < self.n:
            raise InputError("the meter's answer has no such value", thing=f"{self.identifier:08X}")
        found = message.values[self.n - 1].value
        if isinstance(found, str):
            raise InputError("a text is no value", thing=kind.name)
        return None if found is None else to_house(found, kind.unit, unit)


@cache
def selection(source: str) -> Selection:
    """Return which value a source means.

    Raises:
        InputError: It is malformed, or there is no such identifier.
    """
    head, *words = source.split()[:4] or [""]
    given = {"tariff": 0, "day": 0, "n": 1}
    for word in words:
        key, _, text = word.partition("=")
        if key not in given or not text.isdecimal() or len(text) > 2:
            raise InputError(f"{word[:30]} says nothing", thing=source[:60], fix=_FIX)
        given[key] = int(text)
    kind = single_kinds().get(head)
    if kind is not None:
        identifier = kind.first | given["tariff"] << 8 | given["day"]
    else:
        try:
            identifier = int(head, 16) if len(head) == 8 else -1
        except ValueError:
            identifier = -1
    found = kind_of(identifier)
    if found is None or not 1 <= given["n"] <= found.count or (kind and found.name != kind.name):
        raise InputError("no value of a DL/T 645 meter", thing=source[:60], fix=_FIX)
    return Selection(identifier=identifier, n=given["n"])
