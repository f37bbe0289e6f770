"""What a worker does for station control: plans all units, under the plants' cap if there is one.

A function of a module with plain arguments, so that it runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heatloop.control.coordination import Limit, Station, StationGroup, coordinate
from heatloop.control.mpc import StationMpc
from heatloop.control.mpc_task import Floats, MpcForecast, MpcPlan, MpcState, MpcTask
from heatloop.control.unit_model import UnitModel
from heatloop.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitWork:
    """One unit to plan."""

    code: str
    """Unit code."""
    model: UnitModel
    """The unit."""
    task: MpcTask
    """What is wanted and allowed."""
    state: MpcState
    """How it is now."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlantCap:
    """Most heat the units of one network may draw together."""

    name: str
    """Network."""
    cap_kw: Floats
    """By step."""
    units: frozenset[str]
    """Codes of its units."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FleetWork:
    """All units to plan at a time."""

    units: Sequence[UnitWork]
    """The units."""
    outdoor_c: Floats
    """Outdoor temperature by step."""
    sun_kw_m2: Floats
    """Sun by step."""
    price_yuan_kwh: Floats
    """Price of heat by step, without scarcity."""
    cap_kw: Floats | None = None
    """Most heat of all together by step; None: no cap is known."""
    caps: Sequence[PlantCap] = ()
    """Most heat of each network's units; instead of `cap_kw` where there are any."""
    start_price: Floats | None = None
    """Scarcity prices of before, shape (n_cap, n_step)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FleetAnswer:
    """Plans of all units."""

    plans: dict[str, MpcPlan]
    """By unit code."""
    failed: dict[str, str]
    """Units that could not be planned, and why."""
    scarcity: Floats | None = None
    """Price of scarcity, shape (n_cap, n_step); None: nothing is scarce."""
    violation: float = 0.0
    """Excess over the cap that is left, as a share of it."""
    sweeps: int = 1
    """How often the units were asked."""


def plan_fleet(work: FleetWork) -> FleetAnswer:
    """Return the plans of all units."""
    forecast = MpcForecast(outdoor_c=work.outdoor_c, sun_kw_m2=work.sun_kw_m2)
    stations, codes, failed = [], [], {}
    for unit in work.units:
        try:
            mpc = StationMpc(unit.model, unit.task, n_step=len(work.outdoor_c))
        except InputError as error:
            failed[unit.code] = error.message
            continue
        stations.append(Station(mpc=mpc, state=unit.state, forecast=forecast))
        codes.append(unit.code)
    if not stations:
        return FleetAnswer(plans={}, failed=failed)
    caps = _caps(work, codes)
    members = np.array([[float(code in cap.units) for code in codes] for cap in caps])
    members = members.reshape(len(caps), len(codes))
    group = StationGroup(
        stations=stations, members=members, base_price=np.asarray(work.price_yuan_kwh)
    )
    free = group.respond(np.zeros((len(caps), len(work.outdoor_c))))
    done = FleetAnswer(plans=dict(zip(codes, group.plans, strict=True)), failed=failed)
    if not caps or all(np.all(free[k] <= cap.cap_kw) for k, cap in enumerate(caps)):
        return done
    limits = [
        Limit(name=cap.name, cap_kw=cap.cap_kw, members=members[k]) for k, cap in enumerate(caps)
    ]
    before = work.start_price
    start = before if before is not None and before.shape == free.shape else None
    found = coordinate(limits, group.respond, group.answer_kw(), start=start)
    if not found.last:
        group.respond(found.price)
    # Only who is under a cap that binds was planned under one.
    tight = np.array([bool(np.any(free[k] > cap.cap_kw)) for k, cap in enumerate(caps)])
    under = members.T @ (tight | np.any(found.price > 0.0, axis=1)) > 0.0
    asked = found.rationed or bool(found.price.any())
    plans = {
        code: _named(plan, asked and scarce)
        for code, plan, scarce in zip(codes, group.plans, under.tolist(), strict=True)
    }
    return FleetAnswer(
        plans=plans,
        failed=failed,
        scarcity=found.price,
        violation=found.violation,
        sweeps=found.sweeps + 2,
    )


def _caps(work: FleetWork, codes: Sequence[str]) -> list[PlantCap]:
    """Return the caps that can bind: whole, above 0, over at least one unit."""
    caps = list(work.caps)
    if not caps and work.cap_kw is not None:
        caps = [PlantCap(name="plant", cap_kw=work.cap_kw, units=frozenset(codes))]
    return [
        cap
        for cap in caps
        if cap.units & set(codes) and np.all(np.isfinite(cap.cap_kw) & (cap.cap_kw > 0.0))
    ]


def _named(plan: MpcPlan, scarce: bool) -> MpcPlan:
    """Return a plan that says it was made under the plants' cap."""
    if not scarce or plan.fallback:
        return plan
    return MpcPlan(
        supply_c=plan.supply_c,
        flow_kgs=plan.flow_kgs,
        heat_kw=plan.heat_kw,
        room_c=plan.room_c,
        relaxed=(*plan.relaxed, "plant_cap"),
        fallback=plan.fallback,
    )
