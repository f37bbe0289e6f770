"""What the city's counters have counted since they were fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heatloop.demo.layout import MAKEUP_C
from heatloop.demo.works import Works
from heatloop.network.arrays import Floats, summed
from heatloop.network.water import CP_KJ_KGK, density_kg_m3

_STATION_BASE_KW = 1.2
_PUMPING_BASE_KW = 5.0
_MAKEUP_PUMP_KW = 1.5


@dataclass(kw_only=True, slots=True)
class Totals:
    """Counters in their units: kWh and m3."""

    source_kwh: Floats
    """Heat of each source, shape (n_source,)."""
    source_m3: Floats
    """Flow of each source, shape (n_source,)."""
    source_makeup_m3: Floats
    """Make-up of each source, shape (n_source,)."""
    isolation_kwh: Floats
    """Heat through each isolation station, shape (n_isolation,)."""
    isolation_makeup_m3: Floats
    """Make-up of each isolation station's zone, shape (n_isolation,)."""
    isolation_power_kwh: Floats
    """Electricity of each isolation station, shape (n_isolation,)."""
    booster_power_kwh: Floats
    """Electricity of each booster station, shape (n_booster,)."""
    primary_kwh: Floats
    """Heat taken by each station, shape (n_station,)."""
    station_kwh: Floats
    """Electricity of each station, shape (n_station,)."""
    secondary_kwh: Floats
    """Heat of each unit, shape (n_unit,)."""
    secondary_m3: Floats
    """Flow of each unit, shape (n_unit,)."""
    makeup_m3: Floats
    """Make-up of each unit, shape (n_unit,)."""
    building_kwh: Floats
    """Heat of each building, shape (n_building,)."""
    zone_kwh: Floats
    """Heat of each zone, shape (n_zone,)."""
    duty_hours: Floats
    """Run-hours of each duty circulation pump, shape (n_unit,)."""
    standby_hours: Floats
    """Run-hours of each standby circulation pump, shape (n_unit,)."""

    @classmethod
    def of_age(cls, works: Works, seed: int) -> Totals:
        """Return counters as meters some seasons old show them."""
        rng = np.random.default_rng((seed, 7))
        truth = works.truth
        n_station, n_unit = works.n_station, works.n_unit
        # A season of 170 days at 60 % load.
        hours = 170.0 * 24.0 * 0.6 * rng.uniform(0.4, 4.0)
        size = truth.secondary_design_kgs
        heat = size * CP_KJ_KGK * 10.0 * hours * rng.uniform(0.8, 1.2, n_unit)
        building = np.bincount(truth.secondary.unit, minlength=n_unit)
        share = heat[truth.secondary.unit] / building[truth.secondary.unit]
        n_zone = len(truth.zone_area_m2)
        real = truth.primary
        part = real.source_kgs / real.source_kgs.sum()
        return cls(
            source_kwh=float(heat.sum()) * 1.03 * part,
            source_m3=float(heat.sum()) / 55.0 * part,
            source_makeup_m3=float(heat.sum()) / 55.0 * 0.002 * part,
            isolation_kwh=real.hot_kgs * CP_KJ_KGK * 50.0 * hours,
            isolation_makeup_m3=real.cold_kgs * 3.6 * hours * 0.0015,
            isolation_power_kwh=real.cold_kgs * hours,
            booster_power_kwh=real.booster_kgs * 0.5 * hours,
            primary_kwh=summed(truth.station, heat, n_station),
            station_kwh=rng.uniform(2e4, 9e4, n_station),
            secondary_kwh=heat,
            secondary_m3=size * 3.6 * hours,
            makeup_m3=size * 3.6 * hours * truth.leak_share,
            building_kwh=share,
            zone_kwh=truth.zone_area_m2 * rng.uniform(60.0, 160.0, n_zone),
            duty_hours=np.full(n_unit, 0.5 * hours),
            # They took turns each week; where each stands in its week is its own.
            standby_hours=0.5 * hours - rng.uniform(-120.0, 40.0, n_unit),
        )

    def count(self, works: Works, dt_s: float) -> None:
        """Add what passed in the works' last step."""
        truth, hours = works.truth, dt_s / 3600.0
        self._count_plants(works, hours)
        heat = works.exchanger_kw
        self.primary_kwh += summed(truth.station, heat, works.n_station) * hours
        self.secondary_kwh += heat * hours
        self.secondary_m3 += (
            works.flow_kgs * 3600.0 / density_kg_m3(works.secondary.return_c) * hours
        )
        self.makeup_m3 += works.makeup_kgs() * 3600.0 / _density(MAKEUP_C) * hours
        self.station_kwh += station_power_kw(works) * hours
        turning = works.pump_hz > 1.0
        self.duty_hours += (turning & ~works.standby) * hours
        self.standby_hours += (turning & works.standby) * hours
        self.building_kwh += building_power_kw(works) * hours

    def _count_plants(self, works: Works, hours: float) -> None:
        """Add what passed through sources, isolation and booster stations."""
        primary, zones, real = works.primary, works.zones, works.truth.primary
        at, warm = primary.at, primary.node_c
        supply_c, back_c = warm[at.source_supply], warm[at.source_return]
        kgs = works.plants.kgs.copy()
        kgs[real.tank_source] -= primary.flow_kgs[at.charge]
        self.source_kwh += kgs * CP_KJ_KGK * (supply_c - back_c) * hours
        self.source_m3 += kgs * 3600.0 / density_kg_m3(back_c) * hours
        fresh_m3 = primary.makeup_kgs * 3600.0 / _density(MAKEUP_C) * hours
        self.source_makeup_m3[0] += fresh_m3[0]
        if not len(real.booster_kgs):
            return
        self.isolation_makeup_m3 += fresh_m3[1:]
        self.isolation_kwh += zones.heat_kw * hours
        zone_kgs = np.maximum(primary.flow_kgs[at.cold_plate], 0.0)
        zone_kw = real.zone_pump.power_kw(zones.pump_hz, zone_kgs) * (zones.pump_hz > 1.0)
        self.isolation_power_kwh += (_PUMPING_BASE_KW + zone_kw) * hours
        lifted = np.maximum(primary.flow_kgs[at.booster_pump], 0.0)
        booster_kw = real.booster_pump.power_kw(zones.booster_hz, lifted)
        booster_kw *= zones.booster_hz > 1.0
        self.booster_power_kwh += (_PUMPING_BASE_KW + booster_kw) * hours

    def count_rooms(self, works: Works, heat_kw: Floats, dt_s: float) -> None:
        """Add the heat emitted in the rooms' last step, kW a building."""
        plan = works.truth.building
        self.zone_kwh += heat_kw[plan.building] * plan.heat_share * (dt_s / 3600.0)


def _density(temperature_c: float) -> float:
    return float(density_kg_m3(temperature_c))


def pump_power_kw(works: Works) -> Floats:
    """Return the electric power of each unit's circulation pump, shape (n_unit,)."""
    return works.truth.pump.power_kw(works.pump_hz, works.flow_kgs) * (works.pump_hz > 1.0)


def station_power_kw(works: Works) -> Floats:
    """Return the electric power of each station, shape (n_station,)."""
    units = pump_power_kw(works) + works.makeup_on * _MAKEUP_PUMP_KW
    powered = ~works.wear.power_lost
    return np.asarray(
        powered * _STATION_BASE_KW + summed(works.truth.station, units, works.n_station)
    )


def building_power_kw(works: Works) -> Floats:
    """Return the heat each building takes from its branch, shape (n_building,)."""
    plan, state = works.truth.secondary, works.secondary
    flow = works.flow_kgs[plan.unit] * works.flow_share
    return np.asarray(flow * CP_KJ_KGK * (state.branch_supply_c - state.branch_return_c))
