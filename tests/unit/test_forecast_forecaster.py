"""The forecaster as a whole, on made-up loads."""

import pickle

import numpy as np
import pytest

from heatloop.forecast.backtest import backtest, origins_of
from heatloop.forecast.bands import Bands, Floats
from heatloop.forecast.fleet import FleetBatch, refit_and_forecast, train_boosted
from heatloop.forecast.forecaster import LoadForecaster, typical_error_k
from heatloop.kernel.errors import InputError
from tests.unit.forecast_towns import START_S, heat, hours, outdoor

DAYS = 60
NOW_S = START_S + DAYS * 86400.0


def town(seed: int = 2) -> tuple[Floats, Floats, dict[str, Floats]]:
    times = hours(DAYS + 3)
    sky = outdoor(times)
    return times, heat(times, sky, seed), {"outdoor_c": sky}


def forecaster() -> LoadForecaster:
    return LoadForecaster(zone="UTC", holidays="")


def error_pct(bands: Bands, actual: Floats) -> float:
    return float(100.0 * np.mean(np.abs(bands.middle - actual)) / np.mean(actual))


def test_rolling_origin_beats_persistence_and_covers_what_it_says() -> None:
    times, load, weather = town()
    origins = origins_of(times, "UTC", START_S + 40 * 86400.0, 0.0, 24.0, 86400.0)
    ticks = iter(range(1000))
    result = backtest(
        forecaster(), times, load[:, None], weather, origins, 24,
        stopwatch=lambda: float(next(ticks)), boost=False,
    )  # fmt: skip
    told = result.report()
    assert told["model"]["cvrmse_pct"] < 0.5 * told["persistence_24h"]["cvrmse_pct"]
    assert told["model"]["mape_pct"] < 6.0
    assert 0.7 < told["model"]["coverage80"] < 0.9
    assert result.training_s == len(origins)
    assert np.all(result.low <= result.middle)
    assert np.all(result.middle <= result.high)


def test_trees_are_trained_kept_and_restored() -> None:
    times, load, weather = town()
    made = forecaster().fit(times, load, weather, start_s=NOW_S, steps=24)
    assert len(made.trees) == 2  # one of today, one of three weeks ago to judge by
    again = LoadForecaster.from_state(pickle.loads(pickle.dumps(made.state())))
    one = made.predict(times, load, weather, start_s=NOW_S, steps=24)
    two = again.predict(times, load, weather, start_s=NOW_S, steps=24)
    np.testing.assert_allclose(one.middle, two.middle, rtol=1e-6)
    assert error_pct(one, load[times >= NOW_S][:24]) < 6.0
    made.fit(times, load, weather, start_s=NOW_S, steps=24)
    assert len(made.trees) == 2  # not due before a week is over


def test_many_series_come_out_as_each_alone() -> None:
    times, load, weather = town()
    both = np.column_stack([load, town(5)[1] * 3.0])
    together = forecaster().predict(times, both, weather, start_s=NOW_S, steps=24)
    alone = forecaster().predict(times, both[:, 1], weather, start_s=NOW_S, steps=24)
    np.testing.assert_allclose(together.of(1).middle, alone.middle, rtol=1e-9)
    message = alone.message("station 1", NOW_S)
    assert message.start == NOW_S
    assert len(message.low) == 24


def test_fleet_serves_old_young_and_dead_series() -> None:
    times, load, weather = town()
    young, dead = load.copy(), np.full(len(load), np.nan)
    young[times < NOW_S - 6 * 86400.0] = np.nan
    walk = 100.0 + np.repeat(np.cumsum(np.random.default_rng(3).normal(0, 9, DAYS + 3)), 24)
    batch = FleetBatch(
        subjects=("old", "young", "dead", "walk"),
        start_s=NOW_S,
        times_s=times,
        load=np.column_stack([load, young, dead, walk]),
        weather=weather,
        steps=24,
        zone="UTC",
        holidays="",
    )
    issued = {each.subject: each for each in refit_and_forecast(pickle.loads(pickle.dumps(batch)))}
    actual = load[times >= NOW_S][:24]
    assert issued["old"].method == "blend"
    assert error_pct(issued["old"].bands, actual) < 6.0
    assert issued["old"].baseline["balance_c"] == pytest.approx(18.0, abs=2.0)
    assert issued["old"].baseline["w_k"] == pytest.approx(8000.0, rel=0.15)
    assert issued["old"].skill["mae"] < 0.5 * issued["old"].skill["persistence_mae"]
    assert error_pct(issued["young"].bands, actual) < 20.0
    assert issued["dead"].method == "none"
    assert np.isnan(issued["dead"].bands.middle).all()
    assert np.isfinite(issued["walk"].bands.middle).all()


