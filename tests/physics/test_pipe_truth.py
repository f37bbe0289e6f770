"""Measured pipes: the engine against the data, with nothing fitted, and converged."""

from pathlib import Path

import pytest

from bench.truth_pipes import energy_closure, gershub, network_closure, ulg


def test_a_copper_pipe_of_60_m_at_one_second(heatloop_data: Path) -> None:
    rmse_k, run = gershub(heatloop_data / "pipe_gershub")
    assert rmse_k <= 0.145
    assert energy_closure(run) <= 1e-9


@pytest.mark.parametrize(("run_name", "bar_k"), [("150801", 0.42), ("151202", 0.51)])
def test_a_steel_pipe_of_39_m(heatloop_data: Path, run_name: str, bar_k: float) -> None:
    rmse_k, run = ulg(heatloop_data / "pipe_ulg", run_name)
    assert rmse_k <= bar_k
    assert energy_closure(run) <= 1e-9


def test_twice_the_cells_change_little(heatloop_data: Path) -> None:
    folder = heatloop_data / "pipe_gershub"
    assert gershub(folder, cells=240)[0] == pytest.approx(gershub(folder)[0], rel=0.04)
    folder = heatloop_data / "pipe_ulg"
    for run_name in ("150801", "151202"):
        found = ulg(folder, run_name)[0]
        assert ulg(folder, run_name, cells=240)[0] == pytest.approx(found, rel=0.04)


def test_a_day_with_reversals_closes() -> None:
    assert network_closure() <= 1e-9
