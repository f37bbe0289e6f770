"""The primary network at work: pressures, flows and temperatures from source to station.

Every zone's pressure is held at one node by its make-up pumps, up to what they can give; beyond
that, in a burst, the pressure falls.
"""

from __future__ import annotations

import numpy as np

from heatloop.demo.layout import TANK_LAYERS, build_primary
from heatloop.demo.orders import LEAK_KPA, Wear, choke
from heatloop.demo.plans import Streets
from heatloop.demo.plant_orders import RETURN_HOLD_KPA, PlantOrders
from heatloop.demo.truth import Truth
from heatloop.network.arrays import Floats, summed
from heatloop.network.flow.solver import Solver
from heatloop.network.heat.dynamic import Dynamics
from heatloop.network.pump import kv_share

_LEAST_SHARE = 1e-5
_MAKEUP_SHARE = 0.03
"""Most make-up over design flow."""
_CUSHION_KPA_M3 = 15.0
"""Pressure lost a m3 of water missing."""
_SUPPLY_C, _RETURN_C = 98.0, 46.0
_ZONE_SUPPLY_C = 73.0
_TANK_C = (97.0, 97.0, 51.0, 50.0)


class Primary:
    """Network, water and make-up of one city."""

    def __init__(self, streets: Streets, truth: Truth) -> None:
        self._truth = truth
        self.network, self.operation, self.at = build_primary(streets, truth)
        self.solver = Solver(self.network)
        self.water = Dynamics(self.network)
        self.flow_kgs: Floats = np.zeros(self.network.n_link)
        self.pressure_kpa: Floats = np.full(self.network.n_node, RETURN_HOLD_KPA)
        self.node_c: Floats = np.full(self.network.n_node, _RETURN_C)
        self.inlet_c: Floats = np.zeros(self.network.n_link)
        self.held_kpa: Floats = self.operation.held_kpa[self.at.held].copy()
        self._hold_kpa = self.held_kpa[:1].copy()
        self.makeup_kgs: Floats = np.zeros(len(self.at.held))
        real = truth.primary
        design = np.concatenate([[real.source_kgs.sum()], real.cold_kgs])
        self._most_makeup = _MAKEUP_SHARE * design
        self._usual_leaks(real.leak_share * design)
        self._fill()
        # Books of the last step: lost to the ground, and come with water from outside.
        self.lost_kj, self.makeup_kj = 0.0, 0.0

    def _usual_leaks(self, zone_kgs: Floats) -> None:
        """Let every return junction of a zone lose its part of the zone's usual loss."""
        zone = self.at.junction_zone
        count = np.bincount(zone, minlength=len(zone_kgs))
        self.operation.outflow_kgs[self.at.station_return] = (zone_kgs / count)[zone]

    def _fill(self) -> None:
        """Fill all pipes with water as warm as it is on a usual winter day."""
        at, warm = self.at, np.full(self.network.n_link, _RETURN_C)
        in_zone = np.zeros(self.network.n_node, dtype=bool)
        in_zone[at.cold_supply] = True
        start, end = self.network.from_node[at.supply_pipe], self.network.to_node[at.supply_pipe]
        for _ in range(len(start)):
            grown = in_zone.copy()
            grown[end] |= in_zone[start]
            grown[start] |= in_zone[end]
            if (grown == in_zone).all():
                break
            in_zone = grown
        warm[at.supply_pipe] = np.where(in_zone[start], _ZONE_SUPPLY_C, _SUPPLY_C)
        warm[at.tank] = np.tile(_TANK_C, len(at.charge))
        self.water.fill(warm)
        supply = np.union1d(start, end)
        self.node_c[supply] = np.where(in_zone[supply], _ZONE_SUPPLY_C, _SUPPLY_C)

    def set_valves(self, valve_pct: Floats, wear: Wear) -> None:
        """Set the units' control valves and strainers as they really stand."""
        share = np.maximum(kv_share(valve_pct), np.maximum(wear.valve_leaking, _LEAST_SHARE))
        self.operation.opening_pct[self.at.valve] = 100.0 * share
        free = np.sqrt(1.0 / choke(wear.strainer_blocked))
        self.operation.opening_pct[self.at.plate] = 100.0 * free

    def set_plants(
        self, source_hz: Floats, booster_hz: Floats, zone_hz: Floats, zone_valve_pct: Floats
    ) -> None:
        """Set pumps and isolation stations' valves."""
        operation, at = self.operation, self.at
        operation.speed[at.source_pump] = source_hz / 50.0
        operation.speed[at.booster_pump] = booster_hz / 50.0
        operation.speed[at.cold_pump] = zone_hz / 50.0
        share = np.maximum(kv_share(zone_valve_pct), _LEAST_SHARE)
        operation.opening_pct[at.hot_valve] = 100.0 * share

    def solve(self, orders: PlantOrders, wear: Wear, charge_kgs: Floats, dt_s: float) -> None:
        """Find flows and pressures, and what make-up they ask for."""
        operation, at = self.operation, self.at
        operation.flow_kgs[at.charge] = charge_kgs
        operation.held_kpa[at.held] = self.held_kpa
        operation.leak_kgs_kpa05[:] = 0.0
        for code, kgs in wear.main_leak_kgs.items():
            operation.leak_kgs_kpa05[at.junction_supply[code]] += kgs / LEAK_KPA**0.5
        found = self.solver.solve(operation, mean_c=self.water.mean_c())
        self.flow_kgs, self.pressure_kpa = found.flow_kgs, found.pressure_kpa
        lacking = -self._gathered()[at.held]
        goal = np.concatenate([self._hold_kpa, orders.zone_hold_kpa])
        refill = (goal - self.held_kpa) / _CUSHION_KPA_M3 * 1000.0 / dt_s
        self.makeup_kgs = np.clip(lacking + refill, 0.0, self._most_makeup)
        gained_m3 = (self.makeup_kgs - lacking) * dt_s / 1000.0
        self.held_kpa = np.maximum(self.held_kpa + _CUSHION_KPA_M3 * gained_m3, 0.0)

    def _gathered(self) -> Floats:
        """Return the water each node gathers: what leaks there, or less what enters, kg/s."""
        n = self.network.n_node
        arriving = summed(self.network.to_node, self.flow_kgs, n)
        return np.asarray(arriving - summed(self.network.from_node, self.flow_kgs, n))

    def push(self, sent_c: Floats, unit_kw: Floats, zone_kw: Floats, dt_s: float) -> None:
        """Move the water by one step.

        Args:
            sent_c: Temperature each plant sends out, shape (n_source,).
            unit_kw: Heat each unit takes, shape (n_unit,).
            zone_kw: Heat through each isolation station's plates, shape (n_isolation,).
            dt_s: Step.
        """
        operation, at = self.operation, self.at
        operation.outlet_c[at.plant] = sent_c
        operation.demand_kw[at.plate] = unit_kw
        operation.demand_kw[at.hot_plate] = zone_kw
        operation.demand_kw[at.cold_plate] = -zone_kw
        moved = self.water.push(self.flow_kgs, operation, dt_s)
        self.node_c, self.inlet_c = moved.node_c, moved.inlet_c
        self.lost_kj = float(moved.lost_kj.sum())
        self.makeup_kj = float(moved.outside_kj.sum())

    @property
    def shown_kpa(self) -> Floats:
        """Pressures as gauges show them: nothing where no water stands, shape (n_node,)."""
        p = self.pressure_kpa
        return np.asarray(np.where(p > 0.0, p, 0.0))

    def layer_c(self) -> Floats:
        """Return the temperature of each storage tank's layers, shape (n_tank, n_layer)."""
        layers = len(TANK_LAYERS)
        return self.water.mean_c()[self.at.tank].reshape(-1, layers)

    def dp_kpa(self, supply: str, back: str) -> Floats:
        """Return the pressure difference between two groups of nodes of `Places`."""
        at, p = self.at, self.pressure_kpa
        return np.asarray(p[getattr(at, supply)] - p[getattr(at, back)])
