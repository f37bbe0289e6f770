"""What is drawn from the nodes by prescribed flows, and flows to start the first solve from."""

from __future__ import annotations

import math

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.compiled import compiled
from heatloop.network.model.net import Flags, Ints

_FIRST_M_S = 0.7
_PIPE, _FIRST_KPA = 0, 20.0


@compiled
def draw(
    from_node: Ints,
    to_node: Ints,
    prescribed: Flags,
    flow_kgs: Floats,
    outflow_kgs: Floats,
    supplied: Flags,
) -> Floats:
    """Return the water each node gives away, prescribed flows included, shape (n_node,).

    Args:
        from_node: Shape (n_link,).
        to_node: Shape (n_link,).
        prescribed: Links with a prescribed flow that are served, shape (n_link,).
        flow_kgs: Shape (n_link,).
        outflow_kgs: Shape (n_node,).
        supplied: Nodes a held pressure reaches, shape (n_node,).
    """
    drawn = np.zeros(len(supplied))
    for v in range(len(supplied)):
        if supplied[v]:
            drawn[v] = outflow_kgs[v]
    for k in range(len(prescribed)):
        if prescribed[k]:
            drawn[from_node[k]] += flow_kgs[k]
            drawn[to_node[k]] -= flow_kgs[k]
    return drawn


@compiled
def write_down(opening_pct: Floats, speed: Floats, lift_kpa: Floats, settings: Floats) -> bool:
    """Copy what is set into `settings`, shape (n_link, 4), and return whether it changed."""
    changed = False
    for k in range(len(opening_pct)):
        if (
            settings[k, 0] != opening_pct[k]
            or settings[k, 1] != speed[k]
            or settings[k, 2] != lift_kpa[k]
        ):
            changed = True
            settings[k, 0] = opening_pct[k]
            settings[k, 1] = speed[k]
            settings[k, 2] = lift_kpa[k]
    return changed


@compiled
def first_flows(kind: Ints, shape: Floats, laws: Floats, m: Floats) -> None:
    """Write flows to start from: pipes at 0.7 m/s, the rest at 20 kPa or half a pump's head."""
    for k in range(len(kind)):
        if kind[k] == _PIPE:
            m[k] = _FIRST_M_S * 970.0 * math.pi / 4.0 * shape[k, 1] ** 2
        elif laws[k, 0] > 0.0:
            m[k] = math.sqrt(max(0.5 * laws[k, 4], _FIRST_KPA) / laws[k, 0])
        else:
            m[k] = 1.0
