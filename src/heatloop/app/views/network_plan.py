"""Read models of the plan of a primary network: supply temperature, heads, flows and valves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from heatloop.app.views.dispatch import DispatchSetpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkCandidate:
    """A supply-temperature trajectory after its run through the network."""

    supply_c: list[float]
    """Supply temperature a step."""
    cost_yuan: float
    """What it is judged by: losses, pumping, return temperature, cold consumers."""
    loss_kwh: float
    """Heat lost to the ground."""
    pump_kwh: float
    """Electricity of the sources' pumps."""
    return_c: float
    """Mean return temperature."""
    cold_kh: float
    """Kelvin-hours consumers were below their need."""
    coldest: str
    """Consumer with the least margin."""
    margin_k: float
    """Its margin; negative: too cold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkHead:
    """What a source's pumps have to hold at the greatest demand."""

    source: str
    """Heat source."""
    head_kpa: float
    """Differential pressure."""
    flow_kgs: float
    """Flow it then gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkPump:
    """A booster station, or the pump of a pressure-isolation station."""

    station: str
    """Asset code."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    kind: str
    """`booster` or `isolation`."""
    head_kpa: float
    """Rise to hold at the greatest demand; 0: it may stand."""
    flow_kgs: float
    """Flow it then gives."""
    inlet_kpa: float
    """Pressure at its inlet."""
    worst: str
    """Consumer that decides."""
    supply_c: float | None
    """Supply set-point behind an isolation station."""
    enough: bool
    """Whether inlet pressure and supply temperature are enough."""
    separable: bool
    """Whether it alone feeds what is behind it; else its head is not planned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkUnit:
    """Primary flow of a unit and the valve it takes."""

    unit: str
    """Unit code."""
    station: str
    """Its substation."""
    zh: str
    """Chinese name of the substation."""
    en: str
    """English name of the substation."""
    flow_m3h: float
    """Flow."""
    arrives_c: float
    """Temperature that arrives."""
    opening_pct: float
    """Opening of its valve that gives this flow; it need not open farther."""
    present_pct: float | None
    """Opening now."""
    spare_kpa: float
    """Pressure left for the valve."""
    short: bool
    """Whether even the open valve is too small."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkPlanView:
    """Set-points of a primary network for the day ahead; advice."""

    network: str
    """Network."""
    start: datetime
    """First step."""
    step_s: int
    """Length of a step."""
    demand_from: str
    """`forecast`, `weather` or `present`."""
    candidates: list[NetworkCandidate]
    """Trajectories, the best first."""
    heads: list[NetworkHead]
    """Differential pressures of the sources."""
    worst: str
    """Consumer that decides them."""
    least_kpa: float
    """Differential pressure it needs."""
    pumps: list[NetworkPump]
    """Pumps on the way."""
    units: list[NetworkUnit]
    """Flow of each unit in the first hour."""
    given_pct: float
    """Share of the flow wanted that the sources can give; all give up alike below 100."""
    setpoints: list[DispatchSetpoint]
    """What is asked of the sources now."""
