"""The sensor that would help most: the greatest fall of what remains unknown about leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Flows
from heatloop.network.model.net import Ints
from heatloop.network.twin.answers import Answers
from heatloop.network.twin.learn import Errors, Learned, read_rows, window_noise
from heatloop.network.twin.metered import Piping
from heatloop.network.twin.response import Response, columns_of, spread_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One sensor that would be added."""

    pressure: bool
    """A pressure sensor at a node; otherwise a flow meter in a link."""
    place: int
    """Number of its node or link in the whole network."""
    unknown_before: float
    """Error of a zone's leak over not measuring at all, mean of zones."""
    unknown_after: float
    """The same with the sensor."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidates:
    """Sensors that could be added, linear in what is unknown."""

    pressure: tuple[bool, ...]
    """See `Advice`, one a candidate."""
    place: Ints
    """See `Advice`, shape (n_candidate,)."""
    row: Floats
    """Answer to zone leaks and then columns, shape (n_candidate, n_zone + n_column)."""
    variance: Floats
    """Of a window's mean reading, wander included, shape (n_candidate,)."""


def candidates_of(
    piping: Piping,
    answers: Answers,
    flows: Flows,
    rub_kpa: Floats,
    conductance: Floats,
    meter_kgs: Floats,
    errors: Errors,
) -> Candidates:
    """Return a pressure sensor at every node and a flow meter in every link of the piping.

    Args:
        piping: The piping.
        answers: Of its solver at a typical state.
        flows: That state.
        rub_kpa: Friction loss of each link there, shape (n_link,).
        conductance: Slope of each link's law there, kg/(s kPa), shape (n_link,).
        meter_kgs: Reading of each flow meter there, shape (n_meter,).
        errors: What is known of the meters; new ones are of the same make.
    """
    net, part, n_zone = piping.network, columns_of(piping), piping.n_zone
    n, k = net.n_node, net.n_link
    every = answers.to_nodes(np.arange(n, dtype=np.int64))
    push = conductance * rub_kpa
    by_friction = (every[:, net.from_node] - every[:, net.to_node]) * push
    pressure = np.zeros((n, n_zone + part.count))
    pressure[:, :n_zone] = -every @ spread_of(piping, piping.zone, n_zone)
    pressure[:, n_zone : n_zone + k] = by_friction
    fed = np.zeros((n, piping.n_meter))
    read = piping.port_sign * meter_kgs[piping.port_meter]
    np.add.at(fed, (piping.port_node, piping.port_meter), read)
    own = pressure[:, n_zone:]
    own[:, part.gain] = every @ fed
    own[:, part.loss] = -every @ spread_of(piping, piping.cell, len(piping.cell_piece))
    flow = conductance[:, None] * (pressure[net.from_node] - pressure[net.to_node])
    flow[np.arange(k), n_zone + np.arange(k)] -= push
    sensor = 2.0 * (errors.pressure_noise_kpa**2 + errors.pressure_drift_kpa**2)
    meter = (errors.flow_noise * flows.flow_kgs) ** 2 + 1e-6
    return Candidates(
        pressure=(True,) * n + (False,) * k,
        place=np.concatenate((piping.node, piping.link)).astype(np.int64),
        row=np.concatenate((pressure, flow)),
        variance=np.concatenate((np.full(n, sensor), meter)),
    )


def best_sensors(
    piping: Piping,
    learned: Learned,
    errors: Errors,
    response: Response,
    candidates: Candidates,
    *,
    spread_kgs: float,
    intervals: int,
    count: int,
) -> list[Advice]:
    """Return the sensors to add, best first, each chosen with those before it in place.

    Args:
        piping: The piping.
        learned: What the days before taught.
        errors: What is known of the meters.
        response: Of a typical window.
        candidates: See `candidates_of`.
        spread_kgs: Leak that each zone is thought capable of.
        intervals: Number of intervals in the window.
        count: How many to advise.
    """
    read, n_zone = read_rows(response), piping.n_zone
    noise = window_noise(piping, learned, errors, response, intervals)[np.ix_(read, read)]
    seen = np.column_stack(
        (response.leak @ spread_of(piping, piping.zone, n_zone), response.jacobian)
    )[read]
    prior = np.zeros((seen.shape[1], seen.shape[1]))
    prior[:n_zone, :n_zone] = np.eye(n_zone) * spread_kgs**2
    prior[n_zone:, n_zone:] = learned.covariance
    gain = np.linalg.solve(noise + seen @ prior @ seen.T, seen @ prior)
    unknown = prior - prior @ seen.T @ gain
    advice = []
    free = np.ones(len(candidates.place), np.bool_)
    for _ in range(count):
        reach = candidates.row @ unknown
        spread = np.einsum("ij,ij->i", reach, candidates.row) + candidates.variance
        now = np.diag(unknown)[:n_zone]
        # Variance of each zone's leak left after each candidate, all at once.
        left = np.maximum(now[None, :] - reach[:, :n_zone] ** 2 / spread[:, None], 0.0)
        mean = np.where(free, np.sqrt(left).mean(axis=1), np.inf)
        best = int(np.argmin(mean))
        advice.append(
            Advice(
                pressure=candidates.pressure[best],
                place=int(candidates.place[best]),
                unknown_before=float(np.sqrt(np.maximum(now, 0.0)).mean()) / spread_kgs,
                unknown_after=float(mean[best]) / spread_kgs,
            )
        )
        free[best] = False
        unknown = unknown - np.outer(reach[best], reach[best]) / spread[best]
    return advice
