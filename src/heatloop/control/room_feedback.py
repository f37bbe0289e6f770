"""What the rooms of a unit are, from few or lying sensors and from the model: value, trust, walls.

Sensors are first judged against each other, each by its own usual distance from the middle of
all, then together against the model; what is left goes into a Kalman filter with three states:
room, wall, and heat the model does not know of. The last makes control free of offset.

Reference: Kalman (1960), doi 10.1115/1.3662552; offset-free control by a disturbance state,
Pannocchia and Rawlings (2003), doi 10.1002/aic.690490213; median and MAD, Huber (1981).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from heatloop.control.unit_model import UnitModel

Floats = NDArray[np.float64]
PLAUSIBLE_C = (2.0, 42.0)
_FROZEN_S = 8 * 3600.0
_OFFSET_S, _TRUST_S = 2.0 * 86400.0, 6 * 3600.0
_EMITTER_S = 12 * 3600.0
_SLOW_S, _WATER_S = 3600.0, 3 * 86400.0
"""Emitters slower than this are read off their water, balanced over this time."""
_LEAST_TRUST = 0.2
_SPREAD_K = 0.8
"""How far rooms of one unit usually differ, beside what is learnt of each."""
_OFFSET_MOST_K = 4.0


@dataclass(kw_only=True, slots=True)
class SensorMemory:
    """What is known of one sensor."""

    offset_k: float = 0.0
    """Usual distance from the middle of all: a corner flat is always colder."""
    trust: float = 0.7
    """0 to 1."""
    last_c: float = math.nan
    """Last reading."""
    same_s: float = 0.0
    """How long it has not moved at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomReading:
    """The rooms of a unit as its sensors show them."""

    room_c: float
    """Mean of rooms; nan: nobody can be believed."""
    sigma_k: float
    """How sure."""
    used: tuple[str, ...]
    """Sensors that counted."""
    doubted: Mapping[str, str]
    """Why each other did not: `range`, `frozen`, `stray`, `untrusted`."""


class RoomSensing:
    """Judges the sensors of one unit at every pass and remembers what they are worth."""

    def __init__(self) -> None:
        self.memory: dict[str, SensorMemory] = {}
        """By point code."""

    def read(
        self, values: Mapping[str, float], dt_s: float, expected_c: float = math.nan
    ) -> RoomReading:
        """Return what the rooms are.

        Args:
            values: Fresh readings by sensor; old ones are left out.
            dt_s: Seconds since the last pass.
            expected_c: What the model expects; nan: no model.
        """
        doubted: dict[str, str] = {}
        level: dict[str, float] = {}
        for name, value in values.items():
            known = self.memory.setdefault(name, SensorMemory())
            reason = self._own_fault(known, value, dt_s)
            if reason:
                doubted[name] = reason
                known.trust *= math.exp(-dt_s / _TRUST_S)
            else:
                level[name] = value - known.offset_k
        if not level:
            return RoomReading(room_c=math.nan, sigma_k=math.inf, used=(), doubted=doubted)
        names = list(level)
        at = np.array([level[name] for name in names])
        trust = np.array([self.memory[name].trust for name in names])
        middle, spread = self._middle(at, trust, expected_c)
        stray = np.abs(at - middle) > 3.0 * spread
        gain = -math.expm1(-dt_s / _TRUST_S)
        settle = -math.expm1(-dt_s / _OFFSET_S)
        for name, off, away in zip(names, (at - middle).tolist(), stray.tolist(), strict=True):
            known = self.memory[name]
            known.trust += gain * ((0.0 if away else 1.0) - known.trust)
            if away:
                doubted[name] = "stray"
            else:
                offset = known.offset_k + settle * off
                known.offset_k = min(max(offset, -_OFFSET_MOST_K), _OFFSET_MOST_K)
        self._center(names)
        good = ~stray & (trust >= _LEAST_TRUST)
        for name, fine, away in zip(names, good.tolist(), stray.tolist(), strict=True):
            if not fine and not away:
                doubted[name] = "untrusted"
        if not np.any(good):
            return RoomReading(room_c=math.nan, sigma_k=math.inf, used=(), doubted=doubted)
        weight = trust[good]
        mean = float(weight @ at[good] / weight.sum())
        count = float(weight.sum() ** 2 / (weight @ weight))
        used = tuple(name for name, fine in zip(names, good.tolist(), strict=True) if fine)
        # Few sensors do not stand for all rooms, however well they agree with each other.
        return RoomReading(
            room_c=mean, sigma_k=_SPREAD_K / math.sqrt(count), used=used, doubted=doubted
        )

    @staticmethod
    def _own_fault(known: SensorMemory, value: float, dt_s: float) -> str:
        if not PLAUSIBLE_C[0] <= value <= PLAUSIBLE_C[1]:
            return "range"
        known.same_s = known.same_s + dt_s if value == known.last_c else 0.0
        known.last_c = value
        return "frozen" if known.same_s >= _FROZEN_S else ""

    @staticmethod
    def _middle(at: Floats, trust: Floats, expected_c: float) -> tuple[float, float]:
        """Return the weighted median and how far a good sensor may lie from it (one sigma).

        The model counts as one more sensor, so that of two that disagree the likelier is believed.
        """
        values, weights = at, trust
        if math.isfinite(expected_c):
            values, weights = np.append(at, expected_c), np.append(trust, 0.6)
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order])
        middle = float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])
        mad = 1.4826 * float(np.median(np.abs(at - middle)))
        return middle, min(max(mad, _SPREAD_K), 1.6)

    def _center(self, names: list[str]) -> None:
        """Keep the offsets of trusted sensors around 0: together they stand for all rooms."""
        offsets = [self.memory[name].offset_k for name in names]
        mean = sum(offsets) / len(offsets)
        for name in names:
            self.memory[name].offset_k -= mean


