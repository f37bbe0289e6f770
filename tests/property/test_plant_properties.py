"""Properties of codes, cells and whole ledgers that hold for any input."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError
from heatloop.plant.asset_kinds import asset_kinds
from heatloop.plant.attributes import BadValue, read_attribute
from heatloop.plant.bad_rows import LedgerErrors
from heatloop.plant.build import build_ledger
from heatloop.plant.coding import (
    check_asset_code,
    code_order,
    code_rules,
    kind_of_code,
    make_code,
    parse_point_code,
    point_code,
)
from heatloop.plant.derive import KeyGiver
from heatloop.plant.kinds import point_kinds
from heatloop.plant.rows import from_rows, to_rows
from tests.unit.plant_town import asset, assets, contents, device, devices, gateways, town

KINDS = st.sampled_from(sorted(code_rules()))
NUMBERS = st.integers(1, 10**8 - 1)
CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates()
)


@given(KINDS, NUMBERS)
def test_a_number_has_one_code_and_back(kind: str, number: int) -> None:
    code = make_code(kind, number)
    assert check_asset_code(kind, code) == code
    assert kind_of_code(code) == kind
    assert int(code[2:]) == number
    with pytest.raises(InputError):
        check_asset_code(kind, f"{code[:2]}0{code[2:]}")


@given(KINDS, NUMBERS, NUMBERS)
def test_codes_sort_by_their_numbers(kind: str, a: int, b: int) -> None:
    assert (code_order(make_code(kind, a)) < code_order(make_code(kind, b))) == (a < b)


@given(KINDS, NUMBERS, st.sampled_from(sorted(point_kinds())), st.integers(0, 9999))
def test_point_codes_come_apart_as_they_were_put_together(
    kind: str, number: int, point: str, n: int
) -> None:
    parts = (make_code(kind, number), point, n)
    assert parse_point_code(point_code(*parts)) == parts


@given(st.text(alphabet="ABS019.x_ primaflow", max_size=30))
def test_a_point_code_that_is_read_is_written_the_same(text: str) -> None:
    try:
        parts = parse_point_code(text)
    except InputError:
        return
    assert point_code(*parts) == text


@given(st.dictionaries(st.text(), st.integers(1, 2**31), max_size=30), st.lists(st.text()))
def test_keys_are_never_given_twice(keys: dict[str, int], codes: list[str]) -> None:
    keys = {code: number for number, code in {n: c for c, n in keys.items()}.items()}
    giver = KeyGiver(keys)
    given_now = {code: giver.key(code) for code in codes}
    assert len(set(giver.keys.values())) == len(giver.keys)
    assert all(giver.keys[code] == number for code, number in keys.items())
    assert {code: giver.key(code) for code in codes} == given_now


@given(st.sampled_from([a for k in asset_kinds().values() for a in k.attributes.values()]), CELLS)
def test_a_cell_is_read_or_refused_and_what_was_read_stays(kind, cell) -> None:
    if cell is None:
        return
    refused = None
    try:
        value = read_attribute(kind, cell)
    except BadValue as bad:
        refused = bad
    if refused is None:
        assert read_attribute(kind, value) == value
    else:
        assert refused.zh
        assert refused.en
        assert all(refused.fix)


@given(
    st.sampled_from([
        (sheet, i, column)
        for sheet, rows in to_rows(town(), all_points=False).items()
        for i, row in enumerate(rows)
        for column in row
    ]),
    CELLS,
)  # fmt: skip
def test_any_cell_gives_a_ledger_or_names_itself(where, cell) -> None:
    sheet, i, column = where
    rows = deepcopy(to_rows(town(), all_points=False))
    rows[sheet][i][column] = cell
    found = set()
    try:
        ledger = from_rows(rows, version=1, keys=town().keys)
    except LedgerErrors as errors:
        found = {(row.sheet, row.row, row.column) for row in errors.rows}
    if found:
        # A changed code or parent may make another row the wrong one.
        assert (sheet, i + 2, column) in found or column in {"code", "parent"}
    else:
        again = from_rows(to_rows(ledger), version=1, keys=ledger.keys)
        assert contents(again) == contents(ledger)


@given(st.lists(st.integers(1, 60), unique=True, max_size=12), st.randoms(use_true_random=False))
def test_growing_a_ledger_keeps_every_key(numbers: list[int], random) -> None:
    more = [
        asset(make_code("substation", 100 + n), "substation", "HS0001", heated_area_m2=n)
        for n in numbers
    ]
    served = [
        device(100 + n, a.code, "substation_controller") for n, a in zip(numbers, more, strict=True)
    ]
    random.shuffle(more)
    ledger = build_ledger(
        [*assets(), *more], [*served, *devices()], gateways(), version=2, keys=town().keys
    )
    for code, point in town().points.items():
        assert ledger.points[code].key == point.key
    assert len(ledger.by_key) == len(ledger.points)
    assert len(ledger.points) == len(town().points) + 11 * len(numbers)
