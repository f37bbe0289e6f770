"""The check before the heating season: every valve stroked, every sensor looked at (9.1.1 e, f)."""

from __future__ import annotations

import numpy as np

from heatloop.app.acceptance import Acceptance
from heatloop.app.acceptance_driver import Bench
from heatloop.app.device_life_views import RunView
from heatloop.app.refusals import Refused
from heatloop.kernel.errors import InputError
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_sensors import SensorLook, sensor_checks
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.plant.acceptance_target import TrialTarget, target_of
from heatloop.plant.model_checks import Check
from heatloop.plant.models import DeviceModel
from heatloop.security.access import Principal

MOST_STATIONS = 20
"""Stations one request may put to the test."""
_STATION = DeviceModel(code="-", maker="-", zh="热力站", en="station", device_class="controller")
_TURNING_HZ = 0.5
_LOOK_BACK_S = 2 * 3600


class SeasonCheck:
    """Starts pre-season checks; each is a run like a functional test, with a signed report."""

    def __init__(self, bench: Bench, acceptance: Acceptance) -> None:
        self._bench, self._acceptance = bench, acceptance

    async def start(
        self,
        by: Principal,
        asset: str,
        *,
        ambient_c: float | None,
        confirm_heating: bool,
        settings: TrialSettings,
    ) -> list[RunView]:
        """Check every substation at or below an asset.

        Args:
            by: Who is responsible.
            asset: Station, source, or organisation.
            ambient_c: Temperature of the surroundings; None: outdoor temperature.
            confirm_heating: Whether valves may be moved though heat is being delivered.
            settings: How long and how exactly.

        Raises:
            Refused: No such asset, no or too many stations, or one of them is not ready.
        """
        world = self._bench.world
        here = world.asset(by.scope, asset)
        inside = {here.code, *(a.code for a in world.ledger.below(here.code))}
        stations = [
            code
            for code, node in world.layout.stations.items()
            if world.sees(by.scope, code)
            and (code in inside or here.code in node.node.paths[0].split("/"))
        ]
        if not 0 < len(stations) <= MOST_STATIONS:
            raise Refused(
                "test_not_possible", thing=asset, detail=f"{len(stations)} of {MOST_STATIONS}"
            )
        targets = [self._target(code) for code in stations]
        for target in targets:
            if target.station in self._acceptance.busy:
                raise Refused("station_under_test", thing=target.station)
            self._acceptance.ready(target, confirm_heating=confirm_heating)
        runs = []
        for target in targets:
            checks = await self.sensors(target, ambient_c)
            test = FunctionalTest(target, settings, only=("valve_stroke",))
            runs.append(await self._acceptance.run(by, test, "season", checks))
        return runs

    def _target(self, station: str) -> TrialTarget:
        world = self._bench.world
        device = world.layout.stations[station].device
        try:
            return target_of(
                world.ledger, station, _STATION, station, device.code if device else ""
            )
        except InputError as error:
            raise Refused("test_not_possible", thing=station, detail=error.message) from error

    async def sensors(self, target: TrialTarget, ambient_c: float | None) -> list[Check]:
        """Return the checks of every measured point of a station."""
        world = self._bench.world
        now_s = int(world.settled_s())
        keys = np.fromiter((p.key for p in target.points), "u4")
        past = await self._bench.historian.raw(keys, now_s - _LOOK_BACK_S, now_s + 1)
        looks = []
        for point in target.points:
            mine = past.values[(past.keys == point.key) & np.isfinite(past.values)]
            last = world.latest.last(point.key)
            looks.append(
                SensorLook(
                    point=point.code,
                    kind=point.kind,
                    value=None if last is None else last[0],
                    quality=2 if last is None else last[1],
                    samples=len(mine),
                    spread=float(np.ptp(mine)) if len(mine) else 0.0,
                )
            )
        return sensor_checks(
            looks,
            ambient_c=self._outdoor_c() if ambient_c is None else ambient_c,
            pumps_off=self._standing(target),
        )

    def _outdoor_c(self) -> float | None:
        world = self._bench.world
        for node in world.layout.weather:
            key = node.keys.get("outdoor_temperature")
            value = None if key is None else world.latest.value(key)
            if value is not None:
                return value
        return None

    def _standing(self, target: TrialTarget) -> bool:
        """Return whether every pump of the station stands, as far as is known."""
        world = self._bench.world
        for unit in target.units:
            code = unit.at.get("circulation_pump_frequency", "")
            point = world.ledger.points.get(code)
            shown = None if point is None else world.latest.value(point.key)
            if shown is None or shown > _TURNING_HZ:
                return False
        return bool(target.units)
