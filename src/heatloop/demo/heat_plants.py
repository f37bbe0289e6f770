"""The heat plants: boilers and CHP units with their water, circulation pumps, storage tanks.

All heaters of a plant stand side by side. A CHP unit takes as much of the flow as it can bring to
the set temperature; the boilers that are enabled share the rest.
"""

from __future__ import annotations

import numpy as np

from heatloop.demo.orders import Flags, Wear
from heatloop.demo.plant_orders import PlantOrders
from heatloop.demo.truth_primary import PrimaryTruth
from heatloop.network.arrays import Floats, summed
from heatloop.network.water import CP_KJ_KGK

_LAG_S = 900.0
_BOILER_RAMP_PER_S, _CHP_RAMP_PER_S = 0.2 / 60.0, 0.05 / 60.0
_HZ_PER_S = 0.5
_LEAST_HEAT_KW = 1.0
_CHP_ELECTRIC = 0.62
"""Electric over heat output."""
_FULL_C, _EMPTY_C = 98.0, 50.0
"""Temperatures at which a tank counts as full and as empty."""
_NO_MORE_CHARGE_C, _NO_MORE_DISCHARGE_C = 80.0, 75.0


class HeatPlants:
    """State of all plants; flows come from the network."""

    def __init__(self, truth: PrimaryTruth) -> None:
        self.truth = truth
        n_source = len(truth.source_kgs)
        self.heater_c: Floats = np.full(len(truth.heater_kw), 100.0)
        self.heater_kw: Floats = 0.35 * truth.heater_kw
        self.pump_hz: Floats = np.full(n_source, 42.0)
        self.kgs: Floats = truth.source_kgs.copy()
        self.dp_kpa: Floats = truth.source_dp_kpa.copy()
        self.outlet_c: Floats = np.full(n_source, 100.0)
        self.back_c: Floats = np.full(n_source, 46.0)
        self._share: Floats = np.zeros(len(truth.heater_kw))
        self._sent_c: Floats = self.heater_c.copy()

    @property
    def boiler_c(self) -> Floats:
        """Outlet temperature of each boiler, shape (n_boiler,)."""
        return self.heater_c[: self.truth.n_boiler]

    @property
    def boiler_kw(self) -> Floats:
        """Heat of each boiler, shape (n_boiler,)."""
        return self.heater_kw[: self.truth.n_boiler]

    @property
    def chp_kw(self) -> Floats:
        """Heat of each CHP unit, shape (n_chp,)."""
        return self.heater_kw[self.truth.n_boiler :]

    @property
    def chp_electric_kw(self) -> Floats:
        """Electricity of each CHP unit, shape (n_chp,)."""
        return np.asarray(_CHP_ELECTRIC * self.chp_kw)

    def stored_kj(self) -> float:
        """Return the heat in the heaters' water above 0 degC."""
        return float(self.heater_c @ self.truth.heater_kg) * CP_KJ_KGK

    def drive(self, orders: PlantOrders, wear: Wear, dt_s: float) -> None:
        """Let the circulation pumps follow their differential pressure."""
        truth, pump = self.truth, self.truth.source_pump
        wanted = orders.dp_kpa + (pump.fall_kpa_kgs2 + truth.plant_r) * self.kgs**2
        goal = np.minimum(50.0 * np.sqrt(np.maximum(wanted / pump.shutoff_kpa, 0.0)), 50.0)
        if len(goal) > 1:
            # A plant beside others that may not fire takes no part.
            goal = np.where(self._may_fire(orders), goal, 0.0)
        # Half-way at most: flow follows speed, and the goal follows flow.
        reach = _HZ_PER_S * dt_s
        self.pump_hz = self.pump_hz + np.clip(0.5 * (goal - self.pump_hz), -reach, reach)
        self.pump_hz = np.where(wear.source_pump_tripped, 0.0, self.pump_hz)

    def _may_fire(self, orders: PlantOrders) -> Flags:
        on = np.concatenate([orders.boiler_on, orders.chp_pct > 0.0]).astype(np.float64)
        return np.asarray(summed(self.truth.heater_source, on, len(self.kgs)) > 0.0)

    def fire(self, orders: PlantOrders, wear: Wear, dt_s: float) -> Floats:
        """Burn for one step; return the temperature each plant sends out, shape (n_source,)."""
        truth, source = self.truth, self.truth.heater_source
        n_boiler, n_source = truth.n_boiler, len(self.kgs)
        lit = ~wear.source_tripped[source]
        flow = np.maximum(self.kgs, 0.0)
        need_kw = flow * CP_KJ_KGK * np.maximum(orders.supply_c - self.back_c, 0.0)
        most_kw = truth.heater_kw * lit
        most_kw[:n_boiler] *= orders.boiler_on
        most_kw[n_boiler:] *= orders.chp_pct / 100.0
        self._share = self._split(need_kw, most_kw, n_source)
        through = self._share * flow[source] * CP_KJ_KGK
        capacity = truth.heater_kg * CP_KJ_KGK
        goal = orders.supply_c[source]
        wanted = through * (goal - self.back_c[source])
        wanted += capacity * (goal - self.heater_c) / _LAG_S
        wanted = np.clip(wanted, 0.0, most_kw)
        reach = np.full(len(wanted), _CHP_RAMP_PER_S * dt_s)
        reach[:n_boiler] = _BOILER_RAMP_PER_S * dt_s
        reach *= truth.heater_kw
        self.heater_kw = self.heater_kw + np.clip(wanted - self.heater_kw, -reach, reach)
        self.heater_kw = np.where(lit, self.heater_kw, 0.0)
        held = capacity / dt_s
        self._sent_c = (held * self.heater_c + self.heater_kw + through * self.back_c[source]) / (
            held + through
        )
        passed = summed(source, self._share, n_source)
        sent = summed(source, self._share * self._sent_c, n_source)
        self.outlet_c = sent / np.maximum(passed, 1e-12)
        return self.outlet_c

    def _split(self, need_kw: Floats, most_kw: Floats, n_source: int) -> Floats:
        """Return the share of its plant's flow that goes through each heater, (n_heater,)."""
        truth, n_boiler = self.truth, self.truth.n_boiler
        share = np.zeros(len(most_kw))
        chp_source = truth.heater_source[n_boiler:]
        need = np.maximum(need_kw[chp_source], _LEAST_HEAT_KW)
        share[n_boiler:] = np.minimum(most_kw[n_boiler:], need) / need
        left = 1.0 - summed(chp_source, share[n_boiler:], n_source)
        source = truth.heater_source[:n_boiler]
        open_kw = most_kw[:n_boiler]
        total = summed(source, open_kw, n_source)
        # With all fires out the water still runs through the boilers.
        plain = truth.heater_kw[:n_boiler]
        part = np.where(
            total[source] > 0.0,
            open_kw / np.maximum(total[source], 1e-9),
            plain / summed(source, plain, n_source)[source],
        )
        share[:n_boiler] = left[source] * part
        return share

    def book(self, kgs: Floats, back_c: Floats, dt_s: float) -> None:
        """Take the heat that left with the water out of the heaters.

        Args:
            kgs: Flow through each plant, shape (n_source,).
            back_c: Mean temperature at which it came in, shape (n_source,).
            dt_s: Step.
        """
        source = self.truth.heater_source
        taken = self._share * np.maximum(kgs, 0.0)[source] * CP_KJ_KGK
        taken *= self._sent_c - back_c[source]
        gained = (self.heater_kw - taken) * dt_s / (self.truth.heater_kg * CP_KJ_KGK)
        self.heater_c = self.heater_c + gained
        self.back_c = back_c

    def charge_kgs(self, orders: PlantOrders, wear: Wear, layer_c: Floats) -> Floats:
        """Return the flow into each tank that its own pump and valves let through.

        Args:
            orders: What is wanted.
            wear: A tripped plant neither fills nor empties its tank.
            layer_c: Temperatures of the layers, shape (n_tank, n_layer).
        """
        wanted = orders.charge_m3h / 3.6 * 0.965
        wanted = np.where((wanted > 0.0) & (layer_c[:, -1] > _NO_MORE_CHARGE_C), 0.0, wanted)
        wanted = np.where((wanted < 0.0) & (layer_c[:, 0] < _NO_MORE_DISCHARGE_C), 0.0, wanted)
        still = wear.source_pump_tripped[self.truth.tank_source]
        return np.asarray(np.where(still, 0.0, wanted))


def charge_pct(layer_c: Floats, layer_share: Floats) -> Floats:
    """Return how full tanks are, shape (n_tank,).

    Args:
        layer_c: Temperatures of the layers, shape (n_tank, n_layer).
        layer_share: Share of the volume in each layer, shape (n_layer,).
    """
    mean_c = layer_c @ layer_share
    return np.asarray(100.0 * (mean_c - _EMPTY_C) / (_FULL_C - _EMPTY_C))
