"""Learning what the book does not say from days without a new leak.

Friction of each link, error of each meter and old losses are fitted together, by Gauss-Newton with
the book and the makers' tolerances as prior; the covariance says what remained unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.fluid import Fluid, water
from heatloop.network.model.net import Flags, Ints
from heatloop.network.twin.metered import Piping, Readings
from heatloop.network.twin.response import Responder, Response, columns_of

_ROUNDS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """What is known of the meters and the book beforehand; standard errors."""

    flow_noise: float
    """Of one interval's mean flow, share."""
    flow_bias: float = 0.005
    """Constant error of a flow meter, share."""
    pressure_noise_kpa: float
    """Of one interval's mean pressure."""
    pressure_bias_kpa: float = 4.0
    """Constant error of a pressure sensor."""
    pressure_drift_kpa: float = 0.3
    """How far a sensor wanders about its bias."""
    drift_h: float = 24.0
    """How long it remembers."""
    friction_share: float = 0.12
    """Friction of a pipe against the book, or against its group."""
    group_share: float = 0.1
    """Friction of a group of pipes (alike in age and bore) against the book."""
    loss_share: float = 0.001
    """Old loss of one cell over the flow of all sources."""
    loss_wander: float = 0.15
    """How far an old loss changes, over itself or what is thought possible of it."""
    interval_h: float
    """Length of an interval."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learned:
    """What the days without a leak taught."""

    columns: Floats
    """Best values, see `response.Columns`, shape (n_column,)."""
    covariance: Floats
    """How sure they are, shape (n_column, n_column)."""
    prior_friction: Floats
    """Covariance of the friction beforehand, shape (n_link, n_link)."""
    makeup_kgs: Floats
    """Make-up of each interval about its mean, shape (n_time,)."""
    source_kgs: float
    """Mean flow of all sources."""
    misfit: float
    """Root mean square of the misses over their expected size; 1 is as promised."""


def prior_of(
    piping: Piping, errors: Errors, source_kgs: float, group: Ints | None = None
) -> Floats:
    """Return the covariance of the columns before anything is learnt, (n_column, n_column)."""
    part = columns_of(piping)
    prior = np.empty(part.count)
    prior[part.friction] = errors.friction_share
    prior[part.gain] = errors.flow_bias
    # Against the reference, which has a bias of its own.
    prior[part.bias] = errors.pressure_bias_kpa * 2.0**0.5
    prior[part.loss] = errors.loss_share * source_kgs
    out = np.diag(prior**2)
    if group is not None:
        out[part.friction, part.friction] += errors.group_share**2 * (group[:, None] == group)
    return out


def noise_of(
    piping: Piping,
    errors: Errors,
    response: Response,
    count: float,
    drift: float,
    swell: float,
    loss: Floats,
) -> Floats:
    """Return the covariance of the misses for given columns, shape (n_row, n_row).

    Args:
        piping: The piping.
        errors: What is known of the meters.
        response: The interval, or the mean of several.
        count: How many intervals the mean is over.
        drift: Standard error by wandering sensors, kPa.
        swell: Standard error of the make-up by swelling water, kg/s.
        loss: Old loss of each cell, as far as it may change, kg/s, shape (n_cell,).
    """
    part, n_port = columns_of(piping), len(piping.port_node)
    by_meter = response.jacobian[:, part.gain]
    out = errors.flow_noise**2 / count * (by_meter @ by_meter.T)
    sensor = errors.pressure_noise_kpa**2 / count + drift**2
    piece = piping.piece[piping.port_node]
    out[:n_port, :n_port] += sensor * (np.eye(n_port) + (piece[:, None] == piece))
    # Water swells all over each piece by itself, as much as there is of it.
    by_loss = response.jacobian[:, part.loss]
    volume = np.bincount(piping.cell, piping.network.volume_m3(), len(loss))
    share = np.zeros((len(loss), len(piping.reference)))
    share[np.arange(len(loss)), piping.cell_piece] = volume
    swollen = by_loss @ (share / share.sum(axis=0))
    out += swell**2 / share.shape[1] * (swollen @ swollen.T)
    changing = by_loss * (errors.loss_wander * loss)
    out += changing @ changing.T
    n_row = len(out)
    out[np.arange(n_port, n_row), np.arange(n_port, n_row)] += (0.01 * swell) ** 2 + 1e-8
    return out


def learn(
    piping: Piping,
    history: Readings,
    errors: Errors,
    *,
    fluid: Fluid | None = None,
    group: Ints | None = None,
) -> Learned:
    """Return what days without a new leak teach.

    Args:
        piping: The piping.
        history: Readings, at least a day of intervals.
        errors: What is known of the meters.
        fluid: Water if not given.
        group: Groups of pipes that have aged alike, default none, shape (n_link,).

    Raises:
        InputError: Too few intervals, or a reading is missing throughout.
    """
    count = len(history.makeup_kgs)
    if count < 12:
        raise InputError("too few intervals to learn from", thing="history", fix="give a day")
    flows, pressures = piping.flows(history), piping.pressures(history)
    whole = np.isfinite(flows).all(axis=1) & np.isfinite(history.makeup_kgs)
    whole &= np.isfinite(pressures[:, piping.reference]).all(axis=1)
    if not whole.any():
        raise InputError("a flow meter or reference pressure never reads", thing="history")
    references = piping.port_sign * np.nanmean(flows, axis=0)[piping.port_meter]
    supply = piping.on_supply[piping.piece[piping.port_node]] & (piping.port_sign > 0.0)
    source_kgs = float(references[supply].sum())
    swing = history.makeup_kgs - np.nanmean(history.makeup_kgs)
    swell = float(np.nanstd(swing))
    prior = prior_of(piping, errors, source_kgs, group)
    known = np.linalg.inv(prior)
    # A wandering sensor is less worth than as many independent readings.
    drift = errors.pressure_drift_kpa * (1.0 + 2.0 * errors.drift_h / errors.interval_h) ** 0.5
    at = np.zeros(len(prior))
    possible = np.full(len(piping.cell_piece), errors.loss_share * source_kgs)
    for _ in range(_ROUNDS):
        responder = Responder(piping, at, fluid or water())
        information = known.copy()
        push = -known @ at
        square, rows = 0.0, 0
        for t in np.flatnonzero(whole):
            c = (float(history.supply_c[t]), float(history.return_c[t]))
            one = responder.respond(flows[t], pressures[t], float(history.makeup_kgs[t]), c)
            seen = np.isfinite(one.miss)
            noise = noise_of(piping, errors, one, 1.0, drift, swell, possible)
            noise = noise[np.ix_(seen, seen)]
            factor = np.linalg.cholesky(noise)
            white = np.linalg.solve(factor, np.column_stack((one.jacobian, one.miss))[seen])
            information += white[:, :-1].T @ white[:, :-1]
            push += white[:, :-1].T @ white[:, -1]
            square += float(white[:, -1] @ white[:, -1])
            rows += int(seen.sum())
        at = at + np.linalg.solve(information, push)
    return Learned(
        columns=at,
        covariance=np.linalg.inv(information),
        prior_friction=prior[: piping.network.n_link, : piping.network.n_link],
        makeup_kgs=swing[np.isfinite(swing)],
        source_kgs=source_kgs,
        misfit=(square / rows) ** 0.5,
    )


def window_noise(
    piping: Piping, learned: Learned, errors: Errors, response: Response, count: int
) -> Floats:
    """Return the covariance of a window's mean misses for given columns, shape (n_row, n_row).

    Args:
        piping: The piping.
        learned: What the days before taught.
        errors: What is known of the meters.
        response: Mean response of the window.
        count: Number of intervals in it.
    """
    loss = learned.columns[columns_of(piping).loss]
    possible = np.hypot(loss, errors.loss_share * learned.source_kgs)
    swell = mean_swing(learned.makeup_kgs, count)
    # Sensors wander in the window and wandered while they were learnt; the latter is in what was
    # learnt.
    drift = errors.pressure_drift_kpa
    return noise_of(piping, errors, response, count, drift, swell, possible)


def mean_swing(series: Floats, count: int) -> float:
    """Return the standard deviation of means of `count` successive values of a series.

    It is an upper limit at 95 % confidence, for few days hold few independent windows.
    """
    if count >= len(series) // 4:
        return float(series.std()) * 2.0
    sums = np.cumsum(np.insert(series, 0, 0.0))
    means = (sums[count:] - sums[:-count]) / count
    independent = max(len(series) / count - 1.0, 2.0)
    # Wilson and Hilferty 1931: the 5 % quantile of chi-square over its degrees.
    low = (1.0 - 2.0 / (9.0 * independent) - 1.645 * (2.0 / (9.0 * independent)) ** 0.5) ** 3
    return float(means.std() / np.sqrt(max(low, 0.05)))


def averaged(responses: list[Response]) -> Response:
    """Return the mean of several intervals."""
    return Response(
        miss=np.mean([r.miss for r in responses], axis=0),
        jacobian=np.mean([r.jacobian for r in responses], axis=0),
        leak=np.mean([r.leak for r in responses], axis=0),
        flow_kgs=np.mean([r.flow_kgs for r in responses], axis=0),
    )


def read_rows(response: Response) -> Flags:
    """Return which rows are read, shape (n_row,)."""
    return np.isfinite(response.miss)
