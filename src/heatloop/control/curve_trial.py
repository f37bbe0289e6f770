"""Trying heating curves on units by their learnt models, over weather that was recorded.

Many units and many settings stand side by side: every array of a trial has the shape
(n_trial, n_unit). The water follows the curve behind the unit's lag, the emitters give what water
and rooms let them, the rooms follow the unit's own 2R2C or 1R1C model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from heatloop.control.tuned_curve import AS_DELIVERED, CurveDesigns, next_outdoor_c
from heatloop.control.tuned_curve import supply_c as tuned_supply_c
from heatloop.control.unit_model import UnitModel
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
COLD_C = 18.0
"""Rooms below are cold (GB 50736)."""
STEP_S = 1800.0
LIMIT_K = 1.0
"""Water this close to its upper limit is at it."""
_FLOW = 6
_NEWTON = 2
_DENSITY = 1.0 / np.sqrt(2.0 * np.pi)
_TRIM_K, _TRIM_TIME_S, _DIRECT_GAIN, _DIRECT_K = 3.0, 12 * 3600.0, 0.5, 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialUnit:
    """One unit curves are tried on."""

    model: UnitModel
    """Its learnt model."""
    design: CurveDesign
    """Design state of its standing heating curve."""
    target_c: float
    """Room temperature wanted."""
    supply_low_c: float
    """Lowest supply temperature."""
    supply_high_c: float
    """Highest supply temperature."""
    area_m2: float
    """Heated floor."""
    spread_k: float
    """How far its rooms lie apart, one standard deviation."""
    pump_kwh_d: float
    """Electricity of its pumps in a day at the design flow; 0: not metered."""
    feels_rooms: bool
    """Whether rooms are measured, so that the standing curve is corrected by them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrialWeather:
    """Recorded weather on even steps of `STEP_S`, without gaps, whole local days."""

    outdoor_c: Floats
    """Shape (n_step,)."""
    sun_kw_m2: Floats
    """Shape (n_step,)."""
    hour: Floats
    """Local time of day, 0 to 24, shape (n_step,)."""
    day: Index
    """Which day a step lies in, from 0 up, shape (n_step,)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Course:
    """What came of a trial day by day, arrays of shape (n_day, n_trial, n_unit)."""

    heat_kwh: Floats
    """Heat."""
    cold_m2kh: Floats
    """Floor below `COLD_C`, times how far, times how long; rooms spread around their mean."""
    room_c: Floats
    """Mean of the rooms."""
    at_limit: Floats
    """Share of time the water was at its upper limit."""
    power_kwh: Floats
    """Electricity of the pumps."""


class CurveLaw(Protocol):
    """A curve that asks for water."""

    def supply_c(self, outdoor_c: float, hour: float, room_c: Floats) -> Floats:
        """Return the supply temperature asked for in this step, shape (n_trial, n_unit)."""
        ...

    def flow_ratio(self) -> Floats:
        """Return the flow over the units' own, shape (n_trial, n_unit)."""
        ...


class StandingLaw:
    """The heating curve as it runs today, corrected by measured rooms (`control.curve_strategy`).

    Args:
        units: The units.
        n_trial: Trials.
    """

    def __init__(self, units: Sequence[TrialUnit], n_trial: int = 1) -> None:
        self._designs = CurveDesigns.of([unit.design for unit in units])
        self._target = np.array([unit.target_c for unit in units])
        self._felt = np.array([float(unit.feels_rooms) for unit in units])
        self._trim = np.zeros((n_trial, len(units)))
        self._settings = np.tile(AS_DELIVERED, (n_trial, len(units), 1))

    def supply_c(self, outdoor_c: float, hour: float, room_c: Floats) -> Floats:
        """Return what the standing curve asks for."""
        error = (self._target - room_c) * self._felt
        self._trim = np.clip(self._trim + error * (STEP_S / _TRIM_TIME_S), -_TRIM_K, _TRIM_K)
        direct = np.clip(_DIRECT_GAIN * error, -_DIRECT_K, _DIRECT_K)
        self._settings[..., 1] = self._target - self._designs.room_c + self._trim + direct
        felt = np.full(room_c.shape, outdoor_c)
        return tuned_supply_c(self._designs, self._settings, felt, hour)

    def flow_ratio(self) -> Floats:
        """Return 1: the standing curve moves the supply temperature alone."""
        return np.ones(self._trim.shape)


class TunedLaw:
    """The curve with the knobs of `control.tuned_curve`.

    Args:
        units: The units.
        settings: Knobs, shape (n_trial, n_unit, 7).
    """

    def __init__(self, units: Sequence[TrialUnit], settings: Floats) -> None:
        self._designs = CurveDesigns.of([unit.design for unit in units])
        self._settings = settings
        self._damped: Floats | None = None

    def supply_c(self, outdoor_c: float, hour: float, room_c: Floats) -> Floats:
        """Return what the tuned curve asks for; rooms are not looked at."""
        if self._damped is None:
            self._damped = np.full(room_c.shape, outdoor_c)
        self._damped = next_outdoor_c(self._damped, outdoor_c, self._settings, STEP_S)
        return tuned_supply_c(self._designs, self._settings, self._damped, hour)

    def flow_ratio(self) -> Floats:
        """Return the flow knob."""
        return np.asarray(self._settings[..., _FLOW])


