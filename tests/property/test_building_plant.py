"""Whatever is asked of rooms, loops and tanks, every kilojoule is accounted for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.network import building, secondary
from heatloop.network.building import BuildingState, step_buildings
from heatloop.network.emitter import emitter_heat_kw, emitter_outlet_c
from heatloop.network.flats import draw_spread, lay_flats, plan_of_flats
from heatloop.network.risers import Risers, riser_flows_kgs
from heatloop.network.secondary import SecondaryPlan, SecondaryState, step_secondary
from heatloop.network.tank import Tank, TankPlan


@settings(max_examples=25)
@given(
    floors=st.integers(1, 9),
    columns=st.integers(1, 6),
    seed=st.integers(0, 1000),
    dt_s=st.floats(1.0, 86400.0),
    outdoor_c=st.floats(-40.0, 35.0),
    wind_ms=st.floats(0.0, 25.0),
)
def test_houses_of_any_shape_keep_every_kilojoule(floors, columns, seed, dt_s, outdoor_c, wind_ms):
    rng = np.random.default_rng(seed)
    houses = [lay_flats(floors, columns, 85.0, int(rng.integers(8))) for _ in range(2)]
    plan = plan_of_flats(houses, [draw_spread(h.area_m2, rng) for h in houses])
    n = len(plan.building)
    state = BuildingState(zone_c=rng.uniform(5.0, 30.0, n), envelope_c=rng.uniform(-10.0, 20.0, 2))
    zone_heat = rng.uniform(0.0, 5.0, n)
    lowest = min(float(state.zone_c.min()), float(state.envelope_c.min()), outdoor_c)
    before = building.stored_kj(plan, state)
    flux = step_buildings(
        plan,
        state,
        outdoor_c=outdoor_c,
        wind_ms=wind_ms,
        sun_kw_m2=0.3,
        gain_factor=rng.uniform(0.2, 2.0, n),
        dt_s=dt_s,
        zone_heat_kw=zone_heat,
        window_kw_k=rng.uniform(0.0, 0.3, n),
        facade_kw_m2=rng.uniform(0.0, 0.6, 8),
    )
    gained = zone_heat.sum() * dt_s + flux.gained_kj - flux.lost_kj
    scale = abs(before) + abs(gained) + abs(flux.lost_kj) + 1.0
    assert abs(building.stored_kj(plan, state) - before - gained) < 1e-10 * scale
    # Heat in and a step of any length never make anything colder than the coldest was.
    assert state.zone_c.min() >= lowest - 1e-9
    assert state.envelope_c.min() >= lowest - 1e-9


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(-60.0, 60.0), st.floats(5.0, 120.0), st.floats(30.0, 7200.0)),
        min_size=1,
        max_size=25,
    ),
    st.floats(0.0, 5.0),
    st.floats(0.0, 2e-2),
    st.floats(0.0, 4e4),
)
def test_a_tank_keeps_every_kilojoule_and_never_lies_upside_down(steps, loss, conduction, mixed):
    plan = TankPlan(
        mass_kg=5e5, height_m=15.0, loss_kw_k=loss, conduction_kw_mk=conduction, mixed_kg=mixed
    )
    tank = Tank(plan, np.linspace(95.0, 40.0, 12))
    start, balance, moved = tank.stored_kj(), 0.0, 0.0
    low, high = 5.0, 95.0
    for flow, inlet, dt_s in steps:
        flux = tank.step(flow, inlet, 5.0, dt_s)
        balance += flux.gained_kj - flux.lost_kj
        moved += abs(flux.gained_kj) + abs(flux.lost_kj)
        low, high = min(low, inlet), max(high, inlet)
        mass, warm = tank.layers()
        assert mass.sum() == pytest.approx(5e5, rel=1e-12)
        assert np.all(np.diff(warm) <= 1e-9)
        assert low - 1e-9 <= warm.min()
        assert warm.max() <= high + 1e-9
        assert low - 1e-9 <= flux.outlet_c <= high + 1e-9
    assert abs(tank.stored_kj() - start - balance) < 1e-9 * (abs(start) + moved)


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


WORK = {
    "flow_kgs": np.array([25.0, 20.0]),
    "exchanger_kw_k": np.array([40.0, 30.0]),
    "primary_c": np.array([95.0, 90.0]),
    "room_c": np.array([20.0, 21.0, 19.0]),
    "ground_c": 2.0,
    "makeup_kgs": np.array([0.3, 0.0]),
    "makeup_c": 10.0,
}


@settings(max_examples=25)
@given(st.floats(0.0, 1.0), st.floats(1.0, 3600.0))
def test_branches_with_flows_of_their_own_keep_every_kilojoule(share, dt_s):
    plan, state = loops()
    branch = np.array([25.0 * share, 25.0 * (1.0 - share), 20.0])
    before = secondary.stored_kj(plan, state)
    flux = step_secondary(plan, state, dt_s=dt_s, branch_kgs=branch, **WORK)
    inward = flux.exchanger_kw.sum() + flux.makeup_kw.sum()
    outward = flux.emitter_kw.sum() + flux.loss_kw.sum()
    gained = (inward - outward) * dt_s
    assert secondary.stored_kj(plan, state) - before == pytest.approx(gained, abs=1e-9 * before)


def test_branch_flows_by_share_are_the_same_and_others_are_refused():
    (plan, one), (_, two) = loops(), loops()
    shares = plan.flow_share * WORK["flow_kgs"][plan.unit]
    step_secondary(plan, one, dt_s=60.0, **WORK)
    step_secondary(plan, two, dt_s=60.0, branch_kgs=shares, **WORK)
    assert np.allclose(one.emitter_c, two.emitter_c, rtol=1e-14)
    with pytest.raises(InputError):
        step_secondary(plan, two, dt_s=60.0, branch_kgs=0.9 * shares, **WORK)


@settings(max_examples=60)
@given(
    n_floor=st.integers(1, 34),
    seed=st.integers(0, 10_000),
    low=st.floats(0.0, 60.0),
    dp=st.floats(0.0, 300.0),
)
def test_any_riser_splits_all_its_water_without_running_backwards(n_floor, seed, low, dp):
    rng = np.random.default_rng(seed)
    risers = Risers(
        section_kpa_kgs2=rng.uniform(0.0, 20.0, (2, n_floor)),
        branch_kpa_kgs2=rng.uniform(0.0, 2000.0, (2, n_floor)),
        kvs_m3h=rng.choice([0.63, 1.0, 1.6, 2.5], (2, n_floor)),
        entry_kpa_kgs2=rng.uniform(0.0, 10.0, 2),
    )
    opening = rng.uniform(low, 100.0, (2, n_floor))
    flows = riser_flows_kgs(risers, opening, dp_kpa=np.full(2, dp))
    assert np.all(flows >= 0.0)
    again = riser_flows_kgs(risers, opening, flow_kgs=flows.sum(axis=1))
    assert np.allclose(flows, again, rtol=1e-10, atol=1e-15)


@settings(max_examples=80)
@given(
    supply=st.floats(5.0, 110.0),
    room=st.floats(5.0, 30.0),
    flow=st.floats(0.0, 5.0),
    size=st.floats(1e-5, 5.0),
    b=st.floats(0.0, 0.6),
)
def test_emitters_end_between_supply_and_room(supply, room, flow, size, b):
    one = [np.array([x]) for x in (supply, room, flow, size)]
    out = float(emitter_outlet_c(*one, b)[0])
    assert min(supply, room) - 1e-9 <= out <= max(supply, room) + 1e-9
    more = [*one[:3], 2.0 * one[3]]
    assert (
        abs(float(emitter_heat_kw(*more, b)[0])) >= abs(float(emitter_heat_kw(*one, b)[0])) - 1e-9
    )
