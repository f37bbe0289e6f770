"""Whatever a station sees, in whatever order: its outputs are possible, and safe where it trips."""

import math

from hypothesis import given
from hypothesis import strategies as st

from heatloop.station import envelope
from heatloop.station.interlocks import Interlock
from heatloop.station.pumps import PumpSettings
from heatloop.station.unit_logic import UnitInputs, UnitLogic, UnitSettings

ANY = st.none() | st.floats() | st.floats(-20, 120)
PRESSURE = st.just(300.0) | st.none() | st.floats() | st.floats(0, 1800)
INPUTS = st.builds(
    UnitInputs,
    mode=st.sampled_from([0.0, 1.0, 2.0, 7.0, math.nan]),
    supply_c=ANY,
    return_c=ANY,
    supply_kpa=PRESSURE,
    return_kpa=PRESSURE,
    outdoor_c=ANY,
    tank_level_m=st.none() | st.floats(0, 3),
    flood=st.booleans(),
    pump_fault=st.just(0) | st.integers(0, 65535),
    setpoint_c=ANY,
    setpoint_age_s=st.none() | st.floats(0, 1e6),
    valve_setpoint_pct=st.floats() | st.floats(-10, 120),
    pump_setpoint_hz=st.just(40.0) | st.floats(),
    pressure_setpoint_kpa=st.floats() | st.floats(0, 1500),
    makeup_command=st.booleans(),
    valve_pct=ANY,
    standby_fault=st.none() | st.just(0) | st.integers(0, 65535),
    pump_hours=st.tuples(ANY, ANY),
    pump_selected=ANY,
    pump_hz=st.none() | st.floats() | st.floats(0, 50),
    pump_current_a=ANY,
    flow_m3h=ANY,
    flow_setpoint_m3h=ANY,
    residual_trip=st.booleans(),
    reset=st.none() | st.floats() | st.sampled_from([0.0, 1.0]),
)
RATED = UnitSettings(pumps=PumpSettings(rated_current_a=30.0, flow_low_m3h=5.0))
STEPS = st.lists(st.tuples(INPUTS, st.sampled_from([0.5, 1.0, 5.0, 30.0, 3600.0])), max_size=25)


@given(STEPS)
def test_outputs_are_always_possible_and_safe(steps):
    logic = UnitLogic(RATED)
    for inputs, dt_s in steps:
        out = logic.step(inputs, dt_s)
        word = Interlock(out.interlock_word)
        assert 0.0 <= out.valve_opening_pct <= 100.0
        assert out.pump_hz == 0.0 or 20.0 <= out.pump_hz <= 50.0
        assert out.target_c is None or math.isfinite(out.target_c)
        supply, back = inputs.supply_c, inputs.return_kpa
        if supply is not None and supply > logic.settings.supply_high_c and supply < math.inf:
            assert out.valve_opening_pct == 0.0
        if back is not None and logic.settings.return_high_kpa < back < math.inf:
            assert not out.makeup_on
        if inputs.residual_trip:
            assert not out.makeup_on
        standby = inputs.standby_fault
        none_sound = inputs.pump_fault and (standby is None or standby)
        assert (out.pump is None) <= (out.pump_hz == 0.0)
        if none_sound or inputs.residual_trip or out.pump_hz == 0.0:
            assert out.pump_hz == 0.0
            assert word & Interlock.NO_CIRCULATION
            assert out.valve_opening_pct <= 5.0


KINDS = st.sampled_from([*envelope.SAFE, "unknown"])
OTHERS = st.dictionaries(KINDS, st.floats() | st.floats(0, 1600), max_size=4)


@given(KINDS, st.floats() | st.floats(-50, 1700), OTHERS)
def test_what_clamp_gives_the_envelope_does_not_refuse(kind, value, others):
    held = envelope.clamp(kind, value, others)
    if held is not None:
        assert envelope.refusal(kind, held, others=others) is None
