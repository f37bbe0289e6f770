"""CJ/T 188 device profiles: which bytes of an answer mean what, as tables.

A profile names the kinds of meters and the data identifiers it is for, and a table of fields.
Makers differ in edition, unit place and decimals: a new maker is a new table, no code. A table
of another place is read with `make_profile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.protocols.tables import table

KINDS = ("bcd", "clock", "status", "digits", "valve")
PLACES = ("", "before", "after")
_MAX_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldKind:
    """One row of a profile's table."""

    name: str
    """For programs."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """One of `KINDS`."""
    size: int
    """Bytes, without the unit."""
    decimals: int
    """Decimals of a number."""
    dimension: str
    """What a unit sent with the number must measure."""
    unit: str
    """The unit, where none is sent."""
    unit_place: str
    """One of `PLACES`: where the unit byte stands, empty if none is sent."""

    @property
    def width(self) -> int:
        """Bytes, with the unit."""
        return self.size + bool(self.unit_place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """The layout of one kind of answer."""

    name: str
    """For programs."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    types: range
    """Kinds of meters."""
    identifiers: range
    """Data identifiers."""
    fields: tuple[FieldKind, ...]
    """The data after SER, in order."""

    @property
    def width(self) -> int:
        """Bytes of the data after SER."""
        return sum(each.width for each in self.fields)


def _span(text: str) -> range:
    low, _, high = text.partition("-")
    return range(int(low, 16), int(high or low, 16) + 1)


def _field(row: Mapping[str, str]) -> FieldKind:
    found = FieldKind(
        name=row["field"],
        zh=row["zh"],
        en=row["en"],
        kind=row["kind"],
        size=int(row["bytes"]),
        decimals=int(row["decimals"]),
        dimension=row["dimension"],
        unit=row["unit"],
        unit_place=row["unit_place"],
    )
    if found.kind not in KINDS or found.unit_place not in PLACES:
        raise ValueError(f"kind is one of {KINDS}, unit_place one of {PLACES}")
    if not 1 <= found.size <= _MAX_BYTES or not 0 <= found.decimals <= 2 * _MAX_BYTES:
        raise ValueError(f"bytes are 1 to {_MAX_BYTES}, decimals 0 to {2 * _MAX_BYTES}")
    fixed = {"clock": 7, "status": 2, "valve": 1}.get(found.kind, found.size)
    if found.size != fixed:
        raise ValueError(f"{found.kind} has {fixed} bytes")
    return found


def make_profile(row: Mapping[str, str], fields: Iterable[Mapping[str, str]]) -> Profile:
    """Return a profile from rows like those of `profiles.csv` and `profiles/*.csv`.

    Raises:
        InputError: A column is missing or a cell has no meaning.
    """
    try:
        return Profile(
            name=row["profile"],
            zh=row["zh"],
            en=row["en"],
            types=_span(row["types"]),
            identifiers=_span(row["di"]),
            fields=tuple(_field(each) for each in fields),
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"profile table is wrong: {error}", thing=row.get("profile", "CJ/T 188 profile")
        ) from error


@cache
def profiles() -> dict[str, Profile]:
    """Return every profile by name; of two that fit, the earlier one is tried first."""
    found = {}
    for row in table("cjt188", "profiles.csv"):
        fields = table("cjt188/profiles", f"{row['fields']}.csv")
        found[row["profile"]] = make_profile(row, fields)
    return found


def profile(name: str) -> Profile:
    """Return one profile.

    Raises:
        InputError: There is none of this name.
    """
    found = profiles().get(name)
    if found is None:
        raise InputError("unknown profile", thing=name, fix=f"use one of: {', '.join(profiles())}")
    return found


@cache
def identifiers() -> dict[int, tuple[str, str, str]]:
    """Return name, Chinese and English of every data identifier."""
    return {
        int(row["di"], 16): (row["name"], row["zh"], row["en"])
        for row in table("cjt188", "identifiers.csv")
    }


@cache
def units() -> dict[int, tuple[str, str, int]]:
    """Return unit, dimension and decimal power of every unit code."""
    return {
        code: (row["unit"], row["dimension"], int(row["power"]) + code - int(row["first"], 16))
        for row in table("cjt188", "units.csv")
        for code in range(int(row["first"], 16), int(row["last"], 16) + 1)
    }
