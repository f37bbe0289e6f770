"""The tables of M-Bus value information: `vif.csv`, `vife.csv` and `vife_fc.csv` as records.

Reference: EN 13757-3:2018 6.4, tables 10 to 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from heatloop.protocols.tables import table


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """One row of `vif.csv`: a run of codes that differ by the power of ten."""

    table: str
    """main, fb or fd."""
    first: int
    """Its first code."""
    last: int
    """Its last code."""
    name: str
    """What is measured."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    unit: str
    """Unit, or empty."""
    power: int
    """Decimal power of the first code; for durations, which of s, min, h, d it is."""
    kind: str
    """number, duration, date, flags or reserved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Modifier:
    """One row of `vife.csv` or `vife_fc.csv`: what a VIFE adds to the quantity."""

    name: str
    """For programs."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    effect: str
    """per, times, date, count, duration, power, offset or none."""
    argument: str
    """Unit of per and times; power of the first code of power and offset."""
    step: int = 0
    """How far the code is from the row's first."""


UNKNOWN = Quantity(
    table="", first=0, last=0, name="reserved", zh="保留", en="reserved", unit="", power=0,
    kind="reserved",
)  # fmt: skip
MANUFACTURER = Modifier(
    name="manufacturer", zh="厂家自定义", en="manufacturer specific", effect="", argument=""
)


@cache
def quantities() -> dict[tuple[str, int], Quantity]:
    """Return every quantity by table and code."""
    found = {}
    for row in table("mbus", "vif.csv"):
        each = Quantity(
            table=row["table"],
            first=int(row["first"], 16),
            last=int(row["last"], 16),
            name=row["quantity"],
            zh=row["zh"],
            en=row["en"],
            unit=row["unit"],
            power=int(row["power"]),
            kind=row["kind"],
        )
        found.update({(each.table, code): each for code in range(each.first, each.last + 1)})
    return found


@cache
def modifiers(name: str) -> dict[int, Modifier]:
    """Return every modifier of `vife.csv` or `vife_fc.csv` by code."""
    return {
        code: Modifier(
            name=row["modifier"],
            zh=row["zh"],
            en=row["en"],
            effect=row["effect"],
            argument=row["argument"],
            step=code - int(row["first"], 16),
        )
        for row in table("mbus", name)
        for code in range(int(row["first"], 16), int(row["last"], 16) + 1)
    }
