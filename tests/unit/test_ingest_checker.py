"""The quality checker, rule by rule."""

import numpy as np
import pytest

from heatloop.ingest.balance import KW_PER_M3H_K, BalanceCheck
from heatloop.ingest.checker import QualityChecker
from heatloop.ingest.reasons import FLAG_TEXTS, REFUSAL_TEXTS, Flag, Refusal
from heatloop.ingest.rounds import rounds
from heatloop.ingest.rules import KeyIndex, rules_for
from heatloop.kernel.clock import SimulatedClock
from heatloop.kernel.errors import InputError
from heatloop.kernel.quality import Quality
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point

T0 = 1_700_000_010


def point(key, kind):
    return Point(code=f"A{key}.{kind}", key=key, asset=f"A{key}", kind=kind)


def columns(rows):
    keys, slots, values, quality = zip(*rows, strict=True)
    return Columns(np.array(keys, "u4"), np.array(slots, "u4"), np.array(values, "f8"),
                   np.array(quality, "u1"))  # fmt: skip


def checker(*kinds, factor=1.0, **keywords):
    """Points with keys 1, 2 ... of these kinds."""
    points = [(point(i, kind), factor) for i, kind in enumerate(kinds, start=1)]
    return QualityChecker(rules_for(points), **keywords)


def series(check, values, start=T0, period=30, key=1):
    """Quality and flag of a run of values of one point, each sent on its own."""
    found = []
    for i, value in enumerate(values):
        (accepted, _, _), flags = check.check_flags(columns([(key, start + i * period, value, 0)]))
        assert accepted.values[0] == value
        found.append((int(accepted.quality[0]), int(flags[0])))
    return found


def calm(n, level=50.0, spread=0.2, seed=1):
    return np.round(level + np.random.default_rng(seed).normal(0, spread, n), 1)


GOOD = (Quality.GOOD, Flag.NONE)
SUPPLY = "secondary_supply_temperature"


def test_refused_rows_say_why_and_the_others_are_kept_in_order():
    check = checker(SUPPLY, clock=SimulatedClock(T0))
    sent = columns([(1, T0, 50.0, 0), (9, T0, 1.0, 0), (1, T0 + 30, np.nan, 0),
                    (1, T0 + 90, 50.0, 0), (1, T0 - 30, np.inf, 0), (1, T0 + 60, 51.0, 0),
                    (1, T0 + 30, 50.5, 9), (4_000_000_000, T0, 1.0, 0)])  # fmt: skip
    accepted, rejected, reasons = check.check(sent)
    assert accepted.values.tolist() == [50.0, 51.0]
    assert rejected.keys.tolist() == [9, 1, 1, 1, 1, 4_000_000_000]
    assert reasons == ["unknown_key", "not_finite", "future_slot", "not_finite",
                       "unknown_quality", "unknown_key"]  # fmt: skip


def test_every_reason_has_texts():
    assert set(REFUSAL_TEXTS) == set(Refusal)
    assert set(FLAG_TEXTS) == set(Flag) - {Flag.NONE}


def test_nothing_in_nothing_out():
    accepted, rejected, reasons = checker(SUPPLY).check(Columns.empty())
    assert (accepted.keys.size, rejected.keys.size, reasons) == (0, 0, [])


def test_range_is_bad():
    found = series(checker(SUPPLY), [50.0, 110.1, -0.1, 50.1])
    assert [quality for quality, _ in found] == [0, Quality.BAD, Quality.BAD, 0]


def test_a_spike_is_uncertain_and_what_follows_is_good():
    values = calm(100)
    values[60] += 8
    found = series(checker(SUPPLY), values)
    assert found[60] == (Quality.UNCERTAIN, Flag.SPIKE)
    assert [row for i, row in enumerate(found) if i != 60] == [GOOD] * 99


def test_a_noisy_point_sets_its_own_measure():
    """Steps of 500 kW are usual here, of 5000 are not; on a quiet point both are spikes."""
    noisy = calm(600, 5000.0, 400.0)
    noisy[500] += 4800
    found = [quality for quality, _ in series(checker("secondary_heat_power"), noisy)]
    assert sum(found[200:]) <= 3
    assert found[500] == Quality.UNCERTAIN


def test_an_impossible_rate_is_told_from_a_spike():
    values = calm(50)
    values[40] += 30  # 20 K a minute is the most a supply temperature can do
    assert series(checker(SUPPLY), values)[40] == (Quality.UNCERTAIN, Flag.RATE)


