"""The unit controller against a simulated exchanger, at every step length it may be run with."""

import numpy as np
import pytest

from heatloop.station.interlocks import Interlock
from heatloop.station.unit_logic import UnitLogic, UnitSettings
from tests.physics.station_plant import SimulatedUnit, run, settled

STEPS_S = (1, 5, 30)
# (primary degC, load over design, set-point degC): a cold day, a mild one, and the worst gains.
CASES = ((110.0, 1.0, 66.0), (90.0, 0.5, 45.0), (130.0, 0.3, 38.0), (85.0, 0.5, 38.0))


@pytest.mark.parametrize("dt_s", STEPS_S)
@pytest.mark.parametrize("primary_c, load, start_c", CASES)
@pytest.mark.parametrize("step_k", [5.0, -5.0])
def test_a_step_of_the_set_point_settles(dt_s, primary_c, load, start_c, step_k):
    unit = SimulatedUnit(primary_c=primary_c, load=load, supply_c=start_c, return_c=start_c - 12)
    logic = UnitLogic(valve_pct=unit.valve_pct, pump_hz=40.0)
    settled(unit, logic, dt_s, start_c)
    goal = start_c + step_k
    trace = run(unit, logic, 3600, dt_s, setpoint_c=goal, setpoint_age_s=0.0, outdoor_c=0.0)
    error = np.array([supply for supply, _, _ in trace]) - goal
    assert np.abs(error[1800:]).max() <= 1.0
    assert (error * np.sign(step_k)).max() <= 3.0


@pytest.mark.parametrize("dt_s", STEPS_S)
def test_three_times_the_gain_is_still_stable(dt_s):
    """Gain margin: an oversized valve must not make the loop swing."""
    unit = SimulatedUnit(supply_c=66.0, return_c=50.0)
    logic = UnitLogic(UnitSettings(kp_pct_per_k=4.5), valve_pct=60.0, pump_hz=40.0)
    settled(unit, logic, dt_s, 66.0)
    trace = run(unit, logic, 1800, dt_s, setpoint_c=66.0, setpoint_age_s=0.0, outdoor_c=0.0)
    supply = np.array([row[0] for row in trace])
    assert np.ptp(supply) < 0.5


@pytest.mark.parametrize("dt_s", STEPS_S)
def test_primary_supply_falling_is_made_good(dt_s):
    unit = SimulatedUnit(primary_c=110.0, load=0.6, supply_c=50.0, return_c=38.0)
    logic = UnitLogic(valve_pct=40.0, pump_hz=40.0)
    settled(unit, logic, dt_s, 50.0)
    unit.primary_c = 95.0
    trace = run(unit, logic, 2400, dt_s, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0)
    assert abs(trace[-1][0] - 50.0) < 0.5


@pytest.mark.parametrize("dt_s", STEPS_S)
def test_return_pressure_stays_in_its_band_with_a_constant_leak(dt_s):
    unit = SimulatedUnit(load=0.6, leak_m3h=0.3)
    trace = run(unit, UnitLogic(), 4 * 3600, dt_s, setpoint_c=50.0, setpoint_age_s=0.0,
                outdoor_c=0.0, pressure_setpoint_kpa=300.0)  # fmt: skip
    pressure = np.array([row[1] for row in trace])
    starts = np.flatnonzero(np.diff([row[2].makeup_on for row in trace]) == 1)
    # One controller step of pumping may be beyond the band, no more.
    overshoot = 3.0 / 3600 / 0.02 * dt_s
    assert pressure.min() > 278.0
    assert pressure.max() < 320.0 + overshoot + 1.0
    assert starts.size >= 2
    assert not any(row[2].interlock_word & Interlock.MAKEUP_LONG for row in trace)


def test_a_big_leak_is_told_as_long_make_up():
    unit = SimulatedUnit(load=0.6, leak_m3h=2.9)
    trace = run(unit, UnitLogic(), 3 * 3600, 30, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0)
    assert trace[-1][2].interlock_word & Interlock.MAKEUP_LONG


@pytest.mark.parametrize("dt_s", STEPS_S)
def test_overheating_is_shut_off_within_one_step(dt_s):
    unit = SimulatedUnit(supply_c=60.0, return_c=45.0)
    logic = UnitLogic(valve_pct=50.0, pump_hz=40.0)
    settled(unit, logic, dt_s, 60.0, hours=1)
    unit.supply_c = unit.outlet_c = 92.0
    trace = run(unit, logic, dt_s, dt_s, setpoint_c=60.0, setpoint_age_s=0.0, outdoor_c=0.0)
    assert trace[0][2].valve_opening_pct == 0.0
    assert trace[0][2].interlock_word & Interlock.OVER_TEMPERATURE
