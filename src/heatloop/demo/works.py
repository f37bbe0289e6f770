"""The city's heat works: source, mains, exchangers, loops and rooms, moved step by step.

Commands come in, states and flows come out; every kilojoule is booked in `energy`.
"""

from __future__ import annotations

import numpy as np

from heatloop.demo.orders import Commands, Flags, Wear
from heatloop.demo.truth import DUTY_HZ, SOURCE_DP_KPA, Truth
from heatloop.demo.weather import Weather
from heatloop.network import building, secondary
from heatloop.network.arrays import Floats, summed
from heatloop.network.building import BuildingState
from heatloop.network.exchanger import conductance_kw_k, transfer_kw_k
from heatloop.network.hydraulics import Tree
from heatloop.network.pipes import TreeWater
from heatloop.network.pump import valve_resistance_kpa_kgs2
from heatloop.network.secondary import SecondaryState
from heatloop.network.water import CP_KJ_KGK

GROUND_C = 2.0
MAKEUP_C = 10.0
RETURN_HOLD_KPA = 300.0
TANK_M2 = 3.0
_REFILL_M3H = 8.0
_REFILL_LOW_M, _REFILL_HIGH_M = 1.4, 1.9
_MAKEUP_SHARE = 0.025
_HZ_PER_S = 1.0
_BOILER_LAG_S = 900.0
_BOILER_RAMP_PER_S = 0.2 / 60.0


