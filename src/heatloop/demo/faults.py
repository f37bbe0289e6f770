"""Faults that can be switched on, each named `<kind>@<subject>`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heatloop.demo.plans import Streets
from heatloop.demo.works import Works
from heatloop.kernel.errors import InputError
from heatloop.network.arrays import Floats

SENSOR_KINDS = ("sensor_drift", "sensor_frozen", "sensor_spike")
UNIT_KINDS = ("pump_trip", "valve_stuck", "slow_leak")
DEVICE_KINDS = ("device_silent",)
_TEXTS = {
    "sensor_drift": ("传感器漂移", "sensor drifts"),
    "sensor_frozen": ("传感器数值冻结", "sensor is frozen"),
    "sensor_spike": ("传感器跳变", "sensor spikes"),
    "pump_trip": ("循环泵跳停", "circulation pump trips"),
    "valve_stuck": ("调节阀卡死", "control valve is stuck"),
    "slow_leak": ("二次网缓慢失水", "secondary network leaks slowly"),
    "device_silent": ("控制器不应答", "controller does not answer"),
}
_LEAK_SHARE = 0.012
_DRIFT_PER_H = 0.5
_DRIFT_MOST = 6.0
_SPIKE_EVERY_S = 420.0
_SPIKE_LASTS_S = 30.0
_SPIKE = 35.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault of one thing."""

    id: str
    """`<kind>@<subject>`."""
    kind: str
    """What goes wrong."""
    subject: str
    """Asset, point or device code."""

    def to_dict(self, active: bool) -> dict[str, str | bool]:
        """Return the fault with its texts as plain values."""
        zh, en = _TEXTS[self.kind]
        return {"id": self.id, "zh": zh, "en": en, "subject": self.subject, "active": active}


def parse_fault(fault_id: str) -> Fault:
    """Return the fault of this id.

    Raises:
        InputError: The kind of fault is unknown, or there is no subject.
    """
    kind, _, subject = fault_id.partition("@")
    if kind not in _TEXTS or not subject:
        raise InputError("unknown fault", thing=fault_id, fix=f"use <{'|'.join(_TEXTS)}>@<code>")
    return Fault(id=fault_id, kind=kind, subject=subject)


def offered_faults(streets: Streets) -> list[Fault]:
    """Return the faults the demo offers: each kind on a place of its own."""
    units, stations = len(streets.units), len(streets.substations)

    def unit(n: int) -> str:
        return f"UN{(n - 1) % units + 1:04d}"

    def station(n: int) -> str:
        return f"SS{(n - 1) % stations + 1:04d}"

    ids = (
        f"sensor_drift@{unit(1)}.secondary_supply_temperature",
        f"sensor_frozen@{unit(10)}.secondary_return_temperature",
        f"sensor_spike@{station(6)}.primary_supply_temperature",
        f"pump_trip@{unit(5)}",
        f"pump_trip@{unit(15)}",
        f"valve_stuck@{unit(7)}",
        f"valve_stuck@{unit(20)}",
        f"slow_leak@{unit(13)}",
        f"slow_leak@{unit(4)}",
        # Devices 1 and 2 are the source and the weather station.
        f"device_silent@DV{min(5, stations - 1) + 2:04d}",
        f"device_silent@DV{stations + 2:04d}",
    )
    return [parse_fault(fault_id) for fault_id in ids]


@dataclass(kw_only=True, slots=True)
class _Spoiled:
    """A sensor fault at work."""

    fault: Fault
    number: int
    since_s: float
    held: float


class Faults:
    """Which faults are on, and what they do to works and sensors.

    Args:
        works: The works they wear.
        measured: Number of each measured point, by point code.
        devices: Number of each device, by code.
    """

    def __init__(self, works: Works, measured: dict[str, int], devices: dict[str, int]) -> None:
        self._works = works
        self._measured = measured
        self._devices = devices
        self.active: dict[str, float] = {}
        """Plant time since which each fault is on, by id."""
        self.silent: set[int] = set()
        """Numbers of devices that do not answer."""
        self._spoiled: list[_Spoiled] = []

    def switch(self, fault_id: str, active: bool, now_s: float, shown: Floats) -> None:
        """Switch a fault on or off.

        Args:
            fault_id: `<kind>@<subject>`.
            active: On or off.
            now_s: Plant time.
            shown: What all sensors show now, shape (n_measured,).

        Raises:
            InputError: There is no such fault or thing.
        """
        fault = parse_fault(fault_id)
        if fault.kind in SENSOR_KINDS:
            number = self._find(fault, self._measured)
            self._spoiled = [s for s in self._spoiled if s.fault.id != fault_id]
            if active:
                held = float(shown[number])
                self._spoiled.append(_Spoiled(fault=fault, number=number, since_s=now_s, held=held))
        elif fault.kind in DEVICE_KINDS:
            number = self._find(fault, self._devices)
            (self.silent.add if active else self.silent.discard)(number)
        else:
            self._wear(fault, active)
        if active:
            self.active.setdefault(fault_id, now_s)
        else:
            self.active.pop(fault_id, None)

    def _find(self, fault: Fault, numbers: dict[str, int]) -> int:
        if fault.subject not in numbers:
            raise InputError("no such thing in the city", thing=fault.subject, fix="check the code")
        return numbers[fault.subject]

    def _wear(self, fault: Fault, active: bool) -> None:
        works = self._works
        digits = fault.subject[2:]
        unit = int(digits) - 1 if fault.subject.startswith("UN") and digits.isdigit() else -1
        if not 0 <= unit < works.n_unit:
            raise InputError("no such unit in the city", thing=fault.subject, fix="check the code")
        if fault.kind == "pump_trip":
            works.wear.pump_tripped[unit] = active
        elif fault.kind == "valve_stuck":
            works.wear.valve_stuck[unit] = active
        else:
            leak = _LEAK_SHARE * float(works.truth.secondary_design_kgs[unit])
            works.wear.leak_kgs[unit] = leak if active else 0.0

    def spoil(self, shown: Floats, now_s: float) -> None:
        """Change what the faulty sensors show, in place, shape (n_measured,)."""
        for spoiled in self._spoiled:
            age_s = now_s - spoiled.since_s
            if spoiled.fault.kind == "sensor_frozen":
                shown[spoiled.number] = spoiled.held
            elif spoiled.fault.kind == "sensor_drift":
                shown[spoiled.number] += min(_DRIFT_PER_H * age_s / 3600.0, _DRIFT_MOST)
            elif math.fmod(age_s, _SPIKE_EVERY_S) < _SPIKE_LASTS_S:
                shown[spoiled.number] += _SPIKE
