"""Drives the stations whose profile says `regulates: edge`: reads, decides, writes.

Orders for valve, pump and make-up are inputs to the station logic, kept apart from the
registers it writes: otherwise its own ramps and interlocks would come back as orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from heatloop.edge.guard import DRIVEN_KINDS
from heatloop.edge.index import LatestValues, ProfileIndex, same_value
from heatloop.edge.latches import LatchBook
from heatloop.edge.memory import CommandMemory
from heatloop.edge.poller import Poller
from heatloop.kernel.errors import InputError, LinkError
from heatloop.plant.model import Binding
from heatloop.station.settings import UnitSettings, settings_from
from heatloop.station.unit_io import UnitInputs, UnitOutputs
from heatloop.station.unit_logic import UnitLogic

_SETTINGS = ("limit_", "heating_curve_")
_FAST_NAMES = frozenset(
    (
        "station_mode",
        "secondary_supply_temperature",
        "secondary_return_temperature",
        "secondary_supply_pressure",
        "secondary_return_pressure",
        "circulation_pump_fault",
        "standby_pump_fault",
        "circulation_pump_current",
        "circulation_pump_frequency",
        "secondary_flow",
        "valve_opening",
        "secondary_supply_temperature_setpoint",
        "secondary_return_pressure_setpoint",
        "secondary_flow_setpoint",
        *DRIVEN_KINDS,
    )
)
_PUMP = "circulation_pump_selected"
_WRITTEN_KINDS = frozenset((*DRIVEN_KINDS, _PUMP))
_TURNING_HZ = 1.0
_SHARED_NAMES = frozenset(("tank_level", "station_flood", "residual_current_trip"))


class UnitDrive:
    """One unit's logic between its readings and its registers."""

    def __init__(
        self,
        names: Mapping[str, Binding],
        station: Mapping[str, Binding],
        latest: LatestValues,
        memory: CommandMemory,
        latches: LatchBook,
        asset: str,
    ) -> None:
        self.names = names
        self._station, self._latest, self._memory = station, latest, memory
        self._latches, self._asset = latches, asset
        self._settings_seen: dict[str, float] = {}
        self._logic: UnitLogic | None = None
        self._stepped_s = 0.0
        self.word = 0

    def _wanted(self, name: str, values: Mapping[str, float], default: float) -> float:
        binding = self.names.get(name)
        if binding is None:
            return default
        order = self._memory.wanted.get(binding.key)
        if order is not None:
            return order.value
        # What the register held before this gateway first drove it becomes the order, for good:
        # later it only holds what the logic wrote.
        value = values.get(name, default)
        if name.startswith("circulation_pump") and value < _TURNING_HZ:
            value = default  # a station handed over standing still is to circulate
        self._memory.order(binding.key, value, 0.0)
        self._memory.save()
        return value

    def step(self, now_s: float, outdoor_c: float | None) -> UnitOutputs | None:
        """Return what the unit is to do, or None before its registers were read."""
        values = self._latest.of_asset(self.names)
        if "secondary_supply_temperature" not in values:
            return None
        shared = self._latest.of_asset(self._station)
        logic = self._tuned(values)
        dt_s = max(now_s - self._stepped_s, 0.0) if self._stepped_s else 1.0
        if dt_s == 0.0:
            return None
        self._stepped_s = now_s
        setpoint_c, age_s = self._setpoint(values, now_s, outdoor_c)
        outputs = logic.step(
            UnitInputs(
                mode=values.get("station_mode", 0.0),
                supply_c=values.get("secondary_supply_temperature"),
                return_c=values.get("secondary_return_temperature"),
                supply_kpa=values.get("secondary_supply_pressure"),
                return_kpa=values.get("secondary_return_pressure"),
                outdoor_c=outdoor_c,
                tank_level_m=shared.get("tank_level"),
                flood=shared.get("station_flood", 0.0) > 0,
                pump_fault=int(values.get("circulation_pump_fault", 0.0)),
                standby_fault=self._standby_fault(values),
                pump_hours=(
                    values.get("circulation_pump_hours_total"),
                    values.get("standby_pump_hours_total"),
                ),
                pump_selected=values.get(_PUMP),
                pump_hz=values.get("circulation_pump_frequency"),
                pump_current_a=values.get("circulation_pump_current"),
                flow_m3h=values.get("secondary_flow"),
                residual_trip=shared.get("residual_current_trip", 0.0) > 0,
                reset=self._wanted("protection_reset", values, 0.0),
                setpoint_c=setpoint_c,
                setpoint_age_s=age_s,
                valve_setpoint_pct=self._wanted("valve_opening_setpoint", values, 0.0),
                pump_setpoint_hz=self._wanted("circulation_pump_frequency_setpoint", values, 40.0),
                flow_setpoint_m3h=values.get("secondary_flow_setpoint"),
                pressure_setpoint_kpa=values.get("secondary_return_pressure_setpoint", 300.0),
                makeup_command=self._wanted("makeup_pump_command", values, 0.0) > 0,
                valve_pct=values.get("valve_opening"),
            ),
            dt_s,
        )
        self.word = outputs.interlock_word
        self._latches.keep(self._asset, logic.latches())
        return outputs

    @staticmethod
    def _standby_fault(values: Mapping[str, float]) -> int | None:
        found = values.get("standby_pump_fault")
        return None if found is None else int(found)

    def _setpoint(
        self, values: Mapping[str, float], now_s: float, outdoor_c: float | None
    ) -> tuple[float | None, float | None]:
        """Return the supply set-point and its age; None where there is none."""
        binding = self.names.get("secondary_supply_temperature_setpoint")
        if binding is None:
            return None, None
        if outdoor_c is None:
            # Nobody says how cold it is, so the curve leads nowhere: the register goes on holding.
            held = values.get("secondary_supply_temperature_setpoint")
            return held, 0.0 if held is not None else None
        order = self._memory.wanted.get(binding.key)
        return (order.value, now_s - order.at_s) if order else (None, None)

    def _tuned(self, values: Mapping[str, float]) -> UnitLogic:
        """Return the logic with the limits and curve the registers hold now."""
        seen = {name: v for name, v in values.items() if name.startswith(_SETTINGS)}
        if self._logic is None:
            self._logic = UnitLogic(
                settings_from(seen, UnitSettings()),
                valve_pct=values.get("valve_opening"),
                pump_hz=values.get("circulation_pump_frequency", 0.0),
                latches=self._latches.of(self._asset),
            )
        elif seen != self._settings_seen:
            self._logic.settings = settings_from(seen, self._logic.settings)
        self._settings_seen = seen
        return self._logic


