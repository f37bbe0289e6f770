"""A unit's model learned from its own history: building and emitters, with uncertainty.

Of a unit nothing or a parent model is known before. A parent speaks through priors: capacities
and gains change little, losses may change, so that two weeks after a change of the walls suffice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from heatloop.control.learning.emitters import (
    Emitters,
    emitter_room_c,
    learn_emitters,
    learn_lag_s,
)
from heatloop.control.learning.free_run import bridged_inputs
from heatloop.control.learning.history import UnitHistory
from heatloop.control.learning.regular import Floats
from heatloop.control.learning.room_cleaning import cleaned
from heatloop.control.learning.sensors import Judged, Reference, judge_sensors
from heatloop.control.learning.unit_rooms import ALL_TO_ROOM, coarser, room_inputs
from heatloop.control.unit_model import UnitModel, check_model, model_from_design
from heatloop.kernel.errors import InputError
from heatloop.network.identify import Identified, Prior, identify_room
from heatloop.station.curve import CurveDesign

LEAST_DAYS = 3
_FRESH = {
    "room_kj_k": 0.6,
    "wall_kj_k": 0.6,
    "room_wall_kw_k": 0.7,
    "wall_out_kw_k": 0.7,
    "room_out_kw_k": 0.7,
    "gain_kw": 0.25,
    "sun_0_m2": 0.8,
}
"""Relative uncertainty of what follows from the design alone."""
_FROM_PARENT = {
    "room_kj_k": 0.1,
    "wall_kj_k": 0.15,
    "room_wall_kw_k": 0.25,
    "wall_out_kw_k": 0.4,
    "room_out_kw_k": 0.4,
    "gain_kw": 0.1,
    "sun_0_m2": 0.3,
}
"""The same of what a parent model says: houses change their losses sooner than their mass."""
_GAIN_KW_M2 = 3.8e-3
"""Inner gains of dwellings, JGJ 26-2018."""
_SIGNATURE_SIGMA = 0.25
_LAG_S = (300.0, 8 * 3600.0)
"""No emitter is quicker or slower."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learnt:
    """What a history taught."""

    model: UnitModel
    """The model."""
    rmse_k: float
    """Error of its free simulation over the history; nan without room sensors."""
    loss_sigma: float
    """Relative uncertainty of the whole loss, one sigma."""
    judged: Judged
    """Room sensors used and rejected."""
    emitters: Emitters | None
    """Emitters, if they could be learned."""
    begin_s: float
    """First moment used."""
    end_s: float
    """End of the history."""
    days: int
    """Days of it with heat and weather."""
    digest: str
    """Hash of the history."""

    def loss_interval(self, sigmas: float = 1.96) -> tuple[float, float]:
        """Return the lower and upper end of the whole loss, kW/K."""
        width = float(np.exp(sigmas * self.loss_sigma))
        return self.model.loss_kw_k() / width, self.model.loss_kw_k() * width


def identify_unit(
    history: UnitHistory,
    *,
    design: CurveDesign | None = None,
    design_heat_kw: float | None = None,
    area_m2: float | None = None,
    parent: UnitModel | None = None,
    order: int | None = None,
    judged: Judged | None = None,
) -> Learnt:
    """Return the model a unit's history teaches.

    Args:
        history: Of the unit.
        design: Design state of its curve; None: that of radiators, 75/50 degC.
        design_heat_kw: Design load of the books; None: from the history itself.
        area_m2: Heated floor of the books: what people and appliances give follows from it.
        parent: The model so far.
        order: 1 or 2; None: that of the parent, else 2 with five days of rooms, else 1.
        judged: Sensors as they were judged already; None: judged here.

    Raises:
        InputError: Heat or weather are known for fewer than three days, or make no model.
    """
    design = design or CurveDesign()
    if history.days() < LEAST_DAYS:
        raise InputError(
            f"only {history.days()} days with heat and outdoor temperature",
            thing=history.unit,
            fix=f"wait for {LEAST_DAYS} days of measurements",
        )
    if parent is None:
        start = first_model(history, design, design_heat_kw, area_m2)
    else:
        start = parent
    judged = judged or judge(history, parent, start.exponent)
    emitters = learn_emitters(history, judged.room_c, start.exponent)
    measured_days = float(np.isfinite(judged.room_c).sum()) * history.step_s / 86400.0
    if measured_days < LEAST_DAYS:
        model = _by_signature(history, start)
        return _learnt(history, model, np.nan, _SIGNATURE_SIGMA, judged, emitters)
    if order is None:
        order = parent.order if parent is not None else 2 if measured_days >= 5.0 else 1
    lag = learn_lag_s(history, judged.room_c, start.exponent)
    if lag is not None:
        if parent is not None:
            lag = 0.5 * (lag + parent.lag_s)
        start = replace(start, lag_s=min(max(lag, _LAG_S[0]), _LAG_S[1]))
    found = _fitted(history, judged.room_c, start, order, parent is not None)
    model = _unit_model(found, start, history, emitters)
    return _learnt(history, model, found.rmse_k, found.loss_sigma(), judged, emitters)


