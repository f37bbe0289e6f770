"""The season's third controller: the platform's model predictive control on what sensors show.

Before its season it has seen some weeks of the same units on the tuned curve, in other weather:
from them it learns its building models, the usual course of people's heat over the day, and the
level its own collectors show when a unit is heated as it should be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.season_tune import Curves
from bench.season_world import (
    COLD_C,
    COMFORT_YUAN_M2KH,
    HEAT_YUAN_KWH,
    STEP_S,
    Block,
    Record,
    Seen,
    World,
    local_hour,
)
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.unit import identify_unit
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_course import DailyCourse
from heatloop.control.mpc_reach import SupplyReach
from heatloop.control.mpc_task import N_STEP, MpcForecast, MpcState, MpcTask
from heatloop.control.room_feedback import RoomObserver, RoomSensing, RoomState
from heatloop.control.room_levels import (
    LEAST_COLLECTORS,
    NOTHING,
    Account,
    LevelPrices,
    account_of,
    choose_shifts,
    trusted,
)
from heatloop.control.unit_model import UnitModel
from heatloop.demo.truth import DUTY_HZ
from heatloop.network.arrays import Floats

_SOLVE_EVERY = 2
_NOWCAST_S = 6 * 3600.0
_DAY = 96
_LEAST_TOP_C, _MARGIN_K = 30.0, 0.5
_FLOOR_B = 0.2
_PRICES = LevelPrices(heat_yuan_kwh=HEAT_YUAN_KWH, cold_yuan_m2kh=COMFORT_YUAN_M2KH, cold_c=COLD_C)


@dataclass(frozen=True, kw_only=True, slots=True)
class Learnt:
    """What was learnt of one unit before the season."""

    model: UnitModel
    """The building."""
    level_c: Floats
    """Mean of its rooms on the tuned curve, as its collectors show it, shape (n_block,)."""
    gain_kw: Floats
    """Heat the model does not know of by quarter of the local day, shape (96,)."""
    sensing: RoomSensing
    """What its collectors are worth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """By how much steady rooms may be kept below or above those of the tuned curve."""

    outdoor_c: Floats
    """Mean outdoor temperature of each stretch that was learnt from, rising, shape (n_block,)."""
    shift_k: Floats
    """Wanted over what the tuned curve kept, shape (n_block, n_unit)."""


def know(
    world: World, past: list[tuple[Block, Record]], units: Sequence[int] | None = None
) -> tuple[list[Learnt], list[Floats]]:
    """Return what was learnt of each unit, and its rooms as believed, (n_quarter, n_unit) each.

    Args:
        world: Whose units; only its books are read.
        past: Runs of the tuned curve that kept what was seen, the colder first.
        units: Which units; None: all.
    """
    units = range(world.n_unit) if units is None else units
    owned = _collectors(world)
    learnt: list[Learnt] = []
    believed = [np.full((len(record.seen), len(units)), np.nan) for _, record in past]
    for column, unit in enumerate(units):
        model: UnitModel | None = None
        for _, record in past:
            model = identify_unit(
                _history(record, unit, owned[unit]),
                design=world.designs[unit],
                design_heat_kw=world.city.streets.units[unit].load_kw,
                area_m2=world.city.streets.units[unit].area_m2,
                parent=model,
            ).model
        assert model is not None
        sensing, rest = RoomSensing(), np.zeros((len(past), _DAY))
        for turn, (_, record) in enumerate(past):
            rooms, rest[turn] = _observe(model, sensing, record, unit, owned[unit])
            believed[turn][:, column] = rooms
        learnt.append(
            Learnt(
                model=model,
                level_c=np.array([rooms[_DAY:, column].mean() for rooms in believed]),
                gain_kw=rest.mean(axis=0),
                sensing=sensing,
            )
        )
    return learnt, believed


def find_levels(
    world: World, past: list[tuple[Block, Record]], learnt: list[Learnt], believed: list[Floats]
) -> Levels:
    """Return the shifts of radiators and floors that cost least with steady rooms.

    Each unit is kept at the level its own collectors showed on the tuned curve: where they stand
    too high or low they do so then and later. Only the shift that steady rooms allow is common to
    all units of a kind, and that is read off all their collectors together.

    Args:
        world: Whose units; only its books are read.
        past: What was learnt from, the colder first.
        learnt: What was learnt of each unit.
        believed: Rooms as believed, (n_quarter, n_unit) each.
    """
    area, loss = _books_m2(world), np.array([one.model.loss_kw_k() for one in learnt])
    owned = _collectors(world)
    floor = np.array([design.exponent_b < _FLOOR_B for design in world.designs])
    measured = np.array([len(own) >= LEAST_COLLECTORS for own in owned])
    kinds: list[list[Account]] = []
    for kind in (False, True):
        accounts = [NOTHING] * len(past)
        for unit in np.flatnonzero(measured & (floor == kind)).tolist():
            own = owned[unit]
            own = own[trusted(learnt[unit].sensing, [str(k) for k in own.tolist()])]
            for turn, (_, record) in enumerate(past):
                # Every hour after the first day.
                rooms = believed[turn][_DAY:, unit]
                accounts[turn] += account_of(
                    np.array([seen.room_c[own] for seen in record.seen[_DAY::4]]),
                    rooms[::4] - rooms.mean(),
                    area_m2=float(area[unit]),
                    loss_kw_k=float(loss[unit]),
                    prices=_PRICES,
                )
        kinds.append(accounts)
    shift = choose_shifts(kinds).shift_k.T
    outdoor = [float(np.mean([s.outdoor_c for s in record.seen[_DAY:]])) for _, record in past]
    return Levels(outdoor_c=np.array(outdoor), shift_k=shift[:, floor.astype(np.intp)])


