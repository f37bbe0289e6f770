"""A room model's steady state and energy against hand calculation."""

import numpy as np
import pytest

from heatloop.network.room_model import RADIANT_SHARE, SUN_SHARE, RoomInputs, RoomModel
from heatloop.network.room_parameters import model_of, parameter_names, usual_size


def rooms(order):
    return RoomModel(
        capacity_kj_k=np.array([3e3, 4e4, 3e4])[:order],
        room_out_kw_k=0.03,
        boundary_kw_k=np.array([0.05]),
        sun_m2=np.array([2.0, 1.0]),
        room_wall_kw_k=0.4 if order > 1 else 0.0,
        wall_out_kw_k=0.1 if order > 1 else 0.0,
        room_inner_kw_k=0.8 if order > 2 else 0.0,
        gain_kw=0.2,
    )


def steady(n, sun=0.1):
    return RoomInputs(
        dt_s=3600.0,
        heat_kw=np.full(n, 2.0),
        outdoor_c=np.full(n, -5.0),
        sun_kw_m2=np.tile([sun, 0.0], (n, 1)),
        boundary_c=np.full((n, 1), 12.0),
        supply_air_c=np.full(n, 8.0),
        supply_air_kw_k=0.02,
    )


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_settled_room_is_where_its_matrix_says(order):
    model, inputs = rooms(order), steady(6000)
    path = model.simulate(inputs, np.full(order, 15.0))
    room, sun = path[-1, 0], 0.1 * 2.0
    # All heat in leaves by air, walls and the neighbour, from the nodes it was put into.
    n = order - 1
    a, b = np.zeros((order, order)), np.zeros(order)
    b[0] = 2.0 * (1 - RADIANT_SHARE) + sun * (1 - SUN_SHARE) if n else 2.0 + sun
    b[0] += 0.2 + 0.03 * -5.0 + 0.02 * 8.0
    b[n] += 2.0 * RADIANT_SHARE + sun * SUN_SHARE if n else 0.0
    a[0, 0] = 0.03 + 0.02
    near = 2 if order == 3 else 0
    a[near, near] += 0.05
    b[near] += 0.05 * 12.0
    for node, kw_k in ((1, 0.4), (2, 0.8))[:n]:
        a[0, 0] += kw_k
        a[node, node] += kw_k
        a[0, node] -= kw_k
        a[node, 0] -= kw_k
    if n:
        a[1, 1] += 0.1
        b[1] += 0.1 * -5.0
    assert path[-1] == pytest.approx(np.linalg.solve(a, b), abs=1e-6)
    assert room > 12.0
    walls = 1.0 / (1.0 / 0.4 + 1.0 / 0.1) if n else 0.0
    assert model.loss_kw_k() == pytest.approx(0.03 + walls)


def test_a_room_keeps_its_heat():
    model, inputs = rooms(3), steady(2)
    start = np.array([22.0, 10.0, 19.0])
    # A step so short that temperatures hardly move: heat in less heat out is what is stored.
    quick = RoomInputs(
        dt_s=0.01,
        heat_kw=inputs.heat_kw,
        outdoor_c=inputs.outdoor_c,
        sun_kw_m2=inputs.sun_kw_m2,
        boundary_c=inputs.boundary_c,
        supply_air_c=inputs.supply_air_c,
        supply_air_kw_k=0.02,
    )
    moved = model.capacity_kj_k @ (model.simulate(quick, start)[1] - start) / 0.01
    inward = 2.0 + 0.2 + 0.2
    outward = 0.03 * 27.0 + 0.1 * 15.0 + 0.05 * (19.0 - 12.0) + 0.02 * (22.0 - 8.0)
    assert moved == pytest.approx(inward - outward, abs=1e-4)


def test_parameters_by_name_make_the_model_they_name():
    names = parameter_names(3, 2, 1, lived_in=True)
    values = np.arange(1.0, len(names) + 1.0)
    model = model_of(names, values, 3)
    at = dict(zip(names, values, strict=True))
    assert model.capacity_kj_k.tolist() == [at["room_kj_k"], at["wall_kj_k"], at["inner_kj_k"]]
    assert model.boundary_kw_k.tolist() == [at["boundary_0_kw_k"], at["boundary_1_kw_k"]]
    assert model.gain_kw == at["gain_kw"]
    assert model.sun_m2.tolist() == [at["sun_0_m2"]]
    assert usual_size("wall_kj_k", 0.1, 2) == pytest.approx(0.1 * 3600 * 100)
    assert usual_size("room_kj_k", 0.1, 1) > usual_size("room_kj_k", 0.1, 2)