def first_model(
    history: UnitHistory, design: CurveDesign, design_heat_kw: float | None, area_m2: float | None
) -> UnitModel:
    """Return what the design says, and without room sensors the heat used: where learning starts.

    Args:
        history: Of the unit.
        design: Design state of its curve.
        design_heat_kw: Design load of the books.
        area_m2: Heated floor of the books.

    Raises:
        InputError: No heat was given yet.
    """
    start = model_from_design(design, _books_kw(history, design, design_heat_kw))
    if area_m2:
        start = replace(start, gain_kw=_GAIN_KW_M2 * area_m2)
    seen = bool(np.isfinite(history.sensors_c).any())
    return start if seen else _by_signature(history, start)


def judge(
    history: UnitHistory,
    parent: UnitModel | None,
    exponent: float,
    levels_k: Mapping[str, float] | None = None,
    modelled_c: Floats | None = None,
) -> Judged:
    """Return a unit's room sensors judged by each other and by its emitters.

    Args:
        history: Of the unit.
        parent: The model so far; its emitters are believed if they were learned.
        exponent: B of the emitters.
        levels_k: Where sensors lay against the emitters when the parent was learned.
        modelled_c: Rooms as the parent simulates them, shape (n,).
    """
    t, sun = history.times_s(), history.sun_kw_m2
    known = parent is not None and "design_heat_kw" in parent.relative_sigma
    if known and parent is not None:
        emitters: Emitters | None = emitters_of(parent)
    else:
        # Nothing learned yet: the sensors' own emitters still show what moves within the history.
        first = judge_sensors(t, history.sensors_c, history.sensors, sun_kw_m2=sun)
        if len(first.used) >= 3:
            return first
        emitters = learn_emitters(history, first.room_c, exponent)
    reference = None
    if emitters is not None:
        told = emitter_room_c(history, emitters)
        if np.isfinite(told).any():
            reference = Reference(
                emitters_c=told,
                modelled_c=modelled_c if known else None,
                levels_k=levels_k if known and levels_k else {},
            )
    return judge_sensors(t, history.sensors_c, history.sensors, sun_kw_m2=sun, reference=reference)


def emitters_of(model: UnitModel) -> Emitters:
    """Return a model's emitters."""
    kw = model.design_heat_kw / model.design_mean_over_room_k ** (1.0 + model.exponent)
    sigma = float(model.relative_sigma.get("design_heat_kw", 0.2))
    return Emitters(kw=kw, exponent=model.exponent, relative_sigma=sigma)


def _books_kw(history: UnitHistory, design: CurveDesign, design_heat_kw: float | None) -> float:
    """Return the emitters' design heat to start from."""
    known = np.isfinite(history.heat_kw) & np.isfinite(history.outdoor_c)
    cold = design.room_c + 2.0 - history.outdoor_c[known]
    usual = float(np.sum(history.heat_kw[known]) / max(np.sum(np.maximum(cold, 1.0)), 1.0))
    from_heat = usual * (design.room_c - design.outdoor_c) * 1.3
    if not from_heat > 0.0:
        raise InputError("no heat was given", thing=history.unit, fix="wait for the season")
    # Books are wrong by some tens of percent, not by a factor.
    if design_heat_kw is not None and 0.5 < design_heat_kw / from_heat < 2.0:
        return design_heat_kw
    return from_heat


def _named(model: UnitModel, order: int) -> dict[str, float]:
    """Return a model's figures by the names of the room engine; one node takes both capacities."""
    if order == 1:
        return {
            "room_kj_k": sum(model.capacity_kj_k),
            "room_out_kw_k": model.loss_kw_k(),
            "gain_kw": model.gain_kw,
            "sun_0_m2": model.sun_m2,
        }
    return {
        "room_kj_k": model.capacity_kj_k[0],
        "wall_kj_k": model.capacity_kj_k[1],
        "room_wall_kw_k": model.room_wall_kw_k,
        "wall_out_kw_k": model.wall_out_kw_k,
        "room_out_kw_k": model.room_out_kw_k,
        "gain_kw": model.gain_kw,
        "sun_0_m2": model.sun_m2,
    }