def test_a_new_level_is_believed_when_three_agree():
    values = np.r_[calm(60), calm(30, level=58.0)]
    found = series(checker(SUPPLY), values)
    assert [quality for quality, _ in found[60:]] == [1, 1, *[0] * 28]


def test_a_mistaken_unit_stays_suspect():
    values = np.r_[calm(60, 0.3e3, 2), calm(100, 0.3e3, 2) / 1000, calm(20, 0.3e3, 2)]
    found = series(checker("secondary_return_pressure"), values)
    assert set(found[60:160]) == {(Quality.UNCERTAIN, Flag.UNIT)}
    assert set(found[160:]) == {GOOD}


def test_a_frozen_sensor_is_found_by_its_own_habit():
    lively = np.r_[calm(400), np.full(120, 50.3), calm(20)]
    found = series(checker(SUPPLY), lively)
    first = next(i for i, row in enumerate(found) if row[1] == Flag.FROZEN)
    assert 410 <= first <= 440
    assert set(found[first:520]) == {(Quality.UNCERTAIN, Flag.FROZEN)}
    assert set(found[522:]) == {GOOD}
    # A thermometer that moves once in twenty samples may stand still for as many.
    quiet = np.repeat(calm(60, spread=0.5), 20)
    assert Flag.FROZEN not in {flag for _, flag in series(checker(SUPPLY), quiet)}


@pytest.mark.parametrize("kind", ["valve_opening", "station_mode", "secondary_heat_total"])
def test_what_may_stand_still_is_never_frozen(kind):
    values = np.r_[np.arange(50) % 2, np.ones(3000)]
    assert Flag.FROZEN not in {flag for _, flag in series(checker(kind), values)}


def test_a_stopped_pump_reads_zero_and_is_not_frozen():
    values = np.r_[calm(200, 120.0), np.zeros(500)]
    assert series(checker("secondary_flow"), values)[-1] == GOOD


def test_counters_roll_over_at_their_own_top():
    top = (2**32 - 1) * 0.1
    values = [top - 2.0, top - 1.0, 0.4, 1.4]
    assert series(checker("secondary_flow_total", factor=0.1), values) == [GOOD] * 4
    back = [500.0, 501.0, 400.0, 502.0]
    found = series(checker("secondary_flow_total", factor=0.1), back)
    assert found[2] == (Quality.UNCERTAIN, Flag.COUNTER)
    assert found[3] == GOOD


def test_a_replaced_meter_is_believed_after_three_values():
    values = [*np.arange(500, 540), *np.arange(3, 20)]
    found = series(checker("secondary_heat_total"), values)
    assert [quality for quality, _ in found[40:]] == [1, 1, *[0] * 15]


def test_a_long_gap_starts_anew():
    check = checker(SUPPLY)
    series(check, calm(50, 50.0))
    assert series(check, [75.0], start=T0 + 50 * 30 + 3600) == [GOOD]


def test_a_row_sent_again_keeps_its_quality():
    check = checker(SUPPLY)
    values = calm(50)
    values[-1] = 65.0
    first = series(check, values)[-1]
    again, flags = check.check_flags(columns([(1, T0 + 49 * 30, 65.0, 0)]))
    assert first[0] == again.accepted.quality[0] == Quality.UNCERTAIN
    assert flags[0] == Flag.NONE


def test_back_fill_is_checked_among_itself_and_leaves_the_live_state_alone():
    check = checker(SUPPLY)
    series(check, calm(50, 70.0), start=T0 + 100_000)
    values = calm(50, 40.0)
    values[30] = 55.0
    found = series(check, values)
    assert [i for i, row in enumerate(found) if row != GOOD] == [30]
    assert series(check, [70.1], start=T0 + 100_000 + 50 * 30) == [GOOD]
    # Older than both: only its range can be judged.
    assert series(check, [20.0, 200.0], start=T0 - 9000) == [GOOD, (Quality.BAD, Flag.RANGE)]


def test_many_slots_at_once_give_what_one_by_one_gives():
    rng = np.random.default_rng(3)
    values = np.round(50 + rng.normal(0, 0.3, (40, 3)), 1)
    values[[7, 20, 21], [0, 1, 2]] += 12
    rows = [(k + 1, T0 + 30 * i, values[i, k], 0) for i in range(40) for k in range(3)]
    one = checker(SUPPLY, SUPPLY, SUPPLY)
    single = [int(one.check(columns([row])).accepted.quality[0]) for row in rows]
    order = rng.permutation(len(rows))
    many = checker(SUPPLY, SUPPLY, SUPPLY).check(columns([rows[i] for i in order]))
    assert many.accepted.quality.tolist() == [single[i] for i in order]
    assert sum(single) == 3


