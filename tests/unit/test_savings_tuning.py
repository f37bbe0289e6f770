"""Tuning the curves savings are measured against: trial, limits, lineage, gain of a day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatloop.app import savings_baselines as room
from heatloop.app import savings_gains
from heatloop.app.fleet import Outcome
from heatloop.app.learning_history import UnitPoints
from heatloop.app.savings_days import date_of
from heatloop.app.savings_trials import trial_weather
from heatloop.control.baseline_check import check_unit
from heatloop.control.curve_trial import TrialUnit, TrialWeather
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.night import Held, Standing
from heatloop.control.learning.unit_rooms import coarser
from heatloop.control.tuned_baseline import gain_of_day, tune_units
from heatloop.control.tuned_curve import AS_DELIVERED, HIGH, LOW
from heatloop.control.tuned_result import Baseline, Refusal, TrialPrices
from heatloop.control.unit_model import UnitModel
from heatloop.security.access import Role
from tests.unit.app_town import START_S, Town, town
from tests.unit.learning_unit import AREA_M2, DAY_S, DESIGN, past, true_model

API, UNIT = "/api/v1/savings", "UN0001"
PRICES = TrialPrices(heat_yuan_kwh=0.144, power_yuan_kwh=0.70, cold_yuan_m2kh=0.00625)
POINTS = UnitPoints(unit="", keys={}, sensors=())
PAST = coarser(past(46), 3600.0)


def weather(days: int = 24) -> TrialWeather:
    n = 24 * days
    found = trial_weather(PAST.outdoor_c[:n], PAST.sun_kw_m2[:n])
    assert found is not None
    return found


def unit(model: UnitModel | None = None, **other: Any) -> TrialUnit:
    made = TrialUnit(
        model=model or true_model(),
        design=DESIGN,
        target_c=20.0,
        supply_low_c=25.0,
        supply_high_c=85.0,
        area_m2=AREA_M2,
        spread_k=0.8,
        pump_kwh_d=0.0,
        feels_rooms=False,
    )
    return replace(made, **other)


def test_a_curve_far_too_warm_is_tuned_and_saves_on_days_it_was_not_tuned_on() -> None:
    metered = unit(pump_kwh_d=150.0)
    found, pumped = tune_units([unit(), metered], weather(), PRICES, rounds=10)
    assert found.baseline is Baseline.TUNED
    assert found.tuned_yuan_d < 0.95 * found.standing_yuan_d
    assert found.standing_room_c > 22.0
    assert 19.6 < found.tuned_room_c < 20.6
    assert found.at_limit == 0.0
    assert (found.days, found.held_days, found.evaluations) == (13, 7, 120)
    assert np.all((np.array(found.settings) >= LOW) & (np.array(found.settings) <= HIGH))
    # Where nobody meters the pumps their flow is left alone.
    assert found.settings[6] == 1.0
    assert pumped.settings[6] < 0.9


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"supply_high_c": 50.0}, Refusal.AT_LIMIT),
        ({"model": true_model(3.0)}, Refusal.AT_LIMIT),
        ({"supply_low_c": 70.0}, Refusal.ROOMS_WARM),
        ({"target_c": 12.0, "feels_rooms": False}, Refusal.ROOMS_WARM),
    ],
)
def test_an_absurd_curve_is_refused_with_its_reason(other: dict[str, Any], reason: Refusal) -> None:
    (found,) = tune_units([unit(**other)], weather(), PRICES, rounds=6)
    assert found.baseline is Baseline.REFUSED
    assert found.reason is reason


def test_a_curve_in_force_stays_until_it_is_clearly_beaten() -> None:
    first, _ = tune_units([unit(), unit()], weather(), PRICES, rounds=8)
    known = np.array([first.settings, AS_DELIVERED.tolist()])
    known[1, 1] = 4.0
    kept, moved = tune_units([unit(), unit()], weather(), PRICES, rounds=8, seed=9, incumbent=known)
    assert kept.settings == pytest.approx(first.settings)
    assert moved.settings != pytest.approx(known[1])
    assert moved.tuned_yuan_d < 0.95 * moved.standing_yuan_d


def test_the_gain_of_a_day_is_what_both_curves_cost_apart() -> None:
    found = tune_units([unit()], weather(), PRICES, rounds=8)[0]
    settings = np.array([found.settings, found.settings])
    gain = gain_of_day([unit(), unit()], settings, weather(6), PRICES, np.array([0.0, 0.5]))
    # Rooms are a little colder on it, which is charged.
    heat_yuan = PRICES.heat_yuan_kwh * gain.kwh[0]
    assert 0.9 * heat_yuan < gain.yuan[0] < heat_yuan
    assert 0.03 * found.standing_yuan_d < gain.yuan[0] < 0.35 * found.standing_yuan_d
    assert gain.sigma_yuan[1] > 1.5 * gain.sigma_yuan[0] > 0.3 * gain.yuan[0]


def test_a_model_that_misses_the_measured_heat_is_not_believed() -> None:
    right = check_unit(PAST, true_model(), PAST.sensors)
    assert not right.heat_off
    assert not right.emitters_off
    assert 0.3 <= right.spread_k <= 1.2
    assert check_unit(PAST, true_model(1.4), ()).heat_off
    weak = replace(true_model(), design_heat_kw=0.6 * true_model().design_heat_kw)
    assert check_unit(PAST, weak, ()).emitters_off
    unknown = replace(PAST, sensors_c=np.full_like(PAST.sensors_c, np.nan))
    assert check_unit(unknown, true_model(), ()).heat_off


def test_weather_with_gaps_is_bridged_and_with_holes_refused() -> None:
    outdoor = PAST.outdoor_c[: 24 * 8].copy()
    outdoor[: 24 * 2] = np.nan
    outdoor[100:104] = np.nan
    found = trial_weather(outdoor, np.full(len(outdoor), np.nan))
    assert found is not None
    assert int(found.day[-1]) == 5
    assert np.isfinite(found.outdoor_c).all()
    assert not found.sun_kw_m2.any()
    assert found.hour[0] == pytest.approx(0.25)
    outdoor[60:120] = np.nan
    assert trial_weather(outdoor, outdoor) is None


class Inline:
    """Works in this process."""

    async def map(self, function: Any, items: Any, **_: Any) -> Any:
        return Outcome(answers=[function(item) for item in items], failures=[])


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async def histories(_: Any, points: Any, start_s: int, end_s: int, offset: float) -> list:
        n = round((end_s - start_s) / 3600.0)
        whole: UnitHistory = replace(PAST, start_s=float(end_s - len(PAST) * 3600))
        part = whole.part(end_s - n * 3600, end_s)
        return [replace(part, unit=each.unit) for each in points]

    async def idle(*_: Any) -> None:
        """Weeks come when a test calls them."""

    monkeypatch.setattr(room, "histories_of", histories)
    monkeypatch.setattr(savings_gains, "histories_of", histories)
    monkeypatch.setattr(room.Baselines, "run", idle)
    monkeypatch.setattr(room, "HISTORY_DAYS", 24)
    async with town(tmp_path) as made:
        made.platform.savings.baselines._fleet = Inline()  # type: ignore[assignment]
        yield made


def learned(here: Town, model: UnitModel, number: int) -> None:
    held = Held(number=number, model=model, learned_until_s=START_S, since_s=START_S)
    here.platform.models._standings[UNIT] = Standing(champion=held)


def like_the_town(here: Town, model: UnitModel) -> UnitModel:
    """The model as the unit's own curve design needs it: one house, another book."""
    asset = here.platform.world.ledger.assets[UNIT]
    asset.attributes["design_outdoor_c"] = DESIGN.outdoor_c
    return model


