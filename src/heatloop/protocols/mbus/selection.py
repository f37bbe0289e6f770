"""Which record of a meter is meant: the words a profile calls it by.

`energy`, `flow`, `supply_temperature`, ... or any quantity of `vif.csv`; where a meter has several,
words after it say which: `energy storage=1 tariff=2 subunit=1 function=maximum n=2` (storage 0 is
now, tariff 0 the total, `max` and `min` are short for the functions, n counts records that are
alike). `energy@1/2#1:maximum` is the same in short. Records that a VIFE makes another
quantity (per hour, duration of, backward only ...) are meant only if it is named:
`volume modifier=backward_only`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.mbus.records import FUNCTIONS, Record
from heatloop.protocols.mbus.vif_tables import quantities
from heatloop.protocols.meter_units import to_house

ALIASES = {
    "heat": "energy",
    "flow": "volume_flow",
    "supply_temperature": "flow_temperature",
}
"""House words for quantities."""
_SHORT = re.compile(r"([a-z_0-9]+)(?:@(\d+))?(?:/(\d+))?(?:#(\d+))?(?::([a-z]+))?")
_FUNCTIONS = {"max": "maximum", "min": "minimum"} | {name: name for name in FUNCTIONS}
_FIX = "write e.g. energy, or energy storage=1 tariff=2 function=max"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Says which record of a meter is meant."""

    quantity: str
    """Quantity of `vif.csv`."""
    storage: int = 0
    """Storage number, 0 is now."""
    tariff: int = 0
    """Tariff, 0 is the total."""
    subunit: int = 0
    """Part of the meter."""
    function: str = "instantaneous"
    """One of `FUNCTIONS`."""
    modifier: str = ""
    """Name of the VIFE it carries; empty: none."""
    n: int = 1
    """Which of several records that are alike, from 1."""

    def fits(self, record: Record) -> bool:
        """Return whether a record is one of those meant."""
        names = tuple(modifier.name for modifier in record.vib.modifiers)
        return (
            record.quantity == self.quantity
            and record.storage == self.storage
            and record.tariff == self.tariff
            and record.subunit == self.subunit
            and record.function == self.function
            and names == ((self.modifier,) if self.modifier else ())
        )

    def find(self, records: Iterable[Record]) -> Record | None:
        """Return the record meant, None if the meter has none such."""
        left = self.n
        for record in records:
            if self.fits(record):
                left -= 1
                if not left:
                    return record
        return None


@cache
def _names() -> frozenset[str]:
    return frozenset(each.name for each in quantities().values())


@cache
def selection(source: str) -> Selection:
    """Return which record a source means.

    Raises:
        InputError: It is malformed, or there is no such quantity.
    """
    head, *words = source.split()[:8] or [""]
    found = _SHORT.fullmatch(head)
    if found is None:
        raise InputError("no record of a meter", thing=source[:60], fix=_FIX)
    name, storage, tariff, subunit, function = found.groups()
    given: dict[str, str] = {}
    for key, text in (("storage", storage), ("tariff", tariff), ("subunit", subunit)):
        given[key] = text or "0"
    given |= {"function": function or "instantaneous", "modifier": "", "n": "1"}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in given or not equals:
            raise InputError(f"{word[:30]} says nothing", thing=source[:60], fix=_FIX)
        given[key] = value
    quantity = ALIASES.get(name, name)
    numbers = {key: given[key] for key in ("storage", "tariff", "subunit", "n")}
    fits = all(text.isdecimal() and len(text) < 10 for text in numbers.values())
    if quantity not in _names() or given["function"] not in _FUNCTIONS or not fits:
        raise InputError("no record of a meter", thing=source[:60], fix=_FIX)
    return Selection(
        quantity=quantity,
        function=_FUNCTIONS[given["function"]],
        modifier=given["modifier"],
        storage=int(given["storage"]),
        tariff=int(given["tariff"]),
        subunit=int(given["subunit"]),
        n=int(given["n"]),
    )


def value_in(record: Record, unit: str) -> float | None:
    """Return a record's value in a unit of `kernel.units`, None where the meter has none.

    Raises:
        InputError: It is a text or time, or measures something else.
    """
    value = record.value
    if value is None:
        return None
    if isinstance(value, str):
        raise InputError("a text is no value", thing=record.quantity)
    return to_house(value, record.unit, unit)
