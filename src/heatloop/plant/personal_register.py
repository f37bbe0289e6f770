"""What is collected about persons, what for, on which basis, how long, and how it is masked.

`personal_register.csv` has a row for every field of personal or household data; a field that is
graded so and not registered, or registered and not graded, fails the checks of the sources: only
what somebody needs is collected (GB/T 22239 CES1-34).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from heatloop.plant.asset_kinds import secret_attributes
from heatloop.plant.data_classes import PERSONAL, data_classes, field_grades, personal_fields
from heatloop.plant.model import Asset
from heatloop.plant.resources import table
from heatloop.security.masking import KINDS, mask

HOUSEHOLD = "household"
"""Class of heat data of households."""
ABOUT_PEOPLE = (PERSONAL, HOUSEHOLD)
"""Classes of data about persons."""
_REGISTERED = ("records", "ledger")


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalField:
    """One field of the register."""

    place: str
    """`ledger` or `records`."""
    dataset: str
    """Sheet or table."""
    field: str
    """Name."""
    mask: str
    """Way of `security.masking` to show it."""
    subject: str
    """Whom it is about: `person` (staff) or `contract` (heat user)."""
    purposes: tuple[str, ...]
    """What it is collected for."""
    basis: str
    """`contract`, `consent` or `legal`."""
    retention_days: int
    """How long after the end of the contract it is kept."""
    legal_days: int
    """How long a law has it kept whatever the person says; 0: not at all."""
    legal_zh: str
    """That law, in Chinese."""
    legal_en: str
    """That law, in English."""
    zh: str
    """What it is and what for, in Chinese."""
    en: str
    """What it is and what for, in English."""


@cache
def personal_register() -> Mapping[tuple[str, str, str], PersonalField]:
    """Return every registered field by (place, dataset, field)."""
    found = {}
    for row in table("personal_register.csv"):
        for name in row["fields"].split():
            found[row["place"], row["dataset"], name] = PersonalField(
                place=row["place"],
                dataset=row["dataset"],
                field=name,
                mask=row["mask"],
                subject=row["subject"],
                purposes=tuple(row["purposes"].split("|")),
                basis=row["basis"],
                retention_days=int(row["retention_days"]),
                legal_days=int(row["legal_days"]),
                legal_zh=row["legal_zh"],
                legal_en=row["legal_en"],
                zh=row["zh"],
                en=row["en"],
            )
    return MappingProxyType(found)


def register_findings() -> list[str]:
    """Return what is wrong with the register, one line each; nothing is the aim."""
    graded = {
        place: grade
        for place, grade in field_grades().items()
        if place[0] in _REGISTERED and grade.class_name in ABOUT_PEOPLE
    }
    known = personal_register()
    found = [f"collected without a purpose: {'.'.join(place)}" for place in graded.keys() - known]
    found += [f"registered and not collected: {'.'.join(place)}" for place in known.keys() - graded]
    for place, each in known.items():
        name = ".".join(place)
        if each.mask not in KINDS:
            found.append(f"no such mask: {name} {each.mask}")
        if place in graded:
            uses = data_classes()[graded[place].class_name].uses
            # An account's holder is named for security, which no customer's data serve.
            extra = set(each.purposes) - set(uses) - {"security"}
            found += [f"purpose its class does not permit: {name} {use}" for use in sorted(extra)]
        if each.legal_days > each.retention_days:
            found.append(f"erased before the law allows: {name}")
    return sorted(found)


@cache
def masks_of(sheet: str) -> Mapping[str, str]:
    """Return the way to mask every personal field of a ledger sheet."""
    known = personal_register()
    names = personal_fields(sheet) | secret_attributes(sheet)
    return MappingProxyType(
        {
            name: known["ledger", sheet, name].mask
            if ("ledger", sheet, name) in known
            else "hidden"
            for name in names
        }
    )


def masked_value(sheet: str, field: str, value: object) -> object:
    """Return a value of a ledger sheet as everybody may see it."""
    way = masks_of(sheet).get(field)
    if way is None or value is None:
        return value
    return mask(way, value)


def masked(asset: Asset) -> Asset:
    """Return an asset with personal data masked (clause 6.1.1.1 a 5)."""
    ways = masks_of(asset.kind)
    if not ways:
        return asset
    return replace(
        asset,
        zh=str(masked_value(asset.kind, "zh", asset.zh)),
        en=str(masked_value(asset.kind, "en", asset.en)),
        attributes={
            name: mask(ways[name], value) if name in ways else value
            for name, value in asset.attributes.items()
        },
    )
