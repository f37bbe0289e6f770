"""The state a solve found."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Island:
    """Nodes that no held pressure reaches: nothing flows there."""

    nodes: tuple[str, ...]
    """Their names."""
    consumers: tuple[str, ...]
    """FLOW and HEAT links with an end there, which are not served."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class State:
    """Flows, pressures and temperatures of a network at one moment."""

    flow_kgs: Floats
    """Flow of each link, positive from `from_node`, shape (n_link,)."""
    pressure_kpa: Floats
    """Gauge pressure of each node, nan on islands, shape (n_node,)."""
    node_c: Floats
    """Mixed temperature at each node, shape (n_node,)."""
    inlet_c: Floats
    """Temperature where the water enters each link, shape (n_link,)."""
    outlet_c: Floats
    """Temperature where it leaves, shape (n_link,)."""
    supplied: Flags
    """Whether a held pressure reaches the node, shape (n_node,)."""
    islands: tuple[Island, ...]
    """The parts that are not supplied."""
    iterations: int
    """Newton steps taken, over all outer rounds."""
    residual_kpa: float
    """Largest pressure residual of a link at the end."""