@dataclass(kw_only=True, slots=True)
class RoomState:
    """What the observer believes."""

    mean: Floats
    """Room degC, wall degC, unknown heat kW; shape (3,)."""
    covariance: Floats
    """Shape (3, 3)."""
    suspect_s: float = 0.0
    """For how long the sensors together have contradicted the model."""
    felt_kw: float = math.nan
    """Heat the emitters give after their lag; nan: not known yet."""
    emitter_factor: float = 1.0
    """Heat measured over what the model's emitters give at the same water."""
    put_in_kwh: float = 0.0
    """Heat given to slow emitters of late; 0: not counted yet."""
    told_kwh: float = 0.0
    """Heat they gave by the model at their water, likewise."""


@dataclass(kw_only=True, slots=True)
class RoomObserver:
    """Kalman filter of one unit."""

    model: UnitModel
    """The unit."""
    state: RoomState | None = None
    """None before the first step."""
    room_noise_k: float = 0.12
    """Room noise an hour, one sigma."""
    heat_noise: float = 0.02
    """Noise of the unknown heat an hour, over design heat."""
    heat_fade_s: float = 36 * 3600.0
    """How long the unknown heat is believed without rooms."""
    gate: float = 4.0
    """Innovations beyond so many sigma are cut to that: one bad hour does not move the rooms."""
    relaxed: list[str] = field(default_factory=list)
    """What happened in the last step, in words screens translate."""

    def step(
        self,
        *,
        heat_kw: float,
        outdoor_c: float,
        dt_s: float,
        sun_kw_m2: float = 0.0,
        reading: RoomReading | None = None,
        lagged: bool = True,
        supply_c: float = math.nan,
        flow_kgs: float = math.nan,
        return_c: float = math.nan,
    ) -> RoomState:
        """Return what rooms and walls are after a step.

        Args:
            heat_kw: Mean heat given to the loop in the step; nan: unknown, then that which keeps
                the rooms.
            outdoor_c: Outdoor temperature; nan: unknown, then nothing moves.
            dt_s: Step, s.
            sun_kw_m2: Mean horizontal radiation.
            reading: Rooms at its end; None or nan: none.
            lagged: Whether the heat reaches the rooms with the model's lag.
            supply_c: Mean supply temperature; with the heat it tells what the emitters really do.
            flow_kgs: Mean circulation; nan: the model's.
            return_c: Return temperature; with the supply it tells what slow emitters give now.
        """
        model, self.relaxed = self.model, []
        measured = reading.room_c if reading is not None else math.nan
        if self.state is None:
            self.state = self._first(measured, outdoor_c)
        state = self.state
        if dt_s > 0.0 and math.isfinite(outdoor_c):
            felt = self._felt(state, heat_kw, dt_s, lagged)
            if model.lag_s >= _SLOW_S and math.isfinite(felt):
                felt = self._by_water(state, heat_kw, felt, 0.5 * (supply_c + return_c), dt_s)
            self._predict(state, felt, outdoor_c, sun_kw_m2, dt_s)
        elif dt_s > 0.0:
            self.relaxed.append("outdoor_unknown")
        self._rate_emitters(state, heat_kw, supply_c, flow_kgs, dt_s)
        if math.isfinite(measured) and reading is not None:
            self._correct(state, measured, reading.sigma_k, dt_s)
        else:
            state.mean[2] *= math.exp(-dt_s / self.heat_fade_s)
            self.relaxed.append("room_unknown")
        limit = 0.5 * model.design_heat_kw
        state.mean[2] = min(max(state.mean[2], -limit), limit)
        return state

    @property
    def expected_c(self) -> float:
        """Return the room temperature believed now, nan before the first step."""
        return math.nan if self.state is None else float(self.state.mean[0])

    def _first(self, measured: float, outdoor_c: float) -> RoomState:
        room = measured if math.isfinite(measured) else 20.0
        outside = outdoor_c if math.isfinite(outdoor_c) else 0.0
        wall = self.model.steady_wall_c(room, outside)
        heat = (0.1 * self.model.design_heat_kw) ** 2
        return RoomState(mean=np.array([room, wall, 0.0]), covariance=np.diag([1.0, 4.0, heat]))

    def _rate_emitters(
        self, state: RoomState, heat_kw: float, supply_c: float, flow_kgs: float, dt_s: float
    ) -> None:
        """Learn over some hours how much the emitters give beside the model."""
        model = self.model
        flow = flow_kgs if math.isfinite(flow_kgs) else model.flow_kgs
        if not (math.isfinite(heat_kw) and math.isfinite(supply_c) and flow > 0.0):
            return
        told = float(model.heat_kw(supply_c, float(state.mean[0]), flow))
        # Little heat says little about the emitters, and much about what fills the pipes.
        if told < 0.1 * model.design_heat_kw:
            return
        share = -math.expm1(-dt_s / _EMITTER_S)
        seen = min(max(heat_kw / told, 0.5), 2.0)
        state.emitter_factor += share * (seen - state.emitter_factor)

    def _felt(self, state: RoomState, heat_kw: float, dt_s: float, lagged: bool) -> float:
        """Return the mean heat the rooms feel in the step."""
        if not math.isfinite(heat_kw):
            state.felt_kw = math.nan
            return math.nan
        lag = self.model.lag_s
        if not lagged or lag <= 1.0 or not math.isfinite(state.felt_kw):
            state.felt_kw = heat_kw
            return heat_kw
        keep = math.exp(-dt_s / lag)
        mean = heat_kw + (state.felt_kw - heat_kw) * lag / dt_s * (1.0 - keep)
        state.felt_kw = heat_kw + (state.felt_kw - heat_kw) * keep
        return mean

    def _by_water(
        self, state: RoomState, heat_kw: float, felt_kw: float, water_c: float, dt_s: float
    ) -> float:
        """Return the heat slow emitters give by the temperature of their water.

        It is scaled so that over days as much comes out as was put in.
        """
        told = self.model.given_kw(water_c, float(state.mean[0])) if water_c == water_c else 0.0
        design = self.model.design_heat_kw
        if told < 0.02 * design:
            return felt_kw
        if state.put_in_kwh <= 0.0:
            state.put_in_kwh = state.told_kwh = 0.5 * design * _WATER_S / 3600.0
        keep, hours = math.exp(-dt_s / _WATER_S), dt_s / 3600.0
        state.put_in_kwh = keep * state.put_in_kwh + heat_kw * hours
        state.told_kwh = keep * state.told_kwh + told * hours
        state.felt_kw = told * min(max(state.put_in_kwh / state.told_kwh, 0.5), 2.0)
        return state.felt_kw

    def _predict(
        self, state: RoomState, heat_kw: float, outdoor_c: float, sun_kw_m2: float, dt_s: float
    ) -> None:
        model = self.model
        if not math.isfinite(heat_kw):
            steady = model.steady_heat_kw(float(state.mean[0]), outdoor_c)
            heat_kw = max(steady - float(state.mean[2]), 0.0)
            self.relaxed.append("heat_unknown")
        sun = sun_kw_m2 if math.isfinite(sun_kw_m2) else 0.0
        a, b_room, b_wall = model.transition(dt_s)
        f = np.array(
            [[a[0, 0], a[0, 1], b_room[0]], [a[1, 0], a[1, 1], b_room[1]], [0.0, 0.0, 1.0]]
        )
        load = heat_kw + model.gain_kw + model.sun_m2 * sun + model.room_out_kw_k * outdoor_c
        known = b_room * load + b_wall * model.wall_out_kw_k * outdoor_c
        state.mean = f @ state.mean + np.array([known[0], known[1], 0.0])
        hours = dt_s / 3600.0
        noise = np.array(
            [self.room_noise_k, 0.5 * self.room_noise_k, self.heat_noise * model.design_heat_kw]
        )
        if model.order == 1:
            noise[1] = 0.0
        state.covariance = f @ state.covariance @ f.T + np.diag(noise**2 * hours)

    def _correct(self, state: RoomState, measured_c: float, sigma_k: float, dt_s: float) -> None:
        innovation = measured_c - float(state.mean[0])
        # Readings of one place are not independent from pass to pass: noise as of one an hour.
        own = sigma_k**2 * max(3600.0 / max(dt_s, 1.0), 1.0) * 0.25
        whole = float(state.covariance[0, 0]) + own
        sigma = math.sqrt(whole)
        if abs(innovation) > self.gate * sigma:
            innovation = math.copysign(self.gate * sigma, innovation)
            state.suspect_s += dt_s
            self.relaxed.append("rooms_contradict_model")
        else:
            state.suspect_s = 0.0
        gain = state.covariance[:, 0] / whole
        state.mean = state.mean + gain * innovation
        keep = np.eye(3) - np.outer(gain, [1.0, 0.0, 0.0])
        # Joseph's form stays symmetric and positive.
        state.covariance = keep @ state.covariance @ keep.T + np.outer(gain, gain) * own
