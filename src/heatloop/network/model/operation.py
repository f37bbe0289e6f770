"""What is set at a moment: openings, speeds, held pressures, demands, surroundings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags


@dataclass(kw_only=True, slots=True, eq=False)
class Operation:
    """One operating point; arrays may be changed in place between solves."""

    held_kpa: Floats
    """Pressure of the nodes that hold it, nan elsewhere, shape (n_node,)."""
    outflow_kgs: Floats
    """Water drawn off (leak, use; negative: fed in), shape (n_node,)."""
    leak_kgs_kpa05: Floats
    """Leaks that follow pressure: flow = this * sqrt(gauge pressure), shape (n_node,)."""
    source_c: Floats
    """Temperature of water that enters at a node from outside, shape (n_node,)."""
    shut: Flags
    """Links that are shut off, shape (n_link,)."""
    opening_pct: Floats
    """VALVE: opening, shape (n_link,)."""
    speed: Floats
    """PUMP: speed over rated speed, shape (n_link,)."""
    lift_kpa: Floats
    """LIFT: rise; DP_CONTROL: difference to hold, shape (n_link,)."""
    flow_kgs: Floats
    """FLOW: flow, shape (n_link,)."""
    demand_kw: Floats
    """Heat taken from the water on its way through a link (negative: given), shape (n_link,)."""
    outlet_c: Floats
    """Temperature the water is brought to on its way through a link (plants, HEAT); nan: none."""
    ambient_c: Floats
    """Surroundings of each pipe, shape (n_link,)."""
    fouling: Floats
    """Fouling over clean resistance, shape (n_exchanger,)."""

    def copy(self) -> Self:
        """Return a copy that shares nothing."""
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})
