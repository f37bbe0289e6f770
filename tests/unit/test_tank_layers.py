"""The storage tank against closed forms, and streams that mix."""

import numpy as np
import pytest
from scipy.special import erf

from heatloop.kernel.errors import InputError
from heatloop.network.mixing import hot_share, mixed_c, three_way_kgs
from heatloop.network.tank import Tank, TankPlan
from heatloop.network.tank_layers import spread_between
from heatloop.network.water import CP_KJ_KGK

PLAN = TankPlan(mass_kg=1e6, height_m=20.0, loss_kw_k=0.0, conduction_kw_mk=0.0)


def test_a_plug_comes_out_when_it_has_crossed_the_tank_and_not_before():
    tank = Tank(PLAN, 40.0)
    out = [tank.step(100.0, 90.0, 10.0, 1000.0).outlet_c for _ in range(12)]
    # 100 t a step: ten steps of cold water, then hot.
    assert out[:10] == pytest.approx([40.0] * 10)
    assert out[10:] == pytest.approx([90.0] * 2)
    back = [tank.step(-100.0, 45.0, 10.0, 1000.0).outlet_c for _ in range(11)]
    assert back == pytest.approx([90.0] * 10 + [45.0])


def test_state_of_charge_and_limits_follow_the_thermocline():
    tank = Tank(PLAN, 40.0)
    for _ in range(3):
        tank.step(100.0, 90.0, 10.0, 1000.0)
    assert tank.charge_share(90.0, 40.0) == pytest.approx(0.3)
    assert tank.usable_kj(80.0, 40.0) == pytest.approx(3e5 * CP_KJ_KGK * 50.0)
    take, give = tank.limits_kgs(80.0, 50.0, 1000.0)
    assert (take, give) == pytest.approx((700.0, 300.0))
    assert tank.profile_c(10) == pytest.approx([90.0] * 3 + [40.0] * 7)
    assert tank.usable_kj(95.0, 40.0) == 0.0


def test_conduction_widens_the_thermocline_as_the_error_function():
    mass, warm = [1250.0] * 800, [90.0] * 400 + [40.0] * 400
    # 50 m2 of cross-section, layers of 25 mm, ten days.
    passes = [1.5e-3 * 50.0 / 0.025 * 3600.0] * 799
    for _ in range(240):
        spread_between(mass, warm, passes)
    depth = (np.arange(800) + 0.5) * 0.025 - 10.0
    spread = np.sqrt(4.0 * 1.5e-3 / (1000.0 * CP_KJ_KGK) * 240 * 3600.0)
    assert warm == pytest.approx(65.0 - 25.0 * erf(depth / spread), abs=0.05)
    assert np.mean(warm) == pytest.approx(65.0, abs=1e-12)


def test_a_tank_keeps_its_thermocline_thin_for_days():
    tank = Tank(TankPlan(mass_kg=1e6, height_m=20.0, loss_kw_k=0.0), 40.0)
    for hour in range(120):
        tank.step(25.0 if hour % 12 < 6 else -25.0, 90.0 if hour % 12 < 6 else 40.0, 10.0, 3600.0)
        if hour % 12 == 5:
            # 540 t were put in; all but the thermocline is of use.
            share = tank.usable_kj(85.0, 40.0) / (5.4e5 * CP_KJ_KGK * 50.0)
            assert 0.85 < share <= 1.0
    assert len(tank.layers()[0]) <= 81


def test_a_standing_tank_cools_by_its_loss():
    tank = Tank(TankPlan(mass_kg=1e5, height_m=10.0, loss_kw_k=0.05), 90.0)
    lost = sum(tank.step(0.0, 90.0, 5.0, 3600.0).lost_kj for _ in range(100))
    exact = 5.0 + 85.0 * np.exp(-0.05 * 360000.0 / (1e5 * CP_KJ_KGK))
    assert tank.profile_c(1)[0] == pytest.approx(exact)
    assert lost == pytest.approx(1e5 * CP_KJ_KGK * (90.0 - exact))


def test_colder_water_brought_in_on_top_turns_the_tank_over():
    tank = Tank(PLAN, np.array([90.0, 40.0]))
    tank.step(100.0, 60.0, 10.0, 1000.0)
    _, warm = tank.layers()
    assert np.all(np.diff(warm) <= 0.0)
    # 100 t of 60 among 500 t of 90: one body of 85 on 400 t of 40.
    assert warm[0] == pytest.approx(85.0)
    assert Tank(PLAN, np.array([40.0, 90.0])).profile_c(2) == pytest.approx([65.0, 65.0])


def test_a_diffuser_that_mixes_costs_sharpness_but_no_heat():
    sharp, soft = (
        Tank(
            TankPlan(mass_kg=1e6, height_m=20.0, loss_kw_k=0.0, conduction_kw_mk=0.0, mixed_kg=kg),
            40.0,
        )
        for kg in (0.0, 50_000.0)
    )
    for tank in (sharp, soft):
        for _ in range(30):
            tank.step(10.0, 90.0, 10.0, 1000.0)
    assert soft.stored_kj() == pytest.approx(sharp.stored_kj())
    assert soft.usable_kj(85.0, 40.0) < 0.95 * sharp.usable_kj(85.0, 40.0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Tank(TankPlan(mass_kg=0.0, height_m=1.0, loss_kw_k=0.0), 40.0),
        lambda: Tank(TankPlan(mass_kg=1.0, height_m=1.0, loss_kw_k=-1.0), 40.0),
        lambda: Tank(PLAN, np.array([40.0, np.nan])),
        lambda: Tank(PLAN, 40.0).step(np.nan, 90.0, 10.0, 60.0),
        lambda: Tank(PLAN, 40.0).step(2000.0, 90.0, 10.0, 1000.0),
        lambda: Tank(PLAN, 40.0).charge_share(40.0, 40.0),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_three_streams_mix_to_their_heat():
    flow = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    warm = np.array([[90.0, 90.0], [60.0, 60.0], [30.0, 30.0]])
    assert mixed_c(flow, warm) == pytest.approx([50.0, 60.0])
    with pytest.raises(InputError):
        mixed_c(-flow, warm)


def test_a_three_way_valve_mixes_what_it_can():
    wanted = np.array([60.0, 95.0, 30.0, 50.0])
    hot = np.array([90.0, 90.0, 90.0, 40.0])
    first, second, made = three_way_kgs(np.full(4, 2.0), wanted, hot, 40.0)
    assert made == pytest.approx([60.0, 90.0, 40.0, 40.0])
    assert first == pytest.approx([0.8, 2.0, 0.0, 0.0])
    assert first + second == pytest.approx(2.0)
    assert hot_share(50.0, 50.0, 50.0) == 0.0
