"""The tuned weather curve: as delivered the heating curve, and a search that finds a known best."""

from __future__ import annotations

import numpy as np
import pytest

from heatloop.control.tuned_curve import (
    AS_DELIVERED,
    HIGH,
    LOW,
    CurveDesigns,
    CurveSearch,
    next_outdoor_c,
    supply_c,
)
from heatloop.kernel.errors import InputError
from heatloop.station.curve import CurveDesign
from heatloop.station.curve import supply_c as heating_curve_c

DESIGNS = [CurveDesign(), CurveDesign(supply_c=45.0, return_c=35.0, exponent_b=0.05)]


@pytest.mark.parametrize("outdoor_c", [-9.0, 0.0, 12.0])
def test_as_delivered_it_is_the_heating_curve(outdoor_c: float) -> None:
    settings = np.tile(AS_DELIVERED, (2, 1))
    settings[:, 1] = 1.5
    found = supply_c(CurveDesigns.of(DESIGNS), settings, np.full(2, outdoor_c), 12.0)
    expected = [heating_curve_c(design, outdoor_c, 1.5) for design in DESIGNS]
    assert found == pytest.approx(expected)


def test_set_back_holds_over_midnight_and_lowers_the_water() -> None:
    settings = np.tile(AS_DELIVERED, (2, 1))
    settings[:, 3:6] = (2.0, 22.0, 6.0)
    designs, out = CurveDesigns.of(DESIGNS), np.full(2, -5.0)
    day = supply_c(designs, settings, out, 12.0)
    for hour, back in ((21.9, False), (22.1, True), (1.0, True), (3.9, True), (4.1, False)):
        lower = supply_c(designs, settings, out, hour) < day - 1.0
        assert lower.all() == back
        assert lower.any() == back


def test_the_damped_outdoor_temperature_lags() -> None:
    settings = np.tile(AS_DELIVERED, (2, 1))
    settings[1, 2] = 12.0
    damped = next_outdoor_c(np.zeros(2), -10.0, settings, 12 * 3600.0)
    assert damped == pytest.approx([-10.0, -10.0 * (1.0 - np.exp(-1.0))])


def test_the_search_finds_the_best_of_every_unit_inside_its_bounds() -> None:
    goal = np.array([[1.1, -1.0, 6.0, 0.5, 2.0, 4.0, 0.8], [0.9, 1.0, 2.0, 0.0, 23.0, 8.0, 0.7]])
    scale = np.array([0.12, 0.7, 4.0, 0.7, 4.0, 2.5, 0.12])
    search = CurveSearch(2, seed=3)
    start = None
    for _ in range(25):
        asked = search.ask()
        assert (asked >= LOW).all()
        assert (asked <= HIGH).all()
        away = (asked - goal) / scale
        away[..., 4] = ((asked[..., 4] - goal[:, 4] + 12.0) % 24.0 - 12.0) / scale[4]
        cost = (away**2 * [9.0, 9.0, 1.0, 2.0, 0.5, 0.5, 3.0]).sum(axis=-1)
        cost[1, 0] = np.nan
        start = cost[0].copy() if start is None else start
        search.tell(cost)
    assert (search.best_cost < 0.08 * start).all()
    assert search.best[:, 0] == pytest.approx(goal[:, 0], abs=0.06)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError):
        supply_c(CurveDesigns.of(DESIGNS), np.ones((2, 6)), np.zeros(2), 0.0)
    search = CurveSearch(2)
    search.ask()
    with pytest.raises(InputError):
        search.tell(np.zeros((3, 2)))
