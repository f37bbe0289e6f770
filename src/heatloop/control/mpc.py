"""Model predictive control of one unit: a day of supply temperatures or flows, always an answer.

The emitters' law is straightened around the plan of before; the program is filled and solved, once
with a plan of before, twice without. What cannot be kept is relaxed and named; inputs nobody can
plan with lead back to the weather curve.
"""

from __future__ import annotations

import math

import numpy as np

from heatloop.control.curve_strategy import Regulation
from heatloop.control.mpc_fallback import curve_plan, kept_supply_c
from heatloop.control.mpc_inputs import Inputs, usable, wide
from heatloop.control.mpc_program import MpcProgram, ProgramAnswer, ProgramData, shared_program
from heatloop.control.mpc_task import (
    N_STEP,
    NOTABLE_K,
    STEP_S,
    Floats,
    MpcForecast,
    MpcPlan,
    MpcState,
    MpcTask,
)
from heatloop.control.unit_model import UnitModel, check_model

_FLOW_SCALE = 30.0
"""Flow ratio times this is weighed like kelvins of supply temperature."""
_PASSES_COLD, _PASSES_WARM = 2, 1


class StationMpc:
    """Plans one unit.

    Args:
        model: The unit.
        task: What is wanted and allowed.
        program: Solver to use; None: the one this process shares. A solver serves one thread.
        n_step: Steps ahead.
        step_s: Length of a step.

    Raises:
        InputError: The model is none.
    """

    def __init__(
        self,
        model: UnitModel,
        task: MpcTask,
        program: MpcProgram | None = None,
        *,
        n_step: int = N_STEP,
        step_s: float = STEP_S,
    ) -> None:
        check_model(model)
        self.model, self.task = model, task
        self.n_step, self.step_s = n_step, step_s
        self._program = program
        self._last: tuple[Floats, Floats] | None = None
        self._a, self._b_room, self._b_wall = model.transition(step_s)
        lag = model.supply_lag_s() / step_s
        self._keep = math.exp(-1.0 / lag) if lag > 1e-3 else 0.0
        held = lag * (1.0 - self._keep)
        # Mean felt heat of a step out of that at its end and before it, exact for a first order.
        self._end = (1.0 - held) / (1.0 - self._keep)
        self._before = held - self._keep * self._end

    def retarget(self, task: MpcTask) -> None:
        """Change what is wanted and allowed; the plan of before still serves as a start."""
        if task.regulation is not self.task.regulation:
            self._last = None
        self.task = task

    def solve(
        self, state: MpcState, forecast: MpcForecast, prices: Floats | float, *, shift: int = 0
    ) -> MpcPlan:
        """Return the plan; never an exception for what it is given, however broken.

        Args:
            state: The unit now.
            forecast: What is expected over the horizon.
            prices: Price of heat by step, yuan/kWh, scarcity included.
            shift: Steps passed since the plan of before.
        """
        found, why = usable(self.model, self.task, state, forecast, prices, self.n_step)
        if found is None:
            return self._curve(state, forecast, why)
        flow_mode = self.task.regulation is Regulation.QUANTITY
        fixed_c, moved = (
            kept_supply_c(self.model, self.task, found, self.step_s) if flow_mode else (None, ())
        )
        u, room = self._start(found, fixed_c, shift)
        answer: ProgramAnswer | None = None
        for _ in range(_PASSES_COLD if self._last is None else _PASSES_WARM):
            program = self._program or shared_program(self.n_step)
            answer = program.solve(self._data(found, u, room, fixed_c))
            if answer is None:
                return self._curve(state, forecast, ("solver_failed",))
            u = np.clip(answer.u, *self._bounds())
            room = np.concatenate([[found.state.room_c], answer.room_c[:-1]])
        assert answer is not None
        self._last = (u, room)
        return self._plan(found, answer, u, fixed_c, moved)

    def elasticity(
        self, state: MpcState, forecast: MpcForecast, prices: Floats | float
    ) -> Floats | None:
        """Return how the heat over design falls with the price, shape (n_step, n_step).

        Away from all limits; None when the inputs are none. Fills the program's numbers.
        """
        found, _ = usable(self.model, self.task, state, forecast, prices, self.n_step)
        if found is None:
            return None
        fixed_c = None
        if self.task.regulation is Regulation.QUANTITY:
            fixed_c, _ = kept_supply_c(self.model, self.task, found, self.step_s)
        u, room = self._start(found, fixed_c, 0)
        program = self._program or shared_program(self.n_step)
        data = self._data(found, u, room, fixed_c)
        return program.elasticity(data)

    def _bounds(self) -> tuple[float, float]:
        task = self.task
        if task.regulation is Regulation.QUANTITY:
            return _FLOW_SCALE * task.least_flow, _FLOW_SCALE
        return task.supply_low_c, max(task.supply_high_c, task.supply_low_c)

    def _end_value(self, price: float) -> tuple[float, float]:
        """Return what room and wall are worth after the plan: the heat they save later."""
        model = self.model
        per_step = price / (model.design_heat_kw * self.step_s)
        room, wall = model.capacity_kj_k
        if model.order == 1:
            return per_step * room, 0.0
        back = model.room_wall_kw_k / (model.room_wall_kw_k + model.wall_out_kw_k)
        return per_step * room, per_step * wall * back

    def _start(self, found: Inputs, fixed_c: Floats | None, shift: int) -> tuple[Floats, Floats]:
        """Return actuator and room around which the emitters' law is straightened."""
        n = self.n_step
        if self._last is not None:
            at = np.minimum(np.arange(n) + max(shift, 0), n - 1)
            u, room = self._last[0][at], self._last[1][at].copy()
            room[0] = found.state.room_c
            return np.clip(u, *self._bounds()), room
        target = np.broadcast_to(np.asarray(self.task.target_c, dtype=np.float64), (n,))
        need = np.maximum(
            self.model.loss_kw_k() * (target - found.outdoor_c) - found.free_kw,
            0.05 * self.model.design_heat_kw,
        )
        if fixed_c is not None:
            return np.full(n, 0.8 * _FLOW_SCALE), target.copy()
        return np.clip(self.model.supply_c(need, target), *self._bounds()), target.copy()

    def _heat(self, u: Floats, room_c: Floats, fixed_c: Floats | None) -> Floats:
        """Return the heat of the emitters over design at an actuator."""
        if fixed_c is not None:
            flow = np.maximum(u / _FLOW_SCALE, 1e-3) * self.model.flow_kgs
            return np.asarray(self.model.heat_kw(fixed_c, room_c, flow) / self.model.design_heat_kw)
        return np.asarray(self.model.heat_kw(u, room_c) / self.model.design_heat_kw)

    def _data(self, found: Inputs, u: Floats, room: Floats, fixed_c: Floats | None) -> ProgramData:
        model, task, n, state = self.model, self.task, self.n_step, found.state
        h = 0.5
        both = self._heat(np.stack([u - h, u + h]), np.stack([room, room]), fixed_c)
        both *= state.emitter_factor
        base, per_u = both.mean(axis=0), (both[1] - both[0]) / (2.0 * h)
        # Heat depends on supply over room alone, so a warmer room is a colder supply.
        if fixed_c is not None:
            shift = np.stack([room - h, room + h])
            warm = state.emitter_factor * self._heat(np.stack([u, u]), shift, fixed_c)
            per_room = (warm[1] - warm[0]) / (2.0 * h)
        else:
            per_room = -per_u
        known = base - per_u * u - per_room * room
        fresh = 1.0 - self._keep
        design = model.design_heat_kw
        load = found.free_kw + model.room_out_kw_k * found.outdoor_c
        wall_load = model.wall_out_kw_k * found.outdoor_c
        end, before = self._end * design, self._before * design
        a, br, bw = self._a, self._b_room, self._b_wall
        later = np.append(found.price[1:], found.price[-1])
        low, high = self._bounds()
        quantity = fixed_c is not None
        now = _FLOW_SCALE * state.flow_ratio if quantity else state.supply_c
        per_h = _FLOW_SCALE * task.flow_ramp_per_h if quantity else task.ramp_k_per_h
        u_high = self._capped(np.full(n, high), low, room, fixed_c, state.emitter_factor)
        return ProgramData(
            room_from=(a[0, 0], a[0, 1], br[0] * end, br[0] * before),
            wall_from=(a[1, 0], a[1, 1], br[1] * end, br[1] * before),
            room_known=br[0] * load + bw[0] * wall_load,
            wall_known=br[1] * load + bw[1] * wall_load,
            heat_keep=self._keep,
            heat_per_u=fresh * per_u,
            heat_per_room=fresh * per_room,
            heat_known=fresh * known,
            start=(state.room_c, state.wall_c, state.heat_kw / design, min(max(now, low), high)),
            price=(found.price - self._keep * later) / fresh,
            target_c=wide(task.target_c, n),
            low_c=wide(task.low_c, n),
            high_c=wide(task.high_c, n),
            u_low=np.full(n, low),
            u_high=self._reachable(u_high, min(max(now, low), high), per_h * self.step_s / 3600.0),
            ramp=per_h * self.step_s / 3600.0,
            end_value=self._end_value(float(found.price[-1])),
            weights=(task.room_weight, task.move_weight, *task.breach_weights),
        )

    def _capped(
        self, high: Floats, low: float, room: Floats, fixed_c: Floats | None, factor: float
    ) -> Floats:
        """Return the highest actuator at which no more than the allowed heat is drawn."""
        most = np.broadcast_to(np.asarray(self.task.heat_most_kw, dtype=np.float64), high.shape)
        if not np.any(np.isfinite(most)):
            return high
        heat = np.where(np.isfinite(most), np.maximum(most, 0.0), 10.0 * self.model.design_heat_kw)
        heat = heat / factor
        if fixed_c is not None:
            # Less heat than this needs is given by no flow at this supply: by bisection on it.
            below, above = np.full(high.shape, low), high.copy()
            for _ in range(20):
                middle = 0.5 * (below + above)
                more = self._heat(middle, room, fixed_c) > heat / self.model.design_heat_kw
                below, above = np.where(more, below, middle), np.where(more, middle, above)
            return np.asarray(np.maximum(below, low))
        return np.asarray(np.clip(self.model.supply_c(heat, room), low, high))

    @staticmethod
    def _reachable(high: Floats, now: float, ramp: float) -> Floats:
        """Return upper bounds that the ramp can follow down from now, so that a plan exists."""
        walk = now - ramp * np.arange(1, len(high) + 1)
        return np.asarray(np.maximum(high, walk))

    def _plan(
        self,
        found: Inputs,
        answer: ProgramAnswer,
        u: Floats,
        fixed_c: Floats | None,
        moved: tuple[str, ...],
    ) -> MpcPlan:
        model, task, n = self.model, self.task, self.n_step
        low, high = wide(task.low_c, n), wide(task.high_c, n)
        relaxed = [*found.relaxed, *moved]
        if float(np.max(low - answer.room_c)) > NOTABLE_K:
            relaxed.append("comfort_low")
            top = self._bounds()[1]
            relaxed += ["supply_limit"] if float(u.max()) > top - 0.1 else ["ramp_limit"]
        if float(np.max(answer.room_c - high)) > NOTABLE_K:
            relaxed.append("comfort_high")
        before = np.concatenate([[found.state.heat_kw / model.design_heat_kw], answer.heat[:-1]])
        drawn = (answer.heat - self._keep * before) / (1.0 - self._keep)
        most = wide(task.heat_most_kw, n)
        if np.any(drawn * model.design_heat_kw > most * 1.01 + 1e-6):
            relaxed.append("heat_cap")
        if fixed_c is not None:
            supply, flow = fixed_c, u / _FLOW_SCALE * model.flow_kgs
        else:
            supply, flow = u, np.full(n, model.flow_kgs)
        return MpcPlan(
            supply_c=supply,
            flow_kgs=flow,
            heat_kw=np.maximum(drawn, 0.0) * model.design_heat_kw,
            room_c=answer.room_c,
            relaxed=tuple(dict.fromkeys(relaxed)),
        )

    def _curve(self, state: MpcState, forecast: MpcForecast, why: tuple[str, ...]) -> MpcPlan:
        self._last = None
        return curve_plan(self.model, self.task, state, forecast, why, self.n_step)
