"""Finding a leak: how much water is lost, and in which zone.

A new leak changes water balances, make-up and every pressure in a way that depends on its place.
The misses of a window, less what was learnt on the days before, are compared with that signature at
places along every pipe; what was learnt imprecisely widens the errors in its own pattern.

Reference: generalised likelihood ratio, Willsky and Jones 1976 (doi 10.1109/TAC.1976.1101146).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats
from heatloop.network.fluid import Fluid, water
from heatloop.network.model.net import Ints
from heatloop.network.twin.learn import Learned, averaged
from heatloop.network.twin.metered import Piping, Readings
from heatloop.network.twin.response import Responder, Response
from heatloop.network.twin.signatures import Signatures, scores, whitened

CLOSER = 12
"""How many links are looked at again without linearising."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Finding:
    """What a window says."""

    leaking: bool
    """Whether the score is above the threshold."""
    score: float
    """Of the likeliest place, sigmas."""
    kgs: float
    """Size there."""
    sigma_kgs: float
    """Its standard error."""
    link: int
    """Likeliest link, its number in the whole network."""
    fraction: float
    """How far along it."""
    zone_share: Floats
    """Probability of each zone, given that there is one leak, shape (n_zone,)."""
    unexplained: float
    """Mean square of the whitened misses once the leak is taken off; 1 is as promised."""

    @property
    def zone(self) -> int:
        """The likeliest zone."""
        return int(np.argmax(self.zone_share))


def respond_over(
    piping: Piping, learned: Learned, window: Readings, fluid: Fluid | None = None
) -> Response:
    """Return the mean response over a window, with what was learnt.

    Raises:
        InputError: No interval of the window is complete.
    """
    responder = Responder(piping, learned.columns, fluid or water())
    flows, pressures = piping.flows(window), piping.pressures(window)
    whole = np.isfinite(flows).all(axis=1) & np.isfinite(window.makeup_kgs)
    whole &= np.isfinite(pressures[:, piping.reference]).all(axis=1)
    if not whole.any():
        raise InputError("no complete interval", thing="window", fix="wait for readings")
    return averaged(
        [
            responder.respond(
                flows[t],
                pressures[t],
                float(window.makeup_kgs[t]),
                (float(window.supply_c[t]), float(window.return_c[t])),
            )
            for t in np.flatnonzero(whole)
        ]
    )


def find_leak(
    piping: Piping,
    learned: Learned,
    signatures: Signatures,
    response: Response,
    window: Readings,
    fluid: Fluid | None = None,
) -> Finding:
    """Return whether and where water is lost.

    Args:
        piping: The piping.
        learned: What the days before taught.
        signatures: Of the window.
        response: Mean response of the window.
        window: The window.
        fluid: Water if not given.
    """
    miss = whitened(signatures.factor, response.miss[signatures.read])
    score = scores(signatures.white, miss[:, None])[:, 0]
    # Best place of each link; the best links are looked at again by solving with the leak.
    of_link = np.full(piping.network.n_link, -np.inf)
    np.maximum.at(of_link, signatures.link, score)
    closer = np.argsort(of_link)[::-1][:CLOSER]
    fits = _fit_exactly(piping, learned, signatures, response, window, closer, fluid or water())
    chi = np.array([fit[0] for fit in fits])
    best = int(np.argmin(chi))
    link, kgs = int(closer[best]), float(fits[best][1].sum())
    # Pipes that meet at the leak all fit at that end: each zone counts with its best pipe only.
    share = np.zeros(piping.n_zone)
    zone = signatures.zone[np.searchsorted(signatures.link, closer)]
    np.maximum.at(share, zone, np.exp(0.5 * (chi.min() - chi)))
    mine = signatures.link == link
    return Finding(
        leaking=bool(score.max() > signatures.threshold),
        score=float(score.max()),
        kgs=kgs,
        sigma_kgs=float(signatures.sigma_kgs[mine].max()),
        link=int(piping.link[link]),
        fraction=_fraction(float(response.flow_kgs[link]), fits[best][1]),
        zone_share=share / share.sum(),
        unexplained=float(chi[best]) / len(miss),
    )


def _fit_exactly(
    piping: Piping,
    learned: Learned,
    signatures: Signatures,
    response: Response,
    window: Readings,
    links: Ints,
    fluid: Fluid,
) -> list[tuple[float, Floats]]:
    """Return chi-square and the outflow at both ends of each link that explain the misses best.

    A leak within a pipe acts on the rest as two, one at each end.
    """
    responder = Responder(piping, learned.columns, fluid)
    flow = np.nanmean(piping.flows(window), axis=0)
    pressure = np.array(
        [np.mean(p[np.isfinite(p)]) if np.isfinite(p).any() else np.nan
         for p in piping.pressures(window).T]
    )  # fmt: skip
    made = float(np.nanmean(window.makeup_kgs))
    c = (float(np.nanmean(window.supply_c)), float(np.nanmean(window.return_c)))
    read = signatures.read
    base = responder.respond(flow, pressure, made, c).miss
    out = []
    net = piping.network
    for link in links.tolist():
        ends = np.array([net.from_node[link], net.to_node[link]])
        lost = np.zeros(net.n_node)
        miss, leak = response.miss, response.leak
        for _ in range(4):
            white = whitened(signatures.factor, np.column_stack((leak[:, ends], miss))[read])
            lost[ends] = _two_positive(white[:, :2], white[:, 2] + white[:, :2] @ lost[ends])
            now = responder.respond(flow, pressure, made, c, lost)
            miss, leak = response.miss + now.miss - base, now.leak
        left = whitened(signatures.factor, miss[read])
        out.append((float(left @ left), lost[ends]))
    return out


def _two_positive(columns: Floats, right: Floats) -> Floats:
    """Return the least-squares solution with two unknowns that are not negative."""
    square, push = columns.T @ columns, columns.T @ right
    both = np.linalg.lstsq(square, push, rcond=1e-10)[0]
    if (both >= 0.0).all():
        return np.asarray(both)
    alone = np.maximum(push / np.diag(square), 0.0)
    gain = alone * push
    return np.where(np.arange(2) == np.argmax(gain), alone, 0.0)


def _fraction(flow: float, ends: Floats) -> float:
    """Return how far along a pipe the leak is that acts as these outflows at its ends."""
    whole = float(ends.sum())
    if whole <= 0.0:
        return 0.5

    def rub(m: float) -> float:
        return m * abs(m)

    # The loss with the leak where it is equals the loss of the flow that reaches the far end.
    before, after = rub(flow), rub(flow + whole)
    return float(np.clip((rub(flow + float(ends[1])) - before) / (after - before), 0.0, 1.0))
