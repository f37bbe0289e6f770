"""The true value of every kind of point, in asset order, and which of them a binding measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.orders import Flags
from heatloop.demo.readings_plants import FAULT, RUNNING, STOPPED, Values, plants
from heatloop.demo.totals import Totals, pump_power_kw
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.weather import Weather
from heatloop.demo.works import Works
from heatloop.kernel.errors import ConfigError
from heatloop.network.arrays import Floats, summed
from heatloop.network.water import density_kg_m3
from heatloop.plant.model import Binding

_OVER_CURRENT = 1.0
_EARTH_FAULT = 64.0
_STANDBY = 2.0
_OVERLOAD = 4.0 / 3.0


def true_values(
    works: Works,
    totals: Totals,
    weather: Weather,
    day_range_c: tuple[float, float],
    interlock_word: Floats,
) -> Values:
    """Return the true values by point kind, each in asset-code order.

    Where assets of several kinds have points of one kind, that of the rarer ones is
    `<prefix>.<point kind>`.
    """
    return (
        _weather(weather, day_range_c)
        | plants(works, totals)
        | _stations(works, totals)
        | _units(works, totals, interlock_word)
        | _buildings(works, totals)
    )


def sensed_values(works: Works) -> Values:
    """Return what controllers of units look at, by point kind; see `true_values`."""
    loops = works.secondary
    return {
        "secondary_supply_temperature": loops.supply_c,
        "secondary_return_temperature": loops.return_c,
        "secondary_supply_pressure": works.secondary_supply_kpa(),
        "secondary_return_pressure": works.return_kpa,
        "tank_level": works.tank_m,
        "secondary_flow": works.flow_kgs * 3600.0 / density_kg_m3(loops.return_c),
        "circulation_pump_current": pump_current_a(works),
    }


def _weather(weather: Weather, day_range_c: tuple[float, float]) -> Values:
    return {
        "weather_condition": (float(weather.condition),),
        "outdoor_temperature": (weather.outdoor_c,),
        "outdoor_humidity": (weather.humidity_pct,),
        "outdoor_temperature_min": (day_range_c[0],),
        "outdoor_temperature_max": (day_range_c[1],),
        "wind_direction": (weather.wind_deg,),
        "wind_speed": (weather.wind_ms,),
        "solar_radiation": (weather.sun_w_m2,),
    }


def _stations(works: Works, totals: Totals) -> Values:
    truth, n, primary, at = works.truth, works.n_station, works.primary, works.primary.at
    flow = summed(truth.station, works.primary_kgs, n)
    heat = summed(truth.station, works.exchanger_kw, n)
    back_c = primary.node_c[at.station_return]
    return {
        "primary_heat_total": totals.primary_kwh,
        "primary_heat_power": heat,
        "primary_flow": flow * 3600.0 / density_kg_m3(back_c),
        "primary_supply_temperature": primary.node_c[at.station_supply],
        "primary_return_temperature": back_c,
        "primary_supply_pressure": primary.shown_kpa[at.station_supply],
        "primary_return_pressure": primary.shown_kpa[at.station_return],
        "tank_level": works.tank_m,
        "station_power_total": totals.station_kwh,
        "station_flood": np.zeros(n),
        "residual_current_trip": np.where(works.wear.residual_tripped, 1.0, 0.0),
    }


def pump_fault_words(works: Works) -> tuple[Floats, Floats]:
    """Return the fault words of duty and standby pumps, each shape (n_unit,)."""
    wear = works.wear
    both = np.where(wear.pump_tripped, _OVER_CURRENT, 0.0)
    return np.where(wear.duty_faulty, _EARTH_FAULT, both), both


def pump_current_a(works: Works) -> Floats:
    """Return the motor current of each unit's running pump, shape (n_unit,).

    Three phases at 380 V and a power factor of 0.86.
    """
    overloaded = works.wear.duty_overloaded & ~works.standby & (works.pump_hz > 1.0)
    current = pump_power_kw(works) / (1.732 * 0.38 * 0.86)
    return np.asarray(np.where(overloaded, _OVERLOAD * rated_current_a(works), current))


def rated_current_a(works: Works) -> Floats:
    """Return the rating of each unit's pump motors, shape (n_unit,).

    That of the duty point at full speed and a fifth: motors come in sizes.
    """
    pump, design = works.truth.pump, works.truth.secondary_design_kgs
    full = pump.power_kw(np.full(works.n_unit, 50.0), design * 50.0 / DUTY_HZ)
    return np.asarray(1.2 * full / (1.732 * 0.38 * 0.86))


def _pump_state(fault: Floats, turning: Floats, waiting: Flags) -> Floats:
    return np.where(fault > 0, FAULT, np.where(waiting, _STANDBY, turning))


def _units(works: Works, totals: Totals, interlock_word: Floats) -> Values:
    loops = works.secondary
    turning = np.where(works.pump_hz > 1.0, RUNNING, STOPPED)
    duty_fault, standby_fault = pump_fault_words(works)
    makeup_m3h = works.makeup_kgs() * 3.6
    return {
        "secondary_supply_temperature": loops.supply_c,
        "secondary_return_temperature": loops.return_c,
        "secondary_supply_pressure": works.secondary_supply_kpa(),
        "secondary_return_pressure": works.return_kpa,
        "secondary_heat_total": totals.secondary_kwh,
        "secondary_heat_power": works.exchanger_kw,
        "secondary_flow_total": totals.secondary_m3,
        "secondary_flow": works.flow_kgs * 3600.0 / density_kg_m3(loops.return_c),
        "valve_opening": works.valve_pct,
        "circulation_pump_frequency": works.pump_hz,
        "makeup_flow": makeup_m3h,
        "makeup_total": totals.makeup_m3,
        "circulation_pump_state": _pump_state(duty_fault, turning, works.standby),
        "circulation_pump_fault": duty_fault,
        "standby_pump_state": _pump_state(standby_fault, turning, ~works.standby),
        "standby_pump_fault": standby_fault,
        "circulation_pump_hours_total": totals.duty_hours,
        "standby_pump_hours_total": totals.standby_hours,
        "circulation_pump_current": pump_current_a(works),
        "makeup_pump_state": np.where(works.makeup_on, RUNNING, STOPPED),
        "interlock_word": interlock_word,
    }


def _buildings(works: Works, totals: Totals) -> Values:
    plan, loops = works.truth.secondary, works.secondary
    flow = works.flow_kgs[plan.unit] * works.flow_share
    # Balancing valves stand by the share they let through.
    share = plan.flow_share * np.bincount(plan.unit).astype(np.float64)[plan.unit]
    return {
        "building_heat_total": totals.building_kwh,
        "building_flow": flow * 3600.0 / density_kg_m3(loops.branch_return_c),
        "building_supply_temperature": loops.branch_supply_c,
        "building_return_temperature": loops.branch_return_c,
        "building_valve_opening": np.clip(60.0 * share, 20.0, 100.0),
    }


class Readings:
    """Picks the true value of each measured binding out of the values by kind."""

    def __init__(self, measured: Sequence[Binding]) -> None:
        self._measured = tuple(measured)
        self._pick: NDArray[np.intp] | None = None
        self._first: dict[str, int] = {}
        self._flat: Floats = np.empty(0)

    def pick(self, values: Values) -> Floats:
        """Return the true value of each measured binding, shape (n_measured,).

        Raises:
            ConfigError: A binding measures something the city does not have.
        """
        self._flat = np.concatenate([np.asarray(p, dtype=np.float64) for p in values.values()])
        if self._pick is None:
            self._pick = self._plan(values)
        return np.asarray(self._flat[self._pick])

    def refresh(self, values: Values) -> Floats:
        """Return the same after `pick` with the values of some kinds brought up to date."""
        for kind, part in values.items():
            self._flat[self._first[kind] : self._first[kind] + len(part)] = part
        return np.asarray(self._flat[self._pick])

    def _plan(self, values: Values) -> NDArray[np.intp]:
        sizes = {kind: len(part) for kind, part in values.items()}
        first = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
        self._first = first
        places = []
        for binding in self._measured:
            asset = binding.point.split(".")[0]
            number, kind = int(asset[2:]) - 1, f"{asset[:2]}.{binding.kind}"
            kind = kind if kind in first else binding.kind
            if kind not in first or number >= sizes[kind]:
                raise ConfigError(
                    "the city has no such measurement",
                    thing=binding.point,
                    fix="use the ledger of the same city",
                )
            places.append(first[kind] + number)
        return np.array(places, dtype=np.intp)
