"""In which unit a column of heat is written: told, or guessed from its name and size."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from heatloop.control.learning.regular import (
    Floats,
    Grid,
    binned,
    is_counter,
    power_of_counter,
    usual_step_s,
)
from heatloop.kernel.errors import InputError

UNITS = ("kW", "W", "MW", "kWh", "Wh", "MWh", "GJ", "MJ")
"""Powers, and energies an interval or as a rising register."""
_TO_KW = {"kW": 1.0, "W": 1e-3, "MW": 1e3}
_TO_KWH = {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3, "GJ": 1e3 / 3.6, "MJ": 1.0 / 3.6}
_BY_NAME = (
    (r"mwh", "MWh"),
    (r"kwh|千瓦时|度$", "kWh"),
    (r"(?<![a-z])wh(?![a-z])", "Wh"),
    (r"(?<![a-z])gj(?![a-z])|吉焦", "GJ"),
    (r"(?<![a-z])mj(?![a-z])|兆焦", "MJ"),
    (r"(?<![a-z])mw(?![a-z])|兆瓦", "MW"),
    (r"(?<![a-z])kw(?![a-z])|千瓦", "kW"),
    (r"(?<![a-z])w(?![a-z])|watt|(?<![a-z])elp(?![a-z])", "W"),
)
_WATTS_ABOVE = 1500.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Heat:
    """A column of heat as power."""

    kw: Floats
    """Mean of each bin, nan where unknown, shape (grid.count,)."""
    unit: str
    """Unit it was read in."""
    counter: bool
    """Whether it was a rising register."""
    guessed: str
    """Why this unit was taken, empty if it was told."""


def heat_kw(name: str, times_s: Floats, values: Floats, grid: Grid, unit: str = "") -> Heat:
    """Return a column of heat as power.

    Args:
        name: Its heading.
        times_s: Ascending, shape (n_row,).
        values: Shape (n_row,).
        grid: The bins.
        unit: One of `UNITS`; empty: guessed.

    Raises:
        InputError: There is no such unit, or nothing is measured.
    """
    if unit and unit not in UNITS:
        raise InputError("unknown unit of heat", thing=unit, fix="use one of " + ", ".join(UNITS))
    if not np.isfinite(values).any():
        raise InputError("holds no numbers", thing=name, fix="name the column of the heat")
    counter = is_counter(values)
    why = ""
    if not unit:
        unit, why = _guess(name, values, counter)
    if unit in _TO_KW:
        return Heat(
            kw=binned(times_s, values * _TO_KW[unit], grid), unit=unit, counter=False, guessed=why
        )
    energy = values * _TO_KWH[unit]
    if counter:
        power = power_of_counter(times_s, energy, grid)
    else:
        # Heat of an interval: the power over the usual distance of rows.
        power = binned(times_s, energy * 3600.0 / usual_step_s(times_s), grid)
    return Heat(kw=power, unit=unit, counter=counter, guessed=why)


def _guess(name: str, values: Floats, counter: bool) -> tuple[str, str]:
    for pattern, unit in _BY_NAME:
        if re.search(pattern, name.lower()):
            if counter and unit in _TO_KW:
                continue
            return unit, f"{unit}, from the name"
    if counter:
        return "kWh", "kWh, because it only rises, like the register of a meter"
    high = float(np.nanpercentile(np.abs(values), 95.0))
    if high > _WATTS_ABOVE:
        return "W", f"W, because values reach {high:.0f}"
    return "kW", f"kW, because values reach only {high:.3g}"
