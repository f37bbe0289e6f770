"""Device profiles: which register of a kind of device holds which kind of point."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from heatloop.kernel.errors import InputError
from heatloop.plant.kinds import point_kinds
from heatloop.plant.resources import names, table
from heatloop.protocols.dtypes import words_of

OWN = "device"
"""`ProfileRow.child` of points that belong to the asset the device serves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRow:
    """One value a device holds."""

    child: str
    """`device`: a point of the asset served; else the kind of that asset's children."""
    stride: int
    """Registers from one child to the next, in code order; 0 for `device`."""
    register: int
    """First register (or report field) for the asset served or its first child."""
    kind: str
    """Point kind."""
    n: int
    """Number of the point when there are several of the kind, else 0."""
    dtype: str
    """A type of `protocols.dtypes`; empty where the protocol says what a value is."""
    factor: float
    """House value = raw * factor."""
    access: str
    """`r` or `rw`."""
    source: str = ""
    """What the device calls the value; `{k}` stands for the number of the child from 1."""
    offset: float = 0.0
    """House value = raw * factor + offset."""

    @property
    def words(self) -> int:
        """Return how many 16-bit registers the value takes."""
        return words_of(self.dtype)


@cache
def profile_names() -> tuple[str, ...]:
    """Return the names of all device profiles."""
    return names("profiles")


@cache
def profile(name: str) -> tuple[ProfileRow, ...]:
    """Return the rows of one device profile, in register order.

    Raises:
        InputError: There is no such profile.
    """
    if name not in profile_names():
        known = ", ".join(profile_names())
        raise InputError("unknown device profile", thing=name, fix=f"use one of: {known}")
    rows = (
        ProfileRow(
            child=row["child"],
            stride=int(row["stride"] or 0),
            register=int(row["register"]),
            kind=row["kind"],
            n=int(row["n"] or 0),
            dtype=row["dtype"],
            factor=float(row["factor"]),
            access=row["access"],
            source=row.get("source") or "",
            offset=float(row.get("offset") or 0.0),
        )
        for row in table(f"profiles/{name}.csv")
    )
    return tuple(sorted(rows, key=lambda row: row.register))


def profile_markdown(name: str) -> str:
    """Return the register map of one profile as a Markdown document for device makers.

    Raises:
        InputError: There is no such profile.
    """
    return rows_markdown(name, profile(name))


def rows_markdown(name: str, rows: Iterable[ProfileRow]) -> str:
    """Return a register map as a Markdown document."""
    kinds = point_kinds()
    lines = [
        f"# {name}",
        "",
        "| register | of | point kind | zh | en | unit | type | raw x | access | low | high |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        kind = kinds[row.kind]
        where = row.child if row.child == OWN else f"{row.child} k (+{row.stride} k)"
        label = f"{row.kind}.{row.n}" if row.n else row.kind
        lines.append(
            f"| {row.register} | {where} | {label} | {kind.zh} | {kind.en} | {kind.unit} "
            f"| {row.dtype or 'field'} | {row.factor:g} | {row.access} "
            f"| {kind.low:.15g} | {kind.high:.15g} |"
        )
    return "\n".join((*lines, ""))
