"""Clauses 6.1.2 g and 9.2.1 #2: errors in stored series are found, raw values kept.

Thresholds were set on station L4 with seeds 1 to 3 and on synthetic seed 1; what is asserted here
was not looked at for that: stations L8 and L12, other seeds, other winters.
"""

from pathlib import Path

import numpy as np
import pytest

from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.model import Rule, Table
from heatloop.ingest.batch.profiles import series_of
from tests.conformance.labelled_samples import (
    CLASSES,
    KINDS,
    N_SLOT,
    START_S,
    STEP_S,
    labelled_samples,
)
from tests.conformance.spoilt_stations import ERRORS, as_table, clean_rows, spoil

HARMLESS = (Rule.NONE, Rule.ROLL_OVER, Rule.COUNTER_RESET)
PARTS = [
    ("L8", "2022-10", "2025", 11),
    ("L12", "2021", "2022-10", 12),
    ("L4", "2022-10", "2023-10", 13),
]


@pytest.fixture(scope="module")
def stations(heatloop_data: Path) -> Path:
    return heatloop_data / "substations_nis"


def told(rules):
    return ~np.isin(rules, HARMLESS)


def score(marked, wrong):
    return (marked & wrong).sum() / wrong.sum(), (marked & wrong).sum() / marked.sum()


@pytest.fixture(scope="module")
def judged(stations: Path):
    """Every part judged once: (spoilt, rules)."""
    found = {}
    for station, start, end, seed in PARTS:
        spoilt = spoil(clean_rows(stations, station, start, end), station, seed)
        before = spoilt.table.matrix().copy()
        verdict = judge(spoilt.table)
        assert np.array_equal(before, spoilt.table.matrix(), equal_nan=True), "raw was changed"
        found[station] = (spoilt, verdict)
    return found


def test_6_1_2_g_errors_in_real_station_data_are_found(judged, capsys):
    marked = np.concatenate([told(v.rules).ravel() for _, v in judged.values()])
    label = np.concatenate([s.label.ravel() for s, _ in judged.values()])
    wrong = label > 0
    assert wrong.mean() == pytest.approx(0.01, abs=0.004)
    recall, precision = score(marked, wrong)
    by_kind = {e: marked[label == i].mean() for i, e in enumerate(ERRORS, start=1)}
    with capsys.disabled():
        print(f"\nreal: recall {recall:.4f} precision {precision:.4f}", end="")
        print("".join(f"\n  {kind:13} {share:.3f}" for kind, share in by_kind.items()))
    assert recall >= 0.95
    assert precision >= 0.90
    for kind, share in by_kind.items():
        # Hourly logs of plants that are switched every night do not tell each of these; of a
        # swapped pair, one may pass for right when the plant changes level at the same hour.
        least = {"spike": 0.85, "power": 0.85, "swapped": 0.70}.get(kind, 0.95)
        assert share >= least, (kind, share)


def test_6_1_2_g_each_station_alone_passes(judged):
    for station, (spoilt, verdict) in judged.items():
        recall, precision = score(told(verdict.rules), spoilt.label > 0)
        assert recall >= 0.93, (station, recall)
        assert precision >= 0.88, (station, precision)


def test_6_1_2_g_the_rule_named_is_the_right_one(judged):
    """Of the cells a rule names, so many are of an error that rule is for."""
    fits = {
        Rule.DEAD: ("drop_out", "open_circuit"), Rule.DROP_OUT: ("dead_row",),
        Rule.UNIT: ("unit", "open_circuit", "spike"), Rule.FROZEN: ("frozen", "repeated_row"),
        Rule.COUNTER: ("counter_jump", "counter_zero", "dead_row"),
        Rule.RANGE: ("open_circuit", "unit", "dead_row"), Rule.ORDER: ("swapped", "unit", "spike"),
        Rule.BALANCE: ("power", "unit"), Rule.SPIKE: ("spike", "drop_out", "unit"),
    }  # fmt: skip
    rules = np.concatenate([v.rules.ravel() for _, v in judged.values()])
    label = np.concatenate([s.label.ravel() for s, _ in judged.values()])
    for rule, kinds in fits.items():
        mine = rules == rule
        right = np.isin(label[mine], [ERRORS.index(kind) + 1 for kind in kinds])
        least = 0.75 if rule is Rule.SPIKE else 0.90
        assert mine.sum() > 10, rule
        assert right.mean() >= least, (rule, right.mean())


def test_6_1_2_g_clean_real_data_are_hardly_touched(stations: Path):
    rows = clean_rows(stations, "L12", "2022-10", "2023-10")
    share = told(judge(as_table(rows, "L12")).rules).mean()
    assert share <= 0.0015, share


def test_6_1_2_g_errors_in_dense_data_are_found():
    """Two days at 30 s, the set of the online checks, judged in retrospect."""
    labelled = labelled_samples(21, n_unit=1)
    times = START_S + np.arange(N_SLOT) * float(STEP_S)
    width, rules = len(KINDS), []
    for unit in range(labelled.values.shape[1] // width):
        part = labelled.values[:, unit * width : (unit + 1) * width]
        series = tuple(
            series_of(f"{unit}.{kind}", kind, part[:, at].copy(), top=2.0**32)
            for at, kind in enumerate(KINDS)
        )
        rules.append(judge(Table(times_s=times, series=series)).rules)
    marked = told(np.hstack(rules))
    recall, precision = score(marked, labelled.label > 0)
    assert recall >= 0.98
    assert precision >= 0.98
    for number, name in enumerate(CLASSES, start=1):
        if (labelled.label == number).any():
            assert marked[labelled.label == number].mean() >= 0.95, name
