"""The constants of pipes, valves, exchangers and buildings, from history; see `calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heatloop.network.arrays import Floats
from heatloop.network.exchanger import conductance_kw_k, transfer_kw_k
from heatloop.network.fluid import Fluid
from heatloop.network.model.net import Ints, Network
from heatloop.network.model.operation import Operation
from heatloop.network.sweep.sweeper import Sweeper
from heatloop.network.twin.calibrate import Calibration, calibrate, described
from heatloop.network.twin.learn import Learned
from heatloop.network.twin.metered import Piping
from heatloop.network.valve import kv_share
from heatloop.network.water import CP_KJ_KGK, density_kg_m3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WarmPoint:
    """A steady operating point and what thermometers read in it."""

    operation: Operation
    """What was set."""
    flow_kgs: Floats
    """Flow of each link, shape (n_link,)."""
    read_c: Floats
    """Temperature at each thermometer, shape (n_meter,)."""


def calibrate_friction(piping: Piping, learned: Learned, group: Ints) -> Calibration:
    """Return the friction of groups of pipes over the book, weighted by length.

    Args:
        piping: The piping.
        learned: From `learn` with the same groups, which says how alike a group's pipes are.
        group: Group of each link of the piping (age, bore), shape (n_link,).
    """
    count = int(group.max()) + 1
    weight = np.zeros((count, piping.network.n_link))
    weight[group, np.arange(len(group))] = piping.network.length_m
    weight /= weight.sum(axis=1, keepdims=True)
    n = piping.network.n_link
    return described(
        tuple(f"friction of group {g}" for g in range(count)),
        np.ones(count),
        weight @ learned.columns[:n],
        weight @ learned.covariance[:n, :n] @ weight.T,
        np.diag(weight @ learned.prior_friction @ weight.T) ** 0.5,
        learned.misfit,
        0,
    )


def calibrate_insulation(
    network: Network,
    fluid: Fluid,
    points: Sequence[WarmPoint],
    thermometer: Ints,
    sigma_k: float,
    group: Ints,
    *,
    bias_k: float = 0.2,
    spread: float = 0.4,
) -> Calibration:
    """Return the heat loss of groups of pipes over the book.

    Args:
        network: The network; `loss_w_mk` is the book.
        fluid: What flows in it.
        points: Steady operating points.
        thermometer: Node of each thermometer, shape (n_meter,).
        sigma_k: Standard error of a reading.
        group: Group of each link, -1: none, shape (n_link,).
        bias_k: Constant error of a thermometer beforehand.
        spread: Standard error of the logarithm of a group's loss beforehand.
    """
    count = int(group.max()) + 1
    read = np.stack([p.read_c for p in points])
    start = np.full(network.n_node, float(np.nanmean(read)))
    mean = np.full(network.n_link, float(np.nanmean(read)))
    # A thermometer's constant error makes its misses alike; their mean counts for less.
    alike = 1.0 - (1.0 + len(points) * (bias_k / sigma_k) ** 2) ** -0.5

    def misses(factor: Floats) -> Floats:
        of_link = np.where(group >= 0, factor[group], 1.0)
        sweeper = Sweeper(replace(network, loss_w_mk=network.loss_w_mk * of_link), fluid)
        found = [sweeper.run(p.operation, p.flow_kgs, mean, start)[0] for p in points]
        miss = (read - np.stack(found)[:, thermometer]) / sigma_k
        return np.asarray((miss - alike * miss.mean(axis=0)).ravel())

    names = tuple(f"heat loss of group {g}" for g in range(count))
    return calibrate(names, np.ones(count), np.full(count, spread), misses)


def calibrate_valve(
    dp_kpa: Floats,
    opening_pct: Floats,
    flow_kgs: Floats,
    *,
    kvs_m3h: float,
    resistance_kpa_kgs2: float,
    rangeability: float,
    flow_sigma: float,
    mean_c: float = 80.0,
    spread: tuple[float, float] = (0.2, 0.3),
) -> Calibration:
    """Return kvs of a station's valve and the resistance in series with it.

    Args:
        dp_kpa: Pressure difference over both, shape (n_time,).
        opening_pct: Opening, shape (n_time,).
        flow_kgs: Flow, shape (n_time,).
        kvs_m3h: Book value.
        resistance_kpa_kgs2: Book value.
        rangeability: Of the valve.
        flow_sigma: Standard error of a flow reading, share.
        mean_c: Water temperature.
        spread: Standard errors of the logarithms beforehand.
    """
    share = kv_share(opening_pct, rangeability)
    thin = 1000.0 / float(density_kg_m3(mean_c))

    def misses(factor: Floats) -> Floats:
        valve = 100.0 * (3.6 / (kvs_m3h * factor[0] * share)) ** 2 * thin
        flow = np.sqrt(dp_kpa / (valve + resistance_kpa_kgs2 * factor[1]))
        return np.asarray((flow_kgs - flow) / (flow_sigma * flow_kgs))

    book = np.array([kvs_m3h, resistance_kpa_kgs2])
    return calibrate(("kvs_m3h", "resistance_kpa_kgs2"), book, np.array(spread), misses)


def calibrate_exchanger(
    primary_kgs: Floats,
    secondary_kgs: Floats,
    primary_in_c: Floats,
    secondary_in_c: Floats,
    heat_kw: Floats,
    *,
    design_kw_k: float,
    primary_design_kgs: float,
    secondary_design_kgs: float,
    heat_sigma: float,
    spread: float = 0.3,
) -> Calibration:
    """Return the conductance of a plate exchanger at design flows, fouling included.

    Args:
        primary_kgs: Shape (n_time,).
        secondary_kgs: Shape (n_time,).
        primary_in_c: Shape (n_time,).
        secondary_in_c: Shape (n_time,).
        heat_kw: Heat passed, shape (n_time,).
        design_kw_k: Book value of the conductance.
        primary_design_kgs: Flow it is given for.
        secondary_design_kgs: Flow it is given for.
        heat_sigma: Standard error of a heat reading, share.
        spread: Standard error of the logarithm beforehand.
    """
    ratios = primary_kgs / primary_design_kgs, secondary_kgs / secondary_design_kgs

    def misses(factor: Floats) -> Floats:
        ua = conductance_kw_k(np.array([design_kw_k * factor[0]]), *ratios)
        passed = transfer_kw_k(ua, primary_kgs, secondary_kgs) * (primary_in_c - secondary_in_c)
        return np.asarray((heat_kw - passed) / (heat_sigma * heat_kw))

    return calibrate(("kw_k",), np.array([design_kw_k]), np.array([spread]), misses)


def calibrate_building(
    heat_kw: Floats,
    outside_c: Floats,
    room_c: Floats,
    *,
    step_s: float,
    loss_kw_k: float,
    capacity_mj_k: float,
    gain_kw: float,
    sigma_k: float,
    spread: tuple[float, float, float] = (0.3, 0.5, 0.7),
) -> Calibration:
    """Return loss, capacity and free gains of a building seen as one body.

    Args:
        heat_kw: Heat given in each step, shape (n_time,).
        outside_c: Outdoor temperature, shape (n_time,).
        room_c: Mean room temperature at the start of each step, shape (n_time,).
        step_s: Step.
        loss_kw_k: Book value of the heat loss.
        capacity_mj_k: Book value of the heat capacity.
        gain_kw: Book value of people, sun and appliances, mean.
        sigma_k: Standard error of the rooms' mean.
        spread: Standard errors of the logarithms beforehand.
    """

    def misses(factor: Floats) -> Floats:
        loss, capacity = loss_kw_k * factor[0], capacity_mj_k * factor[1] * 1000.0
        keep = np.exp(-loss * step_s / capacity)
        goal = outside_c + (heat_kw + gain_kw * factor[2]) / loss
        t, out = float(room_c[0]), np.empty(len(room_c))
        for k, towards in enumerate(goal.tolist()):
            out[k] = t
            t = towards + (t - towards) * keep
        return np.asarray((room_c - out) / sigma_k)

    book = np.array([loss_kw_k, capacity_mj_k, gain_kw])
    return calibrate(("loss_kw_k", "capacity_mj_k", "gain_kw"), book, np.array(spread), misses)


def heat_of(flow_kgs: Floats, inlet_c: Floats, outlet_c: Floats) -> Floats:
    """Return the heat water gives on its way, kW."""
    return np.asarray(CP_KJ_KGK * flow_kgs * (inlet_c - outlet_c))
