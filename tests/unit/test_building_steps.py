"""Buildings against a dense solve, closed forms and the arithmetic of habits."""

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.network import building
from heatloop.network.building import BuildingPlan, BuildingState, settle_walls, step_buildings
from heatloop.network.occupants import DWELLING, OFFICE, SCHOOL, Occupants, gain_factors
from heatloop.network.room_sensors import (
    Place,
    RoomSensors,
    draw_sensors,
    follow_c,
    settled_c,
    shown_c,
)
from heatloop.network.windows import WindowHabits, draw_habits, window_kw_k

CALM = {"outdoor_c": -10.0, "wind_ms": 0.0, "sun_kw_m2": 0.0, "gain_factor": 1.0}


def plan(**more):
    values = {
        "building": np.array([0, 0, 1]),
        "air_kj_k": np.array([7e3, 8e3, 2e4]),
        "out_kw_k": np.array([0.04, 0.05, 0.1]),
        "wall_kw_k": np.array([0.15, 0.2, 0.4]),
        "heat_share": np.array([0.45, 0.55, 1.0]),
        "gain_kw": np.array([0.3, 0.4, 0.8]),
        "sun_m2": np.array([1.5, 1.0, 4.0]),
        "envelope_kj_k": np.array([6e4, 8e4]),
        "envelope_kw_k": np.array([0.17, 0.2]),
        "envelope_sun_m2": np.array([2.0, 3.0]),
        "wind_per_ms": np.array([0.01, 0.02]),
    }
    return BuildingPlan(**(values | more))


def state():
    return BuildingState(zone_c=np.array([20.0, 22.0, 19.0]), envelope_c=np.array([8.0, 7.0]))


def test_a_step_is_the_implicit_one_of_the_whole_matrix():
    p, s, dt = plan(), state(), 1800.0
    start = np.concatenate([s.zone_c, s.envelope_c])
    zone_heat = np.array([0.5, 0.0, 1.0])
    step_buildings(p, s, heat_kw=np.array([5.0, 8.0]), zone_heat_kw=zone_heat, dt_s=dt, **CALM)
    a, load = np.zeros((5, 5)), np.zeros(5)
    for i, b in enumerate(p.building):
        e = 3 + b
        a[i, i] += p.air_kj_k[i] / dt + p.out_kw_k[i] + p.wall_kw_k[i]
        a[i, e] -= p.wall_kw_k[i]
        a[e, i] -= p.wall_kw_k[i]
        a[e, e] += p.wall_kw_k[i]
        load[i] = p.air_kj_k[i] / dt * start[i] - 10.0 * p.out_kw_k[i] + p.gain_kw[i]
        load[i] += p.heat_share[i] * [5.0, 8.0][b] + zone_heat[i]
    for b in range(2):
        a[3 + b, 3 + b] += p.envelope_kj_k[b] / dt + p.envelope_kw_k[b]
        load[3 + b] = p.envelope_kj_k[b] / dt * start[3 + b] - 10.0 * p.envelope_kw_k[b]
    exact = np.linalg.solve(a, load)
    assert np.allclose(np.concatenate([s.zone_c, s.envelope_c]), exact, atol=1e-11)


def test_neighbours_come_together_and_keep_their_heat():
    p = plan(neighbours=np.array([[0, 1]]), neighbour_kw_k=np.array([50.0]))
    alone, s = state(), state()
    step_buildings(plan(), alone, heat_kw=np.zeros(2), dt_s=900.0, **CALM)
    step_buildings(p, s, heat_kw=np.zeros(2), dt_s=900.0, **CALM)
    # The coupling is so tight that both end at their common temperature.
    common = (7e3 * alone.zone_c[0] + 8e3 * alone.zone_c[1]) / 15e3
    assert s.zone_c[:2] == pytest.approx([common, common], abs=0.02)
    assert s.zone_c[2] == alone.zone_c[2]
    assert building.stored_kj(p, s) == pytest.approx(building.stored_kj(p, alone), rel=1e-12)


