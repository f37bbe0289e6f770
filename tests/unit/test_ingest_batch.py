"""Batch rules one by one, on small series of their own."""

import numpy as np
import pytest

from heatloop.ingest.batch.clocks import completeness, find_gaps, find_shifts, order_of
from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.model import Rule, Severity, Table
from heatloop.ingest.batch.neighbours import against_estimate
from heatloop.ingest.batch.profiles import headings_of, kind_of, profile_names, series_of
from heatloop.ingest.batch.texts import NAMES, explain
from heatloop.ingest.batch.working import epochs
from heatloop.ingest.flag_book import FlagBook
from heatloop.ingest.reasons import Flag
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality

T0 = 1_760_000_400.0
HOUR = 3600.0


def station(n=700, seed=1, **changes):
    """A calm station, hourly: columns by kind; `changes` puts other values in."""
    rng = np.random.default_rng(seed)
    hours = np.arange(n)
    outdoor = -2 + 5 * np.sin((hours - 9) * 2 * np.pi / 24) + np.cumsum(rng.normal(0, 0.2, n))
    power = 900 - 18 * outdoor + rng.normal(0, 6, n)
    values = {
        "outdoor_temperature": np.round(outdoor + rng.normal(0, 0.1, n), 1),
        "primary_supply_temperature": np.round(88 - outdoor + rng.normal(0, 0.4, n), 1),
        "primary_return_temperature": np.round(43 - 0.1 * outdoor + rng.normal(0, 0.2, n), 1),
        "secondary_supply_temperature": np.round(47 - 0.5 * outdoor + rng.normal(0, 0.2, n), 1),
        "secondary_return_temperature": np.round(39 - 0.2 * outdoor + rng.normal(0, 0.2, n), 1),
        "primary_heat_power": np.round(power, 1),
        "primary_heat_total": np.floor(5e5 + np.cumsum(power)),
    }
    return values | changes


def table(values, place="A", times=None):
    n = len(next(iter(values.values())))
    times = T0 + HOUR * np.arange(n) if times is None else times
    series = tuple(series_of(kind, kind, np.asarray(v, float)) for kind, v in values.items())
    return Table(times_s=times, series=series, place=place)


def rules_of(verdict, kind):
    return verdict.rules[:, [s.kind for s in verdict.table.series].index(kind)]


SUPPLY, BACK = "secondary_supply_temperature", "secondary_return_temperature"
POWER, TOTAL = "primary_heat_power", "primary_heat_total"


def test_a_calm_station_is_left_alone():
    verdict = judge(table(station()))
    assert (verdict.rules != Rule.NONE).sum() == 0
    assert verdict.findings == []


def spoilt(kind, at, new, **more):
    values = station()
    values[kind] = values[kind].astype(float).copy()
    values[kind][at] = new
    return judge(table(values | more))


@pytest.mark.parametrize(
    "kind, at, new, rule",
    [
        (SUPPLY, slice(300, 302), 327.67, Rule.RANGE),
        (SUPPLY, slice(300, 301), 0.0, Rule.DEAD),
        (SUPPLY, slice(300, 301), 58.0, Rule.SPIKE),
        (SUPPLY, slice(300, 302), 39.0, Rule.SPIKE),
        (SUPPLY, slice(300, 340), 47.3, Rule.FROZEN),
        ("primary_supply_temperature", slice(300, 310), np.arange(8.5, 9.5, 0.1), Rule.UNIT),
        (TOTAL, slice(300, 303), 100.0, Rule.COUNTER),
        (TOTAL, slice(300, 320), 0.0, Rule.COUNTER),
        (TOTAL, slice(300, 301), 9e6, Rule.COUNTER),
        (POWER, slice(300, 315), 380.0, Rule.FROZEN),
    ],
)
def test_each_error_is_named_and_the_rest_left_alone(kind, at, new, rule):
    verdict = spoilt(kind, at, new)
    mine = rules_of(verdict, kind)
    assert (mine[at] == rule).sum() >= len(range(at.start, at.stop)) - 1
    others = verdict.rules.copy()
    others[at, [s.kind for s in verdict.table.series].index(kind)] = 0
    assert (others != Rule.NONE).sum() <= 1
    found = [each for each in verdict.findings if each.rule is rule]
    assert found
    assert found[0].zh
    assert found[0].en
    assert found[0].zh != found[0].en


