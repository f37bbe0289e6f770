"""Units of the demo city as their meters show them, and what only a bench may know: the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from heatloop.control.learning.history import UnitHistory
from heatloop.control.unit_model import UnitModel, model_from_design
from heatloop.demo.checkpoint import load_city, save_city
from heatloop.demo.city import City
from heatloop.demo.devices.collectors import Collectors
from heatloop.demo.first_settings import curve_designs
from heatloop.demo.ledger import BASE_PORT
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.weather import LOCAL_OFFSET_S, gain_factor
from heatloop.network.arrays import Floats
from heatloop.network.water import density_kg_m3
from heatloop.station.curve import CurveDesign

STEP_S, SHOWN_S = 300.0, 900.0
DAY_S = 86400.0
_MEAN_GAIN = float(np.mean([gain_factor(600.0 * i) for i in range(144)]))
_KINDS = {
    "heat_kw": "secondary_heat_power",
    "supply_c": "secondary_supply_temperature",
    "return_c": "secondary_return_temperature",
    "flow_kgs": "secondary_flow",
    "valve_pct": "valve_opening",
}


class Recorder:
    """Runs a city and keeps what its meters show every quarter of an hour.

    Args:
        city: The city, stepped by this.
        most_sensors: Room sensors of a unit that are listened to; most companies have few.
    """

    def __init__(self, city: City, most_sensors: int = 6) -> None:
        self.city, self.most_sensors = city, most_sensors
        self.collectors = Collectors(city)
        self.times: list[float] = []
        self.rows: list[Floats] = []
        self.rooms: list[Floats] = []

    def run(self, days: float, each: Callable[[City], None] | None = None) -> None:
        """Run some days; `each` is called every quarter of an hour."""
        city = self.city
        many = round(SHOWN_S / STEP_S)
        for i in range(round(days * DAY_S / STEP_S)):
            if each is not None and i % many == 0:
                each(city)
            last = i % many == many - 1
            city.step(STEP_S, show=last)
            if last:
                self.times.append(city.now_s)
                self.rows.append(city.shown.copy())
                room = np.round(self.collectors.fields()[:, 0], 1)
                self.rooms.append(np.where(self.collectors.dead, np.nan, room))

    def sensors_of(self, unit: int) -> list[int]:
        """Return the collectors of a unit that are listened to, by number."""
        building = self.city.streets.flats.building[self.collectors.flat]
        own = np.flatnonzero(self.city.works.truth.secondary.unit[building] == unit)
        # Spread over the houses, as a company would.
        many = min(self.most_sensors, len(own))
        return [int(own[k]) for k in np.linspace(0, len(own) - 1, many).astype(int)] if many else []

    def history(self, unit: int) -> UnitHistory:
        """Return what was shown of a unit and its rooms."""
        city, shown = self.city, np.array(self.rows)
        code = f"UN{unit + 1:04d}"

        def column(point: str) -> Floats:
            at = city.measured.get(point)
            return np.full(len(shown), np.nan) if at is None else shown[:, at]

        values = {name: column(f"{code}.{kind}") for name, kind in _KINDS.items()}
        values["flow_kgs"] = values["flow_kgs"] / 3600.0 * density_kg_m3(values["return_c"])
        station = f"SS{int(city.works.truth.station[unit]) + 1:04d}"
        alone = int(np.sum(city.works.truth.station == city.works.truth.station[unit])) == 1
        if alone:
            values["primary_kgs"] = (
                column(f"{station}.primary_flow")
                / 3600.0
                * density_kg_m3(column(f"{station}.primary_return_temperature"))
            )
            values["primary_return_c"] = column(f"{station}.primary_return_temperature")
        values["primary_supply_c"] = column(f"{station}.primary_supply_temperature")
        values["primary_kpa"] = column(f"{station}.primary_supply_pressure") - column(
            f"{station}.primary_return_pressure"
        )
        weather = next(a.code for a in city.ledger.of_kind("weather_station"))
        sensors = self.sensors_of(unit)
        return UnitHistory(
            unit=code,
            start_s=self.times[0],
            step_s=SHOWN_S,
            outdoor_c=column(f"{weather}.outdoor_temperature"),
            sun_kw_m2=column(f"{weather}.solar_radiation") / 1000.0,
            sensors_c=np.array(self.rooms)[:, sensors],
            sensors=tuple(f"RC{k + 1:04d}" for k in sensors),
            local_offset_s=float(LOCAL_OFFSET_S),
            **values,
        )


def copy_of(city: City) -> City:
    """Return a city in the very same state, as its checkpoint keeps it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "city.npz"
        save_city(city, path)
        return load_city(path, seed=city.seed, size=city.size, base_port=BASE_PORT)[0]


