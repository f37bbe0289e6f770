"""The plant around an exchanger: pumps and valves against direct solves and physical laws."""

import numpy as np
import pytest
from scipy.optimize import brentq

from heatloop.kernel.errors import InputError
from heatloop.network.pump import PumpCurve, parallel_flows_kgs
from heatloop.network.valve import (
    LINEAR,
    authority,
    choose_kvs_m3h,
    installed_share,
    kv_share,
    opening_at_authority_pct,
    opening_for_pct,
    valve_resistance_kpa_kgs2,
)


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize("rangeability", [LINEAR, 30.0, 50.0])
@pytest.mark.parametrize("n", [0.1, 0.4, 1.0])
def test_installed_flow_is_that_of_valve_and_pipe_in_series(rangeability, n):
    kvs, total_kpa = one(25.0), 100.0
    open_r = valve_resistance_kpa_kgs2(kvs, one(100.0), rangeability)
    pipe_r = open_r * (1.0 / n - 1.0)
    for opening in (5.0, 30.0, 62.0, 100.0):
        r = valve_resistance_kpa_kgs2(kvs, one(opening), rangeability) + pipe_r
        flow = np.sqrt(total_kpa / r) / np.sqrt(total_kpa / (open_r + pipe_r))
        share = installed_share(one(opening), n, rangeability)
        assert share == pytest.approx(flow, rel=1e-9)
        assert opening_at_authority_pct(share, n, rangeability) == pytest.approx([opening])
    valve_kpa = open_r * 3.0**2
    assert authority(valve_kpa, pipe_r * 3.0**2) == pytest.approx(n)


def test_authority_makes_an_equal_percentage_valve_nearly_straight():
    half = installed_share(np.array([50.0]), 0.25)
    # Inherently 14 % of kvs at half stroke, installed twice that; a linear valve would be at 76 %.
    assert 0.25 < float(half[0]) < 0.32
    assert float(installed_share(np.array([50.0]), 0.25, LINEAR)[0]) > 0.7


def test_openings_end_where_they_must():
    assert opening_at_authority_pct(np.array([0.0, 1.0, 1.7]), 0.4) == pytest.approx([0, 100, 100])
    assert kv_share(np.array([0.0, 50.0, 130.0]), LINEAR) == pytest.approx([0.0, 0.5, 1.0])
    assert opening_for_pct(np.array([0.25]), LINEAR) == pytest.approx([25.0])
    for bad in (0.0, 1.2, np.nan):
        with pytest.raises(InputError):
            installed_share(np.array([50.0]), bad)


def test_a_valve_is_chosen_from_those_on_sale():
    # 5 kg/s at 40 kPa: kv 28.5 m3/h.
    assert choose_kvs_m3h(np.array([5.0, 2.0]), 40.0) == pytest.approx([40.0, 16.0])
    # A size that fits exactly is taken.
    assert choose_kvs_m3h(np.array([25.0 / 3.6]), 100.0) == pytest.approx([25.0])
    with pytest.raises(InputError):
        choose_kvs_m3h(np.array([5000.0]), 10.0)


def curve():
    return PumpCurve.through(one(30.0), one(150.0), 42.0, one(0.7))


def test_efficiency_is_best_at_its_best_point_and_keeps_it_at_every_speed():
    pump = curve()
    flows = np.linspace(1.0, 55.0, 200)
    eta = pump.efficiency_at(np.full(200, 42.0), flows)
    assert eta.max() == pytest.approx(0.7, abs=1e-4)
    assert flows[int(np.argmax(eta))] == pytest.approx(30.0, abs=0.3)
    assert float(pump.efficiency_at(one(21.0), one(15.0))[0]) == pytest.approx(0.7)
    assert eta[0] < 0.06
    assert eta.min() > 0.0


def test_power_is_hydraulic_power_over_efficiency_and_finite_at_shut_off():
    pump = curve()
    for flow in (3.0, 30.0, 44.0, 61.0):
        hydraulic = float(np.maximum(pump.head_kpa(one(42.0), one(flow)), 0.0)[0]) * flow / 1000.0
        eta = float(pump.efficiency_at(one(42.0), one(flow))[0])
        assert float(pump.power_kw(one(42.0), one(flow))[0]) == pytest.approx(hydraulic / eta)
    best = float(pump.power_kw(one(42.0), one(30.0))[0])
    shut = float(pump.power_kw(one(42.0), one(0.0))[0])
    assert 0.4 * best < shut < 0.8 * best
    assert float(pump.power_kw(one(0.0), one(0.0))[0]) == 0.0


def test_speed_for_a_duty_gives_that_duty():
    pump = curve()
    hz = pump.speed_hz(one(24.0), one(120.0))
    assert float(pump.head_kpa(hz, one(24.0))[0]) == pytest.approx(120.0)
    assert float(pump.flow_at_head_kgs(hz, one(120.0))[0]) == pytest.approx(24.0)


def test_equal_pumps_side_by_side_and_behind_each_other():
    pump, hz = curve(), one(42.0)
    both, chain = pump.parallel(2), pump.series(2)
    assert float(both.head_kpa(hz, one(60.0))[0]) == pytest.approx(150.0)
    assert float(chain.head_kpa(hz, one(30.0))[0]) == pytest.approx(300.0)
    single = float(pump.power_kw(hz, one(30.0))[0])
    assert float(both.power_kw(hz, one(60.0))[0]) == pytest.approx(2 * single)
    assert float(chain.power_kw(hz, one(30.0))[0]) == pytest.approx(2 * single)


def test_unequal_pumps_share_a_loop_and_the_weak_one_is_shut_out():
    pumps = PumpCurve(
        shutoff_kpa=np.array([250.0, 180.0, 60.0]),
        fall_kpa_kgs2=np.array([0.1, 0.06, 0.05]),
        efficiency=np.full(3, 0.7),
    )
    hz = np.array([50.0, 48.0, 50.0])
    flow = parallel_flows_kgs(pumps, hz, 0.05)
    lift = pumps.shutoff_kpa * (hz / 50.0) ** 2

    def miss(head):
        total = np.sqrt(np.maximum(lift - head, 0.0) / pumps.fall_kpa_kgs2).sum()
        return 0.05 * total**2 - head

    head = brentq(miss, 0.0, 250.0, xtol=1e-12)
    assert flow == pytest.approx(np.sqrt(np.maximum(lift - head, 0.0) / pumps.fall_kpa_kgs2))
    assert flow[2] == 0.0
    assert flow[0] > 0.0
    equal = PumpCurve(
        shutoff_kpa=np.full(2, 250.0), fall_kpa_kgs2=np.full(2, 0.1), efficiency=np.full(2, 0.7)
    )
    shared = parallel_flows_kgs(equal, np.full(2, 50.0), 0.05)
    joined = equal.parallel(2).flow_kgs(np.full(2, 50.0), np.full(2, 0.05))
    assert 2 * shared == pytest.approx(joined)
