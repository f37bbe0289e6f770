"""Read models of the network: its map with the twin's estimates, profiles, outages, what-ifs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkNode:
    """A source, station or pipe node with what the twin says of it."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """Asset kind."""
    lat: float | None
    """Latitude, degrees north."""
    lon: float | None
    """Longitude, degrees east."""
    elevation_m: float | None
    """Ground level, None where the ledger has none."""
    state: str
    """Of a substation: normal, warning, alarm or offline; else empty."""
    supply_kpa: float | None
    """Estimated supply pressure."""
    return_kpa: float | None
    """Estimated return pressure."""
    pressure_sigma_kpa: float | None
    """Standard error of the less certain of the two."""
    supply_c: float | None
    """Estimated supply temperature."""
    return_c: float | None
    """Estimated return temperature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSegment:
    """A pair of pipes."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    from_node: str
    """Asset code of the place it is laid from."""
    to_node: str
    """Asset code of the place it is laid to."""
    length_m: float | None
    """Length."""
    dn_mm: float | None
    """Nominal diameter."""
    flow_m3h: float | None
    """Estimated flow of the supply pipe, positive from `from_node`."""
    flow_sigma_m3h: float | None
    """Its standard error."""
    return_flow_m3h: float | None
    """Estimated flow of the return pipe, positive towards `from_node`."""
    velocity_m_s: float | None
    """Speed of the supply water."""
    gradient_pa_m: float | None
    """Pressure the supply pipe takes a metre, height left out."""
    supply_c: float | None
    """Mean temperature of the supply water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SuspectReading:
    """A reading that does not fit the others."""

    point: str
    """Point code."""
    asset: str
    """Asset code."""
    zh: str
    """Chinese name of the kind of point."""
    en: str
    """English name."""
    unit: str
    """Unit of the values."""
    value: float
    """What it says."""
    expected: float
    """What everything else says."""
    score: float
    """How many standard errors lie between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkView:
    """The network as it is now."""

    at: datetime | None
    """Plant time of the estimate, None: there is none."""
    state: str
    """no_data, ok, suspicious or failed."""
    reason: str
    """Why there is no new estimate: starting, off, no_network, no_data, not_settled ..."""
    fresh: bool
    """Whether the estimate may be started from."""
    metered: int
    """Readings it is made of."""
    took_ms: float
    """Machine time it took."""
    nodes: list[NetworkNode]
    """Places inside the scope."""
    segments: list[NetworkSegment]
    """Pipes inside the scope."""
    suspects: list[SuspectReading]
    """Readings left out, worst first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfilePoint:
    """One place on a pressure profile; heads are metres of water above the height datum."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    distance_m: float
    """Length of pipe from the source."""
    elevation_m: float
    """Ground level."""
    supply_kpa: float | None
    """Supply pressure."""
    return_kpa: float | None
    """Return pressure."""
    supply_head_m: float | None
    """Supply pressure line."""
    return_head_m: float | None
    """Return pressure line."""
    limit_head_m: float
    """Head at the highest pressure allowed here."""
    boil_head_m: float | None
    """Head below which the supply water would boil here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PressureProfile:
    """Pressures along the way of the water from a source to a station."""

    to: str
    """Asset code it leads to."""
    source: str
    """Heat source or isolation station it begins at."""
    at: datetime | None
    """Plant time of the estimate, None: there is none and pressures are missing."""
    length_m: float
    """Length of the way."""
    limit_kpa: float
    """Highest pressure allowed."""
    static_head_m: float | None
    """Head everywhere when the pumps stand still and pressure is held."""
    points: list[ProfilePoint]
    """Places in the order of the water."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedThing:
    """An asset by its code and names."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CutView:
    """Who is without supply, and what is closed."""

    possible: bool
    """Whether valves can do it."""
    closed: list[NamedThing]
    """What is closed."""
    stop: list[NamedThing]
    """What must stop because no valve isolates it."""
    stations: list[NamedThing]
    """Stations without supply."""
    units: int
    """Units without supply."""
    rerouted: int
    """Units fed another way."""
    area_m2: float
    """Heated area without supply."""
    flats: int
    """Flats without supply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutageView:
    """What closing a pipe, or its burst, means."""

    segment: NamedThing
    """The pipe."""
    shut: CutView
    """When the pipe alone is shut."""
    burst: CutView
    """When it bursts and valves around it are closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIfUnit:
    """What a change does to a unit."""

    code: str
    """Unit code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    station: str
    """Its substation."""
    cut_off: bool
    """Whether it is without supply."""
    flow_m3h: float
    """Flow now."""
    flow_after_m3h: float
    """Flow afterwards."""
    flow_pct: float | None
    """Flow afterwards over flow now, None: no flow now."""
    dp_kpa: float
    """Pressure difference now."""
    dp_after_kpa: float | None
    """Pressure difference afterwards, None: no supply."""
    supply_kpa: float
    """Supply pressure now."""
    supply_after_kpa: float | None
    """Supply pressure afterwards, None: no supply."""
    supply_c: float
    """Supply temperature now."""
    supply_after_c: float | None
    """Supply temperature once the water has travelled, None: no supply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIfSource:
    """What a change does to a heat source."""

    code: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    flow_m3h: float
    """Flow now."""
    flow_after_m3h: float
    """Flow afterwards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIfView:
    """What a change does, before stations regulate against it."""

    at: datetime
    """Plant time of the estimate it starts from."""
    took_ms: float
    """Machine time it took."""
    cut_off: int
    """Units without supply."""
    less: int
    """Units with at least 5 % less water."""
    more: int
    """Units with at least 5 % more water."""
    listed: int
    """Units inside the scope; `units` may be shorter."""
    units: list[WhatIfUnit]
    """Units, worst first."""
    sources: list[WhatIfSource]
    """Heat sources."""
