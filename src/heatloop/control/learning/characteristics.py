"""What else operation teaches of a unit: its weather curve, primary valve and plate exchanger.

The curve is the very `CurveDesign` that controllers at the station hold, so what is learned here
runs there without the platform.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import conductance_kw_k, design_conductance_kw_k
from heatloop.network.valve import valve_resistance_kpa_kgs2
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign, supply_c

_MILDEST_C = 10.0
_MOST_GAIN_K = 6.0
_LEAST_VALVE, _LEAST_SPREAD_PCT = 48, 6.0
_FIT_SHARE = 2.0 / 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedCurve:
    """The weather curve that keeps a room temperature, by the unit's own model."""

    design: CurveDesign
    """The curve."""
    error_k: float
    """RMS deviation of its supply from what the model asks for, design day to 10 degC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedValve:
    """The primary valve with all that lies in series to it."""

    kvs_m3h: float
    """Flow coefficient of the open valve."""
    rangeability: float
    """Of its equal-percentage characteristic."""
    rest_kpa_kgs2: float
    """Resistance in series: exchanger, strainer, pipes."""
    error_pct: float
    """Median error of the flow over the last third of the history, not learned from."""
    moments: int
    """How many were learned from."""

    def flow_kgs(self, opening_pct: Floats, dp_kpa: Floats) -> Floats:
        """Return the flow at openings and differential pressures, shape (n,)."""
        kvs = np.full(len(opening_pct), self.kvs_m3h)
        r = valve_resistance_kpa_kgs2(kvs, opening_pct, self.rangeability) + self.rest_kpa_kgs2
        return np.asarray(np.sqrt(np.maximum(dp_kpa, 0.0) / r))


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedExchanger:
    """The plate exchanger."""

    ua_kw_k: float
    """Conductance at the reference flows, deposits included."""
    primary_kgs: float
    """Reference flow, primary: the usual one."""
    secondary_kgs: float
    """Reference flow, secondary."""
    relative_sigma: float
    """Of the conductance, spread of days."""
    trend_pct_month: float
    """How it changes; deposits make it fall."""


def learn_curve(model: UnitModel, target_c: float, outdoor_c: float) -> LearnedCurve:
    """Return the weather curve that holds a room temperature by a model.

    Args:
        model: The unit.
        target_c: Room temperature to keep.
        outdoor_c: Outdoor temperature of the design day.

    Raises:
        InputError: The model asks for no heat on the design day.
    """
    heat = model.steady_heat_kw(target_c, outdoor_c)
    cold_supply = float(model.supply_c(heat, target_c))
    cold_return = cold_supply - heat / (CP_KJ_KGK * model.flow_kgs)
    outdoors = np.arange(outdoor_c, _MILDEST_C + 0.1, 1.0)
    asked = [model.steady_heat_kw(target_c, float(x)) for x in outdoors]
    wanted = model.supply_c(np.array(asked), target_c)
    best: LearnedCurve | None = None
    # What people and sun give warms the rooms beyond what the water keeps: the curve's room is
    # lower than the target by that.
    for below in np.arange(0.0, min(_MOST_GAIN_K, cold_return - outdoor_c - 1.0), 0.5).tolist():
        for exponent in np.arange(0.0, 0.61, 0.03).tolist():
            design = CurveDesign(
                supply_c=cold_supply,
                return_c=cold_return,
                room_c=target_c - below,
                outdoor_c=outdoor_c,
                exponent_b=exponent,
            )
            told = np.array([supply_c(design, float(x)) for x in outdoors])
            error = float(np.sqrt(np.mean((told - wanted) ** 2)))
            if best is None or error < best.error_k:
                best = LearnedCurve(design=design, error_k=error)
    assert best is not None
    return best


def learn_valve(history: UnitHistory) -> LearnedValve | None:
    """Return the valve's characteristic, None where openings, flow or pressure tell too little.

    Args:
        history: Of the unit.
    """
    opening, flow, dp = history.valve_pct, history.primary_kgs, history.primary_kpa
    known = np.isfinite(opening) & np.isfinite(flow) & np.isfinite(dp)
    known[known] = (opening[known] > 5.0) & (flow[known] > 0.01) & (dp[known] > 2.0)
    at = np.flatnonzero(known)
    if len(at) < _LEAST_VALVE or float(np.ptp(np.percentile(opening[at], (5, 95)))) < (
        _LEAST_SPREAD_PCT
    ):
        return None
    cut = int(len(at) * _FIT_SHARE)
    fit, held = at[:cut], at[cut:]

    def made(x: Floats) -> LearnedValve:
        kvs, rest, ratio = np.exp(x).tolist()
        return LearnedValve(
            kvs_m3h=kvs, rangeability=ratio, rest_kpa_kgs2=rest, error_pct=0.0, moments=len(fit)
        )

    def off(x: Floats) -> Floats:
        told = made(x).flow_kgs(opening[fit], dp[fit])
        data = np.log(told / flow[fit])
        # Valves of this kind have a ratio of some 50, and take half of the pressure or more.
        return np.append(data * np.sqrt(200.0 / len(fit)) / 0.05, (x - start) / (1.5, 1.5, 0.4))

    r = float(np.median(dp[fit] / flow[fit] ** 2))
    share = 50.0 ** (float(np.median(opening[fit])) / 100.0 - 1.0)
    start = np.log([3.6 * np.sqrt(100.0 / (0.6 * r)) / share, 0.2 * r, 50.0])
    reach = np.array([3.0, 4.0, 1.5])
    found = least_squares(
        off, start, bounds=(start - reach, start + reach), loss="soft_l1", max_nfev=60
    )
    valve = made(found.x)
    error = np.abs(valve.flow_kgs(opening[held], dp[held]) / flow[held] - 1.0)
    return LearnedValve(
        kvs_m3h=valve.kvs_m3h,
        rangeability=valve.rangeability,
        rest_kpa_kgs2=valve.rest_kpa_kgs2,
        error_pct=100.0 * float(np.median(error)),
        moments=len(fit),
    )


def learn_exchanger(history: UnitHistory) -> LearnedExchanger | None:
    """Return the exchanger's conductance, None where its temperatures tell too little.

    Args:
        history: Of the unit.
    """
    h = history
    columns = (
        h.heat_kw, h.primary_supply_c, h.primary_return_c, h.supply_c, h.return_c, h.flow_kgs,
        h.primary_kgs,
    )  # fmt: skip
    known = np.all([np.isfinite(x) for x in columns], axis=0)
    at = np.flatnonzero(known)
    hot = h.primary_supply_c[at] - h.supply_c[at]
    cold = h.primary_return_c[at] - h.return_c[at]
    heat = h.heat_kw[at]
    if len(at) == 0:
        return None
    plain = (hot > 1.0) & (cold > 0.5) & (heat > 0.2 * max(float(np.median(heat)), 1e-9))
    plain &= (h.primary_kgs[at] > 0.0) & (h.flow_kgs[at] > 0.0)
    at = at[plain]
    if len(at) * h.step_s < 86400.0:
        return None
    try:
        ua = design_conductance_kw_k(
            h.heat_kw[at],
            (h.primary_supply_c[at], h.primary_return_c[at]),
            h.supply_c[at],
            h.return_c[at],
        )
    except InputError:
        return None
    first, second = float(np.median(h.primary_kgs[at])), float(np.median(h.flow_kgs[at]))
    factor = conductance_kw_k(np.ones(len(at)), h.primary_kgs[at] / first, h.flow_kgs[at] / second)
    day = np.floor(h.times_s()[at] / 86400.0)
    days = np.unique(day)
    level = np.array([float(np.median((ua / factor)[day == d])) for d in days])
    ua_kw_k = float(np.median(level))
    slope = float(np.polyfit(days - days.mean(), level, 1)[0]) if len(days) >= 7 else 0.0
    return LearnedExchanger(
        ua_kw_k=ua_kw_k,
        primary_kgs=first,
        secondary_kgs=second,
        relative_sigma=float(np.std(level) / ua_kw_k),
        trend_pct_month=100.0 * 30.0 * slope / ua_kw_k,
    )


def characteristics(
    history: UnitHistory, model: UnitModel, target_c: float, outdoor_c: float
) -> dict[str, Any]:
    """Return all of them as plain values, those that could not be learned left out.

    Args:
        history: Of the unit.
        model: Its model.
        target_c: Room temperature to keep.
        outdoor_c: Outdoor temperature of the design day.
    """
    found: dict[str, Any] = {}
    try:
        curve = learn_curve(model, target_c, outdoor_c)
        found["curve"] = asdict(curve)
    except InputError:
        pass
    valve, exchanger = learn_valve(history), learn_exchanger(history)
    if valve is not None:
        found["valve"] = asdict(valve)
    if exchanger is not None:
        found["exchanger"] = asdict(exchanger)
    return found
