"""How well a learned weather curve, valve or exchanger foretells days it has not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

from heatloop.control.learning.characteristics import LearnedExchanger, LearnedValve
from heatloop.control.learning.daily import DayErrors
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.kernel.errors import InputError
from heatloop.network.exchanger import conductance_kw_k, design_conductance_kw_k
from heatloop.network.water import CP_KJ_KGK
from heatloop.station.curve import CurveDesign, supply_c

_LEAST_HOURS = 6
_FROZEN_HOURS, _FROZEN_SHARE = 24, 0.9
_LEAST_HEAT = 0.2


class Kind(StrEnum):
    """What else than its building is learned of a unit."""

    CURVE = "curve"
    """Weather curve that keeps the wanted rooms; errors in K of supply."""
    VALVE = "valve"
    """Primary valve; errors in % of flow."""
    EXCHANGER = "exchanger"
    """Plate exchanger; errors in % of conductance."""


# An opening may stand still by right; what is measured may not.
_MEASURED = {
    Kind.CURVE: ("supply_c", "outdoor_c"),
    Kind.VALVE: ("primary_kgs", "primary_kpa"),
    Kind.EXCHANGER: (
        "heat_kw", "primary_supply_c", "primary_return_c", "supply_c", "return_c", "primary_kgs",
    ),
}  # fmt: skip


def day_errors(kind: Kind, figures: Mapping[str, Any], history: UnitHistory) -> DayErrors:
    """Return the error of every day on which it can be told, median over the hours of the day.

    Args:
        kind: What it is.
        figures: Its figures, as `characteristics` gives them.
        history: Of the unit.
    """
    error = {Kind.CURVE: _curve, Kind.VALVE: _valve, Kind.EXCHANGER: _exchanger}[kind](
        figures, history
    )
    day = np.floor((history.times_s() + history.local_offset_s) / 86400.0).astype(np.intp)
    least = max(_LEAST_HOURS * 3600.0 / history.step_s, 1.0)
    days, size, bias = [], [], []
    for d in np.unique(day):
        own = error[day == d]
        own = own[np.isfinite(own)]
        if len(own) >= least:
            days.append(int(d))
            # A curve is felt by rooms as its mean over the day, flows and plates hour by hour.
            off = abs(own.mean()) if kind is Kind.CURVE else np.median(np.abs(own))
            size.append(float(off))
            bias.append(float(np.mean(own)))
    return DayErrors(day=np.array(days, dtype=np.intp), mae_k=np.array(size), bias_k=np.array(bias))


def frozen(kind: Kind, history: UnitHistory) -> str:
    """Return a column that stands still for most of the last week, empty without one."""
    week = max(round(7 * 86400.0 / history.step_s), 2)
    for name in _MEASURED[kind]:
        values = getattr(history, name)[-week:]
        values = values[np.isfinite(values)]
        if len(values) * history.step_s < _FROZEN_HOURS * 3600.0:
            continue
        if np.mean(np.diff(values) == 0.0) > _FROZEN_SHARE:
            return str(name)
    return ""


def balance(history: UnitHistory) -> float:
    """Return heat by the primary meter over heat by the secondary one, median; nan if unknown.

    Two meters that go apart tell of a meter, not of a valve or of plates.
    """
    first = history.primary_kgs * CP_KJ_KGK * (history.primary_supply_c - history.primary_return_c)
    heat = history.heat_kw
    known = np.isfinite(first) & np.isfinite(heat)
    if known.sum() * history.step_s < 86400.0:
        return float("nan")
    known[known] = heat[known] > _LEAST_HEAT * float(np.median(heat[known]))
    return float(np.median(first[known] / heat[known])) if known.any() else float("nan")


def _curve(figures: Mapping[str, Any], history: UnitHistory) -> Floats:
    design, target = CurveDesign(**figures["design"]), float(figures["target_c"])
    known = np.isfinite(history.sensors_c)
    count = known.sum(axis=1)
    room = np.where(known, history.sensors_c, 0.0).sum(axis=1) / np.maximum(count, 1)
    made = np.full(len(history), np.nan)
    where = (count > 0) & np.isfinite(history.outdoor_c) & np.isfinite(history.supply_c)
    for at in np.flatnonzero(where):
        told = supply_c(design, float(history.outdoor_c[at]), float(room[at]) - target)
        made[at] = told - history.supply_c[at]
    return made


def _valve(figures: Mapping[str, Any], history: UnitHistory) -> Floats:
    opening, flow, dp = history.valve_pct, history.primary_kgs, history.primary_kpa
    known = np.isfinite(opening) & np.isfinite(flow) & np.isfinite(dp)
    known[known] = (opening[known] > 5.0) & (flow[known] > 0.01) & (dp[known] > 2.0)
    made = np.full(len(history), np.nan)
    told = LearnedValve(**figures).flow_kgs(opening[known], dp[known])
    made[known] = 100.0 * (told / flow[known] - 1.0)
    return made


def _exchanger(figures: Mapping[str, Any], history: UnitHistory) -> Floats:
    plates, h = LearnedExchanger(**figures), history
    columns = (
        h.heat_kw, h.primary_supply_c, h.primary_return_c, h.supply_c, h.return_c, h.flow_kgs,
        h.primary_kgs,
    )  # fmt: skip
    at = np.flatnonzero(np.all([np.isfinite(x) for x in columns], axis=0))
    made = np.full(len(h), np.nan)
    if not len(at):
        return made
    plain = (h.primary_supply_c[at] - h.supply_c[at] > 1.0) & (
        h.primary_return_c[at] - h.return_c[at] > 0.5
    )
    plain &= h.heat_kw[at] > _LEAST_HEAT * max(float(np.median(h.heat_kw[at])), 1e-9)
    plain &= (h.primary_kgs[at] > 0.0) & (h.flow_kgs[at] > 0.0)
    at = at[plain]
    try:
        ua = design_conductance_kw_k(
            h.heat_kw[at], (h.primary_supply_c[at], h.primary_return_c[at]), h.supply_c[at],
            h.return_c[at],
        )  # fmt: skip
    except InputError:
        return made
    factor = conductance_kw_k(
        np.ones(len(at)),
        h.primary_kgs[at] / plates.primary_kgs,
        h.flow_kgs[at] / plates.secondary_kgs,
    )
    made[at] = 100.0 * (plates.ua_kw_k * factor / ua - 1.0)
    return made
