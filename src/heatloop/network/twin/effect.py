"""Effects: how every consumer's pressure difference and flow answer to a valve, pump or leak."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Flows, Solver
from heatloop.network.model.net import Ints
from heatloop.network.model.operation import Operation
from heatloop.network.twin.answers import Answers
from heatloop.network.twin.laws import LinkLaws


class Setting(Enum):
    """What is moved, and the step the effect is given for."""

    OPENING = ("opening_pct", 1.0)
    """A valve, by 1 % of its stroke."""
    SPEED = ("speed", 0.01)
    """A pump, by 1 % of rated speed."""
    LIFT = ("lift_kpa", 1.0)
    """A plant, by 1 kPa."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Effect:
    """Effects of k small changes, one a row."""

    head_kpa: Floats
    """On the pressure difference over each consumer, shape (k, n_consumer)."""
    flow_kgs: Floats
    """On its flow, shape (k, n_consumer)."""


def effect_of_settings(
    solver: Solver,
    operation: Operation,
    flows: Flows,
    consumers: Ints,
    links: Ints,
    setting: Setting,
    mean_c: Floats | None = None,
) -> Effect:
    """Return the effect of moving each link's setting by one step.

    Args:
        solver: Whose last solution it is.
        operation: What was set.
        flows: What was found.
        consumers: Links looked at, shape (n_consumer,).
        links: Links that are moved, shape (k,).
        setting: What is moved.
        mean_c: Water temperatures of the solution, default 60 degC, shape (n_link,).
    """
    net = solver.network
    laws = LinkLaws(net, solver.fluid, solver.friction)
    column, step = setting.value
    warm = np.full(net.n_link, 60.0) if mean_c is None else mean_c
    loss = []
    # A hundredth of the step either way, scaled up: the law's own slope.
    for way in (0.01, -0.01):
        moved = operation.copy()
        getattr(moved, column)[links] += way * step
        laws.prepare(moved, warm)
        loss.append(laws.at(flows.flow_kgs)[0][links])
    change = (loss[0] - loss[1]) / 0.02
    pressure, flow = Answers(solver).to_losses(links, change)
    return _at(solver, consumers, pressure, flow)


def effect_of_leaks(solver: Solver, consumers: Ints, nodes: Ints) -> Effect:
    """Return the effect of 1 kg/s lost at each node, at the solver's last solution."""
    answers = Answers(solver)
    pressure = -answers.to_nodes(nodes)
    return _at(solver, consumers, pressure, answers.flows_of(pressure))


def _at(solver: Solver, consumers: Ints, pressure: Floats, flow: Floats) -> Effect:
    net = solver.network
    a, b = net.from_node[consumers], net.to_node[consumers]
    return Effect(head_kpa=pressure[:, a] - pressure[:, b], flow_kgs=flow[:, consumers])
