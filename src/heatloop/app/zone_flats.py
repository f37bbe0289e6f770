"""From the answer of a building to that of any of its flats, with the flat's own sensor if any."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from heatloop.network.cooling_hours import HOURS, hours_until

COLD_C, FROST_C = 18.0, 5.0
_POSITION_K = {"corner": -0.5, "top": -0.5, "bottom": -0.4, "top_corner": -1.0,
               "bottom_corner": -0.9}  # fmt: skip
"""How flats differ from the mean of their building, K; without a sensor it is all one knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One row of `zone_causes.csv`."""

    code: str
    """Name."""
    zh: str
    """Chinese words."""
    en: str
    """English words."""
    advice_zh: str
    """What to do, in Chinese."""
    advice_en: str
    """What to do, in English."""


@cache
def causes() -> Mapping[str, Cause]:
    """Return the causes an answer can name."""
    text = resources.files(__package__).joinpath("zone_causes.csv").read_text("utf-8")
    return {row["code"]: Cause(**row) for row in csv.DictReader(io.StringIO(text))}


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatState:
    """What is known of one flat."""

    room_c: float | None
    """Its temperature."""
    basis: str
    """`measured` here, `building` (from others in the building), `estimated` or `none`."""
    hours_cold: float | None
    """Without heat from now on: hours until 18 degC; None: longer than told, or not known."""
    hours_frost: float | None
    """The same until 5 degC."""


def flat_state(answer: Mapping[str, Any], own_c: float | None, position: str) -> FlatState:
    """Return what the answer of a building means for one flat.

    Args:
        answer: Record of the building.
        own_c: The flat's own fresh sensor, if it has one.
        position: Position of the flat in the building.
    """
    room, basis = own_c, "measured"
    if room is None:
        mean = answer["room_c"]
        room = None if mean is None else mean + _POSITION_K.get(position, 0.0)
        basis = {"measured": "building"}.get(answer["basis"], answer["basis"])
    outdoor = answer["outdoor_c"]
    if room is None or outdoor is None or len(answer["fall"]) != len(HOURS):
        return FlatState(room_c=room, basis=basis, hours_cold=None, hours_frost=None)
    ratios = answer["fall"]
    return FlatState(
        room_c=room,
        basis=basis,
        hours_cold=hours_until(COLD_C, room, outdoor, ratios),
        hours_frost=hours_until(FROST_C, room, outdoor, ratios),
    )
