"""Read models of secondary balance: how the buildings of a unit share its water."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceCard:
    """A unit and how unequally its buildings are fed."""

    unit: str
    """Unit code."""
    zh: str
    """Chinese name of the unit."""
    en: str
    """English name of the unit."""
    station: str
    """Code of its station."""
    station_zh: str
    """Chinese name of its station."""
    station_en: str
    """English name of its station."""
    reason: str
    """Why there is none: `no_buildings`, `few_known`, `not_heating`, `valves_moved`; or empty."""
    method: str
    """`flow` or `return`: what tells how the water is shared; or empty."""
    hours: int
    """Hours that counted: the unit heated and no valve was moved since."""
    spread_pct: float | None
    """Standard deviation of the buildings' flows around their shares, %."""
    buildings: int
    """Buildings in sight."""
    known: int
    """Of these with a reading."""
    to_move: int
    """Of these to be opened or throttled."""
    at_stop: int
    """Of these fully open and still short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancePage:
    """Units by how unequally their buildings are fed."""

    total: int
    """Units inside the scope."""
    data_from: datetime
    """Begin of what was looked at."""
    data_until: datetime
    """End of it."""
    items: list[BalanceCard]
    """A page of them, the worst first, those without a proposal last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceBuilding:
    """A building's share of the water, and the valve setting that follows."""

    building: str
    """Building code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    area_m2: float | None
    """Heated area, m2."""
    share_pct: float
    """Share of the unit's water it should have, %."""
    opening_pct: float | None
    """Present opening of its valve, %; None: nobody reads it."""
    flow_m3h: float | None
    """Flow, mean of the hours that counted, m3/h."""
    supply_c: float | None
    """Supply temperature at its inlet, or the unit's, degC."""
    return_c: float | None
    """Return temperature, degC."""
    room_c: float | None
    """Mean of the rooms measured in it, degC."""
    factor: float | None
    """Flow it should have over what it has; None: not known."""
    proposed_pct: float | None
    """Proposed opening, %; None: nothing to go by."""
    state: str
    """`fine`, `open_more`, `throttle`, `at_stop` (fully open and short) or `unknown`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceView:
    """A unit's buildings and what is proposed for each."""

    card: BalanceCard
    """The chief figures."""
    data_from: datetime
    """Begin of what was looked at."""
    data_until: datetime
    """End of it."""
    share_by: str
    """What shares follow: `load` (area by heat index) or `area`."""
    items: list[BalanceBuilding]
    """Its buildings, by code."""
