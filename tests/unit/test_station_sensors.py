"""A supply sensor that fails never opens the valve."""

import pytest

from heatloop.station.interlocks import Interlock
from heatloop.station.modes import StationMode
from heatloop.station.unit_logic import UnitInputs, UnitLogic


def _inputs(supply_c: float) -> UnitInputs:
    return UnitInputs(
        mode=float(StationMode.AUTOMATIC),
        supply_c=supply_c,
        return_c=40.0,
        supply_kpa=500.0,
        return_kpa=300.0,
        outdoor_c=-5.0,
        tank_level_m=1.5,
        pump_fault=0,
        setpoint_c=50.0,
        setpoint_age_s=10.0,
        valve_setpoint_pct=50.0,
        pump_setpoint_hz=42.0,
        pressure_setpoint_kpa=300.0,
        makeup_command=False,
        valve_pct=50.0,
    )


def test_a_short_circuited_supply_sensor_holds_the_valve() -> None:
    logic = UnitLogic(valve_pct=50.0, pump_hz=42.0)
    before = logic.step(_inputs(50.0), 10.0).valve_opening_pct
    for _ in range(30):
        out = logic.step(_inputs(-200.0), 10.0)
    assert out.valve_opening_pct == pytest.approx(before, abs=1.0)
    assert out.interlock_word & Interlock.SENSOR_LOST
    assert not out.interlock_word & Interlock.FROST


def test_a_broken_supply_sensor_shuts_the_valve() -> None:
    logic = UnitLogic(valve_pct=50.0, pump_hz=42.0)
    out = logic.step(_inputs(850.0), 10.0)
    assert out.valve_opening_pct == 0.0
    assert out.interlock_word & Interlock.OVER_TEMPERATURE
