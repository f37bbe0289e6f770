"""The savings ledger's arithmetic: regression, interval, verdict, switch-back days, chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatloop.kernel.errors import InputError
from heatloop.kpi.savings import assess
from heatloop.kpi.savings_chain import FIRST, Entry, first_broken, next_entry
from heatloop.kpi.savings_day import Day, Mode, Prices, counted
from heatloop.kpi.savings_plan import switches_back
from heatloop.kpi.savings_regression import student_quantile
from heatloop.kpi.savings_result import Against, Verdict


def season(seed: int, saved: float, n: int = 120, cold_m2kh: float = 0.0) -> list[Day]:
    """Return days of a house with slow walls whose true saving is known."""
    rng = np.random.default_rng(seed)
    weather, rest, walls = -8.0, 0.0, -8.0
    days = []
    for number in range(n):
        weather = -6.0 + 0.8 * (weather + 6.0) + rng.normal(0.0, 2.0)
        sun = float(np.clip(1.5 + 0.01 * number + rng.normal(0.0, 0.6), 0.1, 4.0))
        rest = 0.5 * rest + rng.normal(0.0, 12.0)
        treated = number >= 30 and not switches_back("UN0001", number)
        heat = 40.0 * (19.0 - weather) + 12.0 * (weather - walls) - 25.0 * sun + rest
        walls = 0.7 * walls + 0.3 * weather
        days.append(
            Day(
                number=number,
                mode=Mode.STRATEGY if treated else Mode.CURVE,
                heat_kwh=heat * (1.0 - saved * treated),
                cold_m2kh=cold_m2kh * treated,
                outdoor_c=weather,
                sun_kwh_m2=sun,
                wind_ms=float(rng.uniform(1.0, 6.0)),
            )
        )
    return days


def truth(days: list[Day], judged: set[int], saved: float) -> float:
    price = Prices().heat_yuan_kwh
    kwh = sum(d.heat_kwh for d in days if d.number in judged and d.mode is Mode.STRATEGY)
    return price * kwh * saved / (1.0 - saved)


def test_the_interval_holds_the_truth_in_85_of_100_seasons() -> None:
    held = 0
    for seed in range(60):
        saved = (0.0, 0.02, 0.05)[seed % 3]
        days = season(seed, saved)
        found = assess(days)
        true = truth(days, {row.number for row in found.days}, saved)
        held += found.low_yuan <= true <= found.high_yuan
    assert 0.85 <= held / 60 <= 0.99


def test_a_real_saving_is_proven_and_none_is_not() -> None:
    verdicts = [assess(season(seed, 0.05)).verdict for seed in range(10)]
    assert verdicts == [Verdict.SAVING] * 10
    none = [assess(season(seed, 0.0)).verdict for seed in range(20)]
    assert none.count(Verdict.NOT_PROVEN) >= 16
    assert assess(season(3, -0.06)).verdict is Verdict.LOSS


def test_cold_rooms_eat_the_saving() -> None:
    warm, cold = assess(season(1, 0.05)), assess(season(1, 0.05, cold_m2kh=2000.0))
    days = len(cold.days)
    assert cold.saving_yuan == pytest.approx(warm.saving_yuan - 2000.0 * 0.00625 * days, rel=1e-6)
    assert cold.verdict is not Verdict.SAVING
    # The heat saved is the same: only the charge differs.
    assert sum(d.heat_kwh for d in cold.days) == pytest.approx(sum(d.heat_kwh for d in warm.days))


def test_the_totals_are_the_sums_and_widen() -> None:
    found = assess(season(2, 0.03))
    assert found.days[-1].total_yuan == pytest.approx(sum(d.saving_yuan for d in found.days))
    assert found.saving_yuan == found.days[-1].total_yuan
    width = [d.total_high_yuan - d.total_low_yuan for d in found.days]
    assert width[-1] > width[0]
    low, high = found.interval_pct
    assert low < found.saving_pct < high


def test_too_few_days_say_nothing() -> None:
    found = assess(season(1, 0.2, n=34))
    assert found.verdict is Verdict.TOO_FEW_DAYS
    assert found.days == ()
    assert found.saving_yuan == 0.0


def test_days_behind_a_change_or_a_gap_do_not_count() -> None:
    days = season(1, 0.0, n=40)
    numbers = [d.number for d in counted(days, 2)]
    first = next(d.number for d in days if d.mode is Mode.STRATEGY)
    assert first not in numbers
    assert first + 1 not in numbers
    assert first + 2 in numbers
    holed = [d for d in days if d.number != 10]
    assert [n for n in range(9, 14) if n not in [d.number for d in counted(holed, 2)]] == [
        10,
        11,
        12,
    ]
    other = [replace(d, mode=Mode.OTHER) if d.number == 5 else d for d in days]
    assert 5 not in [d.number for d in counted(other, 0)]


def test_nonsense_is_refused() -> None:
    days = season(1, 0.0, n=40)
    with pytest.raises(InputError, match="twice"):
        assess([*days, days[3]])
    with pytest.raises(InputError, match="no numbers"):
        assess([replace(days[0], outdoor_c=float("nan")), *days[1:]])
    with pytest.raises(InputError, match="level"):
        assess(days, level=1.5)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(5.0, 2.015), (10.0, 1.812), (30.0, 1.697), (1e6, 1.645)]
)
def test_quantiles_are_those_of_the_tables(freedom: float, expected: float) -> None:
    assert student_quantile(0.95, freedom) == pytest.approx(expected, abs=0.004)


def test_a_quarter_of_days_goes_back_in_whole_blocks() -> None:
    back = [switches_back("UN0007", day) for day in range(2400)]
    assert sum(back) == 600
    assert back != [switches_back("UN0008", day) for day in range(2400)]
    starts = [k for k in range(1, 2400) if back[k] != back[k - 1]]
    assert all(k % 6 == 0 for k in starts)
    assert not any(switches_back("UN0007", day, share=0.0) for day in range(100))
    with pytest.raises(InputError):
        switches_back("UN0007", 1, share=0.9)


def chain() -> list[Entry]:
    made: list[Entry] = []
    for k in range(4):
        last = made[-1] if made else None
        made.append(
            next_entry(last, at=100.0 * k, who="savings", subject="all", kind="days",
                       content={"day": k, "rows": [{"heat_kwh": 1.5 * k}]})
        )  # fmt: skip
    return made


def test_the_chain_holds_and_shows_every_change() -> None:
    made = chain()
    assert made[0].before == FIRST
    assert first_broken(made) is None
    assert first_broken([]) is None
    for changed in (
        replace(made[1], content={"day": 1, "rows": [{"heat_kwh": 1.6}]}),
        replace(made[1], who="somebody"),
        replace(made[1], at=1.0),
    ):
        assert first_broken([made[0], changed, *made[2:]]) == 2
    assert first_broken([made[0], *made[2:]]) == 2
    assert first_broken(made[1:]) == 1
    # Whoever rewrites an entry with a fitting hash breaks the next one.
    forged = next_entry(made[0], at=100.0, who="savings", subject="all", kind="days",
                        content={"day": 1, "rows": []})  # fmt: skip
    assert first_broken([made[0], forged, *made[2:]]) == 3


def tuned_season(
    seed: int, saved: float, *, run: bool, error: float
) -> tuple[list[Day], list[float]]:
    """Return a season beside a tuned curve that saves 5 % by itself, and the true saving a day.

    Its gain is known with a relative error; switch-back days run it or the standing curve.
    """
    days, true_yuan, price = [], [], Prices().heat_yuan_kwh
    for day in season(seed, saved):
        standing = day.heat_kwh / (1.0 - saved) if day.mode is Mode.STRATEGY else day.heat_kwh
        gain = 0.05 * standing
        back = run and day.mode is Mode.CURVE and day.number >= 30
        days.append(
            replace(
                day,
                mode=Mode.TUNED if back else day.mode,
                heat_kwh=standing - gain if back else day.heat_kwh,
                gain_yuan=price * gain * (1.0 + error),
                gain_kwh=gain * (1.0 + error),
                gain_sigma_yuan=0.25 * price * gain * (1.0 + error),
            )
        )
        true_yuan.append(price * (standing - gain - day.heat_kwh))
    return days, true_yuan


@pytest.mark.parametrize("run", [True, False])
def test_against_the_tuned_curve_the_interval_holds_the_truth(run: bool) -> None:
    held, rng = 0, np.random.default_rng(5)
    for seed in range(40):
        saved = (0.05, 0.08)[seed % 2]
        days, true_yuan = tuned_season(
            seed, saved, run=run, error=float(np.clip(rng.normal(0.0, 0.25), -0.6, 0.6))
        )
        found = assess(days)
        assert found.against is Against.TUNED
        truth_yuan = sum(true_yuan[row.number] for row in found.days)
        held += found.low_yuan <= truth_yuan <= found.high_yuan
    assert held >= 0.85 * 40


def test_a_strategy_no_better_than_the_tuned_curve_has_not_proven_a_saving() -> None:
    days, _ = tuned_season(3, 0.05, run=False, error=0.0)
    found = assess(days)
    assert found.verdict is Verdict.NOT_PROVEN
    assert found.tuning_yuan == pytest.approx(sum(row.tuning_yuan for row in found.days))
    # Against the standing curve alone it would have looked like one.
    bare = [replace(day, gain_yuan=0.0, gain_kwh=0.0, gain_sigma_yuan=0.0) for day in days]
    assert assess(bare).verdict is Verdict.SAVING


def test_running_the_tuned_curve_leaves_less_of_its_uncertainty() -> None:
    widths = []
    for run in (False, True):
        found = assess(tuned_season(4, 0.10, run=run, error=0.0)[0])
        widths.append(found.high_yuan - found.low_yuan)
    # A quarter of the days on a curve run it: about as much of the common error is gone.
    assert widths[1] < 0.92 * widths[0]


def test_without_a_tuned_curve_no_saving_is_proven_and_a_loss_still_is() -> None:
    blind = [replace(day, based=False) for day in season(2, 0.10)]
    found = assess(blind)
    assert found.against is Against.STANDING
    assert found.verdict is Verdict.NOT_PROVEN
    assert found.low_yuan > 0.0
    assert assess([replace(day, based=False) for day in season(2, -0.10)]).verdict is Verdict.LOSS
    # Days of before the curve was tuned are left out once enough others are judged by it.
    late = [replace(day, based=day.number >= 60) for day in season(2, 0.10)]
    judged = assess(late)
    assert judged.verdict is Verdict.SAVING
    assert min(row.number for row in judged.days) >= 60
