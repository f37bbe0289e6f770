"""The city's heat works: source, mains, exchangers, loops and rooms, moved step by step.

Commands come in, states and flows come out; every kilojoule is booked in `energy`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heatloop.demo.heat_plants import HeatPlants
from heatloop.demo.layout import GROUND_C, MAKEUP_C
from heatloop.demo.orders import Commands, Wear, choke
from heatloop.demo.plans import Streets
from heatloop.demo.plant_orders import PlantOrders
from heatloop.demo.primary import Primary
from heatloop.demo.truth import DUTY_HZ, Truth
from heatloop.demo.weather import Weather
from heatloop.demo.zones import Zones
from heatloop.network import building, secondary
from heatloop.network.arrays import Floats, summed
from heatloop.network.building import BuildingState
from heatloop.network.exchanger import conductance_kw_k, transfer_kw_k
from heatloop.network.secondary import SecondaryPlan, SecondaryState

TANK_M2 = 3.0
_REFILL_M3H = 8.0
_REFILL_LOW_M, _REFILL_HIGH_M = 1.4, 1.9
_MAKEUP_SHARE = 0.025
_HZ_PER_S = 1.0
_BRANCH_PART = 0.6
"""Part of a loop's resistance that lies in its branches."""


class Works:
    """State of the heat works of one city; see `step` and `heat_rooms`.

    Args:
        truth: How it really is.
        streets: What stands where.
    """

    def __init__(self, truth: Truth, streets: Streets) -> None:
        self.truth = truth
        n, stations = len(truth.kvs_m3h), len(streets.substations)
        self.n_unit, self.n_station = n, stations
        self.primary = Primary(streets, truth)
        self.plants = HeatPlants(truth.primary)
        self.zones = Zones(truth.primary)
        self.orders = PlantOrders.usual(truth.primary)
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
        self.valve_pct = np.full(n, 50.0)
        self.pump_hz = np.full(n, DUTY_HZ)
        self.standby = np.zeros(n, dtype=bool)
        self.makeup_on = np.zeros(n, dtype=bool)
        self.return_kpa = truth.hold_kpa.copy()
        self.tank_m, self.refilling = np.full(stations, 1.7), np.zeros(stations, dtype=bool)
        # Flows and powers of the last step.
        self.primary_kgs = truth.primary_design_kgs.copy()
        self.flow_kgs = truth.secondary_design_kgs.copy()
        self.flow_share = plan.flow_share
        self.exchanger_kw = np.zeros(n)
        self.emitter_kj = np.zeros(len(plan.unit))
        self.room_seen_c = building.emitter_room_c(zones, self.rooms)
        self.wear = Wear.none(
            n_unit=n,
            n_station=stations,
            n_building=len(plan.unit),
            n_source=len(streets.sources),
            n_booster=len(streets.boosters),
        )
        self.energy = {"boilers": 0.0, "gains": 0.0, "ground": 0.0, "outdoors": 0.0, "makeup": 0.0}

    def stored_kj(self) -> float:
        """Return all heat held above 0 degC: plants, mains, loops, emitters, rooms, walls."""
        truth = self.truth
        waiting = float(self.emitter_kj.sum())
        return (
            waiting
            + self.plants.stored_kj()
            + float(self.primary.water.stored_kj())
            + secondary.stored_kj(truth.secondary, self.secondary)
            + building.stored_kj(truth.building, self.rooms)
        )

    def step(self, commands: Commands, dt_s: float) -> None:
        """Move water and heat from the boilers to the emitters by one step."""
        truth, primary, at = self.truth, self.primary, self.primary.at
        plants, zones, wear = self.plants, self.zones, self.wear
        self._actuators(commands, dt_s)
        plants.drive(self.orders, wear, dt_s)
        zones.drive(self.orders, wear, primary.node_c[at.cold_supply], dt_s)
        primary.set_valves(self.valve_pct, wear)
        primary.set_plants(plants.pump_hz, zones.booster_hz, zones.pump_hz, zones.valve_pct)
        charge_kgs = plants.charge_kgs(self.orders, wear, primary.layer_c())
        primary.solve(self.orders, wear, charge_kgs, dt_s)
        plants.kgs = primary.flow_kgs[at.plant]
        plants.dp_kpa = primary.dp_kpa("source_supply", "source_return")
        self.primary_kgs = np.maximum(primary.flow_kgs[at.plate], 0.0)
        # What reached the stations in the last step meets the plates in this one.
        inlet_c = primary.node_c[at.station_supply][truth.station]
        flux = self._loops(inlet_c, dt_s)
        zone_kw = zones.exchange(
            primary.flow_kgs[at.hot_plate],
            primary.flow_kgs[at.cold_plate],
            primary.node_c[at.hot_supply],
            primary.node_c[at.cold_return],
        )
        sent_c = plants.fire(self.orders, wear, dt_s)
        primary.push(sent_c, flux.exchanger_kw, zone_kw, dt_s)
        plants.book(plants.kgs, primary.inlet_c[at.plant], dt_s)
        self._water(dt_s)
        self.emitter_kj += flux.emitter_kw * dt_s
        energy = self.energy
        energy["boilers"] += float(plants.heater_kw.sum()) * dt_s
        energy["ground"] += primary.lost_kj + float(flux.loss_kw.sum()) * dt_s
        energy["makeup"] += primary.makeup_kj + float(flux.makeup_kw.sum()) * dt_s

    def _loops(self, inlet_c: Floats, dt_s: float) -> secondary.SecondaryFlux:
        """Move the secondary loops by one step; the primary water comes in at these, (n_unit,)."""
        truth, wear = self.truth, self.wear
        plan, loop_r = self._branches()
        self.flow_kgs = truth.pump.flow_kgs(self.pump_hz, loop_r)
        ua = conductance_kw_k(
            truth.exchanger_kw_k,
            self.primary_kgs / truth.primary_design_kgs,
            self.flow_kgs / truth.secondary_design_kgs,
            truth.fouling + wear.fouled,
        )
        flux = secondary.step_secondary(
            plan,
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
        return flux

    def _branches(self) -> tuple[SecondaryPlan, Floats]:
        """Return the loops as air and strainers leave them, and their resistances, (n_unit,)."""
        truth, wear = self.truth, self.wear
        plan = truth.secondary
        loop_r = truth.secondary_r * choke(wear.loop_strainer_blocked)
        self.flow_share = plan.flow_share
        if not wear.air_locked.any():
            return plan, loop_r
        open_share = plan.flow_share * (1.0 - wear.air_locked)
        left = np.maximum(summed(plan.unit, open_share, self.n_unit), 1e-6)
        self.flow_share = open_share / left[plan.unit]
        loop_r = loop_r + _BRANCH_PART * truth.secondary_r * (left**-2 - 1.0)
        return replace(plan, flow_share=self.flow_share), loop_r

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
        wear, station = self.wear, self.truth.station
        dark = wear.power_lost[station]
        reach = 100.0 * dt_s / self.truth.stroke_s
        reach[wear.valve_stuck | dark] = 0.0
        self.valve_pct += np.clip(commands.valve_pct - self.valve_pct, -reach, reach)
        if len(commands.standby):
            changed = commands.standby != self.standby
            self.standby = commands.standby.copy()
            self.pump_hz[changed] = 0.0  # the one that takes over starts from standstill
        out = wear.pump_tripped | dark | (wear.duty_faulty & ~self.standby)
        wanted = np.where(out, 0.0, np.clip(commands.pump_hz, 0.0, 50.0))
        reach_hz = _HZ_PER_S * dt_s
        self.pump_hz += np.clip(wanted - self.pump_hz, -reach_hz, reach_hz)
        # A tripped pump does not ramp: it is off.
        self.pump_hz[out] = 0.0
        self.makeup_on = commands.makeup & (self.tank_m[station] > 0.05) & ~dark

    def makeup_kgs(self) -> Floats:
        """Return the make-up water now, kg/s, shape (n_unit,)."""
        return np.asarray(self.makeup_on * (_MAKEUP_SHARE * self.truth.secondary_design_kgs))

    def secondary_supply_kpa(self) -> Floats:
        """Return the pressure behind each circulation pump, shape (n_unit,)."""
        truth = self.truth
        # A blocked strainer stands between the return sensor and the pump.
        lost = truth.secondary_r * (choke(self.wear.loop_strainer_blocked) - 1.0)
        lift = truth.pump.head_kpa(self.pump_hz, self.flow_kgs)
        return self.return_kpa + lift - lost * self.flow_kgs**2

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
