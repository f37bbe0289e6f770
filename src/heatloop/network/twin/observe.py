"""What the meters can see: per zone the smallest leak that shows, and whether its place shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.net import Flags
from heatloop.network.twin.metered import Piping
from heatloop.network.twin.signatures import Signatures, scores, zone_shares

POWER = 0.95
"""Probability with which the smallest detectable leak is detected, at the worst place."""
_POWER_SIGMAS = 1.645
RIGHT_ZONE = 0.9
_DRAWS = 200


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ZoneMap:
    """What is visible of a leak in each zone; nan for zones without pipes."""

    detectable_kgs: Floats
    """Smallest leak noticed with `POWER` at the stated false-alarm rate, shape (n_zone,)."""
    right: Floats
    """Probability that a leak of `leak_kgs` is put into the right zone, shape (n_zone,)."""
    observable: Flags
    """Whether that is at least `RIGHT_ZONE` and the leak is noticed, shape (n_zone,)."""
    leak_kgs: float
    """The leak the map is drawn for."""
    unknown_share: Floats
    """Error of a zone's leak if every zone may leak, over not measuring at all, (n_zone,)."""


def zone_map(piping: Piping, signatures: Signatures, leak_kgs: float) -> ZoneMap:
    """Return what is visible of leaks of a size in each zone.

    Args:
        piping: The piping.
        signatures: Of a typical window.
        leak_kgs: Size of the leak that is to be put into the right zone.
    """
    n_zone = piping.n_zone
    rng = np.random.default_rng(0)
    net, white = piping.network, signatures.white
    sigma = signatures.sigma_kgs
    detectable, right = np.full(n_zone, np.nan), np.full(n_zone, np.nan)
    for zone in np.unique(signatures.zone).tolist():
        mine = np.flatnonzero(signatures.zone == zone)
        detectable[zone] = (signatures.threshold + _POWER_SIGMAS) * sigma[mine].max()
        share = signatures.length_m[mine] / signatures.length_m[mine].sum()
        link = signatures.link[rng.choice(mine, _DRAWS, p=share)]
        x = rng.uniform(size=_DRAWS)
        truth = signatures.at_node[:, net.from_node[link]] * (1.0 - x)
        truth += signatures.at_node[:, net.to_node[link]] * x
        miss = truth * leak_kgs + rng.normal(size=truth.shape)
        guess = zone_shares(signatures, scores(white, miss), n_zone).argmax(axis=0)
        right[zone] = (guess == zone).mean()
    with np.errstate(invalid="ignore"):
        observable = (right >= RIGHT_ZONE) & (detectable <= leak_kgs)
    return ZoneMap(
        detectable_kgs=detectable,
        right=right,
        observable=observable,
        leak_kgs=leak_kgs,
        unknown_share=_unknown(signatures, n_zone, leak_kgs),
    )


def zone_signatures(signatures: Signatures, n_zone: int) -> Floats:
    """Return the mean signature of each zone, weighted by length, shape (n_read, n_zone)."""
    weight = np.zeros((len(signatures.zone), n_zone))
    weight[np.arange(len(weight)), signatures.zone] = signatures.length_m
    return np.asarray(signatures.white @ (weight / np.maximum(weight.sum(axis=0), 1e-9)))


def _unknown(signatures: Signatures, n_zone: int, spread_kgs: float) -> Floats:
    seen = zone_signatures(signatures, n_zone)
    information = seen.T @ seen * spread_kgs**2 + np.eye(n_zone)
    return np.asarray(np.diag(np.linalg.inv(information)) ** 0.5)