def _books_m2(world: World) -> Floats:
    return np.array([unit.area_m2 for unit in world.city.streets.units])


def _collectors(world: World) -> list[NDArray[np.intp]]:
    """Return the collectors of each unit."""
    order = np.argsort(world.collector_unit, kind="stable")
    of, units = world.collector_unit[order], np.arange(world.n_unit)
    begin, end = np.searchsorted(of, units), np.searchsorted(of, units, "right")
    return [order[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]


def _history(record: Record, unit: int, own: NDArray[np.intp]) -> UnitHistory:
    seen = record.seen
    return UnitHistory(
        unit=f"UN{unit + 1:04d}",
        # What is seen at a moment is the mean of the quarter before.
        start_s=seen[0].now_s - STEP_S,
        step_s=float(STEP_S),
        heat_kw=np.array([s.heat_kw[unit] for s in seen]),
        outdoor_c=np.array([s.outdoor_c for s in seen]),
        sun_kw_m2=np.array([s.sun_w_m2 for s in seen]) / 1000.0,
        supply_c=np.array([s.supply_c[unit] for s in seen]),
        return_c=np.array([s.return_c[unit] for s in seen]),
        flow_kgs=np.array([s.flow_m3h[unit] for s in seen]) / 3.6,
        sensors_c=np.array([s.room_c[own] for s in seen]).reshape(len(seen), len(own)),
        sensors=tuple(str(k) for k in own.tolist()),
    )


def _observe(
    model: UnitModel, sensing: RoomSensing, record: Record, unit: int, own: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Return rooms believed by quarter and unknown heat by quarter of the day."""
    observer = RoomObserver(model=model)
    believed, unknown = [], []
    for turn, seen in enumerate(record.seen):
        reading = sensing.read(_named(seen, own), STEP_S, observer.expected_c)
        state = observer.step(
            heat_kw=float(seen.heat_kw[unit]),
            outdoor_c=seen.outdoor_c,
            dt_s=STEP_S if turn else 0.0,
            sun_kw_m2=seen.sun_w_m2 / 1000.0,
            reading=reading,
            supply_c=float(seen.supply_c[unit]),
            flow_kgs=float(seen.flow_m3h[unit]) / 3.6,
            return_c=float(seen.return_c[unit]),
        )
        believed.append(float(state.mean[0]))
        unknown.append(float(state.mean[2]))
    hours = np.array([_quarter(seen.now_s) for seen in record.seen[2 * _DAY :]])
    late = np.array(unknown[2 * _DAY :])
    profile = np.bincount(hours, late, _DAY) / np.maximum(np.bincount(hours, minlength=_DAY), 1)
    return np.array(believed), profile - profile.mean()


def _quarter(now_s: float) -> int:
    return int(local_hour(now_s) * 4.0 + 0.5) % _DAY


def _named(seen: Seen, own: NDArray[np.intp]) -> dict[str, float]:
    rooms = seen.room_c[own].tolist()
    return {str(k): c for k, c in zip(own.tolist(), rooms, strict=True) if c == c}


class Mpc:
    """Controller of the season: one `StationMpc` a unit.

    Args:
        world: The city; only its books are read.
        learnt: What is known of each unit.
        levels: How the wanted level moves with the weather.
        settings: Tuned settings, whose flow is kept, shape (n_unit, 7).
    """

    def __init__(
        self, world: World, learnt: list[Learnt], levels: Levels, settings: Floats
    ) -> None:
        self._learnt, self._levels = learnt, levels
        self._hz = DUTY_HZ * settings[:, 6]
        self._collectors = _collectors(world)
        # Where hardly a room is measured nobody can do better than the curve that was tuned.
        self._curve = Curves(world, settings)
        self._blind = [len(own) < LEAST_COLLECTORS for own in self._collectors]
        self._sensing = [deepcopy(one.sensing) for one in learnt]
        self._observers = [RoomObserver(model=one.model) for one in learnt]
        self._tasks = [
            MpcTask(
                supply_low_c=22.0,
                supply_high_c=design.supply_c + 5.0,
                curve=design,
                move_weight=1e-3,
            )
            for design in world.designs
        ]
        self._mpc = [
            StationMpc(one.model, task) for one, task in zip(learnt, self._tasks, strict=True)
        ]
        self._course = [DailyCourse() for _ in learnt]
        self._reach = [SupplyReach() for _ in learnt]
        self._supply = np.full(world.n_unit, math.nan)
        self._plans: list[Floats] = [np.empty(0)] * world.n_unit
        self._turn = 0
        self.room_c: list[Floats] = []
        """What the observers believed, one row a quarter, shape (n_unit,)."""
        self.target_c: list[Floats] = []
        """What was wanted, likewise."""
        self.fallbacks = 0
        """How often a plan was the weather curve."""

    def decide(self, seen: Seen) -> tuple[Floats, Floats]:
        """Return supply temperatures and pump speeds."""
        outdoor, sun = forecast_rows(seen)
        mean_c, levels = float(outdoor.mean()), self._levels
        believed, wanted = np.empty(len(self._learnt)), np.empty(len(self._learnt))
        curve_c, _ = self._curve.decide(seen)
        for unit, one in enumerate(self._learnt):
            if self._blind[unit]:
                believed[unit] = wanted[unit] = math.nan
                self._supply[unit] = curve_c[unit]
                continue
            wanted[unit] = np.interp(
                mean_c, levels.outdoor_c, one.level_c + levels.shift_k[:, unit]
            )
            self._reach[unit].step(
                wanted_c=self._supply[unit], supply_c=seen.supply_c[unit], dt_s=STEP_S
            )
            state = self._look(unit, one, seen)
            believed[unit] = state.mean[0]
            self._course[unit].learn(seen.now_s, float(believed[unit] - wanted[unit]))
            if (self._turn + unit) % _SOLVE_EVERY == 0 or not len(self._plans[unit]):
                self._plan(unit, one, state, seen, outdoor, sun, float(wanted[unit]))
            # No valve makes water colder than it comes back.
            self._supply[unit] = max(self._plans[unit][0], seen.return_c[unit] - _MARGIN_K)
            self._plans[unit] = self._plans[unit][1:]
        self.room_c.append(believed)
        self.target_c.append(wanted)
        self._turn += 1
        return self._supply.copy(), self._hz

    def _look(self, unit: int, one: Learnt, seen: Seen) -> RoomState:
        observer = self._observers[unit]
        usual = float(one.gain_kw[_quarter(seen.now_s) - 1])
        observer.model = replace(one.model, gain_kw=one.model.gain_kw + usual)
        named = _named(seen, self._collectors[unit])
        return observer.step(
            heat_kw=float(seen.heat_kw[unit]),
            outdoor_c=seen.outdoor_c,
            dt_s=STEP_S if self._turn else 0.0,
            sun_kw_m2=seen.sun_w_m2 / 1000.0,
            reading=self._sensing[unit].read(named, STEP_S, observer.expected_c),
            supply_c=float(seen.supply_c[unit]),
            flow_kgs=float(seen.flow_m3h[unit]) / 3.6,
            return_c=float(seen.return_c[unit]),
        )

    def _plan(
        self,
        unit: int,
        one: Learnt,
        state: RoomState,
        seen: Seen,
        outdoor: Floats,
        sun: Floats,
        target_c: float,
    ) -> None:
        ahead = (_quarter(seen.now_s) + np.arange(N_STEP)) % _DAY
        mpc = self._mpc[unit]
        top, last, real = self._tasks[unit].supply_high_c, self._supply[unit], seen.supply_c[unit]
        # What cannot be reached is not asked for: the night has to be heated for before it.
        top = max(min(top, self._reach[unit].most_c), _LEAST_TOP_C)
        last = min(last, top)
        mpc.retarget(
            replace(
                self._tasks[unit],
                target_c=target_c + self._course[unit].ahead_k(seen.now_s, N_STEP),
                supply_high_c=top,
                low_c=target_c - 1.0,
                high_c=target_c + 1.5,
            )
        )
        plan = mpc.solve(
            MpcState(
                room_c=float(state.mean[0]),
                wall_c=float(state.mean[1]),
                supply_c=float(last if self._turn else real),
                heat_kw=float(state.felt_kw),
                disturbance_kw=float(state.mean[2]),
                emitter_factor=state.emitter_factor,
            ),
            MpcForecast(
                outdoor_c=outdoor, sun_kw_m2=sun, gain_kw=one.model.gain_kw + one.gain_kw[ahead]
            ),
            HEAT_YUAN_KWH,
            shift=_SOLVE_EVERY,
        )
        self.fallbacks += plan.fallback
        self._plans[unit] = plan.supply_c


def forecast_rows(seen: Seen) -> tuple[Floats, Floats]:
    """Return outdoor temperature and sun (kW/m2) expected over the next day, each (96,).

    The newest forecast, moved to what is measured now; how it is wrong now fades in some hours.
    """
    rows = seen.forecast["hours"]
    hours = np.array([row["at_s"] for row in rows], dtype=np.float64)
    told = np.array([row["temperature_c"] for row in rows])
    sun = np.array([row["solar_w_m2"] for row in rows])
    lead = STEP_S * (np.arange(N_STEP) + 0.5)
    error = seen.outdoor_c - float(np.interp(seen.now_s, hours, told))
    outdoor = np.interp(seen.now_s + lead, hours, told) + error * np.exp(-lead / _NOWCAST_S)
    # Radiation is the mean of the hour before.
    return outdoor, np.interp(seen.now_s + lead, hours - 1800.0, sun) / 1000.0
