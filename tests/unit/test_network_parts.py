"""Exchangers, pumps, valves and water against closed forms."""

import numpy as np
import pytest

from heatloop.network.exchanger import conductance_kw_k, design_conductance_kw_k, transfer_kw_k
from heatloop.network.pump import (
    PumpCurve,
    kv_share,
    opening_for_pct,
    valve_resistance_kpa_kgs2,
)
from heatloop.network.water import CP_KJ_KGK, density_kg_m3


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize(
    "temperature_c, density", [(4.0, 999.97), (20.0, 998.20), (50.0, 988.04), (100.0, 958.36)]
)
def test_density_is_that_of_the_tables(temperature_c, density):
    assert float(density_kg_m3(temperature_c)) == pytest.approx(density, abs=0.02)


def test_exchanger_gives_back_the_load_it_was_designed_for():
    load, hot, cold = 1200.0, (110.0, 56.0), (60.0, 50.0)
    m1 = load / CP_KJ_KGK / (hot[0] - hot[1])
    m2 = load / CP_KJ_KGK / (cold[0] - cold[1])
    ua = design_conductance_kw_k(load, hot, cold[0], cold[1])
    carried = transfer_kw_k(one(ua), one(m1), one(m2)) * (hot[0] - cold[1])
    assert float(carried[0]) == pytest.approx(load, rel=1e-9)


def test_equal_streams_have_their_own_limit():
    near = transfer_kw_k(one(50.0), one(5.0), one(5.0 * (1 + 1e-5)))
    same = transfer_kw_k(one(50.0), one(5.0), one(5.0))
    ntu = 50.0 / (5.0 * CP_KJ_KGK)
    assert float(same[0]) == pytest.approx(ntu / (1 + ntu) * 5.0 * CP_KJ_KGK)
    assert float(near[0]) == pytest.approx(float(same[0]), rel=1e-4)


def test_conductance_falls_with_flow_and_fouling():
    full = conductance_kw_k(one(60.0), one(1.0), one(1.0))
    assert float(full[0]) == pytest.approx(60.0)
    assert conductance_kw_k(one(60.0), one(0.5), one(1.0)) < full
    assert float(conductance_kw_k(one(60.0), one(1.0), one(1.0), 0.2)[0]) == pytest.approx(50.0)


def test_standing_water_carries_nothing():
    assert float(transfer_kw_k(one(60.0), one(5.0), one(0.0))[0]) < 1e-6


def test_pump_goes_through_its_duty_point_and_follows_the_affinity_laws():
    curve = PumpCurve.through(one(30.0), one(150.0), 42.0, one(0.7))
    assert float(curve.head_kpa(one(42.0), one(30.0))[0]) == pytest.approx(150.0)
    r = one(150.0 / 30.0**2)
    assert float(curve.flow_kgs(one(42.0), r)[0]) == pytest.approx(30.0)
    assert float(curve.flow_kgs(one(21.0), r)[0]) == pytest.approx(15.0)
    full, half = (float(curve.power_kw(one(hz), one(m))[0]) for hz, m in ((42, 30), (21, 15)))
    assert half == pytest.approx(full / 8.0)
    # 108 m3/h at 15 m of head: some 6.4 kW at 70 %, and idle loss.
    assert 6.4 < full < 7.5


def test_valve_is_equal_percentage_and_its_inverse_fits():
    openings = np.array([5.0, 30.0, 55.0, 80.0, 100.0])
    assert np.allclose(opening_for_pct(kv_share(openings)), openings)
    ratio = kv_share(openings[1:4] + 10.0) / kv_share(openings[1:4])
    assert np.allclose(ratio, 50.0**0.1)
    # kv is the flow of water in m3/h at 1 bar.
    r = valve_resistance_kpa_kgs2(one(40.0), one(100.0))
    assert float((np.sqrt(100.0 / r) * 3.6)[0]) == pytest.approx(40.0)


def test_shut_valve_lets_next_to_nothing_through():
    r = valve_resistance_kpa_kgs2(one(40.0), one(0.0))
    assert float(np.sqrt(400.0 / r)[0]) < 1e-3
