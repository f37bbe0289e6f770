"""What a step of a network's water did."""

from __future__ import annotations

from dataclasses import dataclass

from heatloop.network.arrays import Floats


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Moved:
    """What a step did; temperatures are means over what passed in the step.

    Heat closes: given - taken - lost + outside = change of `Dynamics.stored_kj`.
    """

    node_c: Floats
    """Mixed temperature at each node, shape (n_node,)."""
    inlet_c: Floats
    """Temperature where water enters each link, shape (n_link,)."""
    outlet_c: Floats
    """Temperature where it leaves, shape (n_link,)."""
    lost_kj: Floats
    """To the surroundings, shape (n_link,)."""
    given_kj: Floats
    """To the water by plants and exchangers, shape (n_link,)."""
    taken_kj: Floats
    """From the water by demands and exchangers, shape (n_link,)."""
    outside_kj: Floats
    """With water that entered at nodes, less what left, above 0 degC, shape (n_node,)."""
