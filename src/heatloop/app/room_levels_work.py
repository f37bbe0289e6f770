"""What a worker does for the level of one unit's rooms; no input or output here."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.control.learning.history import UnitHistory
from heatloop.control.room_levels import LevelPrices
from heatloop.control.room_look import UnitLook, look_at
from heatloop.control.unit_model import UnitModel


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LevelItem:
    """One unit's past."""

    history: UnitHistory
    """Some weeks of it in hours, up to last midnight."""
    model: UnitModel
    """Its building."""
    area_m2: float
    """Heated area."""
    prices: LevelPrices
    """What things cost."""
    left_out: frozenset[int]
    """Local days on which control aimed at something itself, and those that remember them."""


def level_task(item: LevelItem) -> UnitLook:
    """Return what a unit's past shows of its level."""
    return look_at(
        item.history,
        item.model,
        area_m2=item.area_m2,
        prices=item.prices,
        left_out=item.left_out,
    )