def _fitted(
    history: UnitHistory, room_c: Floats, start: UnitModel, order: int, known: bool
) -> Identified:
    if known and order == 2 and start.order == 1:
        order = 1
    sigma: Mapping[str, float] = _FROM_PARENT if known else _FRESH
    prior = {
        name: Prior(max(value, 1e-6), sigma[name]) for name, value in _named(start, order).items()
    }
    whole = replace(
        history,
        sensors_c=room_c[:, None],
        sensors=("room",),
    )
    even = coarser(whole)
    inputs, room, _ = cleaned(room_inputs(even, start.lag_s), even.sensors_c[:, 0])
    return identify_room(
        bridged_inputs(inputs),
        room,
        order=order,
        lived_in=True,
        prior=prior,
        surface_shares=ALL_TO_ROOM,
    )


def _unit_model(
    found: Identified, start: UnitModel, history: UnitHistory, emitters: Emitters | None
) -> UnitModel:
    room = found.model
    two = room.order == 2
    sigma = dict(zip(found.names, np.sqrt(np.diag(found.ln_covariance)).tolist(), strict=True))
    sigma["capacity_kj_k"] = sigma.pop("wall_kj_k" if two else "room_kj_k")
    sigma.pop("room_kj_k", None)
    sigma["sun_m2"] = sigma.pop("sun_0_m2")
    sigma["loss_kw_k"] = found.loss_sigma()
    design_heat = start.design_heat_kw
    if emitters is not None:
        design_heat = emitters.design_heat_kw(start.design_mean_over_room_k)
        sigma["design_heat_kw"] = emitters.relative_sigma
    made = replace(
        start,
        capacity_kj_k=(
            float(room.capacity_kj_k[0]),
            float(room.capacity_kj_k[1]) if two else 0.0,
        ),
        room_wall_kw_k=room.room_wall_kw_k if two else 0.0,
        wall_out_kw_k=room.wall_out_kw_k if two else 0.0,
        room_out_kw_k=room.room_out_kw_k,
        gain_kw=room.gain_kw,
        sun_m2=float(room.sun_m2[0]),
        design_heat_kw=design_heat,
        flow_kgs=_usual(history.flow_kgs, start.flow_kgs),
        relative_sigma={name: round(float(value), 5) for name, value in sigma.items()},
    )
    check_model(made)
    return made


def _usual(values: Floats, otherwise: float) -> float:
    known = values[np.isfinite(values) & (values > 0.0)]
    return float(np.median(known)) if len(known) >= 10 else otherwise


def _by_signature(history: UnitHistory, start: UnitModel) -> UnitModel:
    """Return the start scaled to the heat that was used, the rooms taken as at 20 degC."""
    known = np.isfinite(history.heat_kw) & np.isfinite(history.outdoor_c)
    sun = np.where(np.isfinite(history.sun_kw_m2), history.sun_kw_m2, 0.0)[known]
    cold = np.maximum(20.0 - history.outdoor_c[known], 0.0).sum()
    got = history.heat_kw[known].sum() + start.gain_kw * known.sum()
    need = start.loss_kw_k() * cold - start.sun_m2 * sun.sum()
    factor = float(np.clip(got / max(need, 1e-9), 0.3, 3.0))
    room, wall = start.capacity_kj_k
    return replace(
        start,
        capacity_kj_k=(factor * room, factor * wall),
        room_wall_kw_k=factor * start.room_wall_kw_k,
        wall_out_kw_k=factor * start.wall_out_kw_k,
        room_out_kw_k=factor * start.room_out_kw_k,
        sun_m2=factor * start.sun_m2,
        flow_kgs=_usual(history.flow_kgs, start.flow_kgs),
        relative_sigma={"loss_kw_k": _SIGNATURE_SIGMA, "capacity_kj_k": 0.5},
    )


def _learnt(
    history: UnitHistory,
    model: UnitModel,
    rmse_k: float,
    loss_sigma: float,
    judged: Judged,
    emitters: Emitters | None,
) -> Learnt:
    return Learnt(
        model=model,
        rmse_k=float(rmse_k),
        loss_sigma=float(loss_sigma),
        judged=judged,
        emitters=emitters,
        begin_s=history.start_s,
        end_s=history.start_s + history.step_s * len(history),
        days=history.days(),
        digest=history.digest(),
    )
