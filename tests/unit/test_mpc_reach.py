"""What a station cannot reach, how slow emitters lag, and what their water tells of their heat."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from heatloop.control.learning.emitters import learn_lag_s
from heatloop.control.learning.history import UnitHistory
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_course import DailyCourse
from heatloop.control.mpc_reach import SupplyReach
from heatloop.control.mpc_task import N_STEP, MpcForecast, MpcState, MpcTask
from heatloop.control.room_feedback import RoomObserver
from heatloop.control.unit_model import UnitModel, model_from_design
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign

FLOOR = CurveDesign(supply_c=45.0, return_c=35.0, exponent_b=0.05)
STEP_S = 900.0
ROOM_C = 20.0


class Screed:
    """Emitters of one capacity at their mean water temperature."""

    def __init__(self, model: UnitModel, lag_s: float) -> None:
        self.model = model
        give = (1.0 + model.exponent) * model.design_heat_kw / model.design_mean_over_room_k
        self.held_kj_k = lag_s * give
        self.water_c = 32.0

    def step(self, supply_c: float, dt_s: float = STEP_S) -> tuple[float, float, float]:
        """Return mean heat put in, mean heat given and the return temperature at the end."""
        put = given = 0.0
        through = 2.0 * self.model.flow_kgs * CP_KJ_KGK
        for _ in range(60):
            now = through * (supply_c - self.water_c)
            out = self.model.given_kw(self.water_c, ROOM_C)
            self.water_c += (now - out) * dt_s / 60.0 / self.held_kj_k
            put, given = put + now / 60.0, given + out / 60.0
        return put, given, 2.0 * self.water_c - supply_c


def model(lag_s: float = 16000.0) -> UnitModel:
    return replace(model_from_design(FLOOR, 500.0), lag_s=lag_s)


def test_a_valve_that_stands_open_limits_what_is_asked_for_until_more_is_reached() -> None:
    reach = SupplyReach()
    assert reach.step(wanted_c=60.0, supply_c=59.8, dt_s=STEP_S) == math.inf
    assert reach.step(wanted_c=60.0, supply_c=55.0, dt_s=STEP_S, valve_pct=40.0) == math.inf
    limit = reach.step(wanted_c=60.0, supply_c=55.0, dt_s=STEP_S, valve_pct=99.0)
    assert limit == pytest.approx(55.4)
    # As long as it is not reached it does not rise; reached, it rises; not asked for, slowly.
    assert reach.step(wanted_c=limit, supply_c=55.0, dt_s=STEP_S) == limit
    assert reach.step(wanted_c=limit, supply_c=limit, dt_s=STEP_S) == pytest.approx(limit + 0.5)
    slow = reach.step(wanted_c=48.0, supply_c=48.0, dt_s=STEP_S)
    assert slow == pytest.approx(limit + 0.5625)
    # A network that gives more at last is believed again.
    for _ in range(400):
        reach.step(wanted_c=45.0, supply_c=45.0, dt_s=STEP_S)
    assert reach.most_c == math.inf
    assert reach.step(wanted_c=math.nan, supply_c=40.0, dt_s=STEP_S) == math.inf


def test_a_known_limit_makes_the_plan_heat_before_the_night() -> None:
    unit = model_from_design(CurveDesign(), 500.0)
    hour = np.arange(N_STEP) / 4.0
    outdoor = np.where((hour > 8.0) & (hour < 18.0), -22.0, -4.0)
    state = MpcState(room_c=20.0, wall_c=math.nan, supply_c=56.0)
    cold = MpcForecast(outdoor_c=outdoor)
    free = StationMpc(unit, MpcTask()).solve(state, cold, 0.3)
    most = float(free.supply_c[36:68].mean()) - 3.0
    held = StationMpc(unit, MpcTask(supply_high_c=most)).solve(state, cold, 0.3)
    early = (hour > 2.0) & (hour < 8.0)
    assert most > free.supply_c[early].mean() - 1.0
    assert held.room_c[early].max() > free.room_c[early].max() + 0.05
    assert held.supply_c.max() <= most + 1e-3


def test_what_comes_back_every_day_is_taken_out_of_the_target() -> None:
    course = DailyCourse()
    hour = np.arange(96) / 4.0
    habit = 0.4 * np.sin((hour - 15.0) / 12.0 * np.pi)
    left = []
    for k in range(10 * 96):
        now_s = k * STEP_S
        moved = course.ahead_k(now_s - STEP_S, 1)[0]
        # The rooms follow the target they are given but for the habit, and stand 0.2 K too high.
        course.learn(now_s, 0.2 + float(habit[k % 96]) + float(moved))
        left.append(float(habit[k % 96]) + float(moved))
    assert np.std(left[-96:]) < 0.2 * np.std(left[:96])
    # The level is not its business, and what is far off or unknown teaches nothing.
    assert abs(float(course.ahead_k(0.0, 96).mean())) < 1e-9
    before = course.moved_k.copy()
    for error in (math.nan, 3.0, *[0.3] * 8):
        course.learn(0.0, error)
    assert np.array_equal(course.moved_k, before)


def test_supply_acts_sooner_than_heat_at_the_exchanger_does() -> None:
    unit = model()
    lag = unit.supply_lag_s()
    assert lag < 0.5 * unit.lag_s
    screed = Screed(unit, unit.lag_s)
    for _ in range(200):
        _, before, _ = screed.step(38.0)
    first = 0.0
    for k in range(200):
        _, given, _ = screed.step(40.0)
        first = given if k * STEP_S < lag else first
    # After one lag some 63 % of the way is gone.
    assert 0.5 < (first - before) / (given - before) < 0.7


def test_the_lag_is_learnt_from_what_the_water_holds() -> None:
    rng = np.random.default_rng(1)
    unit = model()
    screed = Screed(unit, 16000.0)
    n = 10 * 96
    supply = (
        38.0
        + 3.0 * np.sin(np.arange(n) / 96.0 * 2.0 * np.pi)
        + np.repeat(rng.normal(0.0, 1.5, n // 24), 24)
    )
    rows = np.array([screed.step(s) for s in supply.tolist()])
    water = np.concatenate([[32.0], 0.5 * (supply + rows[:, 2])])
    # A meter shows the mean of the step for heat, the end of it for temperatures.
    history = UnitHistory(
        unit="UN0001",
        start_s=0.0,
        step_s=STEP_S,
        heat_kw=rows[:, 0],
        outdoor_c=np.zeros(n),
        sun_kw_m2=np.zeros(n),
        supply_c=supply + rng.normal(0.0, 0.1, n),
        return_c=2.0 * water[1:] - supply + rng.normal(0.0, 0.1, n),
        flow_kgs=np.full(n, unit.flow_kgs),
        sensors_c=np.empty((n, 0)),
        sensors=(),
    )
    lag = learn_lag_s(history, np.full(n, ROOM_C), unit.exponent)
    assert lag == pytest.approx(16000.0, rel=0.2)
    still = replace(history, supply_c=np.full(n, 38.0), return_c=np.full(n, 32.0))
    assert learn_lag_s(still, np.full(n, ROOM_C), unit.exponent) is None


def test_slow_emitters_are_read_off_their_water() -> None:
    # The model's lag is half of the real one; the water tells the heat all the same.
    unit = model(8000.0)
    screed, observer = Screed(unit, 16000.0), RoomObserver(model=unit)
    blind = RoomObserver(model=unit)
    off: list[float] = []
    blind_off: list[float] = []
    for k in range(4 * 96):
        supply = 42.0 if k // 24 % 2 else 33.0
        put, given, back = screed.step(supply)
        for each, store, water in ((observer, off, back), (blind, blind_off, math.nan)):
            state = each.step(
                heat_kw=put, outdoor_c=0.0, dt_s=STEP_S if k else 0.0, supply_c=supply,
                return_c=water,
            )  # fmt: skip
            if k > 96:
                store.append(abs(state.felt_kw - given))
    assert np.mean(off) < 0.04 * unit.design_heat_kw
    assert np.mean(off) < 0.5 * np.mean(blind_off)