class TrialHouses:
    """Units as their models have them.

    Args:
        units: The units.
    """

    def __init__(self, units: Sequence[TrialUnit]) -> None:
        models = [unit.model for unit in units]
        self.units = tuple(units)
        moves = [model.transition(STEP_S) for model in models]
        self._a = np.array([move[0] for move in moves])
        self._room_load = np.array([move[1] for move in moves])
        self._wall_load = np.array([move[2] for move in moves])

        def of(name: str) -> Floats:
            return np.array([float(getattr(model, name)) for model in models])

        self._room_out, self._wall_out = of("room_out_kw_k"), of("wall_out_kw_k")
        self._gain, self._sun = of("gain_kw"), of("sun_m2")
        self._heat, self._over = of("design_heat_kw"), of("design_mean_over_room_k")
        self._n, self._flow = 1.0 + of("exponent"), of("flow_kgs")
        lag = np.array([model.supply_lag_s() for model in models])
        self._follow = -np.expm1(-STEP_S / np.maximum(lag, 1.0))
        self._low = np.array([unit.supply_low_c for unit in units])
        self._high = np.array([unit.supply_high_c for unit in units])
        self._area = np.array([unit.area_m2 for unit in units])
        self._spread = np.array([max(unit.spread_k, 0.05) for unit in units])
        self._pump = np.array([unit.pump_kwh_d for unit in units])
        self._target = np.array([unit.target_c for unit in units])

    def run(self, law: CurveLaw, weather: TrialWeather, *, warm_up: int = 0) -> Course:
        """Return what comes of a law, the days of warm-up left out.

        Args:
            law: Asks for water.
            weather: What was recorded.
            warm_up: Days at the beginning that only settle walls and corrections.
        """
        ratio = law.flow_ratio()
        shape = ratio.shape
        room = np.broadcast_to(self._target, shape).copy()
        first = float(np.mean(weather.outdoor_c[: int(2 * 86400.0 / STEP_S)]))
        wall = np.broadcast_to(self._walls(first), shape).copy()
        felt, over = np.full(shape, np.nan), np.full(shape, 20.0)
        n_day = int(weather.day[-1]) + 1
        heat, cold, rooms, limit = np.zeros((4, n_day, *shape))
        steps = np.bincount(weather.day, minlength=n_day).astype(np.float64)
        hours = STEP_S / 3600.0
        # x + cool x^n = over, as in `UnitModel.heat_kw`.
        cool = self._heat / self._over**self._n / (2.0 * CP_KJ_KGK * self._flow * ratio)
        for k in range(len(weather.outdoor_c)):
            outdoor, day = float(weather.outdoor_c[k]), int(weather.day[k])
            asked = law.supply_c(outdoor, float(weather.hour[k]), room)
            water = np.clip(asked, self._low, self._high)
            felt = np.where(np.isfinite(felt), felt + (water - felt) * self._follow, water)
            given, over = self._given(felt - room, over, cool)
            load_room = given + self._gain + self._sun * weather.sun_kw_m2[k]
            load_room = load_room + self._room_out * outdoor
            load_wall = self._wall_out * outdoor
            room, wall = (
                self._a[:, 0, 0] * room
                + self._a[:, 0, 1] * wall
                + self._room_load[:, 0] * load_room
                + self._wall_load[:, 0] * load_wall,
                self._a[:, 1, 0] * room
                + self._a[:, 1, 1] * wall
                + self._room_load[:, 1] * load_room
                + self._wall_load[:, 1] * load_wall,
            )
            heat[day] += given * hours
            cold[day] += self._lack_k(room) * self._area * hours
            rooms[day] += room / steps[day]
            limit[day] += (asked >= self._high - LIMIT_K) / steps[day]
        # Affinity law: the power of a pump goes with the cube of its flow.
        power = np.broadcast_to(self._pump * ratio**3, heat.shape)
        kept = slice(warm_up, None)
        return Course(
            heat_kwh=heat[kept],
            cold_m2kh=cold[kept],
            room_c=rooms[kept],
            at_limit=limit[kept],
            power_kwh=power[kept],
        )

    def _walls(self, outdoor_c: float) -> Floats:
        return np.array([u.model.steady_wall_c(u.target_c, outdoor_c) for u in self.units])

    def _given(self, over_k: Floats, start: Floats, cool: Floats) -> tuple[Floats, Floats]:
        """Return the heat emitters give, and mean water over room to start from next time."""
        over = np.maximum(over_k, 0.0)
        x = np.clip(start, 1e-3, np.maximum(over, 1e-3))
        for _ in range(_NEWTON):
            power = cool * x ** (self._n - 1.0)
            x = np.maximum(x - (x + power * x - over) / (1.0 + self._n * power), 1e-3)
        x = np.minimum(x, np.maximum(over, 1e-3))
        given = np.where(over > 0.0, self._heat * (x / self._over) ** self._n, 0.0)
        return given, x

    def _lack_k(self, room_c: Floats) -> Floats:
        """Return by how much rooms that spread normally around their mean are too cold, mean, K."""
        lack = COLD_C - room_c
        z = lack / self._spread
        return np.asarray(self._spread * _DENSITY * np.exp(-0.5 * z * z) + lack * ndtr(z))
