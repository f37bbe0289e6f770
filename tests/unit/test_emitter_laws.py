"""Radiators and floors against integration, norm conditions and their inverses."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from heatloop.kernel.errors import InputError
from heatloop.network.emitter import (
    FLOOR_LIMIT_C,
    emitter_flow_kgs,
    emitter_heat_kw,
    emitter_outlet_c,
    emitter_size_kw,
    floor_emitter_kw,
    floor_surface_c,
)
from heatloop.network.screed import FloorPlan, step_floors
from heatloop.network.water import CP_KJ_KGK


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize("b", [0.0, 0.05, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("flow", [0.002, 0.05, 1.0])
def test_outlet_is_the_integral_along_the_emitter(b, flow):
    def along(_, t):
        return -0.03 * np.sign(t - 20.0) * np.abs(t - 20.0) ** (1.0 + b) / (flow * CP_KJ_KGK)

    exact = solve_ivp(along, (0.0, 1.0), [60.0], rtol=1e-11, atol=1e-11, method="LSODA").y[0, -1]
    found = emitter_outlet_c(one(60.0), one(20.0), one(flow), one(0.03), b)
    assert float(found[0]) == pytest.approx(exact, abs=1e-6)


def test_size_at_norm_conditions_gives_the_load_back():
    size = emitter_size_kw(1.0, 75.0, 65.0, 20.0, 0.3)
    flow = 1.0 / (CP_KJ_KGK * 10.0)
    assert float(emitter_heat_kw(one(75.0), 20.0, one(flow), size)[0]) == pytest.approx(1.0)
    # EN 442 takes the plain mean of supply and return, 50 K: half a percent off the integral.
    assert float(size) == pytest.approx(1.0 / 50.0**1.3, rel=0.01)
    # B = 0 is the logarithmic mean.
    mean = (55.0 - 45.0) / np.log(55.0 / 45.0)
    assert float(emitter_size_kw(1.0, 75.0, 65.0, 20.0, 0.0)) == pytest.approx(1.0 / mean)


def test_temperatures_that_do_not_fall_are_refused():
    for supply, back, room in ((50.0, 60.0, 20.0), (50.0, 20.0, 20.0), (np.nan, 40.0, 20.0)):
        with pytest.raises(InputError):
            emitter_size_kw(1.0, supply, back, room)


def test_flow_for_a_heat_is_found_or_said_to_be_none():
    size = np.full(3, float(emitter_size_kw(1.0, 75.0, 65.0, 20.0)))
    room, supply = np.full(3, 20.0), np.array([75.0, 55.0, 40.0])
    flow = emitter_flow_kgs(np.array([0.5, 0.5, 0.5]), supply, room, size)
    assert np.isnan(flow[2])
    assert emitter_heat_kw(supply, room, flow, size)[:2] == pytest.approx([0.5, 0.5], rel=1e-9)
    assert flow[1] > flow[0]
    assert emitter_flow_kgs(np.zeros(1), one(50.0), one(20.0), one(0.01))[0] == 0.0


def test_standing_water_takes_the_room_temperature_and_cold_water_cools():
    assert float(emitter_outlet_c(one(60.0), one(20.0), one(0.0), one(0.03))[0]) == pytest.approx(
        20.0, abs=1e-3
    )
    assert float(emitter_heat_kw(one(15.0), one(20.0), one(0.1), one(0.03))[0]) < 0.0


def test_floor_gives_the_norm_heat_at_its_surface():
    # EN 1264-2: 100 W/m2 at the limit of 29 degC over a room of 20 degC.
    assert float(floor_surface_c(0.1, 20.0)) == pytest.approx(FLOOR_LIMIT_C, abs=0.05)
    k = float(floor_emitter_kw(one(1.0), 12.0, 50.0)[0])
    surface = float(floor_surface_c(0.05, 20.0))
    water = surface + 50.0 / 12.0
    assert k * (water - 20.0) ** 1.1 == pytest.approx(0.05)


def test_screed_keeps_its_heat_and_gives_it_back_for_hours():
    plan = FloorPlan.of_area(np.array([60.0, 80.0]))
    screed, room = np.array([22.0, 22.0]), np.array([20.0, 21.0])
    flow = np.array([0.1, 0.0])
    stored, balance = plan.capacity_kj_k @ screed, 0.0
    for _ in range(600):
        screed, flux = step_floors(
            plan, screed, supply_c=np.array([38.0, 38.0]), flow_kgs=flow, room_c=room, dt_s=300.0
        )
        balance += float((flux.water_kw - flux.room_kw).sum()) * 300.0
    assert plan.capacity_kj_k @ screed - stored == pytest.approx(balance, rel=1e-10)
    # Settled: water gives what the room gets; the floor without water is as warm as the room.
    assert flux.water_kw[0] == pytest.approx(flux.room_kw[0], rel=1e-6)
    assert 38.0 - flux.outlet_c[0] == pytest.approx(flux.water_kw[0] / (0.1 * CP_KJ_KGK))
    assert screed[1] == pytest.approx(21.0, abs=0.1)
    surface = float(floor_surface_c(flux.room_kw[0] / 60.0, 20.0))
    assert 30.0e-3 * 60.0 * (screed[0] - surface) == pytest.approx(flux.room_kw[0], rel=1e-3)
    # Left alone it keeps heating: after three hours still half of what it gave.
    warm, gave = screed, flux.room_kw[0]
    for _ in range(36):
        warm, flux = step_floors(
            plan, warm, supply_c=np.zeros(2), flow_kgs=np.zeros(2), room_c=room, dt_s=300.0
        )
    assert 0.35 < flux.room_kw[0] / gave < 0.75