def test_a_weak_neighbour_takes_what_its_conductance_says():
    p = plan(neighbours=np.array([[0, 1]]), neighbour_kw_k=np.array([0.05]))
    alone, s = state(), state()
    step_buildings(plan(), alone, heat_kw=np.zeros(2), dt_s=60.0, **CALM)
    step_buildings(p, s, heat_kw=np.zeros(2), dt_s=60.0, **CALM)
    passed = (s.zone_c[0] - alone.zone_c[0]) * 7e3
    assert passed == pytest.approx(0.05 * (alone.zone_c[1] - alone.zone_c[0]) * 60.0, rel=1e-3)


def test_facades_get_their_own_sun():
    p = plan(facing=np.array([4, 0, 2]))
    facades = np.array([0.02, 0.1, 0.2, 0.3, 0.5, 0.3, 0.2, 0.1])
    s = state()
    flux = step_buildings(p, s, heat_kw=np.zeros(2), dt_s=60.0, facade_kw_m2=facades, **CALM)
    sun = 1.5 * 0.5 + 1.0 * 0.02 + 4.0 * 0.2
    walls = 5.0 * facades.mean()
    assert flux.gained_kj == pytest.approx((1.5 + sun + walls) * 60.0)
    with pytest.raises(InputError):
        step_buildings(p, s, heat_kw=np.zeros(2), dt_s=60.0, **CALM)


def test_settled_walls_stay_where_they_are():
    p, s = plan(), state()
    settle_walls(p, s, -10.0)
    walls = s.envelope_c.copy()
    # Rooms held where they are: only the walls could move.
    held = plan(air_kj_k=np.full(3, 1e12))
    step_buildings(held, s, heat_kw=np.zeros(2), dt_s=3600.0, **CALM)
    assert s.envelope_c == pytest.approx(walls, abs=1e-6)


def test_open_windows_lose_what_the_standard_says():
    habits = WindowHabits(
        tilted_m2=np.array([0.1, 0.1]),
        wide_m2=np.array([1.0, 1.0]),
        height_m=np.array([1.3, 1.3]),
        too_warm_c=np.array([24.0, 24.0]),
        full_k=np.array([2.0, 2.0]),
        morning_s=np.array([7 * 3600.0] * 2),
        evening_s=np.array([23.9 * 3600.0] * 2),
        airing_s=np.array([600.0] * 2),
    )
    room = np.array([25.0, 20.0])
    weather = {"outdoor_c": 5.0, "wind_ms": 3.0}
    noon = window_kw_k(habits, room, local_s=12 * 3600.0, dt_s=60.0, **weather)
    # q = 3.6 * 500 * A * sqrt(Ct + Cw v^2 + Cst h dT) m3/h, half of 0.1 m2 open.
    flow_m3h = 1800.0 * 0.05 * np.sqrt(0.01 + 0.001 * 9.0 + 0.0035 * 1.3 * 20.0)
    assert noon[0] == pytest.approx(flow_m3h * 0.34e-3)
    assert noon[1] == 0.0
    airing = window_kw_k(habits, room, local_s=7 * 3600.0, dt_s=3600.0, **weather)[1]
    wide = 1800.0 * np.sqrt(0.01 + 0.009 + 0.0035 * 1.3 * 15.0) * 0.34e-3
    assert airing == pytest.approx(wide / 6.0)
    # An evening airing runs on past midnight; the share of a step over midnight is found too.
    late = window_kw_k(habits, room, local_s=86400.0 - 600.0, dt_s=1200.0, **weather)[1]
    assert late == pytest.approx(wide * 600.0 / 1200.0)
    early = window_kw_k(habits, room, local_s=86400.0, dt_s=1200.0, **weather)[1]
    assert early == pytest.approx(wide * 240.0 / 1200.0)
    frost = window_kw_k(habits, room, local_s=7 * 3600.0, dt_s=3600.0, outdoor_c=-20.0, wind_ms=3)
    assert frost[1] == pytest.approx(
        1800.0 * np.sqrt(0.019 + 0.0035 * 1.3 * 40.0) * 0.34e-3 * 0.3 / 6.0
    )


