"""Clauses of the standard a station fulfils by itself: 4.2.1 -4, 5.1 a 1 #2, 5.1 a 2 #1 and #3."""

import numpy as np
import pytest

from heatloop.station.curve import CurveDesign, table_of
from heatloop.station.interlocks import Interlock
from heatloop.station.pumps import PumpFault, PumpReading, fault_texts, self_check
from heatloop.station.unit_logic import UnitLogic, UnitSettings
from tests.physics.station_plant import SimulatedUnit, run, settled


@pytest.mark.parametrize("dt_s", [1, 5, 30])
def test_4_2_1_4__1_cut_off_the_station_keeps_its_curve(dt_s):
    """Two hours alone while it gets 6 K colder: within 2 K of the station's own curve."""
    table = table_of(CurveDesign())
    logic = UnitLogic(UnitSettings(curve=table), valve_pct=60.0, pump_hz=40.0)
    unit = SimulatedUnit(primary_c=110.0, load=0.9, supply_c=60.0, return_c=45.0)
    settled(unit, logic, dt_s, table.supply_c(0.0))

    def outdoor_c(second: int) -> float:
        return -3.0 * second / 3600.0

    trace = run(unit, logic, 7200, dt_s, setpoint_c=table.supply_c(0.0),
                setpoint_age_s=lambda second: float(second), outdoor_c=outdoor_c)  # fmt: skip
    supply = np.array([row[0] for row in trace])
    curve = np.array([table.supply_c(outdoor_c(second)) for second in range(7200)])
    assert {row[2].source for row in trace[:1800]} == {"setpoint"}
    assert {row[2].source for row in trace[1860:]} == {"curve"}
    # The watchdog's half hour and ten minutes to walk from the last set-point to the curve.
    assert np.abs(supply - curve)[2400:].max() <= 2.0


def test_4_2_1_4__1_interlocks_act_within_a_second_alone():
    logic = UnitLogic(valve_pct=60.0, pump_hz=40.0)
    unit = SimulatedUnit()
    run(unit, logic, 60, 1, setpoint_age_s=None, outdoor_c=-5.0)
    unit.supply_c = unit.outlet_c = 95.0
    assert run(unit, logic, 1, 1, setpoint_age_s=None, outdoor_c=-5.0)[0][
        2
    ].valve_opening_pct == pytest.approx(0.0)


@pytest.mark.parametrize("dt_s", [1, 5, 30])
def test_5_1_a_1_2_a_unit_regulates_itself(dt_s):
    """+5 K settles within 30 min to 1 K, overshoot at most 3 K."""
    unit = SimulatedUnit(primary_c=100.0, load=0.7, supply_c=52.0, return_c=40.0)
    logic = UnitLogic(valve_pct=unit.valve_pct, pump_hz=40.0)
    settled(unit, logic, dt_s, 52.0)
    trace = run(unit, logic, 5400, dt_s, setpoint_c=57.0, setpoint_age_s=0.0, outdoor_c=0.0)
    error = np.array([row[0] for row in trace]) - 57.0
    assert np.abs(error[1800:]).max() <= 1.0
    assert error.max() <= 3.0


@pytest.mark.parametrize("leak_m3h", [0.1, 0.5, 1.0])
def test_5_1_a_2_1_make_up_holds_the_return_pressure(leak_m3h):
    """Starts at the low limit, stops at the high one, in band with a constant leak."""
    unit = SimulatedUnit(load=0.6, leak_m3h=leak_m3h)
    trace = run(unit, UnitLogic(), 6 * 3600, 5, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0,
                pressure_setpoint_kpa=300.0)  # fmt: skip
    on = np.array([row[2].makeup_on for row in trace])
    pressure = np.array([row[1] for row in trace])
    starts = pressure[np.flatnonzero(np.diff(on.astype(int)) == 1)]
    stops = pressure[np.flatnonzero(np.diff(on.astype(int)) == -1)]
    assert starts.size
    assert stops.size
    assert np.abs(starts - 280.0).max() <= 2.0
    assert np.abs(stops - 320.0).max() <= 2.0
    assert 278.0 <= pressure.min() <= pressure.max() <= 322.0


def test_5_1_a_2_1_excessive_make_up_is_told():
    unit = SimulatedUnit(load=0.6, leak_m3h=2.9)
    trace = run(unit, UnitLogic(), 2 * 3600, 30, setpoint_c=50.0, setpoint_age_s=0.0, outdoor_c=0.0)
    assert trace[-1][2].interlock_word & Interlock.MAKEUP_LONG


@pytest.mark.parametrize(
    "reading, fault",
    [
        ({"phase_currents_a": (34.0, 33.5, 34.2)}, PumpFault.OVER_CURRENT),
        ({"phase_currents_a": (31.0, 0.2, 30.5)}, PumpFault.PHASE_LOSS),
        ({"flow_m3h": 1.0}, PumpFault.NO_FLOW),
    ],
)
def test_5_1_a_2_3_pumps_diagnose_themselves(reading, fault):
    fields = {"frequency_hz": 45.0, "rated_current_a": 30.0, "phase_currents_a": (25.0, 25.2, 24.9),
              "flow_m3h": 95.0, "rated_flow_m3h": 100.0}  # fmt: skip
    assert self_check(PumpReading(**fields)) == PumpFault(0)
    assert self_check(PumpReading(**(fields | reading))) == fault
    (text,) = fault_texts(fault)
    assert text.name == fault.name.lower()
    assert text.zh
    assert text.en
    assert text.action_zh
    assert text.action_en
