"""The city as the season's plant: one block of weather under one controller, and what it cost.

A controller sees what sensors show (room collectors with their faults, meters, the weather
station and forecasts as they were known) and writes set-points into the registers; the score is
taken from the city's hidden truth.
"""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.city import City
from heatloop.demo.devices.collectors import PERIOD_S, Collectors
from heatloop.demo.first_settings import curve_designs
from heatloop.demo.forecasts import LATE_S, RUN_S, forecast
from heatloop.demo.totals import pump_power_kw
from heatloop.demo.truth import DUTY_HZ
from heatloop.demo.weather import LOCAL_OFFSET_S, Winter
from heatloop.network import building
from heatloop.network.arrays import Floats

CITY_SEED = 7
STEP_S = 900
COLD_C = 18.0
HEAT_YUAN_KWH = 0.144
"""40 yuan/GJ."""
POWER_YUAN_KWH = 0.70
COMFORT_YUAN_M2KH = 25.0 / 4000.0
"""The season's fee of 25 yuan/m2 given back hour by hour for each kelvin below 18 degC."""
_INNER = 3
_SENSORS = (
    "secondary_supply_temperature",
    "secondary_return_temperature",
    "secondary_flow",
    "secondary_heat_power",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A stretch of weather."""

    seed: int
    """Of the winter."""
    mild: bool
    """From 5 March and 6 K warmer, else from 5 January."""
    days: int
    """Days that count."""
    burn_in: int = 4
    """Days before them under the same controller, which do not."""

    @property
    def start_s(self) -> float:
        """Plant time of the first day that counts."""
        day = (2026, 3, 5) if self.mild else (2026, 1, 5)
        return float(timegm((*day, 0, 0, 0))) - LOCAL_OFFSET_S

    @property
    def offset_k(self) -> float:
        """What the winter is warmer."""
        return 6.0 if self.mild else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a controller may know at one moment."""

    now_s: float
    """Plant time."""
    outdoor_c: float
    """Weather station."""
    sun_w_m2: float
    """Weather station."""
    supply_c: Floats
    """Meters, shape (n_unit,)."""
    return_c: Floats
    """Meters, shape (n_unit,)."""
    flow_m3h: Floats
    """Meters, shape (n_unit,)."""
    heat_kw: Floats
    """Mean of the last quarter of an hour by the meters, shape (n_unit,)."""
    room_c: Floats
    """Last report of each collector, NaN: none yet, shape (n_collector,)."""
    forecast: dict[str, Any]
    """Newest weather forecast that is out."""


class Controller(Protocol):
    """Decides for all units."""

    def decide(self, seen: Seen) -> tuple[Floats, Floats]:
        """Return supply temperatures and pump speeds, each of shape (n_unit,)."""


@dataclass(kw_only=True, slots=True)
class Record:
    """What a run left behind, by quarter of an hour and unit; burn-in is cut off by `score`."""

    heat_kwh: list[Floats] = field(default_factory=list)
    pump_kwh: list[Floats] = field(default_factory=list)
    cold_m2kh: list[Floats] = field(default_factory=list)
    cold_room_h: list[Floats] = field(default_factory=list)
    room_c: list[Floats] = field(default_factory=list)
    supply_c: list[Floats] = field(default_factory=list)
    return_c: list[Floats] = field(default_factory=list)
    wanted_c: list[Floats] = field(default_factory=list)
    wanted_hz: list[Floats] = field(default_factory=list)
    zone_c: list[NDArray[np.float32]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def array(self, name: str, block: Block) -> Floats:
        """Return one quantity without burn-in, shape (n_quarter, n_unit)."""
        return np.array(getattr(self, name)[block.burn_in * 96 :])

    def cost_yuan(self, block: Block) -> Floats:
        """Return heat, electricity and comfort charge, shape (n_quarter, n_unit)."""
        return np.asarray(
            HEAT_YUAN_KWH * self.array("heat_kwh", block)
            + POWER_YUAN_KWH * self.array("pump_kwh", block)
            + COMFORT_YUAN_M2KH * self.array("cold_m2kh", block)
        )


class World:
    """The city in one block of weather, from some days before it on.

    Args:
        size: A size of the demo city.
        block: The weather.
    """

    def __init__(self, size: str, block: Block) -> None:
        self.block = block
        begin_s = block.start_s - 86400.0 * block.burn_in
        self.city = city = City(CITY_SEED, size, begin_s, settled=False)
        city.winter = Winter(block.seed)
        city.set_weather(offset_k=block.offset_k)
        past = [
            city.winter.at(begin_s - i * 7200.0, city.weather_settings).outdoor_c for i in range(48)
        ]
        city.weather = city.winter.at(begin_s, city.weather_settings)
        building.settle_walls(city.works.truth.building, city.works.rooms, float(np.mean(past)))
        self.collectors = Collectors(city)
        self.n_unit = city.works.n_unit
        self.designs = curve_designs(city.streets)
        truth = city.works.truth
        self.zone_unit = truth.secondary.unit[truth.building.building]
        self.area_m2 = truth.zone_area_m2
        self.unit_m2 = np.bincount(self.zone_unit, self.area_m2)
        self.unit_rooms = np.bincount(self.zone_unit).astype(np.float64)
        flat_building = city.streets.flats.building[self.collectors.flat]
        self.collector_unit = truth.secondary.unit[flat_building]
        self._at = np.array(
            [
                [city.measured[f"UN{u + 1:04d}.{kind}"] for u in range(self.n_unit)]
                for kind in _SENSORS
            ]
        )
        self._sky = [
            city.measured[f"WS0001.{k}"] for k in ("outdoor_temperature", "solar_radiation")
        ]
        self._rooms = np.full(len(self.collectors.flat), np.nan)
        self._forecast: tuple[int, dict[str, Any]] = (-1, {})
        city.look()

    def run(
        self, controller: Controller | None, *, keep_zones: bool = False, keep_seen: bool = False
    ) -> Record:
        """Run the block under a controller; None: every unit on the curve it was delivered with."""
        record, city = Record(), self.city
        self._heat_kw = city.works.exchanger_kw
        for _ in range((self.block.days + self.block.burn_in) * 96):
            if controller is not None:
                seen = self._see()
                if keep_seen:
                    record.seen.append(seen)
                supply, hz = controller.decide(seen)
                self._write(supply, hz)
            else:
                supply = city.controllers._curve_goal_c(city.weather.outdoor_c)
                hz = np.full(self.n_unit, DUTY_HZ)
            before = city.totals.secondary_kwh.copy()
            for _ in range(_INNER):
                city.step(STEP_S / _INNER, show=False)
            heat = city.totals.secondary_kwh - before
            self._heat_kw = heat / (STEP_S / 3600.0)
            self._note(record, heat, supply, hz)
            if keep_zones:
                record.zone_c.append(city.works.rooms.zone_c.astype(np.float32))
        return record

    def _write(self, supply_c: Floats, hz: Floats) -> None:
        settings = {}
        for unit in range(self.n_unit):
            code = f"UN{unit + 1:04d}"
            settings[f"{code}.secondary_supply_temperature_setpoint"] = float(supply_c[unit])
            settings[f"{code}.circulation_pump_frequency_setpoint"] = float(hz[unit])
            self.city.controllers.written_s[unit] = self.city.now_s
        self.city.memory.write_settings(settings)

    def _see(self) -> Seen:
        city, now_s = self.city, self.city.now_s
        shown = city.meters.show(city.true)
        supply, back, flow, _ = shown[self._at]
        # What a heat meter counted over the quarter, with its own lasting error.
        heat = self._heat_kw * city.meters.gain[self._at[3]]
        collectors = self.collectors
        turn = np.floor((now_s - collectors.phase_s) / PERIOD_S) * PERIOD_S + collectors.phase_s
        due = (turn > now_s - STEP_S) & ~collectors.dead
        self._rooms = np.where(due, np.round(collectors.fields()[:, 0], 1), self._rooms)
        run = int((now_s - LATE_S) // RUN_S)
        if self._forecast[0] != run:
            told = forecast(city.winter, city.weather_settings, city.seed, now_s, 54)
            self._forecast = (run, told)
        outdoor, sun = shown[self._sky].tolist()
        return Seen(
            now_s=now_s,
            outdoor_c=outdoor,
            sun_w_m2=max(sun, 0.0),
            supply_c=supply,
            return_c=back,
            flow_m3h=flow,
            heat_kw=heat,
            room_c=self._rooms,
            forecast=self._forecast[1],
        )

    def _note(self, record: Record, heat: Floats, supply: Floats, hz: Floats) -> None:
        works, hours, zone = self.city.works, STEP_S / 3600.0, self.city.works.rooms.zone_c
        lack = np.maximum(COLD_C - zone, 0.0)
        n, of = self.n_unit, self.zone_unit
        record.heat_kwh.append(heat)
        record.pump_kwh.append(pump_power_kw(works) * hours)
        record.cold_m2kh.append(np.asarray(np.bincount(of, lack * self.area_m2, n) * hours))
        record.cold_room_h.append(np.asarray(np.bincount(of, lack > 0.0, n) * hours))
        record.room_c.append(np.asarray(np.bincount(of, zone * self.area_m2, n) / self.unit_m2))
        record.supply_c.append(works.secondary.supply_c.copy())
        record.return_c.append(works.secondary.return_c.copy())
        record.wanted_c.append(np.round(supply, 1))
        record.wanted_hz.append(hz)


def local_hour(now_s: float) -> float:
    """Return the local time of day."""
    return (now_s + LOCAL_OFFSET_S) % 86400.0 / 3600.0
