"""Mistakes in the description of a network are named."""

import math

import pytest

from heatloop.kernel.errors import InputError
from heatloop.network.model.builder import NetworkBuilder


def _two() -> NetworkBuilder:
    builder = NetworkBuilder()
    builder.node("a", held_kpa=300.0)
    builder.node("b")
    return builder


@pytest.mark.parametrize(
    "numbers, place",
    [
        ({"length_m": 0.0, "diameter_m": 0.1}, "length_m = 0"),
        ({"length_m": 5.0, "diameter_m": math.nan}, "diameter_m = nan"),
        ({"length_m": 5.0, "diameter_m": 0.1, "loss_w_mk": -1.0}, "loss_w_mk = -1"),
    ],
)
def test_a_pipe_with_an_impossible_number_is_refused(numbers: dict, place: str) -> None:
    with pytest.raises(InputError) as caught:
        _two().pipe("main", "a", "b", **numbers)
    assert (caught.value.thing, caught.value.place) == ("main", place)


def test_an_unknown_end_is_named_with_its_pipe() -> None:
    builder = _two()
    builder.pipe("main", "a", "c", length_m=5.0, diameter_m=0.1)
    with pytest.raises(InputError) as caught:
        builder.build()
    assert (caught.value.thing, caught.value.place) == ("c", "main")


def test_names_are_given_once_and_ends_differ() -> None:
    builder = _two()
    with pytest.raises(InputError, match="node name"):
        builder.node("a")
    builder.pipe("main", "a", "a", length_m=5.0, diameter_m=0.1)
    with pytest.raises(InputError, match="link name"):
        builder.flow("main", "a", "b", flow_kgs=1.0)
    with pytest.raises(InputError, match="two different ends"):
        builder.build()


def test_an_exchanger_needs_links_that_exist() -> None:
    builder = _two()
    builder.flow("hot", "a", "b", flow_kgs=1.0)
    builder.exchanger(
        "plates", hot="hot", cold="cold", kw_k=5.0, hot_design_kgs=1.0, cold_design_kgs=1.0
    )
    with pytest.raises(InputError, match="unknown link"):
        builder.build()
