"""Temperatures of a network from what meters read, pipe losses and the water's travel time.

Each node mixes what flows into it; a pipe gives what entered it a travel time ago, cooled on the
way. These laws hold with an error, the meters with theirs; the most likely temperatures follow from
one linear system with two unknowns a node (temperature and multiplier of its mixing).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.model.kinds import LinkKind
from heatloop.network.model.net import Flags, Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.twin.meters import MeterKind, Meters
from heatloop.network.twin.pattern import BlockFactor, pattern_of
from heatloop.network.water import CP_KJ_KGK, density_kg_m3

_STILL_KGS = 1e-3
_PIPE_SHARE, _PIPE_LEAST_K = 0.3, 0.15
_SET_K = 10.0
_DEMAND_SHARE = 0.15
_STILL_K = 3.0
_UNSEEN_K = 50.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Warmth:
    """The temperatures and how sure they are."""

    node_c: Floats
    """Shape (n_node,)."""
    sigma_k: Floats
    """Shape (n_node,)."""
    residual_k: Floats
    """Reading less estimate of each temperature meter, nan otherwise, shape (n_meter,)."""
    normalised: Floats
    """That over its own sigma, shape (n_meter,)."""
    bad: tuple[int, ...]
    """Meters taken out, worst first."""


class WarmthEstimator:
    """Estimates the temperatures of one network, moment after moment.

    Args:
        network: The network.
        memory_s: How far back inflows are remembered.
    """

    def __init__(self, network: Network, *, memory_s: float = 6 * 3600.0) -> None:
        self._network = network
        self._shape = pattern_of(network.n_node, network.from_node, network.to_node)
        self._memory_s = memory_s
        self._past: deque[tuple[float, Floats]] = deque()

    def estimate(
        self,
        t_s: float,
        flow_kgs: Floats,
        operation: Operation,
        meters: Meters,
        *,
        remove_above: float = 4.0,
        most_bad: int = 10,
    ) -> Warmth:
        """Return the temperatures at a moment and remember them.

        Args:
            t_s: Plant time, after that of the last call.
            flow_kgs: Flow of each link, shape (n_link,).
            operation: What is set; links that heat or cool to `outlet_c`, or take `demand_kw`.
            meters: What is read.
            remove_above: Normalised residual above which the worst meter is taken out.
            most_bad: How many meters may be taken out.
        """
        bad: list[int] = []
        terms = self._links(t_s, flow_kgs, operation)
        while True:
            found = self._fit(operation, meters, terms)
            worst = int(np.argmax(np.abs(found.normalised))) if len(meters.name) else -1
            small = worst < 0 or abs(found.normalised[worst]) <= remove_above
            if small or len(bad) >= most_bad:
                break
            bad.append(worst)
            meters = meters.without(worst)
        self._past.append((t_s, found.node_c))
        while self._past[0][0] < t_s - self._memory_s:
            self._past.popleft()
        return replace(found, bad=tuple(bad))

    def _links(
        self, t_s: float, flow: Floats, operation: Operation
    ) -> tuple[Ints, Ints, Flags, Floats, Floats, Floats, Floats]:
        """Return start and end by flow, whether it flows, size, and slope, constant and variance.

        The water leaves a link at slope * temperature of its start + constant.
        """
        net = self._network
        ahead = flow >= 0.0
        start = np.where(ahead, net.from_node, net.to_node)
        end = np.where(ahead, net.to_node, net.from_node)
        size = np.abs(flow)
        runs = size > _STILL_KGS
        m = np.where(runs, size, 1.0)
        pipe = net.kind == LinkKind.PIPE
        kept = np.exp(-net.loss_w_mk * net.length_m / 1000.0 / (CP_KJ_KGK * m))
        slope = np.where(pipe, kept, 1.0)
        constant = np.where(pipe, operation.ambient_c * (1.0 - kept), 0.0)
        drop = operation.demand_kw / (CP_KJ_KGK * m)
        constant = constant - drop
        error = np.where(pipe, _PIPE_LEAST_K, 0.05) + _DEMAND_SHARE * np.abs(drop)
        made = np.isfinite(operation.outlet_c)
        slope[made], constant[made], error[made] = 0.0, operation.outlet_c[made], _SET_K
        if self._past:
            newest = self._past[-1][1]
            warm = newest[start]
            cooling = (1.0 - kept) * np.abs(warm - operation.ambient_c)
            error += np.where(pipe, _PIPE_SHARE * cooling, 0.0)
            travel = net.volume_m3() * density_kg_m3(warm) / m
            share, known = self._arrived(t_s, travel, start)
            # What entered since the last call is interpolated towards what is estimated now.
            late = pipe & runs & ~made
            constant = np.where(late, constant + slope * known, constant)
            slope = np.where(late, slope * share, slope)
        return start, end, runs, size, slope, constant, error**2

    def _arrived(self, t_s: float, travel_s: Floats, start: Ints) -> tuple[Floats, Floats]:
        """Return share of the present and the known part of what entered a travel time ago."""
        times = np.array([t for t, _ in self._past] + [t_s])
        table = np.stack([c for _, c in self._past])
        at = np.clip(t_s - travel_s, times[0], t_s)
        after = np.clip(np.searchsorted(times, at), 1, len(times) - 1)
        low, high = times[after - 1], times[after]
        x = np.clip((at - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        before_c = table[after - 1, start]
        present = after == len(times) - 1
        after_c = np.where(present, 0.0, table[np.minimum(after, len(table) - 1), start])
        return np.where(present, x, 0.0), (1.0 - x) * before_c + x * after_c

    def _fit(
        self,
        operation: Operation,
        meters: Meters,
        terms: tuple[Ints, Ints, Flags, Floats, Floats, Floats, Floats],
    ) -> Warmth:
        net, shape = self._network, self._shape
        start, end, runs, size, slope, constant, variance = terms
        weight, value = meters.combined(MeterKind.TEMPERATURE, net.n_node)
        fed = np.maximum(-operation.outflow_kgs, 0.0)
        fed = np.where(np.isfinite(operation.source_c), fed, 0.0)
        inflow = np.bincount(end[runs], size[runs], net.n_node) + fed
        still = inflow <= _STILL_KGS
        share = np.where(runs, size / np.where(still, 1.0, inflow)[end], 0.0)
        c = np.bincount(end, share * constant, net.n_node)
        outside = np.where(still, 0.0, fed / np.where(still, 1.0, inflow))
        c += outside * np.where(np.isfinite(operation.source_c), operation.source_c, 0.0)
        spread = np.bincount(end, share**2 * variance, net.n_node) + 1e-4
        # Where water stands it is what it was; where it comes from outside it may be anything.
        past = self._past[-1][1] if self._past else np.full(net.n_node, 50.0)
        c[still] = past[still]
        leaves = np.bincount(start[runs], size[runs], net.n_node) > _STILL_KGS
        new = still & leaves if self._past else still
        spread[still] = np.where(new, _UNSEEN_K, _STILL_K)[still] ** 2

        low = np.zeros((len(shape.rows), 4))
        diag = np.zeros((net.n_node, 3))
        right = np.zeros((net.n_node, 2))
        rank = shape.rank
        diag[rank] = np.column_stack((weight, np.ones(net.n_node), -spread))
        right[rank] = np.column_stack((weight * value, c))
        # Mixing at the end knows the start: coefficient of (multiplier of end, warmth of start).
        live = runs & (share * slope > 0.0)
        factor = -(share * slope)[live]
        above = rank[end[live]] > rank[start[live]]
        np.add.at(low, (shape.entry[live], np.where(above, 2, 1)), factor)
        solved = BlockFactor(shape, low, diag)
        node_c = solved.solve(right)[rank, 0]
        var = np.maximum(solved.inverse()[1][rank, 0], 0.0)
        residual = np.full(len(meters.name), np.nan)
        of = meters.of(MeterKind.TEMPERATURE)
        residual[of] = meters.value[of] - node_c[meters.place[of]]
        left = np.zeros(len(residual))
        left[of] = meters.sigma[of] ** 2 - var[meters.place[of]]
        checked = left > 1e-4 * meters.sigma**2
        normalised = np.where(checked, residual / np.sqrt(np.where(checked, left, 1.0)), 0.0)
        return Warmth(
            node_c=node_c,
            sigma_k=np.sqrt(var),
            residual_k=residual,
            normalised=np.where(np.isfinite(normalised), normalised, 0.0),
            bad=(),
        )
