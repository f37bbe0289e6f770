"""Read models of heating cost: planned and spent by source, shared by station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class CostSplit:
    """What a source spent, or was to spend, on a day."""

    heat_kwh: float
    """Heat."""
    fuel_yuan: float
    """Fuel."""
    co2_yuan: float
    """CO2."""
    power_yuan: float
    """Electricity bought less sold."""
    start_yuan: float
    """Starts."""
    other_yuan: float
    """Wear and upkeep; the price of heat where it is bought."""
    water_yuan: float
    """Make-up water; not planned."""
    total_yuan: float
    """All of these."""
    starts: int
    """Starts of its units."""
    yuan_gj: float | None
    """A gigajoule."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostRow:
    """Cost of a source on a day."""

    day: date
    """Local day."""
    source: str
    """Heat source."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    planned: CostSplit | None
    """By the plans in force; None: there was none."""
    actual: CostSplit
    """By what was measured."""
    deviation_yuan: float | None
    """Actual less planned, without water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostSource:
    """Cost of a source over the days asked for."""

    source: str
    """Heat source."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    heat_kwh: float
    """Heat it gave."""
    planned_yuan: float | None
    """By the plans in force; None: on no day was there one."""
    actual_yuan: float
    """By what was measured."""
    starts: int
    """Starts of its units."""
    yuan_gj: float | None
    """A gigajoule."""
    yuan_m2: float | None
    """A square metre of its network, over the days asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostStation:
    """Cost of a station over the days asked for."""

    station: str
    """Substation."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    heat_kwh: float
    """Heat it took."""
    heat_yuan: float
    """Its share of what the sources spent."""
    power_yuan: float
    """Its electricity."""
    water_yuan: float
    """Its make-up water."""
    total_yuan: float
    """All of these."""
    yuan_gj: float | None
    """A gigajoule."""
    yuan_m2: float | None
    """A square metre, over the days asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostView:
    """Heating cost of some days."""

    first: date
    """First local day."""
    last: date
    """Last local day."""
    total_yuan: float
    """Of the company: the sum over all stations and what no station carries."""
    unallocated_yuan: float
    """Spent by sources without any station."""
    heat_kwh: float
    """Heat of all sources."""
    yuan_gj: float | None
    """A gigajoule of the sources."""
    yuan_m2: float | None
    """A square metre of all stations."""
    rows: list[CostRow]
    """By day and source."""
    sources: list[CostSource]
    """Sources."""
    stations: list[CostStation]
    """Stations in sight, the dearest first."""