async def test_a_curve_is_tuned_kept_with_its_lineage_and_shown(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines, days = here.platform.savings.baselines, here.platform.savings.days
    today = days.of(here.clock.now_s())
    async with here.client("wang", Role.DISPATCHER) as wang:
        # Nothing was learnt yet: that is said, and no entry is made of it.
        before = (await wang.post(f"{API}/units/{UNIT}/tune")).json()
        assert (before["figure"]["baseline"], before["figure"]["reason"]) == ("refused", "no_model")
        assert before["curves"] == []
        learned(here, like_the_town(here, true_model()), 7)
        unit = (await wang.post(f"{API}/units/{UNIT}/tune")).json()
        (curve,) = unit["curves"]
        assert curve["baseline"] == unit["figure"]["baseline"] == "tuned", curve
        assert curve["model_version"] == 7
        assert curve["figures"]["evaluations"] >= 200
        assert curve["check"]["heat_ratio"] == pytest.approx(1.0, abs=0.1)
        assert len(curve["digest"]) == 64
        assert (curve["from_day"], curve["seen_until"]) == (
            str(date_of(today)), str(date_of(today - 1)),
        )  # fmt: skip
        # A day before it was made is judged by nothing, the day of its making is.
        assert await here.platform.savings._gains.of_day(today - 1, [UNIT]) == []
        (gain,) = await here.platform.savings._gains.of_day(today, [UNIT])
        assert gain["baseline"] == 1
        assert gain["sigma_yuan"] > 0.0
        # The same again is no news; a model that misses the meters is.
        await wang.post(f"{API}/units/{UNIT}/tune")
        assert baselines.newest[UNIT].version == 1
        learned(here, true_model(1.5), 8)
        unit = (await wang.post(f"{API}/units/{UNIT}/tune")).json()
        assert [each["reason"] for each in unit["curves"]] == ["model_off", ""]
        assert await here.platform.savings._gains.of_day(today, [UNIT]) == []
        entries = (await wang.get(f"{API}/entries")).json()
        assert [each["kind"] for each in entries["items"]] == ["baselines", "baselines"]
        check = (await wang.post(f"{API}/verify")).json()
        assert check["whole"], check
        assert (await wang.post(f"{API}/units/XX0001/tune")).status_code == 404


async def test_a_unit_regulated_by_quantity_and_mild_weather_are_not_tuned(
    here: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines, units = here.platform.savings.baselines, here.platform.savings.baselines._units
    learned(here, like_the_town(here, true_model()), 7)
    mild = replace(PAST, outdoor_c=PAST.outdoor_c + 25.0)
    points = [replace(POINTS, unit=UNIT)]

    async def histories(*_: Any) -> list[UnitHistory]:
        return [mild.part(mild.start_s, mild.start_s + 42 * DAY_S)]

    monkeypatch.setattr(room, "histories_of", histories)
    monkeypatch.setattr(units, "candidate", believed(units.candidate))
    await baselines.tune(points, here.clock.now_s())
    assert baselines.waiting[UNIT] == "few_days"
    monkeypatch.setattr(units, "_settings", replace(units._settings, quantity_units=(UNIT,)))
    await baselines.tune(points, here.clock.now_s())
    assert baselines.newest[UNIT].reason == "regulation"


def believed(candidate: Any) -> Any:
    """Candidates whose model is taken to give back what was measured."""

    def made(history: UnitHistory, pump_kwh_d: float) -> Any:
        found = candidate(history, pump_kwh_d)
        off = found.refusal in (Refusal.MODEL_OFF, Refusal.EMITTERS_OFF)
        return replace(found, refusal=Refusal.NONE) if off else found

    return made