def test_power_that_its_counter_contradicts():
    values = station()
    values[POWER][300:320] = np.round(values[POWER][300:320] * 0.4, 1)
    mine = rules_of(judge(table(values)), POWER)
    assert np.isin(mine[300:320], (Rule.BALANCE, Rule.LEVEL)).mean() > 0.9
    assert (mine[:295] == 0).all()


def test_heat_that_its_flow_does_not_carry():
    values = station()
    drop = values["primary_supply_temperature"] - values["primary_return_temperature"]
    values["primary_flow"] = np.round(values[POWER] / (1.143 * drop), 2)
    values[POWER] = values[POWER].copy()
    values[POWER][300:330] *= 1.6
    mine = rules_of(judge(table(values)), POWER)
    assert np.isin(mine[300:330], (Rule.BALANCE, Rule.LEVEL)).mean() > 0.9


def test_supply_and_return_the_wrong_way_round_while_heat_flows():
    values = station()
    values[SUPPLY][300:312], values[BACK][300:312] = (
        values[BACK][300:312].copy(),
        values[SUPPLY][300:312].copy(),
    )
    verdict = judge(table(values))
    assert (rules_of(verdict, SUPPLY)[300:312] == Rule.ORDER).all()
    assert (rules_of(verdict, BACK)[300:312] == Rule.ORDER).all()


def test_a_row_of_zeros_is_a_dead_link_in_every_column():
    values = {kind: v.astype(float).copy() for kind, v in station().items()}
    for v in values.values():
        v[[200, 400]] = 0.0
    verdict = judge(table(values))
    assert (verdict.rules[[200, 400]] == Rule.DROP_OUT).all()
    assert (verdict.quality()[200] == Quality.BAD).all()


def test_a_row_repeated_is_a_link_that_holds_its_last_words():
    values = {kind: v.astype(float).copy() for kind, v in station().items()}
    for v in values.values():
        v[301:305] = v[300]
    verdict = judge(table(values))
    assert (verdict.rules[301:305] == Rule.FROZEN).all()
    assert (verdict.rules[:301] == 0).all()


def test_a_meter_that_went_mute_alone():
    values = station()
    for kind in (POWER, TOTAL):
        values[kind][301:308] = values[kind][300]
    verdict = judge(table(values))
    assert (rules_of(verdict, TOTAL)[301:308] == Rule.STUCK).all()
    assert (rules_of(verdict, POWER)[301:308] == Rule.FROZEN).all()


def test_a_counter_at_a_stand_while_heat_flows():
    values = station()
    lost = values[TOTAL][330] - values[TOTAL][299]
    values[TOTAL][300:330] = values[TOTAL][299]
    values[TOTAL][330:] -= lost
    verdict = judge(table(values))
    assert (rules_of(verdict, TOTAL)[301:330] == Rule.STUCK).all()
    stuck = [each for each in verdict.findings if each.rule is Rule.STUCK]
    assert stuck[0].severity is Severity.HIGH
    assert stuck[0].expected == pytest.approx(values[TOTAL][299] + lost, rel=0.01)


def test_a_new_meter_and_a_roll_over_are_no_errors():
    values = station()
    values[TOTAL][400:] -= values[TOTAL][400] - 3
    verdict = judge(table(values))
    mine = rules_of(verdict, TOTAL)
    assert mine[400] == Rule.COUNTER_RESET
    assert (np.delete(mine, 400) == 0).all()
    values = station()
    values[TOTAL] = np.mod(values[TOTAL] + 1e6 - values[TOTAL][350] - 100, 1e6)
    mine = rules_of(judge(table(values)), TOTAL)
    assert Rule.ROLL_OVER in mine
    assert Rule.COUNTER not in mine
    assert (verdict.quality()[400] == Quality.GOOD).all()