def test_airing_costs_a_percent_or_two():
    rng = np.random.default_rng(2)
    habits, rooms = draw_habits(5000, rng), np.full(5000, 21.0)
    hours = [
        window_kw_k(
            habits, rooms, outdoor_c=-5.0, wind_ms=2.0, local_s=h * 3600.0, dt_s=3600.0
        ).mean()
        for h in range(24)
    ]
    # Against some 0.12 kW/K of a flat.
    assert 0.001 < np.mean(hours) < 0.004
    assert int(np.argmax(hours)) in (6, 7, 8)


def test_gains_mean_one_over_a_week():
    everyone = Occupants(
        use=np.array([DWELLING, OFFICE, SCHOOL]), late_s=np.zeros(3), away_share=np.zeros(3)
    )
    week = [
        gain_factors(everyone, (day * 24 + hour) * 3600.0, day)
        for day in range(7)
        for hour in range(24)
    ]
    # Days off and workdays meet at midnight; the seam is worth a part in a hundred.
    assert np.mean(week, axis=0) == pytest.approx(1.0, abs=0.01)
    assert gain_factors(everyone, 11 * 3600.0, 2)[OFFICE] > 2.0
    assert gain_factors(everyone, 11 * 3600.0, 6)[OFFICE] < 0.4


def test_late_risers_live_later_and_some_days_nobody_is_there():
    two = Occupants(
        use=np.zeros(2, np.intp), late_s=np.array([0.0, 7200.0]), away_share=np.zeros(2)
    )
    assert gain_factors(two, 10 * 3600.0, 1)[1] == pytest.approx(
        gain_factors(two, 8 * 3600.0, 1)[0]
    )
    many = Occupants(
        use=np.zeros(20000, np.intp), late_s=np.zeros(20000), away_share=np.full(20000, 0.1), seed=5
    )
    day = gain_factors(many, 3 * 86400.0 + 40000.0, 3)
    away = day < 0.5 * day.max()
    assert away.mean() == pytest.approx(0.1, abs=0.01)
    same = gain_factors(many, 3 * 86400.0 + 70000.0, 3)
    assert np.array_equal(away, same < 0.5 * same.max())
    other = gain_factors(many, 4 * 86400.0 + 40000.0, 4)
    assert not np.array_equal(away, other < 0.5 * other.max())


def test_a_collector_shows_its_place_and_not_the_room():
    sensors = RoomSensors(
        place=np.arange(5),
        offset_k=np.zeros(5),
        drift_k_year=np.full(5, 0.1),
        lag_s=np.full(5, 600.0),
        noise_k=np.zeros(5),
    )
    there = settled_c(
        sensors,
        zone_c=np.full(5, 21.0),
        wall_c=np.full(5, 15.0),
        outdoor_c=-10.0,
        emitter_c=np.full(5, 45.0),
        facade_kw_m2=np.full(5, 0.4),
    )
    assert abs(there[Place.INNER_WALL] - 21.0) < 0.2
    assert there[Place.OUTER_WALL] < 20.0
    assert there[Place.NEAR_RADIATOR] > 22.0
    assert there[Place.SUNLIT] > 24.0
    assert there[Place.DRAUGHT] < 20.0
    case = follow_c(sensors, np.full(5, 20.0), np.full(5, 21.0), 600.0)
    assert case == pytest.approx(21.0 - np.exp(-1.0))
    read = shown_c(sensors, np.full(5, 20.0), 2 * 365.2425 * 86400.0, np.random.default_rng(0))
    assert read == pytest.approx(20.2)


def test_most_collectors_are_good_and_some_are_not():
    rng = np.random.default_rng(3)
    sensors = draw_sensors(4000, rng)
    room = np.full(4000, 21.0)
    place = settled_c(
        sensors,
        zone_c=room,
        wall_c=np.full(4000, 14.0),
        outdoor_c=-8.0,
        emitter_c=np.full(4000, 40.0),
        facade_kw_m2=np.full(4000, 0.3),
    )
    error = shown_c(sensors, place, 1e7, rng) - room
    assert 0.1 < np.median(np.abs(error)) < 0.4
    assert 0.05 < np.mean(np.abs(error) > 1.0) < 0.35
    assert np.allclose(error * 10, np.round(error * 10))
