"""Dictionaries over records, built once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from heatloop.kernel.errors import InputError

_T = TypeVar("_T")


def grouped(pairs: Iterable[tuple[str, _T]]) -> dict[str, tuple[_T, ...]]:
    """Return the members of every group, in the order they came."""
    groups: dict[str, list[_T]] = {}
    for name, member in pairs:
        groups.setdefault(name, []).append(member)
    return {name: tuple(members) for name, members in groups.items()}


def look_up(table: Mapping[str, _T], code: str, what: str) -> _T:
    """Return the record of a code.

    Raises:
        InputError: There is none.
    """
    found = table.get(code)
    if found is None:
        raise InputError(f"no such {what}", thing=code, fix=f"use the code of a ledger {what}")
    return found
