"""The demo city as a whole: weather, works, controllers, meters and registers on one clock."""

from __future__ import annotations

import numpy as np

from heatloop.demo.controllers import Controllers
from heatloop.demo.faults import Faults, offered_faults
from heatloop.demo.first_settings import first_settings
from heatloop.demo.ledger import BASE_PORT, ledger_of
from heatloop.demo.meters import Meters
from heatloop.demo.readings import Readings, sensed_values, true_values
from heatloop.demo.registers import RegisterMemory
from heatloop.demo.streets import draw_streets
from heatloop.demo.totals import Totals
from heatloop.demo.truth import draw_truth
from heatloop.demo.weather import LOCAL_OFFSET_S, Weather, WeatherSettings, Winter, gain_factor
from heatloop.demo.works import Works
from heatloop.network.arrays import Floats
from heatloop.plant.build import build_ledger
from heatloop.plant.ledger import Ledger

INNER_S = 15.0
_SETTLE_DAYS = 5
_SETTLE_STEP_S = 300.0
_COARSE_INNER_S = 150.0
"""Longest step of the water and of stand-in controllers."""
_DAY_S = 86400.0


class City:
    """A city that heats itself, warm and settled from the start.

    Args:
        seed: Which city; streets, truth, weather and meters all follow from it.
        size: A name of `sizes.SIZES`.
        start_s: Plant time at which it starts.
        base_port: Modbus port of its first device.
        settled: Whether to run some days before `start_s`; a loaded state needs none.
    """

    def __init__(
        self,
        seed: int,
        size: str,
        start_s: float,
        *,
        base_port: int = BASE_PORT,
        settled: bool = True,
    ) -> None:
        self.seed, self.size = seed, size
        self.streets = draw_streets(size, seed)
        assets, devices, gateways = ledger_of(self.streets, base_port)
        self.ledger: Ledger = build_ledger(assets, devices, gateways, version=1, keys={})
        self.winter = Winter(seed)
        self.weather_settings = WeatherSettings()
        self.works = Works(draw_truth(self.streets), self.streets)
        self.totals = Totals.of_age(self.works, seed)
        self.memory = RegisterMemory(self.ledger)
        self.measured = {b.point: index for index, b in enumerate(self.memory.measured)}
        self.meters = Meters(self.memory.measured, seed)
        self.readings = Readings(self.memory.measured)
        self.controllers = Controllers(self.works, self.streets, self.memory, self.measured)
        self.faults = Faults(self.works, self.measured, self.memory.number, self.ledger)
        self.offered = offered_faults(self.streets, self.ledger)
        self.now_s = start_s
        self.inner_s = INNER_S
        self.weather: Weather = self.winter.at(start_s)
        self._day = -1
        self._day_range_c = (0.0, 0.0)
        self._set_point_units = {
            (self.memory.number[b.device], b.register): int(b.point[2:6]) - 1
            for b in self.memory.settings
            if b.kind == "secondary_supply_temperature_setpoint" and b.point.startswith("UN")
        }
        self.memory.write_settings(first_settings(self.streets, self.works, self.weather.outdoor_c))
        self.true: Floats = self._look()
        self.shown: Floats = self.true
        if settled:
            self.settle()

    def settle(self, days: float = _SETTLE_DAYS) -> None:
        """Come to the present moment through some days of winter, regulated by the city itself."""
        start_s = self.now_s
        self.now_s = start_s - days * _DAY_S
        past = [self.winter.at(self.now_s - i * 7200.0).outdoor_c for i in range(48)]
        truth, rooms = self.works.truth.building, self.works.rooms
        # Walls stand where a steady flow of heat through them would put them.
        inward = np.bincount(truth.building, truth.wall_kw_k)
        rooms.envelope_c = (inward * 20.5 + truth.envelope_kw_k * float(np.mean(past))) / (
            inward + truth.envelope_kw_k
        )
        counted = self.totals
        self.totals = Totals.of_age(self.works, self.seed)
        self.controllers.self_regulating = True
        while self.now_s < start_s - 1800.0:
            self.step(_SETTLE_STEP_S, show=False)
        # The last half hour in the controllers' own steps, so that valves stand where they would.
        while self.now_s < start_s:
            self.step(30.0, show=False)
        self.totals = counted
        self.hand_over()

    def hand_over(self) -> None:
        """End self-regulation and show the present state in the registers."""
        self.controllers.hand_over(self.weather.outdoor_c)
        self.show()

    def step(self, dt_s: float, *, show: bool = True) -> None:
        """Move the city by `dt_s` seconds of plant time and bring the registers up to date."""
        longest = self.inner_s if dt_s <= 30.0 else _COARSE_INNER_S
        count = max(1, round(dt_s / longest + 0.499))
        inner_s = dt_s / count
        self.weather = self.winter.at(self.now_s + dt_s, self.weather_settings)
        works, outdoor_c = self.works, self.weather.outdoor_c
        for _ in range(count):
            if inner_s <= 30.0:
                self.true = self._glance()
                sensed = self.meters.lasting(self.true)
                self.faults.spoil(sensed, self.now_s)
            else:
                sensed = self.true
            self.controllers.run_hours = [
                self.totals.duty_hours.tolist(),
                self.totals.standby_hours.tolist(),
            ]
            commands = self.controllers.act(sensed, outdoor_c, self.now_s, inner_s)
            works.step(commands, inner_s)
            self.totals.count(works, inner_s)
            self.now_s += inner_s
        heat_kw = works.heat_rooms(self.weather, gain_factor(self.now_s), dt_s)
        self.totals.count_rooms(works, heat_kw, dt_s)
        if show:
            self.show()
        elif inner_s > 30.0:
            self.look()

    def look(self) -> None:
        """Bring `true`, the true values of all measured points, up to date."""
        self.true = self._look()

    def show(self) -> None:
        """Read all meters and put what they show into the registers."""
        self.true = self._look()
        shown = self.meters.show(self.true)
        self.faults.spoil(shown, self.now_s)
        self.controllers.report_relays(shown)
        self.shown = shown
        self.memory.store(self.memory.raw_of(shown))

    def wrote(self, device: int, start: int, count: int) -> None:
        """Take note that registers of a device were written over the wire."""
        for register in range(start, start + count):
            unit = self._set_point_units.get((device, register))
            if unit is not None:
                self.controllers.written_s[unit] = self.now_s

    def switch_fault(self, fault_id: str, active: bool) -> None:
        """Switch a fault on or off.

        Raises:
            InputError: There is no such fault or thing.
        """
        self.faults.switch(fault_id, active, self.now_s, self.shown)

    def set_weather(self, **values: float) -> None:
        """Change the weather from now on, see `WeatherSettings`."""
        self.weather_settings = self.weather_settings.changed(**values)
        self._day = -1

    def _look(self) -> Floats:
        day = int((self.now_s + LOCAL_OFFSET_S) // _DAY_S)
        if day != self._day:
            self._day = day
            self._day_range_c = self.winter.day_range_c(self.now_s, self.weather_settings)
        low, high = self._day_range_c
        here = self.weather.outdoor_c
        self._day_range_c = (min(low, here), max(high, here))
        values = true_values(
            self.works,
            self.totals,
            self.weather,
            self._day_range_c,
            self.controllers.interlock_word,
        )
        return self.readings.pick(values)

    def _glance(self) -> Floats:
        """Return what is true of all measured points, up to date where controllers look."""
        return self.readings.refresh(sensed_values(self.works))
