"""Editing a ledger into its next version, and saying what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import secret_attributes
from heatloop.plant.attributes import MASK
from heatloop.plant.build import build_ledger
from heatloop.plant.derive import Limits
from heatloop.plant.ledger import Ledger
from heatloop.plant.model import Asset, Device, Gateway
from heatloop.plant.own_profiles import OwnProfile

Record = Asset | Device | Gateway | OwnProfile


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One field of one record that differs between two versions."""

    code: str
    """Code of the asset, device, gateway or point."""
    field: str
    """Field or attribute; empty when the whole record came or went."""
    before: str | float | bool | None
    """Old value, None: there was none."""
    after: str | float | bool | None
    """New value, None: there is none."""


def own_limits(ledger: Ledger) -> dict[str, Limits]:
    """Return the own alarm limits of all points that have any, by point code."""
    return {
        point.code: Limits(low=point.alarm_low, high=point.alarm_high)
        for point in ledger.points.values()
        if point.alarm_low is not None or point.alarm_high is not None
    }


def revise(
    ledger: Ledger,
    *,
    version: int,
    put: Iterable[Record] = (),
    remove: Iterable[str] = (),
    limits: Mapping[str, Limits] | None = None,
) -> Ledger:
    """Return the ledger with records added, replaced or removed; keys are kept.

    Args:
        ledger: What is edited; it stays as it is.
        version: Version of the result.
        put: Records that are new or replace the one of their code.
        remove: Codes of records that go.
        limits: Own alarm limits to set, by point code; those of other points stay.

    Raises:
        LedgerErrors: The result would be wrong; every bad row is listed.
        InputError: A code to remove does not exist.
    """
    records: dict[str, Record] = {
        **ledger.assets,
        **ledger.devices,
        **ledger.gateways,
        **ledger.profiles.own,
    }
    for code in remove:
        if records.pop(code, None) is None:
            raise InputError("nothing to remove", thing=code, fix="use the code of a record")
    records |= {record.code: record for record in put}
    kept = list(records.values())
    assets = [record for record in kept if isinstance(record, Asset)]
    devices = [record for record in kept if isinstance(record, Device)]
    gateways = [record for record in kept if isinstance(record, Gateway)]
    profiles = [record for record in kept if isinstance(record, OwnProfile)]
    plain = build_ledger(
        assets, devices, gateways, version=version, keys=ledger.keys, profiles=profiles
    )
    # Limits of points that went with their device go too; a limit asked for by name must fit.
    carried = {code: own for code, own in own_limits(ledger).items() if code in plain.points}
    carried |= limits or {}
    if not carried:
        return plain
    return build_ledger(
        assets,
        devices,
        gateways,
        version=version,
        keys=ledger.keys,
        limits=carried,
        profiles=profiles,
    )


def _fields(record: Any) -> dict[str, Any]:
    plain = asdict(record)
    if isinstance(record, Asset):
        secret = secret_attributes(record.kind)
        for name, value in plain.pop("attributes").items():
            plain[name] = MASK if name in secret else value
    if isinstance(record, OwnProfile):
        for row in plain.pop("rows"):
            point = f"{row['child']} {row['kind']} {row['n']}"
            plain[point] = " ".join(f"{name}={value}" for name, value in row.items())
        plain |= {name: "|".join(plain[name]) for name in ("assets", "protocols")}
    return plain


def changes(old: Ledger, new: Ledger) -> list[Change]:
    """Return what differs, ordered by code and field; personal data stays masked.

    A changed secret shows as a change from mask to mask.
    """
    found: list[Change] = []
    tables: tuple[tuple[Mapping[str, Record], Mapping[str, Record]], ...] = (
        (old.assets, new.assets),
        (old.devices, new.devices),
        (old.gateways, new.gateways),
        (old.profiles.own, new.profiles.own),
    )
    for before, after in tables:
        for code in sorted(before.keys() | after.keys()):
            a, b = before.get(code), after.get(code)
            if a is None or b is None:
                names = [None if record is None else code for record in (a, b)]
                found.append(Change(code=code, field="", before=names[0], after=names[1]))
            elif a != b:
                found += _differences(code, a, b)
    mine, theirs = own_limits(old), own_limits(new)
    for code in sorted(mine.keys() | theirs.keys()):
        for field in ("low", "high"):
            x = getattr(mine.get(code), field, None)
            y = getattr(theirs.get(code), field, None)
            if x != y:
                found.append(Change(code=code, field=f"alarm_{field}", before=x, after=y))
    return found


def _differences(code: str, a: Record, b: Record) -> list[Change]:
    before, after = _fields(a), _fields(b)
    found = [
        Change(code=code, field=name, before=before.get(name), after=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if isinstance(a, Asset) and isinstance(b, Asset):
        found += [
            Change(code=code, field=name, before=MASK, after=MASK)
            for name in sorted(secret_attributes(a.kind) & secret_attributes(b.kind))
            if name in a.attributes
            and name in b.attributes
            and a.attributes[name] != b.attributes[name]
        ]
    return found
