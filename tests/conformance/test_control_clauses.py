"""Clause 7.3 a: the platform adjusts supply temperature and flow from measurements and target."""

import math

import numpy as np
import pytest

from heatloop.control.curve_strategy import PUMP, SUPPLY, Regulation, UnitState
from heatloop.control.cycle import ControlCycle
from heatloop.control.strategy import Stage
from heatloop.station.curve import CurveDesign
from heatloop.station.modes import StationMode

STEP_S = 300.0


class House:
    """Rooms behind one unit: 60 h time constant, losses 10 % above what the curve was drawn for."""

    def __init__(self) -> None:
        self.room_c, self.supply_c, self.return_c = 18.0, 45.0, 36.0
        self.setpoint_c, self.pump_hz = 45.0, 45.0

    def step(self, outdoor_c: float) -> None:
        # The unit follows its set-point within minutes (proved apart), here a lag of 10.
        self.supply_c += (self.setpoint_c - self.supply_c) * -math.expm1(-STEP_S / 600)
        flow = self.pump_hz / 45.0
        for _ in range(20):
            mean = 0.5 * (self.supply_c + self.return_c)
            load = (max(0.0, mean - self.room_c) / 44.5) ** 1.3
            self.return_c += 0.3 * (self.supply_c - 25.0 * load / flow - self.return_c)
        # 27 K of difference is the design load; a 10 % leakier house needs 10 % more.
        loss = 1.1 * (self.room_c - outdoor_c) / 27.0
        self.room_c += (load - loss) * 27.0 * STEP_S / (60 * 3600.0)


def winter(second: float) -> float:
    """Outdoor temperature: a day's swing and, after a week, a cold spell of 3 K."""
    day = 2.0 + 4.0 * math.sin((second / 3600 - 9) * 2 * math.pi / 24)
    return day - 3.0 * (1 / (1 + math.exp(-(second / 3600 - 170) / 6)))


def season(regulation, target_c, days=16):
    """Run the control cycle over the house; return rooms, set-points and pump speeds."""
    house, cycle = House(), ControlCycle()
    rooms, supplies, pumps, writes = [], [], [], 0
    for i in range(int(days * 86400 / STEP_S)):
        now = i * STEP_S
        state = UnitState(
            code="UN0001", design=CurveDesign(), regulation=regulation, target_room_c=target_c,
            room_mean_c=round(house.room_c, 1), mode=StationMode.AUTOMATIC, stage=Stage.AUTOMATIC,
            setpoint_c=house.setpoint_c, setpoint_hz=house.pump_hz,
            supply_c=round(house.supply_c, 1),
        )  # fmt: skip
        for outcome in cycle.step([state], winter(now), now):
            if outcome.write is None:
                continue
            cycle.written(outcome.plan.point, now)
            writes += 1
            if outcome.plan.point.endswith(SUPPLY):
                house.setpoint_c = outcome.plan.values[0]
            elif outcome.plan.point.endswith(PUMP):
                house.pump_hz = outcome.plan.values[0]
        house.step(winter(now))
        rooms.append(house.room_c)
        supplies.append(house.setpoint_c)
        pumps.append(house.pump_hz)
    return np.array(rooms), np.array(supplies), np.array(pumps), writes


@pytest.mark.parametrize("target_c", [18.0, 19.0, 20.0])
@pytest.mark.parametrize("regulation", list(Regulation))
def test_7_3_a_rooms_converge_to_the_target(regulation, target_c):
    rooms, supplies, pumps, writes = season(regulation, target_c)
    settled = rooms[int(5 * 86400 / STEP_S) :]
    assert np.abs(settled - target_c).max() <= 0.7
    assert abs(settled.mean() - target_c) <= 0.2
    assert supplies.max() <= 80.0
    assert writes > 0
    # Quality moves the water's temperature, quantity its flow.
    if regulation is Regulation.QUALITY:
        assert np.ptp(pumps) == 0.0
    else:
        assert np.ptp(pumps) > 5.0


@pytest.mark.parametrize("regulation", list(Regulation))
def test_7_3_a_colder_weather_writes_new_set_points(regulation):
    cycle = ControlCycle()
    state = UnitState(
        code="UN0001", design=CurveDesign(), regulation=regulation, mode=StationMode.AUTOMATIC,
        stage=Stage.AUTOMATIC, setpoint_c=50.0, setpoint_hz=30.0, supply_c=50.0,
        quantity_supply_c=65.0,
    )  # fmt: skip
    for outcome in cycle.step([state], 0.0, 0.0):
        cycle.written(outcome.plan.point, 0.0)
    moved = {o.plan.point: o for o in cycle.step([state], -8.0, 900.0)}
    kinds = {SUPPLY} if regulation is Regulation.QUALITY else {SUPPLY, PUMP}
    assert {point.split(".")[1] for point in moved} == kinds
    assert all(o.write == "changed" for o in moved.values())
    assert moved[f"UN0001.{SUPPLY}"].plan.values[0] > 50.0
