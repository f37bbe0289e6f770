"""State estimation: the most likely flows and pressures of a moment, with their errors.

Reference: Schweppe and Wildes 1970 (doi 10.1109/TPAS.1970.292678); equality constraints by
multipliers as Clements 2011; bad data by the largest normalised residual, Abur and Exposito 2004.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.flow.newton import leak_kgs
from heatloop.network.fluid import Fluid
from heatloop.network.model.kinds import Friction, LinkKind
from heatloop.network.model.net import Flags, Network
from heatloop.network.model.operation import Operation
from heatloop.network.twin.equations import flow_variance, gather
from heatloop.network.twin.estimated import Estimate, Trust
from heatloop.network.twin.laws import NO_LAW, LinkLaws, first_flows
from heatloop.network.twin.meters import MeterKind, Meters
from heatloop.network.twin.pattern import BlockFactor, pattern_of

_SHUT_VARIANCE = 1e-12
_LEAST_OUTFLOW_VARIANCE = 1e-10
_WEAK_PRESSURE = 1e-8
_MOST_STEPS = 40
_HALF_AFTER = 15


class Estimator:
    """Estimates states of one network; symbolic work is done once.

    Args:
        network: The network.
        fluid: What flows in it.
        friction: Law of pipe friction.
        trust: How far the model is trusted.
    """

    def __init__(
        self,
        network: Network,
        fluid: Fluid,
        friction: Friction = Friction.COLEBROOK,
        trust: Trust | None = None,
    ) -> None:
        self._network = network
        self._trust = trust or Trust()
        self._laws = LinkLaws(network, fluid, friction)
        self._shape = pattern_of(network.n_node, network.from_node, network.to_node)
        share = np.zeros(network.n_link)
        for kind, value in self._trust.law_share.items():
            share[network.kind == kind] = value
        self._share = share
        self._start = first_flows(network)

    def estimate(
        self,
        operation: Operation,
        meters: Meters,
        *,
        mean_c: Floats | None = None,
        start_kgs: Floats | None = None,
        leak_sigma_kgs: Floats | None = None,
        remove_above: float = 4.0,
        most_bad: int = 10,
    ) -> Estimate:
        """Return the most likely state.

        Args:
            operation: What is set; unmetered FLOW and HEAT links count with their set flow.
            meters: What is read.
            mean_c: Mean water temperature of each link, default 60 degC, shape (n_link,).
            start_kgs: Flows to start from; default: those found last.
            leak_sigma_kgs: Spread of leaks looked for at each node, 0: none, shape (n_node,).
            remove_above: Normalised residual above which the worst meter is taken out.
            most_bad: How many meters may be taken out.
        """
        n = self._network
        self._laws.prepare(operation, np.full(n.n_link, 60.0) if mean_c is None else mean_c)
        start = self._start if start_kgs is None else start_kgs.copy()
        bad: list[int] = []
        while True:
            found = self._fit(operation, meters, start, leak_sigma_kgs)
            worst = int(np.argmax(np.abs(found.normalised))) if len(meters.name) else -1
            done = worst < 0 or abs(found.normalised[worst]) <= remove_above
            if done or len(bad) >= most_bad:
                self._start = found.flow_kgs.copy()
                return replace(found, bad=tuple(bad))
            bad.append(worst)
            meters = meters.without(worst)
            start = found.flow_kgs

    def _fit(
        self, operation: Operation, meters: Meters, start: Floats, leak_sigma: Floats | None
    ) -> Estimate:
        n, shape = self._network, self._shape
        low = np.empty((len(shape.rows), 4))
        diag, right = np.empty((n.n_node, 3)), np.empty((n.n_node, 2))
        node = self._nodes(operation, meters, leak_sigma)
        weight, z, metered = self._flows(operation, meters)
        lawful = ~(operation.shut | np.isin(n.kind, NO_LAW))
        m, pressure = start, node[:, 1].copy()
        steps, settled, factor = 0, False, None
        link = np.empty((n.n_link, 6))
        while steps < _MOST_STEPS and not settled:
            steps += 1
            leaking = operation.leak_kgs_kpa05 > 0.0
            outflow = node.copy()
            for v in np.flatnonzero(leaking):
                outflow[v, 2] += leak_kgs(float(operation.leak_kgs_kpa05[v]), float(pressure[v]))[0]
            self._linearise(m, weight, z, lawful, link)
            gather(n.from_node, n.to_node, shape.rank, shape.entry, link, outflow, low, diag, right)
            factor = BlockFactor(shape, low, diag)
            x = factor.solve(right)[shape.rank]
            pressure = np.ascontiguousarray(x[:, 0])
            rise = x[n.to_node] - x[n.from_node]
            law = link[:, 4] - link[:, 0] * rise[:, 0]
            new = link[:, 1] * law + (1.0 - link[:, 1]) * z - link[:, 3] * rise[:, 1]
            settled = bool((np.abs(new - m) <= 1e-6 * (1.0 + np.abs(new))).all())
            m = new if steps < _HALF_AFTER or settled else 0.5 * (new + m)
        assert factor is not None
        return self._described(
            meters, metered, lawful, (weight, z, law, link, outflow), factor, (m, x), steps, settled
        )

    def _nodes(self, operation: Operation, meters: Meters, leak_sigma: Floats | None) -> Floats:
        """Return weight and value of the pressures, outflow and its variance, (n_node, 4)."""
        n, trust = self._network, self._trust
        weight, value = meters.combined(MeterKind.PRESSURE, n.n_node)
        pseudo = n.pressure_held & (weight == 0.0)
        weight[pseudo], value[pseudo] = trust.held_kpa**-2.0, operation.held_kpa[pseudo]
        fed, inflow = meters.combined(MeterKind.INFLOW, n.n_node)
        variance = np.full(n.n_node, _LEAST_OUTFLOW_VARIANCE)
        variance[n.pressure_held] = trust.makeup_kgs**2
        variance = np.divide(1.0, fed, out=variance, where=fed > 0.0)
        if leak_sigma is not None:
            variance = variance + leak_sigma**2
        outflow = np.where(fed > 0.0, -inflow, operation.outflow_kgs)
        return np.column_stack((weight + _WEAK_PRESSURE, value, outflow, variance))

    def _flows(self, operation: Operation, meters: Meters) -> tuple[Floats, Floats, Flags]:
        """Return weight and value of the flow of each link, metered or set, and if metered."""
        n, trust = self._network, self._trust
        weight, z = meters.combined(MeterKind.FLOW, n.n_link)
        metered = weight > 0.0
        wished = np.isin(n.kind, (LinkKind.FLOW, LinkKind.HEAT)) & ~metered
        sigma = trust.flow_share * np.abs(operation.flow_kgs) + trust.flow_least_kgs
        weight[wished], z[wished] = sigma[wished] ** -2.0, operation.flow_kgs[wished]
        free = (n.kind == LinkKind.DP_CONTROL) & ~metered
        weight[free] = trust.free_kgs**-2.0
        weight[operation.shut], z[operation.shut] = 1.0 / _SHUT_VARIANCE, 0.0
        return weight, z, metered

    def _linearise(self, m: Floats, weight: Floats, z: Floats, lawful: Flags, link: Floats) -> None:
        """Write G, rho, kappa, V, c, z of each link at flows m; see `gather`."""
        value, slope = self._laws.at(m)
        error = self._laws.error_kpa(value, self._share, self._trust.law_least_kpa)
        # A slope of nothing (a fixed lift) would make the conductance and its error infinite.
        slope = np.maximum(slope, 1e-4)
        g = 1.0 / slope
        a = np.where(lawful, (slope / error) ** 2, 0.0)
        total = a + weight
        link[:, 0], link[:, 1] = g, a / total
        link[:, 2], link[:, 3] = a * weight / total, 1.0 / total
        link[:, 4], link[:, 5] = m - g * value, z

    def _described(
        self,
        meters: Meters,
        metered: Flags,
        lawful: Flags,
        terms: tuple[Floats, Floats, Floats, Floats, Floats],
        factor: BlockFactor,
        state: tuple[Floats, Floats],
        steps: int,
        settled: bool,
    ) -> Estimate:
        """Return the estimate with the errors the inverse gives."""
        n, shape = self._network, self._shape
        weight, z, law, link, node = terms
        m, x = state
        z_low, z_diag = factor.inverse()
        z_diag = z_diag[shape.rank]
        flow_var = np.empty(n.n_link)
        rank = np.arange(n.n_node)
        flow_variance(n.from_node, n.to_node, rank, shape.entry, link, z_low, z_diag, flow_var)
        flow_var = np.maximum(flow_var, 0.0)
        p_var = np.maximum(z_diag[:, 0], 0.0)
        score_var = np.maximum(-z_diag[:, 2], 1e-30)
        outflow = node[:, 2] + node[:, 3] * x[:, 1]
        d_var = np.maximum(node[:, 3] - node[:, 3] ** 2 * score_var, 0.0)
        residual, left = np.full(len(meters.name), np.nan), np.zeros(len(meters.name))
        for kind, estimate, variance in (
            (MeterKind.FLOW, m, flow_var),
            (MeterKind.PRESSURE, x[:, 0], p_var),
            (MeterKind.INFLOW, -outflow, d_var),
        ):
            of = meters.of(kind)
            residual[of] = meters.value[of] - estimate[meters.place[of]]
            left[of] = meters.sigma[of] ** 2 - variance[meters.place[of]]
        checked = left > 1e-4 * meters.sigma**2
        normalised = np.where(checked, residual / np.sqrt(np.where(checked, left, 1.0)), 0.0)
        free = link[:, 1] < 1.0
        a = np.where(lawful, link[:, 1] / link[:, 3], 0.0)
        known = node[:, 3] > _LEAST_OUTFLOW_VARIANCE
        chi = (a * (m - law) ** 2).sum() + (weight * (m - z) ** 2)[~metered & free].sum()
        chi += np.nansum((residual / meters.sigma) ** 2)
        inflow = np.isin(rank, meters.place[meters.of(MeterKind.INFLOW)])
        apart = known & ~inflow
        chi += (node[apart, 3] * x[apart, 1] ** 2).sum()
        held = n.pressure_held & (node[:, 0] > _WEAK_PRESSURE)
        held[meters.place[meters.of(MeterKind.PRESSURE)]] = False
        chi += ((x[held, 0] - node[held, 1]) ** 2 * node[held, 0]).sum()
        rows = int(lawful.sum()) + int((~metered & free).sum()) + int(np.isfinite(residual).sum())
        rows += int(held.sum()) - int((inflow & known).sum())
        return Estimate(
            flow_kgs=m,
            flow_sigma_kgs=np.sqrt(flow_var),
            pressure_kpa=np.ascontiguousarray(x[:, 0]),
            pressure_sigma_kpa=np.sqrt(p_var),
            outflow_kgs=outflow,
            outflow_sigma_kgs=np.sqrt(d_var),
            leak_score=x[:, 1] / np.sqrt(score_var),
            leak_sigma_kgs=score_var**-0.5,
            residual=residual,
            normalised=np.where(np.isfinite(normalised), normalised, 0.0),
            bad=(),
            chi_square=float(chi),
            degrees=rows - n.n_link,
            steps=steps,
            settled=settled,
        )
