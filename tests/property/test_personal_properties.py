"""Masks and k-anonymity hold whatever they are given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatloop.kernel.errors import InputError, UnsafeError
from heatloop.security.anonymity import ANY, anonymise, bands, smallest_group
from heatloop.security.labels import Category, Label, Level, joined
from heatloop.security.masking import KINDS, mask, pseudonym
from heatloop.security.receiver_seal import new_receiver_key, open_sealed, seal_for

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "area": st.one_of(st.none(), st.floats(20, 300)),
            "floor": st.integers(-1, 40),
            "place": st.sampled_from(["B1", "B2", "B3", "B4", "B5"]),
            "heat": st.floats(0, 100),
        }
    ),
    max_size=60,
)
COARSER = {"area": bands(10, 30), "floor": bands(3, 10), "place": (lambda v: str(v)[0],)}
LABELS = st.builds(
    Label,
    level=st.sampled_from(Level),
    categories=st.frozensets(st.sampled_from([each.value for each in Category])),
)
KEY = bytes(range(32))


@given(rows=ROWS, k=st.integers(2, 8), most=st.floats(0, 0.5))
def test_whoever_is_left_looks_like_k_others(
    rows: list[dict[str, Any]], k: int, most: float
) -> None:
    made = anonymise(rows, COARSER, k=k, most_suppressed=most)
    assert not made.rows or smallest_group(made.rows, list(COARSER)) >= k
    assert made.k == smallest_group(made.rows, list(COARSER))
    assert len(made.rows) + made.suppressed == len(rows)
    # All rows are kept where there are enough, because everything may become the same.
    assert made.suppressed <= most * len(rows) or len(rows) < k
    assert 0.0 <= made.loss_pct <= 100.0
    # What is left is truly the row's own, made coarser, and the rest of it as it was.
    for row, place in zip(made.rows, made.kept, strict=True):
        assert row["heat"] == rows[place]["heat"]
        assert row["place"] in (rows[place]["place"], "B", ANY)
        if isinstance(row["area"], str) and "-" in row["area"] and rows[place]["area"] is not None:
            low, high = map(float, row["area"].split("-"))
            assert low <= rows[place]["area"] <= high


@given(rows=ROWS)
def test_more_privacy_never_costs_less(rows: list[dict[str, Any]]) -> None:
    steps = [anonymise(rows, COARSER, k=k, most_suppressed=0.0).loss_pct for k in (2, 5, 10)]
    assert steps == sorted(steps)


def test_k_below_two_is_refused() -> None:
    with pytest.raises(InputError):
        anonymise([], COARSER, k=1)


@given(text=st.text(min_size=1, max_size=40), kind=st.sampled_from(KINDS))
def test_a_mask_never_shows_most_of_a_value(text: str, kind: str) -> None:
    shown = mask(kind, text)
    if kind in ("name", "hidden", "id") and len(text.strip()) > 8:
        assert text.strip() not in shown
        assert len(shown.replace("*", "")) <= 4
    if kind == "phone":
        digits = [char for char in shown if char.isdigit()]
        assert len(digits) in (0, 7)


def test_masks_are_those_people_know() -> None:
    assert mask("phone", "13812345678") == mask("phone", "+86 138-1234-5678") == "138****5678"
    assert mask("name", "张三丰") == "张*"
    assert mask("id", "210101199001011234") == "****1234"
    assert mask("address", "长春市朝阳区幸福小区12号楼3单元401") == "长春市朝阳区幸福小区12号楼***"
    assert mask("address", "1-101") == "***"
    assert mask("email", "zhang@x.cn") == "z***@x.cn"
    assert mask("phone", None) == mask("name", "") == ""
    with pytest.raises(InputError):
        mask("aloud", "x")


@given(a=st.text(), b=st.text())
def test_pseudonyms_are_stable_apart_and_each_receivers_own(a: str, b: str) -> None:
    assert pseudonym(KEY, a) == pseudonym(KEY, a)
    assert (pseudonym(KEY, a) == pseudonym(KEY, b)) == (a == b)
    assert pseudonym(KEY, a) != pseudonym(KEY[::-1], a)
    assert len(pseudonym(KEY, a)) == 16
    with pytest.raises(InputError):
        pseudonym(b"short", a)


@given(a=LABELS, b=LABELS, c=LABELS)
def test_dominance_is_an_order(a: Label, b: Label, c: Label) -> None:
    assert a.dominates(a)
    if a.dominates(b) and b.dominates(a):
        assert a == b
    if a.dominates(b) and b.dominates(c):
        assert a.dominates(c)
    both = joined([a, b])
    assert both.dominates(a)
    assert both.dominates(b)
    if c.dominates(a) and c.dominates(b):
        assert c.dominates(both)


@given(data=st.binary(max_size=200), place=st.integers(0, 10_000))
def test_only_the_receiver_opens_a_sealed_file(data: bytes, place: int) -> None:
    private, public = new_receiver_key()
    sealed = seal_for(public, data)
    assert open_sealed(private, sealed) == data
    assert data not in sealed or len(data) < 8
    with pytest.raises(UnsafeError):
        open_sealed(new_receiver_key()[0], sealed)
    spoilt = bytearray(sealed)
    spoilt[place % len(sealed)] ^= 1
    with pytest.raises((UnsafeError, InputError)):
        open_sealed(private, bytes(spoilt))
    with pytest.raises(InputError):
        seal_for(bytes(32), data)
