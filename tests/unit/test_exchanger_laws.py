"""Plate exchangers against integration and their own inverses."""

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import (
    area_m2,
    conductance_kw_k,
    design_conductance_kw_k,
    effectiveness,
    fouling_of,
    log_mean_k,
    overall_kw_m2k,
    transfer_kw_k,
)
from heatloop.network.water import CP_KJ_KGK


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize("m1, m2, ua", [(5.0, 8.0, 30.0), (8.0, 5.0, 60.0), (5.0, 5.0, 40.0)])
def test_effectiveness_is_the_counter_flow_boundary_problem(m1, m2, ua):
    def both(_, t):
        passed = ua * (t[0] - t[1])
        return np.vstack([-passed / (m1 * CP_KJ_KGK), -passed / (m2 * CP_KJ_KGK)])

    # Warm water enters at x = 0, cold water at x = 1 and runs the other way.
    x = np.linspace(0.0, 1.0, 41)
    guess = np.vstack([100.0 - 30.0 * x, 70.0 - 30.0 * x])
    found = solve_bvp(both, lambda a, b: [a[0] - 100.0, b[1] - 40.0], x, guess, tol=1e-9)
    exact = m1 * CP_KJ_KGK * (100.0 - found.y[0, -1])
    assert float(transfer_kw_k(one(ua), one(m1), one(m2))[0]) * 60.0 == pytest.approx(
        exact, rel=1e-7
    )


def test_effectiveness_is_smooth_up_to_equal_streams():
    for ntu in (0.01, 1.0, 30.0):
        ratio = 1.0 - np.array([1e-3, 1e-6, 1e-9, 1e-11, 1e-13, 0.0])
        found = effectiveness(ntu, ratio)
        assert np.allclose(found[1:], ntu / (1.0 + ntu), rtol=3e-5)
        assert np.all(np.diff(found) <= 1e-12)
    assert float(effectiveness(1e6, 0.5)) == pytest.approx(1.0)
    assert float(effectiveness(2.0, 0.0)) == pytest.approx(1.0 - np.exp(-2.0))


def test_log_mean_difference_and_its_limit():
    assert float(log_mean_k(40.0, 10.0)) == pytest.approx(30.0 / np.log(4.0))
    assert float(log_mean_k(10.0, 40.0)) == pytest.approx(30.0 / np.log(4.0))
    assert float(log_mean_k(20.0, 20.0)) == 20.0
    assert float(log_mean_k(20.0 * (1 + 2e-5), 20.0)) == pytest.approx(20.0 * (1 + 1e-5), rel=1e-9)


@pytest.mark.parametrize("supply, back", [(60.0, 55.0), (112.0, 45.0), (60.0, 54.0)])
def test_temperatures_that_cross_are_refused(supply, back):
    with pytest.raises(InputError):
        design_conductance_kw_k(1000.0, (110.0, 54.0), supply, back)


def test_area_from_films_plate_and_reserve():
    overall = float(overall_kw_m2k(12.0, 9.0, plate_m=0.5e-3, fouling_m2k_kw=0.02))
    assert overall == pytest.approx(1.0 / (1 / 12 + 1 / 9 + 0.5e-3 / 0.0163 + 0.02))
    ua = design_conductance_kw_k(2000.0, (110.0, 52.0), 60.0, 45.0)
    area = float(area_m2(ua, overall, reserve=0.15))
    # 2 MW between 110/52 and 45/60: a mean difference of 22 K.
    assert area == pytest.approx(2000.0 / 22.0 / overall * 1.15, rel=0.03)
    for bad in ((0.0, 9.0), (12.0, -1.0)):
        with pytest.raises(InputError):
            overall_kw_m2k(*bad)
    with pytest.raises(InputError):
        area_m2(ua, 0.0)


def test_fouling_is_read_back_from_a_measured_conductance():
    design, p, s = np.full(3, 60.0), np.array([1.0, 0.6, 0.3]), np.array([1.0, 0.9, 0.5])
    put = np.array([0.0, 0.12, 0.3])
    measured = conductance_kw_k(design, p, s, put)
    assert fouling_of(design, measured, p, s) == pytest.approx(put, abs=1e-12)


def test_heat_passes_no_faster_than_the_smaller_stream_allows():
    for ua in (0.1, 10.0, 1e5):
        carried = transfer_kw_k(
            np.full(3, ua), np.array([2.0, 2.0, 0.0]), np.array([5.0, 2.0, 3.0])
        )
        assert np.all(carried <= np.array([2.0, 2.0, 1e-9]) * CP_KJ_KGK * (1 + 1e-12))
