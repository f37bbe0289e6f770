"""Dispatch as people read it: plans as they are kept, and read models made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from heatloop.app.views.dispatch import (
    DispatchCosts,
    DispatchPlanRow,
    DispatchPlanView,
    DispatchRelaxation,
    DispatchSetpoint,
    DispatchStorageSeries,
    DispatchUnitSeries,
)
from heatloop.app.world import World
from heatloop.control.dispatch import Costs, DispatchPlan, DispatchProblem
from heatloop.control.dispatch_standing import reach_kw
from heatloop.control.n_minus_1 import covered_share
from heatloop.kernel.clock import utc
from heatloop.plant.kinds import point_kinds
from heatloop.store.records.dispatch import PlanRow


def _list(values: np.ndarray[Any, np.dtype[np.float64]], digits: int = 1) -> list[float]:
    return [round(value, digits) + 0.0 for value in values.tolist()]


def body_of(
    problem: DispatchProblem, plan: DispatchPlan, *, demand_from: str, minimum_pct: float
) -> str:
    """Return the figures of a plan as they are kept."""
    schedule = plan.schedule
    zero, reach = np.zeros(problem.n_step), reach_kw(problem, schedule)
    return json.dumps(
        {
            "explained": plan.reason,
            "kept": plan.kept,
            "limits": {each.source: float(each.most_kw[0]) for each in problem.limits},
            "gap": plan.gap if math.isfinite(plan.gap) else None,
            "demand_from": demand_from,
            "minimum_pct": minimum_pct,
            "least_covered_pct": round(100.0 * float(covered_share(problem, plan).min()), 2),
            "demand_kw": _list(problem.demand_kw),
            "unserved_kw": _list(plan.unserved_kw),
            "surplus_kw": _list(plan.surplus_kw),
            "sell_yuan_kwh": _list(
                zero if problem.sell_yuan_kwh is None else problem.sell_yuan_kwh, 4
            ),
            "units": [
                {
                    "code": unit.code,
                    "source": unit.source,
                    "kind": unit.kind,
                    "most_kw": unit.most_kw,
                    "heat_kw": _list(schedule.heat_kw[i]),
                    "power_kw": _list(schedule.power_kw[i]),
                    "reach_kw": _list(reach[i]),
                }
                for i, unit in enumerate(problem.units)
            ],
            "storages": [
                {
                    "code": tank.code,
                    "source": tank.source,
                    "capacity_kwh": round(tank.capacity_kwh, 1),
                    "charge_kw": _list(schedule.charge_kw[k]),
                    "level_kwh": _list(schedule.level_kwh[k]),
                }
                for k, tank in enumerate(problem.storages)
            ],
            "relaxations": [
                {
                    "name": each.name,
                    "subject": each.subject,
                    "cause": each.cause,
                    "start_s": each.start_s,
                    "end_s": each.end_s,
                    "most_kw": round(each.most_kw, 1),
                    "total_kwh": round(each.total_kwh, 1),
                }
                for each in plan.relaxations
            ],
            "costs": _costs(plan.costs),
        },
        separators=(",", ":"),
    )


def _costs(costs: Costs) -> dict[str, float]:
    names = ("fuel", "co2", "power", "start", "other", "bill", "penalty")
    return {f"{name}_yuan": round(getattr(costs, f"{name}_yuan"), 2) for name in names}


def row_view(row: PlanRow) -> DispatchPlanRow:
    """Return the head of a plan."""
    return DispatchPlanRow(
        number=row.number,
        network=row.network,
        reason=row.reason,
        state=row.state,
        result=row.result,
        made=utc(row.made_at),
        start=utc(row.start_s),
        hours=row.steps * row.step_s / 3600.0,
        bill_yuan=row.cost_yuan,
        split_yuan=row.baseline_yuan,
        unserved_kwh=row.unserved_kwh,
        by=row.user,
        decided_by=row.decided_by,
        decided=None if row.decided_at is None else utc(row.decided_at),
    )


def plan_view(world: World, row: PlanRow) -> DispatchPlanView:
    """Return a plan with all its figures."""
    body = json.loads(row.body)
    return DispatchPlanView(
        plan=row_view(row),
        step_s=row.step_s,
        explained=body["explained"],
        kept=body.get("kept", False),
        gap=body["gap"],
        demand_from=body["demand_from"],
        demand_kw=body["demand_kw"],
        unserved_kw=body["unserved_kw"],
        surplus_kw=body["surplus_kw"],
        sell_yuan_kwh=body["sell_yuan_kwh"],
        least_covered_pct=body["least_covered_pct"],
        minimum_pct=body["minimum_pct"],
        units=[DispatchUnitSeries(**named(world, unit["code"]), **unit) for unit in body["units"]],
        storages=[
            DispatchStorageSeries(**named(world, tank["code"]), **tank) for tank in body["storages"]
        ],
        relaxations=[
            DispatchRelaxation(start=utc(each.pop("start_s")), end=utc(each.pop("end_s")), **each)
            for each in body["relaxations"]
        ],
        costs=DispatchCosts(**body["costs"]),
        setpoints=setpoints(world, row, body),
    )


def named(world: World, code: str) -> dict[str, Any]:
    """Return the names of an asset; its code where the ledger has none."""
    asset = world.ledger.assets.get(code.partition(".")[0])
    return {"zh": code if asset is None else asset.zh, "en": code if asset is None else asset.en}


def setpoints(world: World, row: PlanRow, body: dict[str, Any]) -> list[DispatchSetpoint]:
    """Return the set-points a plan asks for now, where the ledger has such points."""
    step = int((world.now_s() - row.start_s) // row.step_s)
    if not 0 <= step < row.steps:
        return []
    wanted: list[tuple[str, float]] = []
    for unit in body["units"]:
        heat = unit["heat_kw"][step]
        if unit["kind"] == "boiler":
            wanted.append((f"{unit['code']}.boiler_enable", 1.0 if heat > 0.0 else 0.0))
        elif unit["kind"] == "chp":
            share = round(100.0 * heat / unit["most_kw"], 1)
            wanted.append((f"{unit['code']}.chp_load_setpoint", share))
    for tank in body["storages"]:
        asset = world.ledger.assets.get(tank["code"])
        if asset is not None and tank["capacity_kwh"] > 0.0:
            # The tank's own water carries the heat: flow = heat over what an m3 of it holds.
            held = tank["capacity_kwh"] / float(asset.attributes["volume_m3"])
            flow = round(tank["charge_kw"][step] / held, 1)
            wanted.append((f"{tank['code']}.tank_charge_flow_setpoint", flow))
    return told_points(world, wanted)


def told_points(world: World, wanted: Sequence[tuple[str, float]]) -> list[DispatchSetpoint]:
    """Return set-points beside their present values; those the ledger lacks are left out."""
    found = []
    for code, value in wanted:
        point = world.ledger.points.get(code)
        if point is not None:
            found.append(
                DispatchSetpoint(
                    point=code,
                    value=value,
                    unit=point_kinds()[point.kind].unit,
                    present=world.latest.value(point.key),
                )
            )
    return found
