"""The coding rule accepts one spelling of a code and refuses the rest."""

from __future__ import annotations

import pytest

from heatloop.kernel.errors import InputError
from heatloop.plant.coding import (
    check_asset_code,
    code_order,
    kind_of_code,
    make_code,
    parse_point_code,
    point_code,
)


@pytest.mark.parametrize(
    "kind,code",
    [
        ("substation", "SS0001"),
        ("substation", "SS10000"),
        ("company", "CO01"),
        ("flat", "FL00001"),
        ("device", "DV12345"),
        ("gateway", "GW0001"),
    ],
)
def test_good_codes_pass(kind: str, code: str) -> None:
    assert check_asset_code(kind, code) == code
    assert kind_of_code(code) == kind


@pytest.mark.parametrize(
    "code",
    ["", "SS", "SS1", "SS001", "SS0000", "SS00001", "ss0001", "UN0001", "SS0001 ", "SS000١",
     "SS123456789", "SS-001", "SS0001.x", "S50001"],
)  # fmt: skip
def test_bad_codes_are_refused_with_the_rule(code: str) -> None:
    with pytest.raises(InputError) as caught:
        check_asset_code("substation", code)
    assert caught.value.thing == code
    assert "SS0001" in caught.value.fix


def test_codes_of_unknown_kinds_are_refused() -> None:
    for call in (lambda: check_asset_code("dragon", "DR0001"), lambda: make_code("dragon", 1)):
        with pytest.raises(InputError, match="unknown asset kind"):
            call()
    with pytest.raises(InputError):
        kind_of_code("XX0001")
    for number in (0, -1, 10**8):
        with pytest.raises(InputError, match="out of range"):
            make_code("flat", number)


def test_code_order_is_that_of_the_numbers() -> None:
    codes = ["DV10000", "DV0002", "DV9999", "DV0010"]
    assert sorted(codes, key=code_order) == ["DV0002", "DV0010", "DV9999", "DV10000"]


def test_point_codes_are_taken_apart() -> None:
    assert parse_point_code("SS0001.primary_flow") == ("SS0001", "primary_flow", 0)
    assert parse_point_code("UN0001.heating_curve_supply.3") == (
        "UN0001",
        "heating_curve_supply",
        3,
    )
    assert point_code("UN0001", "heating_curve_supply", 3) == "UN0001.heating_curve_supply.3"


@pytest.mark.parametrize(
    "code",
    ["SS0001", "SS0001.", "SS0001.nonsense", "SS0001.primary_flow.0", "SS0001.primary_flow.01",
     "SS001.primary_flow", "SS0001.Primary_flow", "SS0001.primary_flow ", ".primary_flow",
     "SS0001.primary_flow.1.2", "SS0001/primary_flow", ""],
)  # fmt: skip
def test_bad_point_codes_are_refused(code: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_point_code(code)
    assert caught.value.fix
