"""What frequency converters of different makes say, brought to one set of faults.

`drive_faults.csv` is the table: a make gives either a fault code, one at a time, or a word of
bits. Numbers are those of the makers' manuals; more makes are more rows.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from heatloop.kernel.errors import InputError
from heatloop.station.pumps import FaultText, PumpFault, fault_texts

_Table = dict[str, tuple[str, dict[int, PumpFault]]]


@cache
def _table() -> _Table:
    text = files("heatloop.station").joinpath("drive_faults.csv").read_text(encoding="utf-8")
    table: _Table = {}
    for row in csv.DictReader(text.splitlines()):
        _, known = table.setdefault(row["make"], (row["form"], {}))
        known[int(row["number"], 0)] = PumpFault[row["fault"].upper()]
    return table


def makes() -> tuple[str, ...]:
    """Return the makes of drives whose faults are known, sorted."""
    return tuple(sorted(_table()))


def canonical_fault(make: str, raw: int) -> PumpFault:
    """Return the faults a drive's own code or word means.

    A fault nobody has mapped is `PumpFault.OTHER`, never none.

    Raises:
        InputError: The make is not known.
    """
    if make not in _table():
        raise InputError("unknown make of drive", thing=make, fix=f"use {', '.join(makes())}")
    form, known = _table()[make]
    if form == "code":
        return known.get(raw, PumpFault.OTHER) if raw else PumpFault(0)
    fault = PumpFault(0)
    for bit in range(32):
        if raw >> bit & 1:
            fault |= known.get(bit, PumpFault.OTHER)
    return fault


def drive_texts(make: str, raw: int) -> tuple[FaultText, ...]:
    """Return the texts of a drive's own code or word, in Chinese and English.

    Raises:
        InputError: The make is not known.
    """
    return fault_texts(int(canonical_fault(make, raw)))
