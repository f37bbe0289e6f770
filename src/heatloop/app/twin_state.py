"""What the network twin tells: plain arrays and words that travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Ints


class TwinState(IntEnum):
    """How the twin is, as its point `twin_state` says it."""

    NO_DATA = 0
    """Too little is measured, or the ledger has no network."""
    OK = 1
    """Measurements and physics agree."""
    SUSPICIOUS = 2
    """Some measurements do not fit the others and were left out."""
    FAILED = 3
    """The estimate did not come to an end."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Names:
    """What the arrays of a run are about."""

    nodes: tuple[str, ...]
    """Names of the network's nodes: `<place>.s` supply, `<place>.r` return."""
    links: tuple[str, ...]
    """Names of its links."""
    from_node: Ints
    """Shape (n_link,)."""
    to_node: Ints
    """Shape (n_link,)."""
    height_m: Floats
    """Ground level of the nodes, shape (n_node,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """A reading that does not fit."""

    reading: int
    """Number of the reading."""
    value: float
    """What it says, in the point's unit."""
    expected: float
    """What everything else says, in the same unit."""
    score: float
    """How many standard errors lie between."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TwinRun:
    """One estimate."""

    t_s: float
    """Plant time of the readings."""
    names: Names
    """What the arrays are about."""
    state: TwinState
    """How it went."""
    pressure_kpa: Floats
    """Gauge pressure, shape (n_node,)."""
    pressure_sigma_kpa: Floats
    """Shape (n_node,)."""
    node_c: Floats
    """Temperature, shape (n_node,)."""
    node_sigma_k: Floats
    """Shape (n_node,)."""
    flow_kgs: Floats
    """Flow of each link along it, shape (n_link,)."""
    flow_sigma_kgs: Floats
    """Shape (n_link,)."""
    link_c: Floats
    """Mean temperature of the water in each link, shape (n_link,)."""
    misfits: tuple[Misfit, ...] = ()
    """Readings left out, worst first."""
    metered: int = 0
    """Readings used."""
    misfit_over_expected: float = 1.0
    """Sum of squared misses over what chance would give."""
    took_s: float = 0.0
    """Machine time the estimate took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Why a worker gives no answer."""

    code: str
    """`no_network`, `no_data`, `not_settled` or `invalid`."""
    message: str
    """In English."""
    thing: str = ""
    """What it is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIf:
    """A change to think through; everything by asset code."""

    close: tuple[str, ...] = ()
    """Pipes, valve nodes, units, stations or sources that are shut."""
    opening: dict[str, float] = field(default_factory=dict)
    """Opening of control valves of units and isolation stations, %."""
    pump_speed: dict[str, float] = field(default_factory=dict)
    """Speed of pumps of sources, booster and isolation stations over their present speed."""
    source_dp_kpa: dict[str, float] = field(default_factory=dict)
    """Differential pressure of sources."""
    source_supply_c: dict[str, float] = field(default_factory=dict)
    """Supply temperature of sources, after the water has travelled."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WhatIfAnswer:
    """What a change would do to every unit."""

    units: tuple[str, ...]
    """Asset codes of the units (or stations taken as one)."""
    flow_kgs: Floats
    """Flow now, shape (n_unit,)."""
    flow_after_kgs: Floats
    """Flow afterwards, shape (n_unit,)."""
    dp_kpa: Floats
    """Pressure difference at the station now, shape (n_unit,)."""
    dp_after_kpa: Floats
    """Afterwards; nan: not supplied, shape (n_unit,)."""
    supply_kpa: Floats
    """Supply pressure now, shape (n_unit,)."""
    supply_after_kpa: Floats
    """Afterwards, shape (n_unit,)."""
    supply_c: Floats
    """Temperature of the water that arrives now, shape (n_unit,)."""
    supply_after_c: Floats
    """After the water has travelled, shape (n_unit,)."""
    sources: tuple[str, ...]
    """Asset codes of the heat sources."""
    source_kgs: Floats
    """Their flow now, shape (n_source,)."""
    source_after_kgs: Floats
    """Afterwards, shape (n_source,)."""
    took_s: float
    """Machine time it took."""