def test_the_edge_s_own_doubt_is_kept():
    check = checker(SUPPLY)
    sent = columns([(1, T0 + 30 * i, 50.0 + i / 10, q) for i, q in enumerate((0, 1, 2, 3, 4))])
    assert check.check(sent).accepted.quality.tolist() == [0, 1, 2, 3, 4]
    out = check.check(columns([(1, T0 + 300, 200.0, Quality.UNCERTAIN)]))
    assert out.accepted.quality.tolist() == [Quality.BAD]


def test_silence_before_the_first_word():
    check = checker(SUPPLY, "room_temperature", watch_from_s=T0)
    assert check.stale_keys(T0 + 91).tolist() == [1]
    assert check.stale_keys(T0 + 5401).tolist() == [1, 2]
    assert checker(SUPPLY).stale_keys(T0 + 9e9).tolist() == []


def test_heat_must_fit_flow_and_temperatures():
    kinds = ("secondary_heat_power", "secondary_flow", SUPPLY, "secondary_return_temperature")
    check = checker(*kinds, balance=BalanceCheck(np.array([[0, 1, 2, 3]]), 4))
    fits = KW_PER_M3H_K * 100.0 * 15.0
    found = []
    for i, power in enumerate((fits, fits * 1.2, fits * 1.4)):
        rows = zip((1, 2, 3, 4), (power, 100.0, 60.0, 45.0), strict=True)
        checked, flags = check.check_flags(columns([(k, T0 + 3600 * i, v, 0) for k, v in rows]))
        found.append((checked.accepted.quality.tolist(), int(flags[0])))
    assert found == [([0] * 4, 0), ([0] * 4, 0), ([1, 0, 0, 0], Flag.BALANCE)]


def test_key_index_dense_and_sparse():
    for keys in ([1, 2, 5], [7, 4_000_000_000]):
        index = KeyIndex(np.array(keys, "u4"))
        asked = np.array([*keys, 6, 4_100_000_000], "u4")
        assert index.find(asked).tolist() == [*range(len(keys)), -1, -1]
    assert KeyIndex(np.array([], "u4")).find(np.array([1], "u4")).tolist() == [-1]


def test_two_points_of_one_key_are_refused():
    with pytest.raises(InputError, match="share a key"):
        rules_for([(point(1, SUPPLY), 1.0), (point(1, "room_temperature"), 1.0)])


def test_rounds_hold_each_point_once_in_rising_time():
    at = np.array([1, 0, 1, 1, 0], np.intp)
    slots = np.array([5, 9, 3, 4, 8])
    found = [sorted(zip(at[r].tolist(), slots[r].tolist(), strict=True)) for r in rounds(at, slots)]
    assert found == [[(0, 8), (1, 3)], [(0, 9), (1, 4)], [(1, 5)]]


def test_supply_and_return_the_wrong_way_round_while_heat_flows():
    kinds = ("secondary_heat_power", "secondary_flow", SUPPLY, "secondary_return_temperature")
    check = checker(*kinds, balance=BalanceCheck(np.array([[0, 1, 2, 3]]), 4))
    found = []
    # Running and right; running and swapped; swapped by less than 2 K; at rest and swapped.
    for i, (power, flow, supply, back) in enumerate(
        ((1700.0, 100.0, 60.0, 45.0), (1700.0, 100.0, 45.0, 60.0), (30.0, 100.0, 44.0, 45.0),
         (0.0, 0.0, 40.0, 45.0))
    ):  # fmt: skip
        rows = zip((1, 2, 3, 4), (power, flow, supply, back), strict=True)
        checked, flags = check.check_flags(columns([(k, T0 + 7200 * i, v, 0) for k, v in rows]))
        found.append((checked.accepted.quality.tolist(), flags.tolist()))
    order = int(Flag.ORDER)
    assert found == [
        ([0] * 4, [0] * 4),
        ([0, 0, 1, 1], [0, 0, order, order]),
        ([0] * 4, [0] * 4),
        ([0] * 4, [0] * 4),
    ]


def test_what_the_checks_said_is_kept_as_spans_until_asked():
    check = checker(SUPPLY)
    values = calm(60)
    values[[40, 41]] += [8.0, 200.0]
    series(check, values)
    spans = check.book.drain()
    assert [(span.key, span.flag, span.samples) for span in spans] == [
        (1, Flag.SPIKE, 1),
        (1, Flag.RANGE, 1),
    ]
    assert spans[0].start == T0 + 40 * 30
    assert check.book.drain() == []
