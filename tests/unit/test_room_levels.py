"""The level of rooms control aims at: known optimum, liars, few collectors, cold rooms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatloop.control.learning.history import UnitHistory
from heatloop.control.room_levels import (
    DROP_K,
    GRID_K,
    NOTHING,
    SHIFT_K,
    Account,
    LevelPrices,
    account_of,
    choose_shifts,
    level_at,
)
from heatloop.control.room_look import look_at, stretches_of
from heatloop.kernel.errors import InputError
from tests.unit.learning_unit import AREA_M2, DAY_S, START_S, past, true_model

PRICES = LevelPrices(heat_yuan_kwh=0.144, cold_yuan_m2kh=25.0 / 4000.0)
M2, LOSS_KW_K = 10_000.0, 12.0
HOURS = 10 * 24


def rooms(mean_c: float, spread_k: float, n: int = 40, swing_k: float = 0.0) -> tuple:
    """Collectors spread evenly about a mean, and the swing they all make."""
    swing = swing_k * np.sin(2.0 * np.pi * np.arange(HOURS) / 24.0)
    places = mean_c + spread_k * np.linspace(-1.0, 1.0, n)
    return places[None, :] + swing[:, None], swing


def account(mean_c: float, spread_k: float, n: int = 40, swing_k: float = 0.0) -> Account:
    seen, swing = rooms(mean_c, spread_k, n, swing_k)
    return account_of(seen, swing, area_m2=M2, loss_kw_k=LOSS_KW_K, prices=PRICES)


def tuned_c(spread_k: float, swing_k: float) -> float:
    """The mean at which neither warmer nor colder is cheaper, found by trying."""
    grid = np.arange(17.0, 21.0, 0.01)
    seen, _ = rooms(0.0, spread_k, 40, swing_k)
    lack = [PRICES.cold_yuan_m2kh * np.maximum(18.0 - c - seen, 0.0).sum() * M2 / 40 for c in grid]
    heat = PRICES.heat_yuan_kwh * LOSS_KW_K * HOURS * grid
    return float(grid[np.argmin(np.array(lack) + heat)])


def test_steadier_rooms_give_the_shift_that_was_worked_out_by_hand() -> None:
    """Evenly spread rooms: a share of cold rooms pays for a kelvin, the swing taken away does."""
    spread, swing = 1.0, 0.6
    before = tuned_c(spread, swing)
    found = choose_shifts([[account(before, spread, swing_k=swing)]])
    assert found.off_k[0] == pytest.approx(0.0, abs=0.051)
    steady = tuned_c(spread, 0.25 * swing)
    assert steady < before - 0.03
    assert found.shift_k[0, 0] == pytest.approx(max(steady - before, DROP_K), abs=0.06)


@pytest.mark.parametrize("bias_k", [-0.5, 0.7])
def test_a_bias_of_all_collectors_cancels(bias_k: float) -> None:
    before = tuned_c(1.0, 0.6)
    true = choose_shifts([[account(before, 1.0, swing_k=0.6)]])
    off = choose_shifts([[account(before + bias_k, 1.0, swing_k=0.6)]])
    assert off.off_k[0] == pytest.approx(-bias_k, abs=0.051)
    assert off.shift_k[0, 0] == pytest.approx(true.shift_k[0, 0], abs=0.051)


def test_there_are_no_more_cold_rooms_than_before() -> None:
    for mean in (17.6, 18.4, 19.5):
        for swing in (0.1, 0.8):
            own = account(mean, 1.2, swing_k=swing)
            found = choose_shifts([[own]])
            # As judged on what collectors are taken to read.
            at = int(np.argmin(np.abs(GRID_K - found.off_k[0])))
            before = own.seen_cold_m2[at]
            wide = at + int(np.argmin(np.abs(GRID_K - found.shift_k[0, 0])))
            assert own.steady_cold_m2[wide] <= before
            assert SHIFT_K[0] <= found.shift_k[0, 0] <= SHIFT_K[1]


def test_warmth_is_given_up_only_so_far_where_no_room_is_ever_cold() -> None:
    kinds = [[account(23.0, 0.3), account(24.0, 0.3)], [account(22.0, 0.2), account(22.5, 0.2)]]
    found = choose_shifts(kinds)
    assert found.shift_k.mean() >= DROP_K - 1e-9
    assert np.all(found.shift_k >= SHIFT_K[0])


def test_few_collectors_move_nothing_and_nobody_else() -> None:
    before = tuned_c(1.0, 0.8)
    many, few = account(before, 1.0, swing_k=0.8), account(16.0, 1.0, n=9, swing_k=0.8)
    alone = choose_shifts([[few]])
    assert alone.shift_k[0, 0] == 0.0
    assert account(16.0, 1.0, n=10, swing_k=0.8).collectors == 10
    assert choose_shifts([[account(16.0, 1.0, n=10, swing_k=0.8)]]).shift_k[0, 0] != 0.0
    nothing = choose_shifts([[NOTHING, NOTHING]])
    assert nothing.shift_k.tolist() == [[0.0, 0.0]]
    both = choose_shifts([[many], [NOTHING]])
    assert both.shift_k[1, 0] == 0.0


def test_accounts_of_units_add_up_and_silent_hours_are_weighed_up() -> None:
    seen, swing = rooms(18.0, 1.0, 40, 0.5)
    whole = account_of(seen, swing, area_m2=M2, loss_kw_k=LOSS_KW_K, prices=PRICES)
    parts = [
        account_of(half, swing, area_m2=M2 / 2, loss_kw_k=LOSS_KW_K / 2, prices=PRICES)
        for half in (seen[:, :20], seen[:, 20:])
    ]
    both = parts[0] + parts[1]
    assert both.steady_yuan == pytest.approx(whole.steady_yuan)
    assert both.collectors == whole.collectors == 40
    gap = seen.copy()
    gap[::3, 5] = np.nan
    gap[:, 7] = np.nan
    some = account_of(gap, swing, area_m2=M2, loss_kw_k=LOSS_KW_K, prices=PRICES)
    assert some.collectors == 39
    assert some.seen_yuan == pytest.approx(whole.seen_yuan, rel=0.06, abs=1.0)
    before, after = whole.cold_shares(0.0)
    assert before == pytest.approx((seen < 18.0).mean())
    assert whole.cold_shares(0.4)[1] < after


def test_levels_follow_the_weather_between_their_points() -> None:
    points = [(-10.0, 20.4), (0.0, 20.0)]
    assert level_at(-5.0, points) == pytest.approx(20.2)
    assert level_at(-30.0, points) == 20.4
    assert level_at(9.0, points[:1]) == 20.4
    with pytest.raises(InputError):
        level_at(0.0, [])
    with pytest.raises(InputError):
        level_at(0.0, points[::-1])
    with pytest.raises(InputError):
        choose_shifts([[NOTHING], []])


def unit_past(days: int, sensors: int = 14) -> UnitHistory:
    """A unit on its curve, as the historian has it: hours."""
    fine = past(days, sensors=sensors)
    cut = {
        name: np.asarray(getattr(fine, name)).reshape(-1, 2).mean(axis=1)
        for name in ("heat_kw", "outdoor_c", "sun_kw_m2", "supply_c", "return_c", "flow_kgs")
    }
    rooms_c = fine.sensors_c.reshape(-1, 2, sensors).mean(axis=1)
    return UnitHistory(
        unit=fine.unit, start_s=fine.start_s, step_s=3600.0, sensors=fine.sensors,
        sensors_c=rooms_c, **cut,
    )  # fmt: skip


def test_a_lying_collector_does_not_move_the_level() -> None:
    history = unit_past(12)
    own = look_at(history, true_model(), area_m2=AREA_M2, prices=PRICES)
    assert own.collectors == 14
    assert own.days == 11
    shown = history.sensors_c.copy()
    shown[:, 3] = 31.0 + 0.1 * np.sin(np.arange(len(shown)))
    shown[:, 5] = 12.0
    lied = look_at(replace(history, sensors_c=shown), true_model(), area_m2=AREA_M2, prices=PRICES)
    assert lied.collectors == 12
    for true, moved in zip(own.stretches, lied.stretches, strict=True):
        assert true is not None
        assert moved is not None
        assert moved.before_c == pytest.approx(true.before_c, abs=0.15)
        honest = [n for n in range(14) if n not in (3, 5)]
        assert moved.account.collectors == 12
        assert true.before_c == pytest.approx(np.median(history.sensors_c[24:, honest]), abs=0.5)


def test_days_that_are_not_the_curves_say_nothing() -> None:
    history = unit_past(12)
    first = int((START_S + 8 * 3600.0) // DAY_S)
    shown = history.sensors_c.copy()
    shown[8 * 24 :] -= 1.5  # Control let the rooms down on the last four days.
    moved = replace(history, sensors_c=shown)
    out = frozenset(range(first + 8, first + 12))
    free = look_at(moved, true_model(), area_m2=AREA_M2, prices=PRICES)
    kept = look_at(moved, true_model(), area_m2=AREA_M2, prices=PRICES, left_out=out)
    true = look_at(history, true_model(), area_m2=AREA_M2, prices=PRICES, left_out=out)
    assert kept.days == 7
    levels = [[s.before_c for s in each.stretches if s] for each in (free, kept, true)]
    assert levels[1] == pytest.approx(levels[2], abs=1e-9)
    assert np.mean(levels[0]) < np.mean(levels[1]) - 0.2
    cold = replace(history, heat_kw=np.zeros(len(history)))
    assert look_at(cold, true_model(), area_m2=AREA_M2, prices=PRICES).days == 0


def test_weather_is_split_only_where_it_varied() -> None:
    day = np.repeat(np.arange(12), 24)
    even = stretches_of(np.full(288, -3.0), day)
    assert set(even.tolist()) == {0}
    outdoor = np.repeat(np.linspace(-12.0, 6.0, 12), 24)
    outdoor[:24] = np.nan
    split = stretches_of(outdoor, day)
    assert set(split[:24].tolist()) == {-1}
    assert split[30] == 0
    assert split[-1] == 1
    assert set(stretches_of(outdoor[:120], day[:120]).tolist()) == {-1, 0}
