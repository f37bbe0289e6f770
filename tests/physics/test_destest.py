"""DESTEST common exercise 0: inside the band of the six tools that published."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.truth_destest import build_ce0, destest_ce0


def test_every_column_is_inside_the_band(heatloop_data: Path) -> None:
    columns = destest_ce0(heatloop_data)
    assert len(columns) == 18
    outside = [f"{c.name}: {c.ours:.2f} not in {c.low}-{c.high}" for c in columns if not c.inside]
    assert not outside


def test_the_exercise_is_built_whole(heatloop_data: Path) -> None:
    network, operation = build_ce0(heatloop_data).build()
    assert (network.kind == 5).sum() == 16
    assert operation.flow_kgs.sum() * 3600.0 == pytest.approx(8848.0)
    assert operation.demand_kw.sum() == pytest.approx(309.0, abs=0.5)
    # Two pipes each of 20 trenches and more: 8 x 12 m for houses of one side.
    assert network.length_m.sum() == pytest.approx(2 * (16 * 12 + 6 * 24 + 2 * 26.83))
