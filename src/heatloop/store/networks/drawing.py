"""Lines and points of a map, before their ends are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heatloop.kernel.errors import InputError

BOTH, SUPPLY, RETURN = "", "supply", "return"
_SIDES = {
    "supply": SUPPLY, "供水": SUPPLY, "供": SUPPLY, "return": RETURN, "回水": RETURN, "回": RETURN,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A drawn pipe."""

    values: dict[str, Any]
    """By column name."""
    points: tuple[tuple[float, float], ...]
    """As drawn."""
    side: str
    """`supply`, `return`, or empty for a pair drawn as one."""
    place: str
    """File, section and row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A drawn node, consumer or plant."""

    section: str
    """`nodes`, `consumers` or `plants`."""
    values: dict[str, Any]
    """By column name."""
    point: tuple[float, float]
    """As drawn."""
    side: str
    """Of a node: `supply`, `return` or empty."""
    place: str
    """File, section and row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """Lines and points of a map."""

    crs: str
    """`EPSG:4326`: longitude and latitude; else metres."""
    lines: list[Line] = field(default_factory=list)
    """Pipes."""
    spots: list[Spot] = field(default_factory=list)
    """Nodes, consumers and plants."""


def side_of(word: Any, place: str) -> str:
    """Return a side from a word in either language.

    Raises:
        InputError: The word is unknown.
    """
    text = str(word).strip().casefold()
    if text in ("", "both", "双", "供回水"):
        return BOTH
    if text not in _SIDES:
        raise InputError("unknown side", thing=str(word), place=place, fix="use supply or return")
    return _SIDES[text]
