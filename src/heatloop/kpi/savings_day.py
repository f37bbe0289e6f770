"""A day of the savings ledger: what controlled it, what it cost, which days count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from heatloop.kernel.errors import InputError

WASH_OUT = 2
"""Days after a change of control that count for neither: walls remember."""


class Mode(StrEnum):
    """What controlled a day."""

    CURVE = "curve"
    """The standing heating curve."""
    TUNED = "tuned"
    """The tuned curve, on a switch-back day."""
    STRATEGY = "strategy"
    """The strategy that is to be judged."""
    OTHER = "other"
    """Something else, or not the whole day: it counts for neither."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What heat, electricity and cold rooms cost."""

    heat_yuan_kwh: float = 0.144
    """Heat; 40 yuan/GJ."""
    power_yuan_kwh: float = 0.70
    """Electricity."""
    cold_yuan_m2kh: float = 0.00625
    """A square metre one kelvin too cold for an hour; a season's fee of 25 yuan over 4000 h."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """One day of one unit, or of many together."""

    number: int
    """Days since 1970-01-01, local."""
    mode: Mode
    """What controlled it."""
    heat_kwh: float
    """Heat."""
    power_kwh: float = 0.0
    """Electricity of its pumps."""
    cold_m2kh: float = 0.0
    """Area times kelvins below the promised temperature times hours."""
    outdoor_c: float
    """Mean outdoor temperature."""
    sun_kwh_m2: float = 0.0
    """Global radiation on the level."""
    wind_ms: float = 0.0
    """Mean wind."""
    gain_yuan: float = 0.0
    """What the tuned curve would have saved against the standing one in this weather."""
    gain_kwh: float = 0.0
    """Heat in that."""
    gain_sigma_yuan: float = 0.0
    """How sure that is, one standard deviation; it errs the same way on all days of a unit."""
    based: bool = True
    """Whether it is known at all; False: no tuned curve was in force or believed."""

    def cost_yuan(self, prices: Prices) -> float:
        """Return what the day cost, cold rooms charged."""
        return (
            prices.heat_yuan_kwh * self.heat_kwh
            + prices.power_yuan_kwh * self.power_kwh
            + prices.cold_yuan_m2kh * self.cold_m2kh
        )


def counted(days: list[Day], wash_out: int = WASH_OUT) -> list[Day]:
    """Return days in order without those right after a change of control.

    A gap in the days is a change too.

    Raises:
        InputError: A day is told twice.
    """
    ordered = sorted(days, key=lambda day: day.number)
    kept, since = [], wash_out
    for index, day in enumerate(ordered):
        before = ordered[index - 1] if index else None
        if before is not None and before.number == day.number:
            raise InputError("a day is told twice", thing=str(day.number))
        changed = before is not None and (
            before.mode is not day.mode or before.number != day.number - 1
        )
        since = 0 if changed else since + 1
        if day.mode is not Mode.OTHER and since >= wash_out:
            kept.append(day)
    return kept


def check_days(days: list[Day]) -> None:
    """Refuse days that hold no numbers.

    Raises:
        InputError: A figure is not finite.
    """
    for day in days:
        told = (day.heat_kwh, day.power_kwh, day.cold_m2kh, day.outdoor_c, day.sun_kwh_m2)
        gained = (day.gain_yuan, day.gain_kwh, day.gain_sigma_yuan)
        if not all(math.isfinite(value) for value in (*told, day.wind_ms, *gained)):
            raise InputError("a day holds no numbers", thing=str(day.number))
