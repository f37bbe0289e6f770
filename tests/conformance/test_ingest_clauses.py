"""Clauses of the standard about trusted data: 6.1.2 b #1 and 6.1.2 g."""

import numpy as np
import pytest

from heatloop.ingest.balance import BalanceCheck
from heatloop.ingest.checker import QualityChecker
from heatloop.ingest.rules import rules_for
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point
from tests.conformance.labelled_samples import (
    CLASSES,
    KINDS,
    N_SLOT,
    START_S,
    STEP_S,
    labelled_samples,
)


def judged(labelled):
    """Feed the set slot by slot, as it would arrive; return quality codes and values kept."""
    n, width = labelled.values.shape[1], len(KINDS)
    place = {name: KINDS.index(f"secondary_{name}") for name in
             ("heat_power", "flow", "supply_temperature", "return_temperature")}  # fmt: skip
    meters = np.array([[u * width + i for i in place.values()] for u in range(n // width)])
    checker = QualityChecker(rules_for(labelled.points), balance=BalanceCheck(meters, n))
    keys = np.arange(1, n + 1, dtype="u4")
    quality, kept = np.empty(labelled.values.shape, "u1"), np.empty(labelled.values.shape)
    for row in range(N_SLOT):
        slots = np.full(n, START_S + row * STEP_S, "u4")
        sent = Columns(keys, slots, labelled.values[row], np.zeros(n, "u1"))
        checked = checker.check(sent)
        assert not checked.reasons
        quality[row], kept[row] = checked.accepted.quality, checked.accepted.values
    return quality, kept


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_6_1_2_g_errors_are_found_and_the_raw_value_is_kept(seed):
    labelled = labelled_samples(seed)
    wrong = labelled.label > 0
    assert wrong.mean() == pytest.approx(0.01, abs=0.001)
    quality, kept = judged(labelled)
    marked = quality != Quality.GOOD
    recall = (marked & wrong).sum() / wrong.sum()
    precision = (marked & wrong).sum() / marked.sum()
    assert recall >= 0.95, recall
    assert precision >= 0.90, precision
    for number, name in enumerate(CLASSES, start=1):
        assert marked[labelled.label == number].mean() >= 0.9, name
    assert np.array_equal(kept, labelled.values)


def test_6_1_2_g_a_clean_set_is_hardly_touched():
    quality, _ = judged(labelled_samples(4, n_unit=8, share=0.0))
    assert (quality != Quality.GOOD).mean() <= 0.0005


def test_6_1_2_b_1_every_sample_has_a_quality_code():
    labelled = labelled_samples(5, n_unit=4)
    quality, _ = judged(labelled)
    assert set(np.unique(quality).tolist()) <= set(map(int, Quality))


@pytest.mark.parametrize("kind, period_s", [("secondary_flow", 30), ("room_temperature", 1800)])
def test_6_1_2_b_1_three_periods_of_silence_make_a_point_stale(kind, period_s):
    point = Point(code=f"X.{kind}", key=7, asset="X", kind=kind)
    checker = QualityChecker(rules_for([(point, 1.0)]))
    at = 1_700_000_000
    row = Columns(*(np.array([v], t) for v, t in ((7, "u4"), (at, "u4"), (20.0, "f8"), (0, "u1"))))
    assert checker.stale_keys(at).tolist() == []
    checker.check(row)
    assert checker.stale_keys(at + 3 * period_s).tolist() == []
    assert checker.stale_keys(at + 3 * period_s + 1).tolist() == [7]
    checker.check(row._replace(slots=np.array([at + 4 * period_s], "u4")))
    assert checker.stale_keys(at + 4 * period_s + 1).tolist() == []
