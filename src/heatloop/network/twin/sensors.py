"""The sensor that would help most: the greatest fall of what remains unknown about leaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.solver import Flows
from heatloop.network.model.net import Ints
from heatloop.network.twin.answers import Answers
from heatloop.network.twin.learn import Errors, Learned, noise_of, read_rows
from heatloop.network.twin.metered import Piping
from heatloop.network.twin.response import Response, columns_of


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


def zone_leaks(piping: Piping, leak_at_node: Floats, zone_of_link: Ints, n_zone: int) -> Floats:
    """Return the answer of rows to 1 kg/s lost evenly along each zone, (n_row, n_zone)."""
    net = piping.network
    weight = np.zeros((net.n_node, n_zone))
    half = net.length_m / 2.0
    np.add.at(weight, (net.from_node, zone_of_link), half)
    np.add.at(weight, (net.to_node, zone_of_link), half)
    return np.asarray(leak_at_node @ (weight / np.maximum(weight.sum(axis=0), 1e-9)))


def candidates_of(
    piping: Piping,
    answers: Answers,
    flows: Flows,
    rub_kpa: Floats,
    conductance: Floats,
    errors: Errors,
    zone_of_link: Ints,
    n_zone: int,
) -> Candidates:
    """Return a pressure sensor at every node and a flow meter in every link of the piping.

    Args:
        piping: The piping.
        answers: Of its solver at a typical state.
        flows: That state.
        rub_kpa: Friction loss of each link there, shape (n_link,).
        conductance: Slope of each link's law there, kg/(s kPa), shape (n_link,).
        errors: What is known of the meters; new ones are of the same make.
        zone_of_link: See `zones.zones_of`.
        n_zone: Number of zones.
    """
    net, part = piping.network, columns_of(piping)
    n, k = net.n_node, net.n_link
    every = answers.to_nodes(np.arange(n, dtype=np.int64))
    push = conductance * rub_kpa
    by_friction = (every[:, net.from_node] - every[:, net.to_node]) * push
    pressure = np.zeros((n, n_zone + part.count))
    pressure[:, :n_zone] = zone_leaks(piping, -every, zone_of_link, n_zone)
    pressure[:, n_zone : n_zone + k] = by_friction
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
    zone_of_link: Ints,
    n_zone: int,
    *,
    spread_kgs: float,
    count: int,
) -> list[Advice]:
    """Return the sensors to add, best first, each chosen with those before it in place.

    Args:
        piping: The piping.
        learned: What the days before taught.
        errors: What is known of the meters.
        response: Of a typical window.
        candidates: See `candidates_of`.
        zone_of_link: See `zones.zones_of`.
        n_zone: Number of zones.
        spread_kgs: Leak that each zone is thought capable of.
        count: How many to advise.
    """
    read = read_rows(response)
    noise = noise_of(
        piping, errors, response, 6.0, errors.pressure_drift_kpa, float(learned.makeup_kgs.std())
    )[np.ix_(read, read)]
    seen = np.column_stack(
        (zone_leaks(piping, response.leak, zone_of_link, n_zone), response.jacobian)
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
