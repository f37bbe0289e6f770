"""The stations between primary networks: isolation stations with their zones, and boosters."""

from __future__ import annotations

import numpy as np

from heatloop.demo.orders import Wear
from heatloop.demo.plant_orders import PUMP_DUTY_HZ, PlantOrders
from heatloop.demo.truth_primary import PrimaryTruth
from heatloop.network.arrays import Floats
from heatloop.network.exchanger import conductance_kw_k, transfer_kw_k
from heatloop.station.modes import StationMode

_KP_PCT_K, _KI_PCT_KS = 0.4, 0.25 / 30.0
_MOST_PCT_K = 0.4
_HZ_PER_S = 1.0


class Zones:
    """State of all isolation and booster stations."""

    def __init__(self, truth: PrimaryTruth) -> None:
        self.truth = truth
        n = len(truth.hot_kgs)
        self.valve_pct: Floats = np.full(n, 50.0)
        self.pump_hz: Floats = np.full(n, PUMP_DUTY_HZ)
        self.booster_hz: Floats = np.full(len(truth.booster_kgs), PUMP_DUTY_HZ)
        self.heat_kw: Floats = np.zeros(n)
        self.error_k: Floats = np.zeros(n)

    def drive(self, orders: PlantOrders, wear: Wear, supply_c: Floats, dt_s: float) -> None:
        """Move valves and pumps by one step.

        Args:
            orders: What is wanted.
            wear: What is broken.
            supply_c: Temperature each isolation station sends into its zone, shape (n_isolation,).
            dt_s: Step.
        """
        if not len(self.booster_hz):
            return
        error = orders.zone_c - supply_c
        move = _KP_PCT_K * (error - self.error_k)
        move += min(_KI_PCT_KS * dt_s, _MOST_PCT_K) * error
        self.error_k = error
        by_hand = orders.zone_mode == StationMode.REMOTE_MANUAL
        goal = np.where(by_hand, orders.zone_valve_pct, self.valve_pct + move)
        reach = 100.0 * dt_s / self.truth.zone_stroke_s
        self.valve_pct = np.clip(
            self.valve_pct + np.clip(goal - self.valve_pct, -reach, reach), 0.0, 100.0
        )
        reach_hz = _HZ_PER_S * dt_s
        self.pump_hz = self.pump_hz + np.clip(orders.zone_hz - self.pump_hz, -reach_hz, reach_hz)
        step_hz = np.clip(orders.booster_hz - self.booster_hz, -reach_hz, reach_hz)
        self.booster_hz = np.where(wear.booster_tripped, 0.0, self.booster_hz + step_hz)

    def exchange(self, hot_kgs: Floats, cold_kgs: Floats, hot_c: Floats, cold_c: Floats) -> Floats:
        """Return the heat through the plates, kW, shape (n_isolation,).

        Args:
            hot_kgs: Flow on the hot side, shape (n_isolation,).
            cold_kgs: Flow on the cold side, shape (n_isolation,).
            hot_c: Temperature at which the hot water comes in, shape (n_isolation,).
            cold_c: Temperature at which the cold water comes in, shape (n_isolation,).
        """
        truth = self.truth
        if not len(self.pump_hz):
            return self.heat_kw
        hot, cold = np.maximum(hot_kgs, 0.0), np.maximum(cold_kgs, 0.0)
        ua = conductance_kw_k(
            truth.plates_kw_k, hot / truth.hot_kgs, cold / truth.cold_kgs, truth.plates_fouling
        )
        self.heat_kw = transfer_kw_k(ua, hot, cold) * np.maximum(hot_c - cold_c, 0.0)
        self.heat_kw = np.where((hot > 0.0) & (cold > 0.0), self.heat_kw, 0.0)
        return self.heat_kw
