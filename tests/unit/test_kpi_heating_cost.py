"""Sharing cost to the cent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.kpi.heating_cost import (
    StationUse,
    cents,
    per_gj,
    per_m2,
    split_cents,
    station_costs,
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.floats(0.0, 1e9), min_size=1, max_size=40),
)
def test_nothing_is_lost_and_nobody_is_off_by_more_than_a_cent(
    total: int, weights: list[float]
) -> None:
    found = split_cents(total, np.array(weights))
    assert int(found.sum()) == total
    whole = sum(weights)
    if whole > 0.0:
        exact = total * np.array(weights) / whole
        assert np.abs(found - exact).max() <= 1.0 + 1e-6 * abs(total)


def _use(code: str, network: str, heat_kwh: float, area_m2: float = 100.0) -> StationUse:
    return StationUse(
        code=code, network=network, area_m2=area_m2, heat_kwh=heat_kwh, power_yuan=1.01,
        water_yuan=0.0,
    )  # fmt: skip


def test_stations_carry_what_their_own_network_spent() -> None:
    uses = [_use("A", "N1", 1.0), _use("B", "N1", 2.0), _use("C", "N2", 5.0)]
    found, rest = station_costs({"N1": 100.0, "N2": 7.0, "N3": 4.0}, uses)
    assert [each.heat_cents for each in found] == [3333, 6667, 700]
    assert [each.power_cents for each in found] == [101, 101, 101]
    # A network without stations is carried by nobody, and says so.
    assert rest == 400
    assert sum(each.total_cents for each in found) + rest == 11100 + 303


def test_without_any_heat_measured_area_decides() -> None:
    uses = [_use("A", "N", 0.0, 300.0), _use("B", "N", -3.0, 100.0)]
    found, _ = station_costs({"N": 8.0}, uses)
    assert [each.heat_cents for each in found] == [600, 200]
    with pytest.raises(InputError):
        split_cents(5, np.array([1.0, -1.0]))
    assert cents(-0.005) == -1
    assert per_gj(72.0, 1000.0) == pytest.approx(20.0)
    assert per_gj(72.0, 0.0) is None
    assert per_m2(50.0, 100.0) == 0.5
    assert per_m2(50.0, 0.0) is None