class Regulator:
    """All units this gateway drives.

    Args:
        index: The gateway's profile.
        latest: Newest values.
        memory: Orders in force.
        poller: Owner of the device connections.
        latches: What protections hold latched.
    """

    def __init__(
        self,
        index: ProfileIndex,
        latest: LatestValues,
        memory: CommandMemory,
        poller: Poller,
        latches: LatchBook,
    ) -> None:
        self._index, self._latest, self._poller = index, latest, poller
        self._outdoor = [b for b in index.profile.bindings if b.kind == "outdoor_temperature"]
        self.drives: dict[str, dict[str, UnitDrive]] = {}
        self.fast_bindings: dict[str, list[Binding]] = {}
        for device in index.polled():
            if device.regulates != "edge":
                continue
            station = index.by_asset.get(device.asset, {})
            units = {
                asset: UnitDrive(index.by_asset[asset], station, latest, memory, latches, asset)
                for asset in index.assets_of(device.code)
                if "valve_opening_setpoint" in index.by_asset[asset]
            }
            if units:
                self.drives[device.code] = units
                self.fast_bindings[device.code] = self._fast(device.code, device.asset)
        self._units = {asset: u for units in self.drives.values() for asset, u in units.items()}
        self._words = [0] * len(self._units)

    def _fast(self, device: str, station: str) -> list[Binding]:
        return [
            b
            for b in self._index.by_device[device]
            if b.kind in _FAST_NAMES or (b.kind in _SHARED_NAMES and b.point.startswith(station))
        ]

    @property
    def driven(self) -> set[int]:
        """Keys of the registers the station logic writes."""
        return {
            unit.names[kind].key
            for units in self.drives.values()
            for unit in units.values()
            for kind in _WRITTEN_KINDS
            if kind in unit.names
        }

    async def step(self, now_s: float, devices: set[str] | None = None) -> None:
        """Let every unit decide on its newest values and write what changed.

        Args:
            now_s: Plant time.
            devices: Devices read just now; None for all. Others are left as they are: nobody
                regulates on old values.
        """
        outdoor = next(
            (self._latest.values[b.key] for b in self._outdoor if b.key in self._latest.values),
            None,
        )
        await asyncio.gather(
            *(
                self._step_device(code, units, now_s, outdoor)
                for code, units in self.drives.items()
                if devices is None or code in devices
            )
        )

    async def _step_device(
        self, code: str, units: Mapping[str, UnitDrive], now_s: float, outdoor_c: float | None
    ) -> None:
        for unit in units.values():
            outputs = unit.step(now_s, outdoor_c)
            if outputs is not None and not await self._write(code, unit, outputs):
                return

    def word_of(self, asset: str) -> int:
        """Return the interlock word of a unit driven from here; 0 for others."""
        unit = self._units.get(asset)
        return unit.word if unit else 0

    def words_changed(self) -> bool:
        """Return whether any interlock came or went since the last time this was asked."""
        words = [unit.word for unit in self._units.values()]
        changed, self._words = words != self._words, words
        return changed

    async def _write(self, device: str, unit: UnitDrive, outputs: UnitOutputs) -> bool:
        """Write the registers that differ; return whether the device answers."""
        driver = self._poller.drivers[device]
        chosen = 0.0 if outputs.pump is None else outputs.pump + 1.0
        for kind, value in (
            # Before its speed: the one that takes over must not get the other one's.
            (_PUMP, chosen),
            ("valve_opening_setpoint", outputs.valve_opening_pct),
            ("circulation_pump_frequency_setpoint", outputs.pump_hz),
            ("makeup_pump_command", float(outputs.makeup_on)),
        ):
            binding = unit.names.get(kind)
            if binding is None:
                continue
            current = self._latest.values.get(binding.key)
            if current is not None and same_value(binding, current, value):
                continue
            try:
                # Read back by the next scan, which decides on it; twice as many stations a tick.
                back = await driver.write(binding, value, read_back=False)
                self._latest.values[binding.key] = back
            except InputError:
                continue
            except LinkError:
                return False
        return True
