"""What a pipe is made of: losses and capacities from the materials."""

import math

import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.heat.pipe_materials import (
    PipeMaterials,
    bare_wall_kj_mk,
    insulation_shells,
    loss_w_mk,
    wall_kj_mk,
)


def test_loss_of_a_pipe_in_air_adds_insulation_and_film():
    pipe = PipeMaterials(
        inner_m=0.05, outer_m=0.06, insulation_m=0.03, insulation_w_mk=0.04, outer_w_m2k=8.0
    )
    wanted = math.log(0.12 / 0.06) / (2.0 * math.pi * 0.04) + 1.0 / (8.0 * math.pi * 0.12)
    assert loss_w_mk(pipe) == pytest.approx(1.0 / wanted)


def test_loss_of_a_buried_pipe_adds_the_soil():
    made = {"inner_m": 0.1, "outer_m": 0.11, "insulation_m": 0.04, "insulation_w_mk": 0.027}
    soil = math.acosh(2.0 * 1.0 / 0.19) / (2.0 * math.pi * 1.5)
    inside = math.log(0.19 / 0.11) / (2.0 * math.pi * 0.027)
    found = loss_w_mk(PipeMaterials(**made, depth_m=1.0, soil_w_mk=1.5))
    assert found == pytest.approx(1.0 / (inside + soil))


def test_conductivity_goes_straight_between_two_temperatures():
    pipe = PipeMaterials(
        inner_m=0.02, outer_m=0.022, insulation_m=0.013, insulation_w_mk=0.0442,
        insulation_at_c=54.0, insulation_second_w_mk=0.0389, insulation_second_at_c=14.0,
    )  # fmt: skip
    assert pipe.conductivity_w_mk(34.0) == pytest.approx(0.04155)
    assert pipe.conductivity_w_mk(-1000.0) > 0.0


def test_the_insulation_counts_by_how_far_it_warms():
    thin = PipeMaterials(inner_m=0.02, outer_m=0.022, insulation_m=0.013)
    whole = insulation_shells(thin)[1].sum() / 1000.0
    added = wall_kj_mk(thin) - bare_wall_kj_mk(thin)
    assert 0.3 * whole < added < 0.8 * whole
    bare = PipeMaterials(inner_m=0.02, outer_m=0.022)
    assert wall_kj_mk(bare) == bare_wall_kj_mk(bare)


def test_rings_hold_what_the_insulation_holds_and_resist_as_it_does():
    pipe = PipeMaterials(inner_m=0.1, outer_m=0.11, insulation_m=0.05, insulation_kj_m3k=90.0)
    links, rings = insulation_shells(pipe)
    assert rings.sum() == pytest.approx(math.pi / 4.0 * (0.21**2 - 0.11**2) * 90e3)
    assert links.sum() == pytest.approx(math.log(0.21 / 0.11) / (2.0 * math.pi))


@pytest.mark.parametrize(
    "wrong",
    [
        {"inner_m": 0.0},
        {"outer_m": 0.04},
        {"insulation_m": -0.1},
        {"insulation_w_mk": 0.0},
        {"depth_m": 0.01},
        {"insulation_second_w_mk": 0.03, "insulation_second_at_c": 50.0},
        {"wall_kg_m3": float("nan")},
    ],
)
def test_what_no_pipe_can_be_is_refused(wrong):
    with pytest.raises(InputError):
        PipeMaterials(**({"inner_m": 0.05, "outer_m": 0.06} | wrong))