def test_what_the_plant_does_every_day_is_no_error():
    """A stop of one hour each night moves everything at once, at the same hour."""
    values = station()
    for at in range(30, 690, 24):
        values[SUPPLY][at] -= 9
        values["primary_supply_temperature"][at] -= 20
        values[POWER][at] = 0.0
    verdict = judge(table(values))
    assert (verdict.rules != 0).sum() <= 3


@pytest.mark.parametrize(
    "kind, factor, unit",
    [("secondary_supply_pressure", 1e-3, "MPa"), (TOTAL, 1e-3, "MWh"), (SUPPLY, 10.0, "x10")],
)
def test_a_whole_series_in_another_unit(kind, factor, unit):
    values = station()
    rng = np.random.default_rng(1)
    values["secondary_supply_pressure"] = 450 + rng.normal(0, 3, 700)
    values[kind] = values[kind] * factor
    if kind == SUPPLY:  # out of range everywhere: only the middle can tell
        values[kind] = np.minimum(values[kind], 5000.0)
    found = [f for f in judge(table(values)).findings if f.rule is Rule.UNIT and f.samples > 600]
    assert [each.point for each in found] == [kind]
    assert unit in found[0].en


def test_three_places_judge_the_weather_of_each_other():
    towns = {place: table(station(seed=1), place) for place in "ABC"}
    sun = station(seed=1)
    shine = np.array([3.0, 7.0, 11.0, 13.0, 11.0, 7.0, 3.0])
    for noon in range(200, 500, 24):
        sun["outdoor_temperature"][noon : noon + 7] += shine
    verdict = judge(table(sun, "A"), [towns["B"], towns["C"]])
    mine = rules_of(verdict, "outdoor_temperature")
    noons = (np.arange(200, 500, 24)[:, None] + [1, 2, 3, 4, 5]).ravel()
    assert (mine[noons] == Rule.NEIGHBOUR).mean() > 0.9
    assert (rules_of(judge(table(sun, "A")), "outdoor_temperature")[noons] != 0).mean() < 0.2
    alone = rules_of(judge(towns["B"], [towns["C"]]), "outdoor_temperature")
    assert (alone == 0).all()


@pytest.mark.parametrize("late_h", [1, 3, -2])
def test_a_clock_that_is_off_is_told_by_the_others(late_h):
    others = [table(station(seed=1), place) for place in "BC"]
    values = {kind: v.copy() for kind, v in station(seed=1).items()}
    part = slice(150, 500)
    for kind, v in values.items():
        v[part] = station(seed=1)[kind][np.arange(150, 500) - late_h]
    found = find_shifts(table(values), others)
    assert len(found) == 1
    assert found[0].value == pytest.approx(late_h * HOUR, abs=1)
    assert abs(found[0].start_s - (T0 + 150 * HOUR)) < 3 * 86400
    assert find_shifts(table(station(seed=1)), others) == []


def test_times_twice_backwards_and_unreadable():
    times = T0 + np.array([0.0, 10, 10, 30, 20, np.nan, 40])
    order, found = order_of(times)
    assert order.tolist() == [0, 2, 4, 3, 6]
    assert {each.rule for each in found} == {Rule.CLOCK}
    assert len(found) == 2
    assert order_of(T0 + np.arange(5.0))[1] == []


def test_gaps_and_completeness():
    times = np.delete(T0 + HOUR * np.arange(400), range(100, 110))
    values = {kind: np.delete(v[:400], range(100, 110)) for kind, v in station().items()}
    made = table(values, times=times)
    gaps = find_gaps(made)
    assert [(each.samples, each.rule) for each in gaps] == [(10, Rule.MISSING)]
    expected, stored = completeness(made)
    assert expected == 400
    assert set(stored) == {390}


