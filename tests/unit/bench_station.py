"""A station on a bench: registers, a valve and a pump that take their time, and a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from heatloop.kernel.quality import Quality
from heatloop.plant.acceptance_run import FunctionalTest
from heatloop.plant.acceptance_script import (
    Count,
    Instruct,
    Reading,
    Request,
    Seen,
    SeenAlarm,
    Write,
)
from heatloop.plant.acceptance_target import TrialTarget, target_of
from heatloop.plant.build import build_ledger
from heatloop.plant.model import Device
from heatloop.plant.models import DeviceModel
from tests.unit import app_town

UNIT = "UN0001"


def model(device_class: str, **more: object) -> DeviceModel:
    values = {"code": "M1", "maker": "m", "zh": "型号", "en": "model", **more}
    return DeviceModel(device_class=device_class, **values)  # type: ignore[arg-type]


def town_target(
    device_class: str = "controller",
    asset: str = "SS0001",
    device: str = "DV0001",
    point_kind: str = "",
    **more: object,
) -> TrialTarget:
    devices: list[Device] = app_town.devices()
    ledger = build_ledger(app_town.assets(), devices, app_town.gateways(), version=1, keys={})
    made = model(device_class, stroke_s=90.0, **more)
    return target_of(ledger, "S1", made, asset, device, point_kind)


@dataclass(kw_only=True)
class BenchStation:
    """One unit; `step` moves the clock, the valve, the pump and the supply."""

    target: TrialTarget
    now_s: float = 1_000_000.0
    valve: float = 40.0
    hz: float = 42.0
    supply_c: float = 50.0
    stroke_s: float = 90.0
    valve_most: float = 100.0
    flow_sign: float = 1.0
    pump_stuck: bool = False
    gain_c: float = 25.0
    follow: bool = True
    values: dict[str, float] = field(default_factory=dict)
    writes: list[tuple[str, float]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    instruction: Instruct | None = None
    fault: str = ""
    react: Callable[[BenchStation], tuple[SeenAlarm, ...]] = lambda _: ()
    confirms: bool = True
    lost: float = 0.0

    def __post_init__(self) -> None:
        at = self.at
        self.values |= {
            at["station_mode"]: 2.0,
            at["secondary_supply_temperature_setpoint"]: 50.0,
            at["valve_opening_setpoint"]: 12.0,
            at["circulation_pump_frequency_setpoint"]: 42.0,
            at["limit_supply_temperature_high"]: 85.0,
        }

    @property
    def at(self) -> dict[str, str]:
        return dict(self.target.units[0].at)

    def value(self, code: str) -> float:
        at = self.at
        shown = {
            at["valve_opening"]: self.valve,
            at["circulation_pump_frequency"]: self.hz,
            at["secondary_supply_temperature"]: self.supply_c,
            self.target.flow: max(10.0 + self.flow_sign * 0.5 * self.valve, 0.0),
        }
        return shown.get(code, self.values.get(code, 1.0))

    def read(self, code: str) -> Reading:
        bad = self.fault.startswith("sensor") and self.instruction is not None
        hit = bad and code == self.instruction.subject  # type: ignore[union-attr]
        return Reading(
            value=850.0 if hit else self.value(code),
            quality=Quality.BAD if hit else Quality.GOOD,
            slot=int(self.now_s) // 30 * 30,
        )

    def step(self, dt_s: float = 15.0) -> None:
        self.now_s += dt_s
        at, values = self.at, self.values
        manual = values[at["station_mode"]] == 1.0
        setpoint = values[at["secondary_supply_temperature_setpoint"]]
        if manual:
            goal = min(values[at["valve_opening_setpoint"]], self.valve_most)
        else:
            goal = self.valve
            if self.follow:
                self.supply_c += (setpoint - self.supply_c) * min(dt_s / 120.0, 1.0)
        reach = 100.0 * dt_s / self.stroke_s
        self.valve += max(-reach, min(reach, goal - self.valve))
        wanted = values[at["circulation_pump_frequency_setpoint"]]
        if not self.pump_stuck:
            self.hz = wanted
        if manual:
            self.supply_c += (30.0 + self.gain_c * self.valve / 50.0 - self.supply_c) * 0.05

    def do(self, request: Request) -> Seen:
        order, why = "verified", ("", "")
        counts: dict[str, tuple[int, float]] = {}
        match request:
            case Write():
                self.writes.append((request.point, request.value))
                if request.point in self.refuse:
                    order, why = "refused", ("就地", "local")
                else:
                    self.values[request.point] = request.value
            case Count():
                for point in self.target.points:
                    wanted = (request.end_s - request.start_s) // point.period_s
                    counts[point.code] = (round(wanted * (1.0 - self.lost)), float(point.period_s))
            case Instruct():
                self.instruction = request if request.fault else None
                self.fault = "" if request.repair else request.fault
        self.step()
        return Seen(
            now_s=self.now_s,
            read=self.read,
            alarms=self.react(self),
            order=order,
            why=why,
            counts=counts,
            confirmed=self.confirms and self.instruction is not None,
        )

    def carry(self, test: FunctionalTest, most: int = 20_000) -> FunctionalTest:
        request: Request | None = test.begin()
        for _ in range(most):
            assert request is not None
            request = test.advance(self.do(request))
            if request is None:
                return test
        raise AssertionError("the test never ends")


def states(test: FunctionalTest) -> dict[str, str]:
    return {record.name: record.state for record in test.records}
