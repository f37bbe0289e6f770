"""A model learned from any house's history holds the truth within its stated intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from heatloop.kernel.errors import InputError
from heatloop.network.identify import free_rmse_k, identify_room
from heatloop.network.modes import modes_of
from heatloop.network.room_history import stretches_of
from heatloop.network.room_model import RoomInputs, RoomModel
from heatloop.network.rooms_together import JoinedRoom, simulate_together

DT_S = 900.0
DAY = 96


def inputs_of(days: int, seed: int, size: float) -> RoomInputs:
    """Winter days: a heater that switches, a sun that shines, a neighbour that wanders."""
    rng = np.random.default_rng(seed)
    n = days * DAY
    hour = np.arange(n) * DT_S / 3600.0
    slow = np.cumsum(rng.normal(0.0, 0.12, n))
    outdoor = 2.0 + 5.0 * np.sin(2 * np.pi * (hour - 9) / 24) + slow - slow.mean()
    clear = np.repeat(rng.uniform(0.1, 1.0, days), DAY)
    sun = 0.6 * clear * np.maximum(np.sin(2 * np.pi * (hour - 6) / 24), 0.0)
    steps = np.repeat(rng.random(n // 12 + 1) < 0.5, 12)[:n]
    return RoomInputs(
        dt_s=DT_S,
        heat_kw=size * 36.0 * steps,
        outdoor_c=outdoor,
        sun_kw_m2=sun[:, None],
        boundary_c=(14.0 + np.cumsum(rng.normal(0.0, 0.15, n)))[:, None],
        supply_air_c=outdoor + 4.0,
        supply_air_kw_k=0.1 * size,
    )


def house(order: int, size: float, factors: list[float]) -> RoomModel:
    f = iter(factors)
    capacity = np.array([12.0, 110.0, 80.0])[:order] * size * 3600.0
    capacity = capacity * np.array([next(f) for _ in range(order)])
    return RoomModel(
        capacity_kj_k=capacity * (1.0 if order > 1 else 6.0),
        room_out_kw_k=0.4 * size * next(f),
        boundary_kw_k=np.array([0.5 * size * next(f)]),
        sun_m2=np.array([8.0 * size * next(f)]),
        room_wall_kw_k=4.0 * size * next(f) if order > 1 else 0.0,
        wall_out_kw_k=0.9 * size * next(f) if order > 1 else 0.0,
        room_inner_kw_k=6.0 * size * next(f) if order > 2 else 0.0,
    )


def truth_values(model: RoomModel) -> dict[str, float]:
    values = {
        "room_kj_k": model.capacity_kj_k[0],
        "room_out_kw_k": model.room_out_kw_k,
        "boundary_0_kw_k": model.boundary_kw_k[0],
        "sun_0_m2": model.sun_m2[0],
    }
    if model.order > 1:
        values |= {
            "wall_kj_k": model.capacity_kj_k[1],
            "room_wall_kw_k": model.room_wall_kw_k,
            "wall_out_kw_k": model.wall_out_kw_k,
        }
    if model.order > 2:
        values |= {"inner_kj_k": model.capacity_kj_k[2], "room_inner_kw_k": model.room_inner_kw_k}
    return values


def measured(model: RoomModel, inputs: RoomInputs, seed: int, noise_k: float = 0.05):
    start = np.array([21.0, 15.0, 20.5])[: model.order]
    room = model.simulate(inputs, start)[:, 0]
    return room + noise_k * np.random.default_rng(seed + 1).standard_normal(len(room))


@settings(max_examples=12)
@given(
    order=st.sampled_from([1, 2, 2, 3]),
    size=st.floats(0.02, 20.0),
    factors=st.lists(st.floats(0.6, 1.7), min_size=9, max_size=9),
    seed=st.integers(0, 10_000),
)
def test_the_truth_lies_within_the_stated_intervals(order, size, factors, seed):
    model = house(order, size, factors)
    inputs = inputs_of(14, seed, size)
    found = identify_room(inputs, measured(model, inputs, seed), order=order)
    for name, true in truth_values(model).items():
        low, high = found.interval(name, sigmas=4.5)
        assert low <= true <= high, (name, true, found.interval(name))
    # The intervals say something: what heat and weather touch directly is known to a fifth.
    assert {"room_kj_k", "boundary_0_kw_k", "sun_0_m2"} <= set(found.known())
    low, high = found.interval("sun_0_m2")
    assert high / low < 1.5


def test_intervals_are_neither_too_narrow_nor_too_wide():
    missed = total = 0
    for seed in range(16):
        model = house(2, 0.1, list(np.random.default_rng(seed).uniform(0.6, 1.6, 9)))
        inputs = inputs_of(14, seed, 0.1)
        found = identify_room(inputs, measured(model, inputs, seed), order=2)
        for name, true in truth_values(model).items():
            low, high = found.interval(name, sigmas=1.0)
            total += 1
            missed += not low <= true <= high
    # One in three lies beyond one sigma.
    assert 0.15 < missed / total < 0.5


def test_noise_that_hangs_together_widens_the_intervals():
    model, inputs = house(2, 0.1, [1.0] * 9), inputs_of(14, 3, 0.1)
    room = model.simulate(inputs, np.array([21.0, 15.0]))[:, 0]
    rng = np.random.default_rng(8)
    white, red = 0.1 * rng.standard_normal(len(room)), np.zeros(len(room))
    for i in range(1, len(room)):
        red[i] = 0.97 * red[i - 1] + 0.1 * np.sqrt(1 - 0.97**2) * rng.standard_normal()
    widths, counts = [], []
    for noise in (white, red):
        found = identify_room(inputs, room + noise, order=2)
        low, high = found.interval("wall_kj_k")
        widths.append(np.log(high / low))
        counts.append(found.independent)
        assert low < model.capacity_kj_k[1] < high
    assert widths[1] > 2.5 * widths[0]
    assert counts[1] < 0.1 * counts[0]


def test_gaps_cost_little():
    model, inputs = house(2, 0.1, [1.1] * 9), inputs_of(16, 5, 0.1)
    room = measured(model, inputs, 5)
    whole = identify_room(inputs, room, order=2)
    holed = room.copy()
    holed[np.random.default_rng(1).random(len(room)) < 0.3] = np.nan
    holed[300:420] = np.nan
    outdoor, heat = inputs.outdoor_c.copy(), inputs.heat_kw.copy()
    outdoor[100:106] = np.nan
    heat[700:790] = np.nan
    rough = replace(inputs, outdoor_c=outdoor, heat_kw=heat)
    pieces = stretches_of(rough, holed)
    assert len(pieces) == 2
    found = identify_room(rough, holed, order=2)
    for name, true in truth_values(model).items():
        low, high = found.interval(name, sigmas=4.0)
        assert low <= true <= high, name
    assert found.values == pytest.approx(whole.values, rel=0.35)
    assert found.end <= len(room) - 1


def test_people_nobody_metered_are_found_and_do_not_spoil_the_losses():
    model = replace(house(2, 0.1, [1.0] * 9), gain_kw=0.6)
    inputs = inputs_of(21, 11, 0.1)
    room = measured(model, inputs, 11)
    found = identify_room(inputs, room, order=2, lived_in=True)
    low, high = found.interval("gain_kw", sigmas=4.0)
    assert low <= 0.6 <= high
    assert found.model.loss_kw_k() == pytest.approx(model.loss_kw_k(), rel=0.2)
    assert found.model.gain_kw == pytest.approx(0.6, rel=0.5)


def test_a_house_without_sun_and_neighbours_can_be_learned():
    bare = replace(house(2, 0.1, [1.0] * 9), boundary_kw_k=np.zeros(0), sun_m2=np.zeros(0))
    inputs = inputs_of(14, 4, 0.1)
    none = np.zeros((len(inputs.heat_kw), 0))
    inputs = replace(inputs, sun_kw_m2=none, boundary_c=none)
    found = identify_room(inputs, measured(bare, inputs, 4), order=2)
    low, high = found.interval("wall_kj_k", sigmas=4.0)
    assert low <= bare.capacity_kj_k[1] <= high


def test_the_order_is_chosen_by_what_it_foretells():
    simple, rich = house(1, 0.1, [1.0] * 9), house(2, 0.1, [1.0] * 9)
    whole = inputs_of(21, 7, 0.1)
    early = whole.part(0, 14 * DAY)
    found = identify_room(early, measured(rich, early, 7, 0.02))
    assert found.model.order >= 2
    one = identify_room(early, measured(simple, early, 7, 0.02))
    # More nodes than the truth has do no harm: what is foretold counts.
    assert free_rmse_k(one, whole, measured(simple, whole, 7, 0.0)) < 0.1
    short = whole.part(0, int(1.2 * DAY))
    room = measured(rich, short, 7)
    assert identify_room(short, room).model.order == 1


def test_a_free_simulation_needs_no_room_temperature():
    model, inputs = house(2, 0.1, [1.0] * 9), inputs_of(20, 9, 0.1)
    room = measured(model, inputs, 9)
    half = len(room) // 2
    found = identify_room(inputs.part(0, half), room[:half], order=2)
    assert free_rmse_k(found, inputs, room) < 0.12
    # The error is that of a simulation: wrong measurements change the score, not the path.
    assert free_rmse_k(found, inputs, room + 1.0) == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(
    "spoil, thing",
    [
        (lambda i, r: (replace(i, dt_s=0.0), r), "dt_s"),
        (lambda i, r: (replace(i, heat_kw=i.heat_kw[:-1]), r), "heat_kw"),
        (lambda i, r: (replace(i, outdoor_c=i.outdoor_c + 500.0), r), "outdoor_c"),
        (lambda i, r: (replace(i, sun_kw_m2=i.sun_kw_m2 * 1000.0), r), "sun_kw_m2"),
        (lambda i, r: (replace(i, sun_kw_m2=i.sun_kw_m2[:, 0]), r), "sun_kw_m2"),
        (lambda i, r: (replace(i, heat_kw=np.full(len(r), np.inf)), r), "heat_kw"),
        (lambda i, r: (replace(i, heat_kw=np.zeros(len(r))), r), "heat_kw"),
        (lambda i, r: (replace(i, supply_air_kw_k=-1.0), r), "supply_air_kw_k"),
        (lambda i, r: (i, np.full(len(r), 21.0)), "room_c"),
        (lambda i, r: (i, np.full(len(r), np.nan)), "room history"),
        (lambda i, r: (i.part(0, 60), r[:60]), "room history"),
    ],
)
def test_histories_nothing_can_be_learned_from_are_refused(spoil, thing):
    inputs = inputs_of(4, 1, 0.1)
    room = measured(house(2, 0.1, [1.0] * 9), inputs, 1)
    with pytest.raises(InputError) as refused:
        identify_room(*spoil(inputs, room))
    assert refused.value.thing == thing


def test_wrong_questions_are_refused():
    inputs = inputs_of(4, 1, 0.1)
    model = house(2, 0.1, [1.0] * 9)
    room = measured(model, inputs, 1)
    with pytest.raises(InputError):
        identify_room(inputs, room, order=4)
    with pytest.raises(InputError):
        identify_room(inputs, room, order=1).interval("wall_kj_k")
    with pytest.raises(InputError):
        model.simulate(replace(inputs, sun_kw_m2=np.zeros((len(room), 2))), np.zeros(2))
    with pytest.raises(InputError):
        model.simulate(replace(inputs, outdoor_c=np.full(len(room), np.nan)), np.zeros(2))


@settings(max_examples=15)
@given(st.integers(1, 3), st.floats(0.05, 5.0), st.integers(0, 999), st.floats(60.0, 7200.0))
def test_modes_are_the_differential_equation(n, size, seed, dt_s):
    rng = np.random.default_rng(seed)
    capacity = size * 3600.0 * rng.uniform(0.2, 50.0, n)
    links = np.triu(rng.uniform(0.0, 5.0, (n, n)), 1) * size
    g = np.diag((links + links.T).sum(axis=1) + size * rng.uniform(0.01, 1.0, n)) - links - links.T
    load, start = size * rng.uniform(-5.0, 30.0, (6, n)), rng.uniform(10.0, 25.0, n)
    path = modes_of(capacity, g, dt_s).run(load, start)

    def slope(t, x):
        q = [np.interp(t, np.arange(6) * dt_s, load[:, i]) for i in range(n)]
        return (np.array(q) - g @ x) / capacity

    # Corners of the load lie on the steps, so the reference goes step by step.
    x = start
    for k in range(5):
        x = solve_ivp(slope, (k * dt_s, (k + 1) * dt_s), x, method="LSODA", rtol=1e-9, atol=1e-9).y[
            :, -1
        ]
        assert path[k + 1] == pytest.approx(x, abs=1e-5)


@settings(max_examples=10)
@given(st.integers(0, 999), st.floats(0.01, 3.0))
def test_rooms_together_are_one_heat_network(seed, door):
    """Two rooms of one node each, against both in one matrix."""
    one, two = house(1, 0.1, [1.0] * 9), house(1, 0.07, [1.2] * 9)
    inputs = inputs_of(2, seed, 0.1)
    link = door * 0.1
    parts = [replace(m, boundary_kw_k=np.append(m.boundary_kw_k, link)) for m in (one, two)]
    start = [np.array([24.0]), np.array([18.0])]
    found = simulate_together(
        [
            JoinedRoom(model=m, inputs=inputs, start_c=start[k], next_to=(1 - k,))
            for k, m in enumerate(parts)
        ]
    )
    g = np.array([[link, -link], [-link, link]])
    for k, m in enumerate((one, two)):
        g[k, k] += m.room_out_kw_k + m.boundary_kw_k.sum() + inputs.supply_air_kw_k
    capacity = np.array([one.capacity_kj_k[0], two.capacity_kj_k[0]])
    load = np.column_stack([m.load_kw(inputs)[:, 0] for m in (one, two)])
    exact = modes_of(capacity, g, DT_S).run(load, np.concatenate(start))
    # Between two moments the neighbour is a straight line here and a curve there.
    assert np.abs(found - exact).max() < 0.02


def test_rooms_that_cannot_be_together_are_refused():
    model, inputs = house(1, 0.1, [1.0] * 9), inputs_of(2, 1, 0.1)
    room = JoinedRoom(model=model, inputs=inputs, start_c=np.array([20.0]), next_to=(1,))
    with pytest.raises(InputError):
        simulate_together([room])
    with pytest.raises(InputError):
        simulate_together([])
    # It has no boundary for the room it is said to be next to.
    with pytest.raises(InputError):
        simulate_together([replace(room, next_to=(0,))])
