"""Films and dispersion: values from the books, no jumps, either direction."""

import math

import numpy as np
import pytest

from heatloop.network.fluid import water
from heatloop.network.heat.films import conductivity_w_mk, dispersion_m2_s, film_w_m2k

WATER = water()
FLUID = (WATER.table(), WATER.low_c, WATER.step_k)


def flow_at(re: float, c: float, d: float) -> float:
    return re * math.pi * d / 4.0 * float(np.interp(c, np.arange(181.0), WATER.viscosity_pa_s))


def test_water_conducts_as_the_tables_say():
    for c, wanted in ((0.0, 0.561), (20.0, 0.598), (60.0, 0.651), (100.0, 0.677)):
        assert conductivity_w_mk(c) == pytest.approx(wanted, rel=0.01)


def test_turbulent_film_is_near_dittus_and_boelter():
    for re in (2e4, 1e5):
        m = flow_at(re, 60.0, 0.05)
        prandtl = 4187.0 * float(WATER.viscosity_pa_s[60]) / conductivity_w_mk(60.0)
        wanted = 0.023 * re**0.8 * prandtl**0.4 * conductivity_w_mk(60.0) / 0.05
        assert film_w_m2k(60.0, m, 0.05, *FLUID) == pytest.approx(wanted, rel=0.15)


def test_laminar_film_is_3_66_and_the_way_between_has_no_jump():
    still = film_w_m2k(60.0, 0.0, 0.05, *FLUID)
    assert still == pytest.approx(3.66 * conductivity_w_mk(60.0) / 0.05)
    values = [
        film_w_m2k(60.0, flow_at(re, 60.0, 0.05), 0.05, *FLUID) for re in np.arange(2200, 4200, 5)
    ]
    steps = np.diff(values)
    assert steps.min() >= 0.0
    assert steps.max() < 0.01 * values[-1]


def test_films_and_dispersion_do_not_ask_for_direction():
    assert film_w_m2k(50.0, -2.0, 0.05, *FLUID) == film_w_m2k(50.0, 2.0, 0.05, *FLUID)
    assert dispersion_m2_s(50.0, -2.0, 0.05, *FLUID) == dispersion_m2_s(50.0, 2.0, 0.05, *FLUID)


def test_dispersion_follows_the_law_and_dies_with_the_flow():
    m, d = flow_at(4e4, 40.0, 0.05), 0.05
    density = float(np.interp(40.0, np.arange(181.0), WATER.density_kg_m3))
    speed = m / (density * math.pi / 4.0 * d * d)
    wanted = speed * d * (3.0e7 * 4e4**-2.1 + 1.35 * 4e4**-0.125)
    assert dispersion_m2_s(40.0, m, d, *FLUID) == pytest.approx(wanted, rel=1e-6)
    assert dispersion_m2_s(40.0, 0.0, d, *FLUID) == 0.0
    below, above = flow_at(2299.0, 40.0, d), flow_at(2301.0, 40.0, d)
    ratio = dispersion_m2_s(40.0, above, d, *FLUID) / dispersion_m2_s(40.0, below, d, *FLUID)
    assert ratio == pytest.approx(1.0, rel=0.01)
