"""Load forecast of sources and stations (7.2 a)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.forecast import SETS, substation
from bench.forecast_city import CityWinter, winter
from heatloop.forecast.backtest import Backtest, backtest, origins_of
from heatloop.forecast.forecaster import LoadForecaster, typical_error_k
from tests.conftest import LACKS

_DAYS, _TESTED = 26, 5


@pytest.fixture(scope="module")
def here() -> CityWinter:
    return winter("small", _DAYS)


@pytest.fixture(scope="module")
def told(here: CityWinter) -> Backtest:
    """Return forecasts issued each midnight with the weather forecast known then."""
    return backtest(
        LoadForecaster(),
        here.times_s,
        here.load_kw,
        here.weather,
        here.times_s[(_DAYS - _TESTED) * 24 :: 24],
        24,
        stopwatch=lambda: 0.0,
        ahead=here.ahead,
        outdoor_error_k=typical_error_k(24, 3600),
        boost=False,
    )


def test_7_2_a_1_each_station_within_ten_percent_and_better_than_persistence(
    told: Backtest,
) -> None:
    for station in range(told.actual.shape[2] - 1):
        scores = told.report(station)
        assert scores["model"]["mape_pct"] <= 10.0
        assert scores["model"]["mape_pct"] < scores["persistence_24h"]["mape_pct"]


def test_7_2_a_1_the_source_within_five_percent_and_better_than_persistence(
    told: Backtest,
) -> None:
    scores = told.report(told.actual.shape[2] - 1)
    assert scores["model"]["mape_pct"] <= 5.0
    assert scores["model"]["mape_pct"] < scores["persistence_24h"]["mape_pct"]
    assert scores["model"]["coverage80"] >= 0.6


@pytest.mark.parametrize("name", SETS)
def test_7_2_a_1_measured_substations_beat_persistence_by_a_quarter(
    name: str, heatloop_data: Path
) -> None:
    folder = heatloop_data / "substations_nis"
    if not folder.is_dir():
        pytest.skip(f"{LACKS}public data: substations_nis")
    times, load, weather = substation(folder, name)
    first = float(np.datetime64("2023-12-01").astype("datetime64[s]").astype("i8"))
    origins = origins_of(times, "UTC", first, 0.0, 24.0, 86400.0)[:75]
    result = backtest(
        LoadForecaster(zone="UTC", holidays=""), times, load, weather, origins, 24,
        stopwatch=lambda: 0.0, boost=False,
    )  # fmt: skip
    scores = result.report()
    assert scores["model"]["cvrmse_pct"] <= 0.75 * scores["persistence_24h"]["cvrmse_pct"]
    assert 0.74 <= scores["model"]["coverage80"] <= 0.86