class Works:
    """State of the heat works of one city; see `step` and `heat_rooms`."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        n, stations = len(truth.kvs_m3h), int(truth.station.max()) + 1
        self.n_unit, self.n_station = n, stations
        self.tree = Tree(list(truth.mains_parent))
        self._pipe_r = truth.mains_r.tolist()
        self._supply_r = (truth.mains_r * truth.mains_supply_share).tolist()
        self.mains = TreeWater(
            parent=list(truth.mains_parent),
            mass_kg=truth.mains_kg,
            loss_kw_k=truth.mains_loss_kw_k,
        )
        self.mains.fill(100.0, 46.0)
        plan, zones = truth.secondary, truth.building
        mean = np.full(n, 40.0)
        self.secondary = SecondaryState(
            supply_c=mean + 4.0,
            branch_supply_c=np.full(len(plan.unit), 43.0),
            emitter_c=np.full((secondary.SEGMENTS, len(plan.unit)), 40.0),
            branch_return_c=np.full(len(plan.unit), 37.0),
            return_c=mean - 4.0,
        )
        self.rooms = BuildingState(
            zone_c=np.full(len(zones.building), 20.5),
            envelope_c=np.full(len(zones.envelope_kj_k), 10.0),
        )
        self.boiler_c, self.boiler_kw = np.full(2, 100.0), np.full(2, 0.35 * truth.boiler_kw)
        self.source_hz = 42.0
        self.valve_pct = np.full(n, 50.0)
        self.pump_hz = np.full(n, DUTY_HZ)
        self.makeup_on = np.zeros(n, dtype=bool)
        self.return_kpa = truth.hold_kpa.copy()
        self.tank_m, self.refilling = np.full(stations, 1.7), np.zeros(stations, dtype=bool)
        # Flows and powers of the last step.
        self.primary_kgs = truth.primary_design_kgs.copy()
        self.primary_out_c = np.full(n, 46.0)
        self.flow_kgs = truth.secondary_design_kgs.copy()
        self.exchanger_kw = np.zeros(n)
        self.source_kgs = float(self.primary_kgs.sum())
        self.source_dp_kpa = SOURCE_DP_KPA
        self.outlet_c, self.source_return_c = 100.0, 46.0
        self.station_supply_kpa = np.full(stations, 500.0)
        self.station_return_kpa = np.full(stations, 400.0)
        self.emitter_kj = np.zeros(len(plan.unit))
        self.room_seen_c = building.emitter_room_c(zones, self.rooms)
        self.wear = Wear(
            valve_stuck=np.zeros(n, dtype=bool),
            pump_tripped=np.zeros(n, dtype=bool),
            leak_kgs=np.zeros(n),
        )
        self.energy = {"boilers": 0.0, "gains": 0.0, "ground": 0.0, "outdoors": 0.0, "makeup": 0.0}

    def stored_kj(self) -> float:
        """Return all heat held above 0 degC: boilers, mains, loops, emitters, rooms, walls."""
        truth = self.truth
        waiting = float(self.emitter_kj.sum())
        boilers = float(self.boiler_c.sum()) * truth.boiler_kg * CP_KJ_KGK
        return (
            boilers
            + waiting
            + self.mains.stored_kj()
            + secondary.stored_kj(truth.secondary, self.secondary)
            + building.stored_kj(truth.building, self.rooms)
        )

    def step(self, commands: Commands, dt_s: float) -> None:
        """Move water and heat from the boilers to the emitters by one step."""
        truth = self.truth
        self._actuators(commands, dt_s)
        node_kgs, consumer_kgs = self._primary_flows()
        self.flow_kgs = truth.pump.flow_kgs(self.pump_hz, truth.secondary_r)
        boiler_kgs = self._boiler_flows(commands.boiler_on)
        self.outlet_c = float(boiler_kgs @ self.boiler_c) / max(self.source_kgs, 1e-12)
        lost = self.mains.push_supply(self.outlet_c, node_kgs, GROUND_C, dt_s)
        inlet_c = self.mains.supply_c[1::2, -1][truth.station]
        ua = conductance_kw_k(
            truth.exchanger_kw_k,
            self.primary_kgs / truth.primary_design_kgs,
            self.flow_kgs / truth.secondary_design_kgs,
            truth.fouling,
        )
        flux = secondary.step_secondary(
            truth.secondary,
            self.secondary,
            flow_kgs=self.flow_kgs,
            exchanger_kw_k=transfer_kw_k(ua, self.primary_kgs, self.flow_kgs),
            primary_c=inlet_c,
            room_c=self.room_seen_c,
            ground_c=GROUND_C,
            makeup_kgs=self.makeup_kgs(),
            makeup_c=MAKEUP_C,
            dt_s=dt_s,
        )
        self.exchanger_kw = flux.exchanger_kw
        self.primary_out_c = inlet_c - flux.exchanger_kw / (self.primary_kgs * CP_KJ_KGK)
        given_back = summed(truth.station, self.primary_kgs * self.primary_out_c, self.n_station)
        at_node, at_node_c = np.zeros(len(node_kgs)), np.zeros(len(node_kgs))
        at_node[1::2] = consumer_kgs
        at_node_c[1::2] = given_back / consumer_kgs
        back_c, lost_back = self.mains.push_return(node_kgs, at_node, at_node_c, GROUND_C, dt_s)
        self.source_return_c = back_c
        self._boilers(commands, boiler_kgs, back_c, dt_s)
        self._water(dt_s)
        self.emitter_kj += flux.emitter_kw * dt_s
        energy = self.energy
        energy["boilers"] += float(self.boiler_kw.sum()) * dt_s
        energy["ground"] += lost + lost_back + float(flux.loss_kw.sum()) * dt_s
        energy["makeup"] += float(flux.makeup_kw.sum()) * dt_s

    def heat_rooms(self, weather: Weather, gain_factor: float, dt_s: float) -> Floats:
        """Move rooms and walls by one step with the heat emitted since the last; return it, kW."""
        plan = self.truth.building
        heat_kw = self.emitter_kj / dt_s
        flux = building.step_buildings(
            plan,
            self.rooms,
            heat_kw=heat_kw,
            outdoor_c=weather.outdoor_c,
            wind_ms=weather.wind_ms,
            sun_kw_m2=weather.sun_w_m2 / 1000.0,
            gain_factor=gain_factor,
            dt_s=dt_s,
        )
        self.emitter_kj = np.zeros_like(self.emitter_kj)
        self.room_seen_c = building.emitter_room_c(plan, self.rooms)
        self.energy["gains"] += flux.gained_kj
        self.energy["outdoors"] += flux.lost_kj
        return heat_kw

    def _actuators(self, commands: Commands, dt_s: float) -> None:
        reach = 100.0 * dt_s / self.truth.stroke_s
        reach[self.wear.valve_stuck] = 0.0
        self.valve_pct += np.clip(commands.valve_pct - self.valve_pct, -reach, reach)
        wanted = np.where(self.wear.pump_tripped, 0.0, np.clip(commands.pump_hz, 0.0, 50.0))
        reach_hz = _HZ_PER_S * dt_s
        self.pump_hz += np.clip(wanted - self.pump_hz, -reach_hz, reach_hz)
        # A tripped pump does not ramp: it is off.
        self.pump_hz[self.wear.pump_tripped] = 0.0
        self.makeup_on = commands.makeup & (self.tank_m[self.truth.station] > 0.05)
        pump = self.truth.source_pump
        fall = float(pump.fall_kpa_kgs2[0]) * self.source_kgs**2
        share = (commands.source_dp_kpa + fall) / float(pump.shutoff_kpa[0])
        goal_hz = min(50.0 * max(share, 0.0) ** 0.5, 50.0)
        # Half-way at most: flow follows speed, and the goal follows flow.
        move = 0.5 * (goal_hz - self.source_hz)
        self.source_hz += min(max(move, -0.5 * dt_s), 0.5 * dt_s)

    def _primary_flows(self) -> tuple[Floats, Floats]:
        """Solve the mains; return the flow into each node and each station's flow, kg/s."""
        truth = self.truth
        r = valve_resistance_kpa_kgs2(truth.kvs_m3h, self.valve_pct) + truth.exchanger_r
        g_unit = 1.0 / np.sqrt(r)
        g_station = summed(truth.station, g_unit, self.n_station)
        consumer = [0.0] * (2 * self.n_station)
        consumer[1::2] = g_station.tolist()
        g_root, seen = self.tree.conductances(self._pipe_r, consumer)
        root = truth.source_pump.flow_kgs(
            np.array([self.source_hz]), np.array([1.0 / (g_root * g_root)])
        )
        self.source_kgs = float(root[0])
        self.source_dp_kpa = (self.source_kgs / g_root) ** 2
        dp, flow = self.tree.differences_kpa(self._pipe_r, seen, self.source_dp_kpa)
        supply = [0.0] * len(flow)
        for node, above in enumerate(truth.mains_parent):
            top = RETURN_HOLD_KPA + self.source_dp_kpa if above < 0 else supply[above]
            supply[node] = top - self._supply_r[node] * flow[node] ** 2
        self.station_supply_kpa = np.array(supply[1::2])
        self.station_return_kpa = self.station_supply_kpa - np.array(dp[1::2])
        self.primary_kgs = g_unit * np.sqrt(np.array(dp[1::2]))[truth.station]
        consumer_kgs = summed(truth.station, self.primary_kgs, self.n_station)
        return np.array(flow), consumer_kgs

    def _boiler_flows(self, on: Flags) -> Floats:
        share = on / on.sum() if on.any() else np.full(2, 0.5)
        return np.asarray(share * self.source_kgs)

    def _boilers(self, commands: Commands, flow_kgs: Floats, back_c: float, dt_s: float) -> None:
        truth = self.truth
        capacity = truth.boiler_kg * CP_KJ_KGK
        goal = commands.source_supply_c
        wanted = flow_kgs * CP_KJ_KGK * (goal - back_c)
        wanted += capacity * (goal - self.boiler_c) / _BOILER_LAG_S
        wanted = np.clip(wanted, 0.0, truth.boiler_kw) * commands.boiler_on
        reach = _BOILER_RAMP_PER_S * truth.boiler_kw * dt_s
        self.boiler_kw += np.clip(wanted - self.boiler_kw, -reach, reach)
        taken = flow_kgs * CP_KJ_KGK * (self.boiler_c - back_c)
        self.boiler_c = self.boiler_c + (self.boiler_kw - taken) * dt_s / capacity

    def makeup_kgs(self) -> Floats:
        """Return the make-up water now, kg/s, shape (n_unit,)."""
        return np.asarray(self.makeup_on * (_MAKEUP_SHARE * self.truth.secondary_design_kgs))

    def secondary_supply_kpa(self) -> Floats:
        """Return the pressure behind each circulation pump, shape (n_unit,)."""
        return self.return_kpa + self.truth.pump.head_kpa(self.pump_hz, self.flow_kgs)

    def leak_kgs(self) -> Floats:
        """Return the water each loop loses now, kg/s, shape (n_unit,)."""
        truth = self.truth
        usual = truth.leak_share * truth.secondary_design_kgs + self.wear.leak_kgs
        return np.asarray(usual * np.sqrt(np.maximum(self.return_kpa / truth.hold_kpa, 0.0)))

    def _water(self, dt_s: float) -> None:
        truth = self.truth
        makeup = self.makeup_kgs()
        gained_m3 = (makeup - self.leak_kgs()) * dt_s / 1000.0
        self.return_kpa = np.maximum(self.return_kpa + truth.cushion_kpa_m3 * gained_m3, 0.0)
        used = summed(truth.station, makeup, self.n_station) * dt_s / 1000.0
        self.refilling = (self.refilling & (self.tank_m < _REFILL_HIGH_M)) | (
            self.tank_m < _REFILL_LOW_M
        )
        filled = self.refilling * (_REFILL_M3H * dt_s / 3600.0)
        self.tank_m = np.clip(self.tank_m + (filled - used) / TANK_M2, 0.0, 2.1)
