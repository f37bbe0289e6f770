"""What a leak anywhere would look like in a window, in units of the window's errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags, Ints
from heatloop.network.twin.learn import Errors, Learned, read_rows, window_noise
from heatloop.network.twin.metered import Piping
from heatloop.network.twin.response import Response

PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
FALSE_ALARM = 0.01
"""Of one window without a leak."""
_DRAWS = 4000


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Signatures:
    """What leaks would look like in one window, in units of its errors."""

    link: Ints
    """Link of the piping of each place, shape (n_place,)."""
    fraction: Floats
    """How far along it, shape (n_place,)."""
    zone: Ints
    """Zone of each place, shape (n_place,)."""
    length_m: Floats
    """Length of pipe each place stands for, shape (n_place,)."""
    white: Floats
    """Change of the whitened rows by 1 kg/s at each place, shape (n_read, n_place)."""
    at_node: Floats
    """The same at each node of the piping, shape (n_read, n_node)."""
    factor: Floats
    """Cholesky factor of the misses' covariance, shape (n_read, n_read)."""
    read: Flags
    """Which rows are read, shape (n_row,)."""
    threshold: float
    """Score above which there is a leak, at `FALSE_ALARM`."""

    @property
    def sigma_kgs(self) -> Floats:
        """Standard error of a leak at each place, shape (n_place,)."""
        return np.asarray((self.white**2).sum(axis=0) ** -0.5)


def covariance_of(
    piping: Piping, learned: Learned, errors: Errors, response: Response, count: int
) -> Floats:
    """Return the covariance of a window's mean misses, what was learnt imprecisely included.

    Args:
        piping: The piping.
        learned: What the days before taught.
        errors: What is known of the meters.
        response: Mean response of the window.
        count: Number of intervals in it.
    """
    noise = window_noise(piping, learned, errors, response, count)
    j = response.jacobian
    return np.asarray(noise + j @ learned.covariance @ j.T) * max(learned.misfit, 1.0) ** 2


def signatures_of(
    piping: Piping,
    learned: Learned,
    errors: Errors,
    response: Response,
    count: int,
) -> Signatures:
    """Return the signatures of leaks in a window of `count` intervals.

    Args:
        piping: The piping.
        learned: What the days before taught.
        errors: What is known of the meters.
        response: Mean response of the window, see `respond_over`.
        count: Number of intervals in it.
    """
    covariance = covariance_of(piping, learned, errors, response, count)
    read = read_rows(response)
    factor = np.asarray(np.linalg.cholesky(covariance[np.ix_(read, read)]), np.float64)
    at_node = whitened(factor, response.leak[read])
    net = piping.network
    link = np.repeat(np.arange(net.n_link), len(PLACES))
    fraction = np.tile(np.array(PLACES), net.n_link)
    white = at_node[:, net.from_node[link]] * (1.0 - fraction)
    white += at_node[:, net.to_node[link]] * fraction
    return Signatures(
        link=link,
        fraction=fraction,
        zone=piping.zone[link],
        length_m=net.length_m[link] / len(PLACES),
        white=white,
        at_node=at_node,
        factor=factor,
        read=read,
        threshold=_threshold(white),
    )


def whitened(factor: Floats, rows: Floats) -> Floats:
    """Return rows in units of their errors, given the Cholesky factor of their covariance."""
    return np.asarray(np.linalg.solve(factor, rows), np.float64)


def scores(white: Floats, miss: Floats) -> Floats:
    """Return the score of a leak at each place for whitened misses (n_read, k), (n_place, k)."""
    unit = white / (white**2).sum(axis=0) ** 0.5
    return np.asarray(unit.T @ miss)


def zone_shares(signatures: Signatures, score: Floats, n_zone: int) -> Floats:
    """Return each zone's probability from scores (n_place, k), shape (n_zone, k)."""
    positive = np.maximum(score, 0.0)
    weight = np.exp(0.5 * (positive**2 - positive.max(axis=0) ** 2))
    weight *= signatures.length_m[:, None]
    out = np.zeros((n_zone, score.shape[1]))
    np.add.at(out, signatures.zone, weight)
    return np.asarray(out / out.sum(axis=0))


def _threshold(white: Floats) -> float:
    """Return the score that the best place exceeds by chance at the false-alarm rate."""
    draws = np.random.default_rng(0).normal(size=(len(white), _DRAWS))
    return float(np.quantile(scores(white, draws).max(axis=0), 1.0 - FALSE_ALARM))
