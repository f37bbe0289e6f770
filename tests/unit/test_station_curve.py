"""The heating curve against the field guide's vectors, and the controller's table of it."""

import pytest

from heatloop.kernel.errors import InputError
from heatloop.station.curve import (
    CurveDesign,
    CurveTable,
    design_from,
    flow_for_supply,
    load_ratio,
    return_c,
    supply_c,
    table_of,
)

RADIATOR = CurveDesign(supply_c=75, return_c=50, room_c=18, outdoor_c=-9, exponent_b=0.3)
FLOOR = CurveDesign(supply_c=45, return_c=35, room_c=18, outdoor_c=-9, exponent_b=0.05)


@pytest.mark.parametrize(
    "design, outdoor, supply, back",
    [
        (RADIATOR, -9, 75.0, 50.0),
        (RADIATOR, -5, 68.0, 46.7),
        (RADIATOR, 0, 58.9, 42.2),
        (RADIATOR, 5, 49.4, 37.3),
        (FLOOR, -9, 45.0, 35.0),
        (FLOOR, -5, 41.1, 32.6),
        (FLOOR, 0, 36.3, 29.6),
        (FLOOR, 5, 31.4, 26.6),
    ],
)
def test_field_guide_vectors(design, outdoor, supply, back):
    # The guide gives one decimal; one of its sixteen values is rounded the other way.
    assert supply_c(design, outdoor) == pytest.approx(supply, abs=0.1)
    assert return_c(design, outdoor) == pytest.approx(back, abs=0.1)


def test_no_load_no_rise():
    assert load_ratio(RADIATOR, 25) == 0
    assert supply_c(RADIATOR, 25) == return_c(RADIATOR, 25) == 18


def test_half_the_flow_doubles_the_difference_and_keeps_the_mean():
    full = supply_c(RADIATOR, 0), return_c(RADIATOR, 0)
    half = supply_c(RADIATOR, 0, flow_ratio=0.5), return_c(RADIATOR, 0, flow_ratio=0.5)
    assert half[0] - half[1] == pytest.approx(2 * (full[0] - full[1]))
    assert sum(half) == pytest.approx(sum(full))


def test_shift_of_the_room_gives_the_curve_of_that_room():
    """A warmer room needs the emitter law of the same radiator in a warmer room."""
    shifted = supply_c(RADIATOR, -5, shift_k=2), return_c(RADIATOR, -5, shift_k=2)
    mean_rise = 0.5 * sum(shifted) - 20
    load = (shifted[0] - shifted[1]) / 25
    assert load == pytest.approx(25 / 27)
    assert (mean_rise / 44.5) ** 1.3 == pytest.approx(load)


def test_quantity_regulation_keeps_the_supply_temperature():
    flow = flow_for_supply(RADIATOR, -2, 65.0)
    assert 0.5 < flow < 1.0
    assert supply_c(RADIATOR, -2, flow_ratio=flow) == pytest.approx(65.0)
    assert flow_for_supply(RADIATOR, 10, 70.0) == 0.5
    assert flow_for_supply(RADIATOR, -9, 60.0) == 1.0


@pytest.mark.parametrize(
    "fields",
    [{"supply_c": 40.0}, {"outdoor_c": 20.0}, {"room_c": 55.0}, {"exponent_b": -0.1}],
)
def test_impossible_design_is_refused(fields):
    with pytest.raises(InputError, match="fix:"):
        CurveDesign(**fields)


def test_flow_must_be_positive():
    with pytest.raises(InputError):
        supply_c(RADIATOR, 0, flow_ratio=0)


def test_table_interpolates_and_is_flat_beyond_its_ends():
    table = CurveTable(((10, 40), (-10, 80), (0, 60)))
    assert [table.supply_c(t) for t in (-30, -10, -5, 0, 7.5, 10, 30)] == [
        80, 80, 70, 60, 45, 40, 40,
    ]  # fmt: skip


@pytest.mark.parametrize("design", [RADIATOR, FLOOR])
def test_six_points_stay_close_to_the_curve(design):
    table = table_of(design)
    assert len(table.points) == 6
    worst = max(
        abs(table.supply_c(t / 4) - supply_c(design, t / 4))
        for t in range(int(design.outdoor_c * 4), 4 * 12)
    )
    assert worst < 0.5


@pytest.mark.parametrize("points", [(), ((0, 50),), ((0, 50), (0, 60))])
def test_a_table_that_is_no_curve_is_refused(points):
    with pytest.raises(InputError):
        CurveTable(points)


def test_design_from_ledger_attributes():
    floor = design_from({"emitter": "floor", "design_outdoor_c": -20.0})
    assert (floor.supply_c, floor.return_c, floor.outdoor_c) == (45.0, 35.0, -20.0)
    assert floor.exponent_b == 0.05
    own = design_from({"emitter": "radiator", "design_supply_c": 70.0, "design_return_c": ""})
    assert (own.supply_c, own.return_c) == (70.0, 50.0)