def designs_of(city: City) -> list[CurveDesign]:
    """Return the design states of all units' curves."""
    return curve_designs(city.streets)


def booked_kw(city: City, unit: int) -> float:
    """Return a unit's design load as the books have it."""
    return city.streets.units[unit].load_kw


def true_loss_kw_k(city: City, unit: int, wind_ms: float) -> float:
    """Return what the unit's houses really lose a kelvin, at a mean wind."""
    plan = city.works.truth.building
    own = np.flatnonzero(city.works.truth.secondary.unit == unit)
    total = 0.0
    for b in own.tolist():
        zones = plan.building == b
        direct = float(plan.out_kw_k[zones].sum()) * (1.0 + float(plan.wind_per_ms[b]) * wind_ms)
        inward, outward = float(plan.wall_kw_k[zones].sum()), float(plan.envelope_kw_k[b])
        total += direct + inward * outward / (inward + outward)
    return total


def grow_losses(city: City, unit: int, factor: float, *, walls_only: bool = False) -> None:
    """Change how a unit's houses really are: their walls, and unless `walls_only` windows too."""
    truth = city.works.truth
    plan = truth.building
    own = truth.secondary.unit == unit
    zone = own[plan.building]
    made = replace(
        plan,
        wall_kw_k=np.where(zone, plan.wall_kw_k * factor, plan.wall_kw_k),
        envelope_kw_k=np.where(own, plan.envelope_kw_k * factor, plan.envelope_kw_k),
        out_kw_k=plan.out_kw_k
        if walls_only
        else np.where(zone, plan.out_kw_k * factor, plan.out_kw_k),
    )
    city.works.truth = replace(truth, building=made)


def mean_room_c(city: City, unit: int) -> float:
    """Return the true mean room temperature of a unit, by area."""
    truth = city.works.truth
    zone = (truth.secondary.unit == unit)[truth.building.building]
    return float(np.average(city.works.rooms.zone_c[zone], weights=truth.zone_area_m2[zone]))


def true_model(city: City, unit: int, wind_ms: float) -> UnitModel:
    """Return what an oracle would heat by: losses, gains and emitters as they really are."""
    truth = city.works.truth
    plan, loops = truth.building, truth.secondary
    own = loops.unit == unit
    zone = own[plan.building]
    design = designs_of(city)[unit]
    over = 0.5 * (design.supply_c + design.return_c) - design.room_c
    exponent = float(loops.exponent[own][0])
    start = model_from_design(design, booked_kw(city, unit))
    loss = true_loss_kw_k(city, unit, wind_ms)
    return replace(
        start,
        capacity_kj_k=(sum(start.capacity_kj_k), 0.0),
        room_wall_kw_k=0.0,
        wall_out_kw_k=0.0,
        room_out_kw_k=loss,
        gain_kw=_MEAN_GAIN * float(plan.gain_kw[zone].sum()),
        sun_m2=float(plan.sun_m2[zone].sum()),
        design_heat_kw=float((loops.emitter_kw[own] * over ** (1.0 + exponent)).sum()),
        design_mean_over_room_k=over,
        exponent=exponent,
        flow_kgs=float(city.works.flow_kgs[unit]),
    )


def write_supply(city: City, models: dict[int, UnitModel], target_c: float) -> None:
    """Write the supply temperature that models ask for into the units' registers."""
    settings = {}
    for unit, model in models.items():
        heat = model.steady_heat_kw(target_c, city.weather.outdoor_c)
        code = f"UN{unit + 1:04d}"
        supply = float(np.clip(model.supply_c(heat, target_c), 22.0, 85.0))
        settings[f"{code}.secondary_supply_temperature_setpoint"] = supply
        settings[f"{code}.circulation_pump_frequency_setpoint"] = DUTY_HZ
        city.controllers.written_s[unit] = city.now_s
    city.memory.write_settings(settings)
