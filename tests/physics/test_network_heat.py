"""Heat in pipes, loops and rooms: delays, losses, steady states, and balances that close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.network import building, secondary
from heatloop.network.building import BuildingPlan, BuildingState, step_buildings
from heatloop.network.secondary import SecondaryPlan, SecondaryState, step_secondary
from heatloop.network.water import CP_KJ_KGK


def loops():
    plan = SecondaryPlan(
        unit=np.array([0, 0, 1]),
        main_kg=np.array([5000.0, 4000.0]),
        main_loss_kw_k=np.array([0.2, 0.3]),
        branch_kg=np.array([900.0, 1200.0, 1500.0]),
        emitter_kj_k=np.array([2e4, 3e4, 2.5e4]),
        emitter_kw=np.array([2.0, 2.4, 20.0]),
        exponent=np.array([0.3, 0.3, 0.05]),
        flow_share=np.array([0.4, 0.6, 1.0]),
    )
    state = SecondaryState(
        supply_c=np.array([50.0, 40.0]),
        branch_supply_c=np.array([49.0, 48.0, 39.0]),
        emitter_c=np.full((3, 3), 44.0),
        branch_return_c=np.array([40.0, 41.0, 33.0]),
        return_c=np.array([40.0, 33.0]),
    )
    return plan, state


@settings(max_examples=40)
@given(st.floats(1.0, 1800.0), st.floats(0.0, 40.0), st.floats(0.0, 100.0), st.floats(0.0, 1.0))
def test_loops_keep_every_kilojoule_at_any_step(dt_s, flow_kgs, exchanger_kw_k, makeup_kgs):
    plan, state = loops()
    flow = np.array([flow_kgs, 20.0])
    # No exchanger carries more than its smaller stream.
    most = np.minimum(np.array([exchanger_kw_k, 40.0]), 0.9 * flow * CP_KJ_KGK)
    before = secondary.stored_kj(plan, state)
    flux = step_secondary(
        plan,
        state,
        flow_kgs=flow,
        exchanger_kw_k=most,
        primary_c=np.array([95.0, 90.0]),
        room_c=np.array([20.0, 21.0, 19.0]),
        ground_c=2.0,
        makeup_kgs=np.array([makeup_kgs, 0.0]),
        makeup_c=10.0,
        dt_s=dt_s,
    )
    inward = flux.exchanger_kw.sum() + flux.makeup_kw.sum()
    outward = flux.emitter_kw.sum() + flux.loss_kw.sum()
    gained = (inward - outward) * dt_s
    assert secondary.stored_kj(plan, state) - before == pytest.approx(gained, abs=1e-9 * before)
    assert state.supply_c.max() <= 95.0


def test_a_settled_loop_gives_what_it_takes_and_its_emitters_follow_their_exponent():
    plan, state = loops()
    room = np.array([20.0, 21.0, 19.0])
    for _ in range(600):
        flux = step_secondary(
            plan,
            state,
            flow_kgs=np.array([25.0, 20.0]),
            exchanger_kw_k=np.array([12.0, 9.0]),
            primary_c=np.array([95.0, 90.0]),
            room_c=room,
            ground_c=2.0,
            makeup_kgs=np.zeros(2),
            makeup_c=10.0,
            dt_s=120.0,
        )
    taken, given_off = flux.exchanger_kw.sum(), flux.emitter_kw.sum() + flux.loss_kw.sum()
    assert given_off == pytest.approx(taken, rel=1e-6)
    law = plan.emitter_kw * ((state.emitter_c - room) ** (1 + plan.exponent)).mean(axis=0)
    assert np.allclose(flux.emitter_kw, law, rtol=1e-6)


def houses():
    plan = BuildingPlan(
        building=np.array([0, 0, 1]),
        air_kj_k=np.array([7e3, 8e3, 2e4]),
        out_kw_k=np.array([0.04, 0.05, 0.1]),
        wall_kw_k=np.array([0.15, 0.2, 0.4]),
        heat_share=np.array([0.45, 0.55, 1.0]),
        gain_kw=np.array([0.3, 0.4, 0.8]),
        sun_m2=np.array([1.5, 1.0, 4.0]),
        envelope_kj_k=np.array([6e4, 8e4]),
        envelope_kw_k=np.array([0.17, 0.2]),
        envelope_sun_m2=np.array([2.0, 3.0]),
        wind_per_ms=np.array([0.01, 0.02]),
    )
    state = BuildingState(zone_c=np.array([20.0, 21.0, 19.0]), envelope_c=np.array([8.0, 7.0]))
    return plan, state


@settings(max_examples=25)
@given(
    st.floats(1.0, 3600.0),
    st.floats(-35.0, 25.0),
    st.floats(0.0, 15.0),
    st.floats(0.0, 0.9),
)
def test_rooms_keep_every_kilojoule(dt_s, outdoor_c, wind_ms, sun):
    plan, state = houses()
    state.zone_c = state.zone_c + np.array([0.0, 6.0, 0.0])
    heat = np.array([6.0, 8.0])
    before = building.stored_kj(plan, state)
    flux = step_buildings(
        plan,
        state,
        heat_kw=heat,
        outdoor_c=outdoor_c,
        wind_ms=wind_ms,
        sun_kw_m2=sun,
        gain_factor=1.2,
        dt_s=dt_s,
    )
    gained = heat.sum() * dt_s + flux.gained_kj - flux.lost_kj
    stored = building.stored_kj(plan, state)
    assert stored - before == pytest.approx(gained, abs=1e-9 * before)


def test_a_settled_house_is_as_warm_as_its_resistances_say():
    plan, state = houses()
    for _ in range(4000):
        step_buildings(
            plan,
            state,
            heat_kw=np.array([0.0, 6.0]),
            outdoor_c=-10.0,
            wind_ms=0.0,
            sun_kw_m2=0.0,
            gain_factor=1.0,
            dt_s=1800.0,
        )
    through_walls = 1.0 / (1.0 / 0.4 + 1.0 / 0.2)
    assert state.zone_c[2] == pytest.approx(-10.0 + 6.8 / (0.1 + through_walls), abs=1e-3)


def test_who_is_too_warm_opens_a_window():
    plan, state = houses()
    state.zone_c = np.array([27.0, 20.0, 20.0])
    closed = BuildingState(zone_c=state.zone_c.copy(), envelope_c=state.envelope_c.copy())
    weather = {"outdoor_c": -5.0, "wind_ms": 2.0, "sun_kw_m2": 0.0, "gain_factor": 1.0}
    lost = step_buildings(plan, state, heat_kw=np.zeros(2), dt_s=60.0, **weather).lost_kj
    closed.zone_c[0] = 24.0
    less = step_buildings(plan, closed, heat_kw=np.zeros(2), dt_s=60.0, **weather).lost_kj
    assert lost > 1.05 * less
