"""Learning of a made-up unit whose truth is known: identification, change, lies, registry."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from heatloop.control.learning.characteristics import learn_curve, learn_exchanger, learn_valve
from heatloop.control.learning.daily import DayErrors
from heatloop.control.learning.drift import Usual, usual_of, watch
from heatloop.control.learning.night import Action, Reason, Standing
from heatloop.control.learning.plain import plain_of, standing_of
from heatloop.control.learning.registry import Stage, roll_back
from heatloop.control.learning.sensors import judge_sensors
from heatloop.control.learning.trial import compare
from heatloop.control.learning.unit import identify_unit
from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import conductance_kw_k
from heatloop.network.valve import valve_resistance_kpa_kgs2
from heatloop.station.curve import supply_c
from tests.unit.learning_unit import (
    AREA_M2,
    BOOKED_KW,
    DAY_S,
    DESIGN,
    START_S,
    STEP_S,
    begun,
    nights,
    past,
    promotions,
    true_model,
)


@cache
def learned() -> tuple[Standing, list]:
    return nights(past(38), 3, 24)


def errors_of(mae: list[float], bias: list[float] | None = None, first: int = 100) -> DayErrors:
    day = np.arange(first, first + len(mae))
    return DayErrors(day=day, mae_k=np.array(mae), bias_k=np.array(bias or mae))


def test_two_weeks_give_the_loss_within_its_own_interval():
    found = identify_unit(past(14), design=DESIGN, design_heat_kw=BOOKED_KW, area_m2=AREA_M2)
    low, high = found.loss_interval()
    true = true_model().loss_kw_k()
    assert low < true < high
    assert found.model.loss_kw_k() == pytest.approx(true, rel=0.04)
    assert found.rmse_k < 0.3
    # The emitters follow from heat, water and rooms.
    assert found.model.design_heat_kw == pytest.approx(BOOKED_KW, rel=0.05)
    assert found.digest == past(14).digest() != past(14, seed=2).digest()


def test_without_room_sensors_the_heat_used_must_do():
    history = past(10, sensors=0)
    found = identify_unit(history, design=DESIGN, design_heat_kw=BOOKED_KW, area_m2=AREA_M2)
    assert np.isnan(found.rmse_k)
    assert found.loss_sigma > 0.2
    assert found.model.loss_kw_k() == pytest.approx(true_model().loss_kw_k(), rel=0.25)


def test_too_little_is_refused_by_name():
    with pytest.raises(InputError, match="2 days"):
        identify_unit(past(2), design=DESIGN)


def test_the_learned_champion_holds_the_truth():
    standing, found = learned()
    assert promotions(found)
    assert standing.champion.learned
    true = true_model().loss_kw_k()
    assert standing.champion.model.loss_kw_k() == pytest.approx(true, rel=0.04)


def test_a_house_that_changed_is_learned_again_within_two_weeks():
    history = past(38, changed=24)
    standing, before = nights(history, 3, 24)
    assert promotions(before)
    standing, after = nights(history, 25, 37, standing)
    days = promotions(after)
    assert days
    assert days[0] <= 38
    true = true_model(1.15).loss_kw_k()
    assert standing.champion.model.loss_kw_k() == pytest.approx(true, rel=0.05)
    assert any(night.reason is Reason.DRIFT for _, night in after)


def test_a_change_right_behind_a_promotion_is_found_as_well():
    """A champion is watched from its first day: changed days are not taken for its usual ones."""
    _, calm = learned()
    first = promotions(calm)[0]
    history = past(first + 14, changed=first + 1)
    standing, before = nights(history, 3, first)
    assert promotions(before) == [first]
    assert standing.champion.usual is not None
    standing, after = nights(history, first + 1, first + 13, standing)
    assert promotions(after)
    assert promotions(after)[0] <= first + 1 + 10
    true = true_model(1.15).loss_kw_k()
    assert standing.champion.model.loss_kw_k() == pytest.approx(true, rel=0.05)


def test_a_renewal_learns_from_no_day_before_the_champions_own_first():
    """Older days may be those of the house before a change."""
    history = past(38, changed=24)
    standing, _ = nights(history, 3, 31)
    champion = standing.champion
    assert champion.begin_s >= START_S + 24 * DAY_S
    _, found = nights(history, 32, 38, standing)
    renewed = [night.learnt for _, night in found if night.reason is Reason.RENEWAL]
    assert renewed
    assert renewed[0] is not None
    assert renewed[0].begin_s >= champion.begin_s


def test_a_challenger_whose_sensor_comes_into_doubt_is_learned_again_without_it():
    history = past(12, sensors=5)
    standing, _ = nights(history, 3, 6)
    challenger = standing.challenger
    assert challenger is not None
    assert "RC0002" in challenger.sensors
    shown = history.sensors_c.copy()
    shown[history.times_s() > START_S + 6 * DAY_S, 1] += 6.0
    bad = replace(history, sensors_c=shown)
    _, found = nights(bad, 7, 11, standing)
    again = next(night for _, night in found if night.action is Action.CHALLENGE)
    assert again.reason is Reason.SENSORS
    assert again.learnt is not None
    assert "RC0002" not in again.learnt.judged.used
    # By the same days: what it foretells since is news to it, so no day is lost.
    assert again.learnt.end_s == pytest.approx(challenger.learned_until_s, abs=STEP_S)
    judged = [night.verdict.days for _, night in found if night.verdict is not None]
    assert max(judged) == 7


LIES = {
    "constant": lambda x, day, sun: np.full(len(x), x[0]),
    "drift": lambda x, day, sun: x + np.round(0.15 * day, 1),
    "bias": lambda x, day, sun: x + 3.0,
    "sunlit": lambda x, day, sun: x + np.round(12.0 * sun, 1),
    "copied": lambda x, day, sun: x[np.arange(len(x)) % 48],
    "noisy": lambda x, day, sun: x + np.random.default_rng(9).normal(0.0, 3.0, len(x)),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("sensors", [1, 4])
def test_a_lying_sensor_is_never_promoted(lie: str, sensors: int):
    standing, _ = learned()
    history = past(38)
    shown = history.sensors_c[:, :sensors].copy()
    t = history.times_s()
    at = t >= START_S + 24 * DAY_S
    shown[at, 0] = LIES[lie](shown[at, 0], (t[at] - START_S) / DAY_S - 24.0, history.sun_kw_m2[at])
    bad = replace(history, sensors_c=shown, sensors=history.sensors[:sensors])
    after, found = nights(bad, 28, 37, standing)
    for _, night in found:
        if night.action is Action.PROMOTE:
            assert night.learnt is not None
            assert "RC0001" not in night.learnt.judged.used
    assert any("RC0001" in night.judged.rejected or night.judged.doubt for _, night in found)
    true = true_model().loss_kw_k()
    assert after.champion.model.loss_kw_k() == pytest.approx(true, rel=0.04)


def test_two_sensors_of_one_value_are_both_doubted():
    history = past(8, sensors=5)
    shown = history.sensors_c.copy()
    shown[:, 3] = shown[:, 1]
    judged = judge_sensors(history.times_s(), shown, history.sensors)
    assert set(judged.rejected) == {"RC0002", "RC0004"}
    assert judged.used == ("RC0001", "RC0003", "RC0005")


def test_few_flats_are_nearly_as_sure_as_their_mean():
    """Their level lies closer to the mean of all flats than the median of the few does."""
    rng = np.random.default_rng(8)
    t = STEP_S * np.arange(48.0 * 4)
    wave = np.sin(t / 9000.0)[:, None]
    by_pairs, by_median = [], []
    for _ in range(40):
        flats = 20.0 + rng.normal(0.0, 0.7, 9)
        judged = judge_sensors(t, flats + wave, tuple("abcdefghi"))
        if len(judged.used) == 9:
            by_pairs.append(float(np.mean(judged.room_c - wave[:, 0])) - 20.0)
            by_median.append(float(np.median(flats)) - 20.0)
    assert len(by_pairs) > 25
    assert np.std(by_pairs) < 0.9 * np.std(by_median)


def test_only_a_significant_gain_on_enough_days_wins():
    rng = np.random.default_rng(3)
    old = np.abs(rng.normal(0.5, 0.1, 12))
    better = compare(errors_of(old.tolist()), errors_of((old - 0.2).tolist()))
    assert better.better
    assert better.p_value < 0.01
    same = old + rng.normal(0.0, 0.15, 12)
    assert not compare(errors_of(old.tolist()), errors_of(same.tolist())).better
    few = compare(errors_of(old[:4].tolist()), errors_of((old[:4] - 0.2).tolist()))
    assert not few.better
    assert few.days == 4
    # Three days will do only where they are asked for, agree, and leave no doubt.
    three = errors_of([1.6, 1.5, 1.7]), errors_of([0.2, 0.1, 0.3])
    assert compare(*three, least_days=3, significance=0.005).better
    unlike = errors_of([1.6, 0.5, 1.7]), errors_of([0.2, 0.1, 1.2])
    assert not compare(*unlike, least_days=3, significance=0.005).better
    # A gain too small to matter, however sure.
    assert not compare(errors_of(old.tolist()), errors_of((0.99 * old).tolist())).better


def test_the_test_keeps_its_level():
    """Of models that are no better, about one in twenty may look so, not one in five."""
    rng = np.random.default_rng(4)
    won = 0
    for _ in range(200):
        both = np.abs(rng.normal(0.5, 0.1, 14)) + np.repeat(rng.normal(0.0, 0.05, 7), 2)
        a, b = both + rng.normal(0, 0.08, 14), both + rng.normal(0, 0.08, 14)
        won += compare(errors_of(a.tolist()), errors_of(b.tolist())).better
    assert won <= 24


def test_a_shift_is_drift_and_noise_is_not():
    rng = np.random.default_rng(5)
    calm = rng.normal(0.0, 0.1, 40)
    usual = usual_of(errors_of(calm[:10].tolist()))
    assert not watch(errors_of(calm.tolist()), usual).found
    shifted = np.concatenate([calm[:20], calm[20:26] + 0.4])
    found = watch(errors_of(shifted.tolist()), Usual(mean_k=0.0, sigma_k=0.1))
    assert found.found
    assert found.since_day is not None
    assert 118 <= found.since_day <= 121


def test_a_worse_champion_is_rolled_back_by_itself():
    standing, _ = learned()
    good = standing.champion
    worse = replace(good, number=9, model=true_model(1.3), since_s=START_S + 24 * DAY_S,
                    learned_until_s=START_S + 24 * DAY_S, usual=None)  # fmt: skip
    bad = Standing(champion=worse, former=good, tried_s=START_S + 24 * DAY_S)
    after, found = nights(past(38), 25, 31, bad)
    assert [night.action for _, night in found].count(Action.ROLL_BACK) == 1
    assert after.champion.number == good.number


def test_one_action_brings_the_former_model_back():
    standing, _ = learned()
    assert standing.former is not None
    back, changes = roll_back(standing, START_S + 30 * DAY_S)
    assert back.champion.number == standing.former.number
    stages = {change.number: change.stage for change in changes}
    assert stages[standing.champion.number] is Stage.ROLLED_BACK
    with pytest.raises(InputError, match="no former model"):
        roll_back(begun(past(4)), START_S)


def test_a_standing_survives_being_written_down():
    standing, _ = learned()
    again = standing_of(plain_of(standing))
    assert plain_of(again) == plain_of(standing)
    assert again.champion.model == standing.champion.model


def test_the_learned_curve_asks_for_what_the_model_needs():
    model = true_model()
    curve = learn_curve(model, 20.0, -20.0)
    assert curve.error_k < 0.2
    for outdoor in (-20.0, -5.0, 5.0):
        wanted = float(model.supply_c(model.steady_heat_kw(20.0, outdoor), 20.0))
        assert supply_c(curve.design, outdoor) == pytest.approx(wanted, abs=0.4)


def test_valve_and_exchanger_follow_from_operation():
    history = past(12)
    n = len(history)
    rng = np.random.default_rng(6)
    opening = 45.0 + 20.0 * np.sin(np.arange(n) / 30.0) + rng.normal(0, 1.0, n)
    dp = 120.0 + 15.0 * np.sin(np.arange(n) / 50.0)
    r = valve_resistance_kpa_kgs2(np.full(n, 40.0), opening, 50.0) + 2.0
    flow = np.sqrt(dp / r) * (1.0 + rng.normal(0.0, 0.01, n))
    ua = conductance_kw_k(np.full(n, 60.0), flow / 3.0, np.ones(n))
    # Temperatures that carry the heat through this conductance: equal differences at both ends.
    apart = history.heat_kw / ua
    told = replace(
        history, valve_pct=opening, primary_kpa=dp, primary_kgs=flow,
        primary_supply_c=history.supply_c + apart, primary_return_c=history.return_c + apart,
    )  # fmt: skip
    valve = learn_valve(told)
    assert valve is not None
    assert valve.error_pct < 2.0
    assert valve.kvs_m3h == pytest.approx(40.0, rel=0.15)
    exchanger = learn_exchanger(told)
    assert exchanger is not None
    known = conductance_kw_k(np.full(1, 60.0), np.array([exchanger.primary_kgs / 3.0]), np.ones(1))
    assert exchanger.ua_kw_k == pytest.approx(float(known[0]), rel=0.05)
    assert learn_valve(history) is None
    assert learn_exchanger(history) is None
