"""The kinds of assets and their attributes: two tables as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heatloop.kernel.errors import InputError
from heatloop.plant.resources import table

ORGANISATION, HEAT_PATH, OTHER = "organisation", "heat_path", "other"
"""Trees an asset kind can belong to."""
_NO_PARENT = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeKind:
    """One row of `attributes.csv`."""

    kind: str
    """Asset kind."""
    attribute: str
    """Name, with the house unit at its end."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    type: str
    """text, number, bool, choice, date (ISO text) or ref (code of another asset)."""
    unit: str
    """Unit of a number, or empty."""
    required: bool
    """Whether every asset of the kind must have it."""
    choices: tuple[str, ...]
    """Allowed words of a choice; allowed asset kinds of a ref."""
    low: float | None
    """Lowest allowed number."""
    high: float | None
    """Highest allowed number."""
    secret: bool
    """Personal data: sealed in the store, masked in lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetKind:
    """One row of `asset_kinds.csv`, with its attributes."""

    kind: str
    """Name, unique."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    prefix: str
    """Two capital letters every code of the kind begins with."""
    digits: int
    """Least number of digits of a code."""
    parents: frozenset[str]
    """Kinds its parent may have."""
    rootable: bool
    """Whether it may stand without a parent."""
    tree: str
    """organisation, heat_path or other."""
    attributes: Mapping[str, AttributeKind]
    """Attributes by name, in the order of the table."""


def _attribute(row: dict[str, str]) -> AttributeKind:
    return AttributeKind(
        kind=row["kind"],
        attribute=row["attribute"],
        zh=row["zh"],
        en=row["en"],
        type=row["type"],
        unit=row["unit"],
        required=row["required"] == "1",
        choices=tuple(row["choices"].split("|")) if row["choices"] else (),
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        secret=row["secret"] == "1",
    )


@cache
def asset_kinds() -> Mapping[str, AssetKind]:
    """Return every asset kind by name, in the order of the table."""
    attributes: dict[str, dict[str, AttributeKind]] = {}
    for row in table("attributes.csv"):
        found = _attribute(row)
        attributes.setdefault(found.kind, {})[found.attribute] = found
    kinds = {}
    for row in table("asset_kinds.csv"):
        parents = row["parents"].split("|")
        kinds[row["kind"]] = AssetKind(
            kind=row["kind"],
            zh=row["zh"],
            en=row["en"],
            prefix=row["prefix"],
            digits=int(row["digits"]),
            parents=frozenset(parents) - {_NO_PARENT},
            rootable=_NO_PARENT in parents,
            tree=row["tree"],
            attributes=MappingProxyType(attributes.get(row["kind"], {})),
        )
    return MappingProxyType(kinds)


def asset_kind(name: str) -> AssetKind:
    """Return one asset kind.

    Raises:
        InputError: There is no such kind.
    """
    found = asset_kinds().get(name)
    if found is None:
        known = ", ".join(asset_kinds())
        raise InputError("unknown asset kind", thing=name, fix=f"use one of: {known}")
    return found


@cache
def secret_attributes(kind: str) -> frozenset[str]:
    """Return the attributes of a kind that hold personal data (clause 6.1.1.1 a 5).

    Raises:
        InputError: There is no such kind.
    """
    return frozenset(a.attribute for a in asset_kind(kind).attributes.values() if a.secret)
