"""Nothing of the time after its issue can change a forecast."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heatloop.forecast.backtest import backtest
from heatloop.forecast.forecaster import LoadForecaster
from tests.unit.forecast_towns import START_S, heat, hours, outdoor

DAYS, STEPS = 45, 30
TIMES = hours(DAYS + 4)
SKY = outdoor(TIMES)
LOAD = heat(TIMES, SKY)
TRAINED = LoadForecaster(zone="UTC", holidays="").fit(
    TIMES, LOAD, {"outdoor_c": SKY}, start_s=START_S + (DAYS - 2) * 86400.0, steps=STEPS
)


def fresh() -> LoadForecaster:
    made = LoadForecaster(zone="UTC", holidays="")
    made.trees = TRAINED.trees
    return made


@settings(max_examples=8)
@given(
    issue_h=st.integers(DAYS * 24, DAYS * 24 + 23),
    change=st.floats(-1e4, 1e4),
    after=st.integers(0, 60),
)
def test_load_after_the_issue_changes_nothing(issue_h: int, change: float, after: int) -> None:
    start = START_S + issue_h * 3600.0
    other = LOAD.copy()
    other[issue_h + min(after, len(other) - issue_h - 1) :] += change
    told, same = (
        fresh().predict(TIMES, load, {"outdoor_c": SKY}, start_s=start, steps=STEPS)
        for load in (LOAD, other)
    )
    for name in ("low", "middle", "high"):
        np.testing.assert_array_equal(getattr(told, name), getattr(same, name))
    seen = LOAD.copy()
    seen[issue_h - 1] *= 2.0
    moved = fresh().predict(TIMES, seen, {"outdoor_c": SKY}, start_s=start, steps=STEPS)
    assert np.any(moved.middle != told.middle)  # while what lies before it does count


@settings(max_examples=4)
@given(change=st.floats(1.0, 20.0))
def test_a_back_test_sees_only_the_weather_told(change: float) -> None:
    origins = START_S + np.array([DAYS, DAYS + 1]) * 86400.0
    held = {
        origin: np.where(origin > TIMES, SKY, SKY[origin > TIMES][-1])
        for origin in origins.tolist()
    }
    later = np.where(origins[-1] <= TIMES, SKY + change, SKY)
    results = []
    for load in (LOAD, np.where(origins[-1] <= TIMES, LOAD * 3.0, LOAD)):
        result = backtest(
            fresh(), TIMES, load[:, None], {"outdoor_c": later}, origins, STEPS,
            stopwatch=lambda: 0.0, ahead=lambda s: {"outdoor_c": held[s]}, boost=False,
        )  # fmt: skip
        results.append(result.middle)
    np.testing.assert_array_equal(results[0], results[1])
