"""The figures of a solved network that an engineer asks for first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from heatloop.cli.simulate_profile import consumer_links, plant_links
from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Network
from heatloop.network.model.operation import Operation
from heatloop.network.model.state import State
from heatloop.network.water import CP_KJ_KGK

_MOST_NAMES = 20


def pressure_drop_kpa(network: Network, state: State) -> Floats:
    """Return p(from) - p(to) of each link, shape (n_link,)."""
    return np.asarray(state.pressure_kpa[network.from_node] - state.pressure_kpa[network.to_node])


def heat_kw(state: State) -> Floats:
    """Return the heat the water of each link gives away now, negative where it is heated."""
    return np.asarray(CP_KJ_KGK * np.abs(state.flow_kgs) * (state.inlet_c - state.outlet_c))


def summary_of(network: Network, operation: Operation, state: State) -> dict[str, Any]:
    """Return the figures an engineer asks for first."""
    heat = heat_kw(state)
    plants, consumers = plant_links(network, operation), consumer_links(network, operation)
    pipes = np.flatnonzero(network.kind == LinkKind.PIPE)
    names = network.link_names
    drop = pressure_drop_kpa(network, state)
    served = consumers[np.isfinite(drop[consumers]) & ~operation.shut[consumers]]
    worst = int(served[np.argmin(drop[served])]) if len(served) else -1
    pressure = state.pressure_kpa
    known = pressure[np.isfinite(pressure)]
    return {
        "nodes": network.n_node,
        "links": network.n_link,
        "consumers": len(consumers),
        "plants": {
            names[k]: {
                "flow_kgs": _figure(state.flow_kgs[k], 4),
                "heat_kw": _figure(-heat[k], 3),
                "supply_c": _figure(state.outlet_c[k], 3),
                "return_c": _figure(state.inlet_c[k], 3),
                "lift_kpa": _figure(-drop[k], 3),
            }
            for k in plants.tolist()
        },
        "heat_given_kw": _figure(-heat[plants].sum(), 3),
        "heat_taken_kw": _figure(heat[consumers].sum(), 3),
        "heat_lost_kw": _figure(
            heat[pipes].sum() - heat[np.intersect1d(pipes, consumers)].sum(), 3
        ),
        "pressure_min_kpa": _figure(known.min(initial=math.inf), 3),
        "pressure_max_kpa": _figure(known.max(initial=-math.inf), 3),
        "worst_consumer": names[worst] if worst >= 0 else None,
        "worst_drop_kpa": _figure(drop[worst], 3) if worst >= 0 else None,
        "iterations": state.iterations,
        "residual_kpa": state.residual_kpa,
        "islands": [
            {
                "nodes": len(island.nodes),
                "first_nodes": list(island.nodes[:_MOST_NAMES]),
                "consumers": list(island.consumers[:_MOST_NAMES]),
            }
            for island in state.islands
        ],
    }


def _figure(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None