def test_a_logger_set_to_another_period_makes_two_epochs():
    times = np.r_[np.arange(500) * 3600.0, 500 * 3600.0 + np.arange(600) * 900.0]
    found = epochs(times)
    assert [round(period) for _, period in found] == [3600, 900]
    assert abs(found[0][0].stop - 500) <= 26
    long = epochs(np.arange(120_000.0))
    assert [(part.start, part.stop) for part, _ in long] == [
        (0, 40000),
        (40000, 80000),
        (80000, 120000),
    ]


def test_the_twin_is_believed_after_five_samples():
    times = T0 + 600.0 * np.arange(60)
    estimate = np.full(60, 88.0)
    measured = estimate + 0.5
    measured[20:24] += 12.0  # four: not yet
    measured[40:48] += 12.0
    made = series_of("p", "primary_supply_temperature", measured)
    found = against_estimate("SS1", made, times, estimate, np.full(60, 0.7))
    assert [(each.samples, each.rule) for each in found] == [(8, Rule.TWIN)]
    assert against_estimate("SS1", made, times, estimate, np.full(60, 5.0)) == []


def test_profiles_know_headings_and_units():
    assert kind_of("substation", "二次供温(℃)") == ("secondary_supply_temperature", "degC")
    assert kind_of("substation", "SS1.t_sup_sec") == ("secondary_supply_temperature", "degC")
    assert kind_of("substation", "一次供压 [MPa]") == ("primary_supply_pressure", "MPa")
    assert kind_of("substation", "nothing") is None
    assert headings_of("substation", ["t_sup_sec", "二次供温"]) == {
        "t_sup_sec": ("secondary_supply_temperature", "degC")
    }
    made = series_of("p", "primary_supply_pressure", np.array([0.6]), "MPa")
    assert made.values.tolist() == [600.0]
    with pytest.raises(InputError, match="unknown profile"):
        kind_of("castle", "t")
    for profile in profile_names():
        assert kind_of(profile, "outdoor_temperature")


def test_every_rule_has_names_and_can_explain_itself():
    for rule in Rule:
        if rule is not Rule.NONE:
            zh, en = explain(rule, 1.0, None, "degC")
            assert NAMES[rule]
            assert "{" not in zh + en


def test_nothing_and_next_to_nothing():
    assert judge(Table(times_s=np.empty(0), series=())).findings == []
    one = table({kind: v[:1] for kind, v in station().items()})
    assert (judge(one).rules == 0).all()
    few = table({kind: v[:30] for kind, v in station().items()})
    assert (judge(few).rules == 0).all()
    holes = {kind: np.where(np.arange(700) % 7 == 3, np.nan, v) for kind, v in station().items()}
    verdict = judge(table(holes))
    assert (verdict.rules != 0).sum() <= 2
    assert (verdict.quality()[3] == Quality.STALE).all()


def test_flags_become_spans():
    book = FlagBook()
    keys, slots = np.array([1, 2, 1], "u4"), np.array([30, 30, 60], "u4")
    book.add(keys, slots, np.array([5.0, 6.0, 7.0]), np.array([3, 0, 3], "u1"))
    book.add(keys[:1], np.array([90], "u4"), np.array([9.0]), np.array([1], "u1"))
    spans = sorted(book.drain())
    assert spans == [(1, Flag.RANGE, 90, 90, 1, 9.0), (1, Flag.SPIKE, 30, 60, 2, 7.0)]
    assert book.drain() == []


def test_a_series_that_never_moves_is_judged_without_dividing_by_nothing():
    # Two series that stand at zero: what is usual of them is nothing at all.
    nothing = np.zeros(700)
    still = station(**{POWER: nothing, TOTAL: nothing, SUPPLY: nothing, BACK: nothing})
    with np.errstate(all="raise"):
        verdict = judge(table(still))
    assert not (rules_of(verdict, POWER) == Rule.SPIKE).any()
    jumped = nothing.copy()
    jumped[300] = 500.0
    with np.errstate(all="raise"):
        verdict = judge(table(still | {POWER: jumped}))
    assert rules_of(verdict, POWER)[300] != Rule.NONE