def test_training_of_the_fleet_keeps_plain_values() -> None:
    times, load, weather = town()
    batch = FleetBatch(
        subjects=("a",), start_s=START_S + 20 * 86400.0, times_s=times, load=load[:, None],
        weather=weather, steps=24, zone="UTC", holidays="",
    )  # fmt: skip
    assert train_boosted(batch)["trees"] == []  # twenty days are too few


def test_a_stuck_meter_and_a_spike_teach_nothing() -> None:
    times, load, weather = town()
    clean = forecaster().predict(times, load, weather, start_s=NOW_S, steps=24)
    spoilt = load.copy()
    spoilt[30 * 24 : 31 * 24] = 7.7
    spoilt[40 * 24] = 1e6
    spoilt[41 * 24] = -50.0
    dirty = forecaster().predict(times, spoilt, weather, start_s=NOW_S, steps=24)
    assert np.max(np.abs(dirty.middle / clean.middle - 1.0)) < 0.03


def test_an_uncertain_sky_widens_the_band() -> None:
    times, load, weather = town()
    sure = forecaster().predict(times, load, weather, start_s=NOW_S, steps=24)
    unsure = forecaster().predict(
        times, load, weather, start_s=NOW_S, steps=24, outdoor_error_k=typical_error_k(24, 3600)
    )
    np.testing.assert_array_equal(sure.middle, unsure.middle)
    assert np.mean(unsure.high - unsure.low) > 1.3 * np.mean(sure.high - sure.low)


def test_an_uncertain_sky_matters_only_where_heat_follows_it() -> None:
    times, _, weather = town()
    # From the last day on it is so warm that nothing is heated, colder by two kelvin or not.
    sky = np.where(times < NOW_S - 86400.0, weather["outdoor_c"], 26.0)
    load = heat(times, sky)
    error = np.full(24, 2.0)
    spans = []
    for told in (weather["outdoor_c"], sky):
        made = forecaster().predict(
            times, heat(times, told), {"outdoor_c": told}, start_s=NOW_S, steps=24,
            outdoor_error_k=error,
        )  # fmt: skip
        spans.append(float(np.mean(made.high - made.low)))
    assert load[times >= NOW_S].max() == 0.0
    # 8 kW/K, two kelvin, 1.28 standard errors to either side.
    assert spans[0] > 0.8 * 2.0 * 1.28 * 16.0
    assert spans[1] < 0.6 * spans[0]


def test_room_temperature_below_zero_is_no_fault_of_the_forecaster() -> None:
    times, _, weather = town()
    room = -2.0 + 0.1 * weather["outdoor_c"] + 0.05 * np.random.default_rng(1).normal(
        size=len(times)
    )  # fmt: skip
    made = LoadForecaster(zone="UTC", holidays="", floor=None)
    bands = made.predict(times, room, weather, start_s=NOW_S, steps=24)
    assert np.max(np.abs(bands.middle - room[times >= NOW_S][:24])) < 0.3


def test_weather_that_ends_with_the_past_is_held() -> None:
    times, load, weather = town()
    past = times < NOW_S
    short = {name: values[past] for name, values in weather.items()}
    bands = forecaster().predict(times[past], load[past], short, start_s=NOW_S, steps=72)
    assert np.isfinite(bands.middle).all()
    assert bands.middle.shape == (72,)


def test_wrong_columns_are_named() -> None:
    times, load, weather = town()
    with pytest.raises(InputError, match="differ in length"):
        forecaster().predict(times, load, {"outdoor_c": times[:5]}, start_s=NOW_S, steps=24)
    with pytest.raises(InputError, match="nothing is known"):
        forecaster().predict(times, load, weather, start_s=START_S, steps=24)
    with pytest.raises(InputError, match="divide a day"):
        LoadForecaster(step_s=7000)
