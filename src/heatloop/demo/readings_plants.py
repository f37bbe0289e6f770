"""The true values that heat plants, isolation and booster stations measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from heatloop.demo.heat_plants import charge_pct
from heatloop.demo.layout import TANK_LAYERS
from heatloop.demo.totals import Totals
from heatloop.demo.works import Works
from heatloop.network.arrays import Floats
from heatloop.network.water import CP_KJ_KGK, density_kg_m3

Values: TypeAlias = dict[str, Floats | Sequence[float]]
STOPPED, RUNNING, STANDBY, FAULT = 0.0, 1.0, 2.0, 3.0
_TURNING_HZ = 1.0


def plants(works: Works, totals: Totals) -> Values:
    """Return the true values by point kind, each in asset-code order; see `true_values`."""
    return (
        _sources(works, totals)
        | _pumps(works)
        | _isolations(works, totals)
        | (_boosters(works, totals))
    )


def _m3h(kgs: Floats, temperature_c: Floats) -> Floats:
    return np.asarray(kgs * 3600.0 / density_kg_m3(temperature_c))


def _sources(works: Works, totals: Totals) -> Values:
    plants_, primary, at = works.plants, works.primary, works.primary.at
    supply_c, back_c = primary.node_c[at.source_supply], primary.node_c[at.source_return]
    kgs = source_kgs(works)
    pressure = primary.shown_kpa
    makeup = np.zeros(len(kgs))
    makeup[0] = primary.makeup_kgs[0]
    fires = works.wear.source_tripped[plants_.truth.heater_source]
    state = np.where(plants_.heater_kw > 1.0, RUNNING, STOPPED)
    state = np.where(fires, FAULT, state)
    n_boiler = plants_.truth.n_boiler
    layers = primary.layer_c()
    charge = primary.flow_kgs[at.charge]
    return {
        "source_heat_total": totals.source_kwh,
        "source_heat_power": kgs * CP_KJ_KGK * (supply_c - back_c),
        "source_flow_total": totals.source_m3,
        "source_flow": _m3h(kgs, back_c),
        "source_supply_temperature": supply_c,
        "source_return_temperature": back_c,
        "source_supply_pressure": pressure[at.source_supply],
        "source_return_pressure": pressure[at.source_return],
        "source_makeup_flow": makeup * 3.6,
        "source_makeup_total": totals.source_makeup_m3,
        "boiler_outlet_temperature": plants_.boiler_c,
        "boiler_load": plants_.boiler_kw * (100.0 / plants_.truth.heater_kw[:n_boiler]),
        "boiler_state": state[:n_boiler],
        "chp_heat_power": plants_.chp_kw,
        "chp_electric_power": plants_.chp_electric_kw,
        "chp_state": state[n_boiler:],
        "tank_charge_flow": _m3h(charge, layers[:, -1]),
        "tank_charge_level": charge_pct(layers, np.array(TANK_LAYERS)),
        "tank_top_temperature": layers[:, 0],
        "tank_bottom_temperature": layers[:, -1],
    }


def source_kgs(works: Works) -> Floats:
    """Return the flow each source sends into the network, shape (n_source,)."""
    kgs = works.plants.kgs.copy()
    kgs[works.plants.truth.tank_source] -= works.primary.flow_kgs[works.primary.at.charge]
    return kgs


def _pumps(works: Works) -> Values:
    """Return speed and state of every duty pump and the stand-by pump beside it."""
    wear = works.wear
    speed = np.concatenate([works.plants.pump_hz, works.zones.pump_hz, works.zones.booster_hz])
    out = np.concatenate(
        [
            wear.source_pump_tripped,
            np.zeros(len(works.zones.pump_hz), dtype=bool),
            wear.booster_tripped,
        ]
    )
    state = np.where(out, FAULT, np.where(speed > _TURNING_HZ, RUNNING, STOPPED))
    still = np.zeros(len(speed))
    return {
        "pump_frequency": np.column_stack([speed, still]).ravel(),
        "pump_state": np.column_stack([state, np.full(len(speed), STANDBY)]).ravel(),
    }


def _isolations(works: Works, totals: Totals) -> Values:
    zones, primary, at = works.zones, works.primary, works.primary.at
    warm, pressure = primary.node_c, primary.shown_kpa
    back_c, cold_c = warm[at.hot_return], warm[at.cold_return]
    n = len(zones.pump_hz)
    return {
        "IS.primary_heat_total": totals.isolation_kwh,
        "IS.primary_heat_power": zones.heat_kw,
        "IS.primary_flow": _m3h(primary.flow_kgs[at.hot_plate], back_c),
        "IS.primary_supply_temperature": warm[at.hot_supply],
        "IS.primary_return_temperature": back_c,
        "IS.primary_supply_pressure": pressure[at.hot_supply],
        "IS.primary_return_pressure": pressure[at.hot_return],
        "IS.secondary_supply_temperature": warm[at.cold_supply],
        "IS.secondary_return_temperature": cold_c,
        "IS.secondary_supply_pressure": pressure[at.cold_supply],
        "IS.secondary_return_pressure": pressure[at.cold_return],
        "IS.secondary_flow": _m3h(primary.flow_kgs[at.cold_plate], cold_c),
        "IS.valve_opening": zones.valve_pct,
        "IS.circulation_pump_frequency": zones.pump_hz,
        "IS.tank_level": np.full(n, 1.7),
        "IS.station_power_total": totals.isolation_power_kwh,
        "IS.station_flood": np.zeros(n),
        "IS.makeup_flow": primary.makeup_kgs[1:] * 3.6,
        "IS.makeup_total": totals.isolation_makeup_m3,
    }


def _boosters(works: Works, totals: Totals) -> Values:
    primary, at = works.primary, works.primary.at
    warm, pressure = primary.node_c, primary.shown_kpa
    kgs = primary.flow_kgs[at.booster_pump] + primary.flow_kgs[at.booster_bypass]
    back_c = warm[at.booster_in]
    return {
        "BS.primary_flow": _m3h(np.maximum(kgs, 0.0), back_c),
        "BS.primary_supply_temperature": warm[at.booster_supply],
        "BS.primary_return_temperature": back_c,
        "BS.primary_supply_pressure": pressure[at.booster_supply],
        "BS.primary_return_pressure": pressure[at.booster_out],
        "booster_inlet_pressure": pressure[at.booster_in],
        "booster_outlet_pressure": pressure[at.booster_out],
        "BS.circulation_pump_frequency": works.zones.booster_hz,
        "BS.station_power_total": totals.booster_power_kwh,
        "BS.station_flood": np.zeros(len(kgs)),
    }
