"""The ridge: windows that move give what a fresh look at them gives."""

from __future__ import annotations

import numpy as np

from heatloop.forecast.bands import Floats
from heatloop.forecast.ridge import Ridge, RidgeWindow

ROWS, LEADS, SERIES, INPUTS = 60, 5, 3, 4


def columns(seed: int = 1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(50.0, 3.0, (ROWS, LEADS, SERIES, INPUTS))
    inputs[..., 3] = 7.0  # a constant teaches nothing
    slope = np.array([2.0, -1.0, 0.5, 0.0])
    target = (
        inputs @ slope + 10.0 * np.arange(LEADS)[:, None] + rng.normal(0, 0.1, inputs.shape[:3])
    )
    target[::9, 2] = np.nan
    return inputs, target


def fit(window: RidgeWindow, low: int, high: int, late: int = 0) -> Ridge:
    mask = np.zeros((late, LEADS), bool)
    mask[:, 3:] = True
    return window.fit(low, high, mask, pooled_pull=0.1, lead_pull=10.0)


def test_it_learns_a_line_of_all_leads_and_the_height_of_each() -> None:
    inputs, target = columns()
    told = fit(RidgeWindow(inputs, target, 40.0), 10, ROWS).predict(inputs[:10])
    known = np.isfinite(target[:10])
    assert np.abs(told - target[:10])[known].max() < 0.5
    assert np.isfinite(told).all()


def test_a_window_that_moved_gives_what_a_fresh_one_gives() -> None:
    inputs, target = columns()
    moved = RidgeWindow(inputs, target, 40.0)
    for low, high, late in ((14, 54, 2), (7, 47, 1), (0, 40, 2)):
        one = fit(moved, low, high, late).predict(inputs)
        two = fit(RidgeWindow(inputs, target, 40.0), low, high, late).predict(inputs)
        np.testing.assert_allclose(one, two, rtol=1e-9)


def test_targets_that_were_not_known_are_not_looked_at() -> None:
    inputs, target = columns()
    other = target.copy()
    other[:2, 3:] += 1000.0
    one, two = (
        fit(RidgeWindow(inputs, y, 40.0), 0, 40, 2).predict(inputs[:1]) for y in (target, other)
    )
    np.testing.assert_allclose(one, two, rtol=1e-6)
    three = fit(RidgeWindow(inputs, other, 40.0), 0, 40).predict(inputs[:1])
    assert np.abs(three - one).max() > 10.0


def test_a_series_nobody_knows_disturbs_no_other() -> None:
    inputs, target = columns()
    other = target.copy()
    other[..., 0] = np.nan
    one, two = (fit(RidgeWindow(inputs, y, 40.0), 0, 40).predict(inputs) for y in (target, other))
    np.testing.assert_allclose(one[..., 1:], two[..., 1:], rtol=1e-9)
    assert np.isfinite(two).all()
