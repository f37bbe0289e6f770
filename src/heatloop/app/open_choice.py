"""What a subscriber asks for, his place in the feed, and the points that are his."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heatloop.app.refusals import Refused
from heatloop.app.world import World
from heatloop.kernel.quality import Quality
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.kinds import point_kinds

_QUALITY = tuple(quality.name.lower() for quality in Quality)
FILL = "fill"
"""Epoch of cursors given out while a gap is filled: who comes back with one begins there again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a subscriber asks for; of points, those that meet every condition given."""

    scope: Scope
    """What he may see."""
    points: tuple[str, ...] = ()
    """Point codes; empty: not chosen by code."""
    assets: tuple[str, ...] = ()
    """Asset codes, their subtrees included; empty: anywhere in the scope."""
    kinds: tuple[str, ...] = ()
    """Point kinds; empty: any."""
    values: bool = True
    """Whether values are wanted."""
    events: tuple[str, ...] = ("alarm", "finding")
    """Names of events wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """A place in the feed: run of the platform, sequence, latest slot seen."""

    epoch: str
    """Run of the platform."""
    seq: int
    """Sequence."""
    slot: int
    """Latest slot seen by then."""

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}.{self.slot}"

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor of a text.

        Raises:
            Refused: It is none.
        """
        parts = text.split(".")
        good = len(parts) == 3 and all(p.isascii() and p.isalnum() and len(p) <= 20 for p in parts)
        if not good or not (parts[1].isdigit() and parts[2].isdigit()):
            raise Refused("invalid", thing="cursor", detail=text[:60])
        return cls(epoch=parts[0], seq=int(parts[1]), slot=int(parts[2]))


class Chosen:
    """The points and assets of a wish under the ledger in force."""

    def __init__(self, world: World, wish: Wish) -> None:
        self.ledger = world.ledger
        self.keys: NDArray[np.uint32] = np.empty(0, "u4")
        self.visible = self._assets(world, wish)
        if wish.values:
            points = self._points(world, wish)
            self.keys = np.unique(np.fromiter((p.key for p in points), "u4"))
        top = int(self.keys[-1]) + 1 if len(self.keys) else 0
        self._wanted = np.zeros(top + 1, bool)
        self._wanted[self.keys] = True
        self._top = top

    def _assets(self, world: World, wish: Wish) -> frozenset[str] | None:
        """Return the assets whose events are wanted, None for all."""
        inside = world.codes_in(wish.scope)
        if not wish.assets:
            return inside
        near: set[str] = set()
        for code in wish.assets:
            if not world.sees_subject(wish.scope, code):
                raise Refused("not_found", thing=code)
            near |= world.at_or_below(code)
        return frozenset(near if inside is None else near & inside)

    def _points(self, world: World, wish: Wish) -> Iterable[Any]:
        ledger = world.ledger
        for kind in wish.kinds:
            if kind not in point_kinds():
                raise Refused("not_found", thing=kind)
        if wish.points:
            found = [world.point(wish.scope, code) for code in wish.points]
            inside = self.visible
            found = [p for p in found if inside is None or p.asset in inside]
        elif self.visible is None:
            found = list(ledger.points.values())
        else:
            found = [p for code in self.visible for p in ledger.points_of(code)]
        return [p for p in found if not wish.kinds or p.kind in wish.kinds]

    def take(self, columns: Columns) -> Columns:
        """Return the rows that are wanted."""
        return columns.take(self._wanted[np.minimum(columns.keys, self._top)])

    def rows(self, columns: Columns) -> list[list[Any]]:
        """Return [point, slot, value, quality] rows; a value that is missing is None."""
        by_key = self.ledger.by_key
        codes = [by_key[key].code for key in columns.keys.tolist()]
        values = [value if value == value else None for value in columns.values.tolist()]
        quality = [_QUALITY[code] for code in columns.quality.tolist()]
        rows = zip(codes, columns.slots.tolist(), values, quality, strict=True)
        return [list(row) for row in rows]


def still_there(world: World, wish: Wish) -> Wish:
    """Return a wish without what a new ledger has no longer."""
    ledger = world.ledger
    points = tuple(code for code in wish.points if code in ledger.points)
    assets = tuple(code for code in wish.assets if world.sees_subject(wish.scope, code))
    no_assets = bool(wish.assets) and not assets
    no_values = no_assets or (bool(wish.points) and not points)
    return replace(
        wish,
        points=points,
        assets=assets,
        values=wish.values and not no_values,
        events=() if no_assets else wish.events,
    )
