"""Which value of a CJ/T 188 meter is meant: the words a profile calls it by.

`heat`, `volume`, `supply_temperature` ...: a field of the meter's layout, see `profiles/`;
`heat_2018.heat` names the layout too. `D120:heat` asks for another data identifier (901F is
usual). `valve` (1 open, 0 closed), `valve_fault` and `low_battery` are bits of the status word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.cjt188.answers import Message
from heatloop.protocols.cjt188.fields import status_words
from heatloop.protocols.cjt188.profiles import Profile, profile
from heatloop.protocols.meter_units import to_house

METER_DATA = 0x901F
VALVE = "valve"
_BITS = (VALVE, "valve_fault", "low_battery")
_SOURCE = re.compile(r"(?:([0-9A-F]{4}):)?(?:([a-z_0-9]+)\.)?([a-z_0-9]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Says which value of a meter is meant."""

    field: str
    """Field of the layout, or a bit of the status word."""
    identifier: int = METER_DATA
    """Data identifier."""
    layout: str = ""
    """Layout; empty: the one the meter's parameters name."""

    def profile(self, usual: str) -> Profile | None:
        """Return the layout to read by, None: whichever fits (other data identifiers only).

        Args:
            usual: Layout of the meter, or empty.

        Raises:
            InputError: There is no such layout, or none is named for the meter's data.
        """
        name = self.layout or (usual if self.identifier == METER_DATA else "")
        if name:
            return profile(name)
        if self.identifier == METER_DATA:
            fix = "layout=heat_2004 or another layout among the device's parameters"
            raise InputError("layouts differ and cannot be guessed", thing=self.field, fix=fix)
        return None

    def value(self, message: Message, unit: str) -> float | None:
        """Return the value in a unit of `kernel.units`, None where the meter has none.

        Raises:
            InputError: The answer has no such field, or it measures something else.
        """
        wanted = "status" if self.field in _BITS else self.field
        for each in message.values:
            if each.field.name != wanted:
                continue
            if wanted == "status":
                return self._bit(str(each.value))
            if isinstance(each.value, str):
                raise InputError("a text is no value", thing=self.field)
            return None if each.value is None else to_house(each.value, each.unit, unit)
        raise InputError("the meter's answer has no such field", thing=self.field)

    def _bit(self, status: str) -> float | None:
        words = status_words(status)
        if self.field != VALVE:
            return float(self.field in words)
        return None if "valve_fault" in words else float("valve_open" in words)


@cache
def selection(source: str) -> Selection:
    """Return which value a source means.

    Raises:
        InputError: It is malformed.
    """
    found = _SOURCE.fullmatch(source)
    if found is None:
        fix = "write e.g. heat, heat_2018.heat, D120:heat or valve"
        raise InputError("no value of a CJ/T 188 meter", thing=source[:60], fix=fix)
    identifier, layout, field = found.groups()
    return Selection(
        field=field,
        identifier=METER_DATA if identifier is None else int(identifier, 16),
        layout=layout or "",
    )
