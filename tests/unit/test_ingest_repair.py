"""Estimates: by line, by sisters, between counter readings, by degree-days."""

import numpy as np
import pytest

from heatloop.ingest.batch.degree_days import degree_days, fault_heat
from heatloop.ingest.batch.judge import judge
from heatloop.ingest.batch.lost_heat import lost_heat
from heatloop.ingest.batch.model import Rule, Verdict
from heatloop.ingest.batch.repair import Method, estimates, quality_with_estimates
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from tests.unit.test_ingest_batch import POWER, SUPPLY, TOTAL, station, table


def hidden(kind, rows, **keywords):
    """Hide values of a calm station; return (truth, estimate, method) there."""
    values = station(**keywords)
    made = table(values)
    at = [s.kind for s in made.series].index(kind)
    rules = np.zeros(made.matrix().shape, "u1")
    rules[rows, at] = Rule.LEVEL
    verdict = Verdict(table=made, rules=rules, expected=np.full(rules.shape, np.nan))
    found, methods = estimates(verdict)
    outside = np.ones(rules.shape, bool)
    outside[rows, at] = False
    assert np.isnan(found[outside]).all()
    quality = quality_with_estimates(verdict, methods)
    assert (quality[rows, at] == Quality.ESTIMATED).all()
    return values[kind][rows], found[rows, at], methods[rows, at]


def test_short_gaps_by_a_line_where_nothing_tells_better():
    values = {SUPPLY: station()[SUPPLY]}
    made = table(values)
    rules = np.zeros((700, 1), "u1")
    rules[300:303] = Rule.LEVEL
    rules[400:404] = Rule.LEVEL  # four: too long for a line
    found, how = estimates(Verdict(table=made, rules=rules, expected=rules * np.nan))
    assert set(how[300:303, 0]) == {Method.LINE}
    assert np.abs(values[SUPPLY][300:303] - found[300:303, 0]).max() < 2.0
    assert np.isnan(found[400:404]).all()


def test_short_gaps_by_the_other_points_where_these_tell_better():
    truth, found, how = hidden(SUPPLY, slice(300, 303))
    assert set(how) == {Method.SISTERS}
    assert np.abs(truth - found).max() < 1.0


def test_longer_gaps_by_the_other_points_better_than_by_a_line():
    rows = slice(300, 324)
    truth, found, how = hidden(SUPPLY, rows)
    values = station()[SUPPLY]
    line = np.interp(np.arange(300, 324), [299, 324], values[[299, 324]])
    assert set(how) == {Method.SISTERS}
    assert np.abs(truth - found).mean() < 0.4
    assert np.abs(truth - found).mean() < 0.4 * np.abs(truth - line).mean()


def test_a_counter_between_its_own_readings_in_the_shape_of_its_power():
    rows = slice(300, 330)
    truth, found, how = hidden(TOTAL, rows)
    assert set(how) == {Method.COUNTED}
    assert np.abs(truth - found).max() < 0.004 * (truth[-1] - truth[0])
    assert (np.diff(found) >= 0).all()


def test_what_cannot_be_estimated_honestly_is_left_out():
    values = station()
    for kind in values:
        values[kind] = values[kind].astype(float)
        values[kind][300:340] = np.nan
    made = table(values)
    rules = np.zeros(made.matrix().shape, "u1")
    found, methods = estimates(Verdict(table=made, rules=rules, expected=rules * np.nan))
    plain = [at for at, series in enumerate(made.series) if not series.counter]
    assert np.isnan(found[300:340][:, plain]).all()
    assert (methods[300:340][:, plain] == Method.NONE).all()


def test_cjjt_223_estimates_by_degree_days():
    outdoor = np.array([-2.0] * 20 + [-5.0] * 10 + [3.0] * 12)
    heat = 50.0 * degree_days(outdoor)
    broken = heat.copy()
    broken[20:30] = np.nan
    made = fault_heat(broken, outdoor, (20, 30))
    assert made.reference == "after_repair"
    assert made.reference_days == 10
    # Q_G = Q_R x DD18_G / DD18_R, by hand: 10 days of 23 K at 50 kWh a degree-day.
    assert made.heat_kwh == pytest.approx(10 * 23 * 50.0)
    assert made.daily_kwh.tolist() == pytest.approx([23 * 50.0] * 10)


def test_cjjt_223_takes_last_season_while_ten_days_are_not_over():
    outdoor = np.full(400, 8.0)
    heat = 40.0 * degree_days(outdoor)
    heat[:100] *= 0.5  # so that the reference shows in the result
    heat[390:] = np.nan
    made = fault_heat(heat, outdoor, (390, 396))
    assert made.reference == "last_season"
    assert made.reference_days >= 10
    assert made.heat_kwh == pytest.approx(6 * 10 * 20.0)
    with pytest.raises(InputError, match="neither"):
        fault_heat(np.full(30, np.nan), np.full(30, 5.0), (10, 20))
    with pytest.raises(InputError, match="outdoor"):
        fault_heat(np.ones(30), np.full(30, np.nan), (10, 20))


def test_heat_that_a_stuck_meter_did_not_count():
    values = station(n=1200)
    lost = values[TOTAL][24 * 20] - values[TOTAL][24 * 16]
    values[TOTAL][24 * 16 : 24 * 20] = values[TOTAL][24 * 16]
    values[TOTAL][24 * 20 :] -= lost
    verdict = judge(table(values))
    assert (verdict.rules == Rule.STUCK).sum() > 80
    made, refused = lost_heat(verdict)
    assert refused == []
    days = (made[0].end_s - made[0].start_s) / 86400.0
    assert days == pytest.approx(4, abs=1)
    assert made[0].heat_kwh == pytest.approx(lost * days / 4.0, rel=0.1)
    assert made[0].reference == "after_repair"
    assert POWER in values
