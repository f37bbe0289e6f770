"""What each heat source spent on a day: by what was measured, and by the plan in force (4.2.3).

Planned and measured heat are priced by the same figures, so the difference is what was done
otherwise than planned, not another way of counting.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heatloop.app.dispatch import Dispatch
from heatloop.app.dispatch_figures import COMPANY, Figures
from heatloop.app.dispatch_networks import DispatchNetwork
from heatloop.app.forecast_history import Subject, past_of
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.world import World
from heatloop.control.dispatch import TRIFLE_KW, Costs, DispatchProblem
from heatloop.control.dispatch_costs import unit_costs
from heatloop.store.historian.port import HOUR_S
from heatloop.store.records import Records
from heatloop.store.records.dispatch import PlanRow

Floats = NDArray[np.float64]
_PLAN_S, _TEN_S = 900, 600
_BEFORE_S = 3 * 86400.0
_RUNS_SHARE = 0.01
"""Of its size: a unit that gives more is running."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What one source spent on a day."""

    heat_kwh: float
    """Heat."""
    costs: Costs
    """By kind."""
    starts: int
    """Starts of its units."""
    water_yuan: float = 0.0
    """Make-up water."""


class Spending:
    """Tells what sources spent.

    Args:
        world: The ledger in force.
        records: Figures and plans.
        historian: What was measured.
        dispatch: How problems are made.
    """

    def __init__(
        self, world: World, records: Records, historian: AsyncHistorian, dispatch: Dispatch
    ) -> None:
        self._world, self._records = world, records
        self._historian, self._dispatch = historian, dispatch

    async def actual(
        self,
        network: DispatchNetwork,
        figures: Figures,
        start: int,
        end: int,
    ) -> dict[str, Spent]:
        """Return what each source spent by what was measured."""
        problem = self._problem(network, figures, start, end, HOUR_S)
        hours = await self._measured(network, problem, start, end, HOUR_S)
        steps = await self._measured(network, problem, start, end, _TEN_S)
        found: dict[str, Spent] = {}
        for source in network.sources:
            heat, costs, starts = 0.0, Costs(), 0
            for i, unit in enumerate(problem.units):
                if unit.source != source:
                    continue
                kw = np.nan_to_num(hours[unit.code][0])
                power = np.nan_to_num(hours[unit.code][1])
                on = kw > _RUNS_SHARE * unit.most_kw
                began = _starts(steps[unit.code][0], _RUNS_SHARE * unit.most_kw)
                costs = costs + unit_costs(problem, i, kw, power, on, began)
                heat, starts = heat + float(kw.sum()), starts + began
            water = await self.steps([(f"{source}.source_makeup_flow",)], start, end, HOUR_S)
            m3 = float(np.nan_to_num(water[0]).sum())
            found[source] = Spent(
                heat_kwh=heat,
                costs=costs,
                starts=starts,
                water_yuan=m3 * figures.of(COMPANY, "water_yuan_m3"),
            )
        return found

    async def planned(
        self, network: DispatchNetwork, figures: Figures, start: int, end: int
    ) -> dict[str, Spent] | None:
        """Return what each source was to spend by the plan in force at each time."""
        rows = await in_thread(
            self._records.dispatch.made_between, network.code, start - _BEFORE_S, float(end)
        )
        problem = self._problem(network, figures, start, end, _PLAN_S)
        heat, power = await in_thread(_painted, rows, problem)
        if not np.isfinite(heat).any():
            return None
        found = {}
        for source in network.sources:
            total, costs, starts = 0.0, Costs(), 0
            for i, unit in enumerate(problem.units):
                if unit.source == source:
                    kw = np.nan_to_num(heat[i])
                    began = _starts(heat[i], TRIFLE_KW)
                    costs = costs + unit_costs(
                        problem, i, kw, np.nan_to_num(power[i]), kw > TRIFLE_KW, began
                    )
                    total, starts = total + float(kw.sum()) * problem.hours, starts + began
            found[source] = Spent(heat_kwh=total, costs=costs, starts=starts)
        return found

    async def steps(
        self, points: Sequence[tuple[str, ...]], start: int, end: int, step_s: int
    ) -> list[Floats]:
        """Return means of steps of points, nan for those the ledger lacks, shape (n,) each."""
        known = self._world.ledger.points
        keys = {code: known[code].key for group in points for code in group if code in known}
        order = sorted(set(keys.values()))
        subjects = [
            Subject(code=str(key), kind="point", quantity="room_c", keys=(key,)) for key in order
        ]
        past = await past_of(self._historian, subjects, start, end, step_s)
        at = {key: n for n, key in enumerate(order)}
        empty = np.full((end - start) // step_s, np.nan)
        return [
            past.values[:, at[keys[group[0]]]] if group[0] in keys else empty.copy()
            for group in points
        ]

    def _problem(
        self, network: DispatchNetwork, figures: Figures, start: int, end: int, step_s: int
    ) -> DispatchProblem:
        """Return prices and units of a time; nothing is planned with it."""
        demand = np.zeros((end - start) // step_s)
        return self._dispatch.maker.make(
            network, figures, start_s=float(start), step_s=step_s, demand_kw=demand, outages=()
        )

    async def _measured(
        self, network: DispatchNetwork, problem: DispatchProblem, start: int, end: int, step_s: int
    ) -> dict[str, tuple[Floats, Floats]]:
        """Return heat and electric power of each unit, shape (n,) each; nan where unknown."""
        points: list[tuple[str, ...]] = []
        for unit in problem.units:
            heat = {"boiler": "boiler_load", "chp": "chp_heat_power"}.get(unit.kind)
            own = f"{unit.code}.{heat}" if heat and unit.code != unit.source else ""
            points.append((own or f"{unit.source}.source_heat_power",))
            points.append((f"{unit.code}.chp_electric_power",))
        rows = await self.steps(points, start, end, step_s)
        found: dict[str, tuple[Floats, Floats]] = {}
        for i, unit in enumerate(problem.units):
            kw, power = rows[2 * i], rows[2 * i + 1]
            if points[2 * i][0].endswith("boiler_load"):
                kw = kw * unit.most_kw / 100.0
            if unit.kind == "heat_pump":
                # Entered as a figure, without points: what the others did not give.
                others = [r for r in problem.units if r.source == unit.source and r is not unit]
                given = [found[o.code][0] for o in others if o.code in found]
                kw = np.clip(kw - sum(np.nan_to_num(g) for g in given), 0.0, unit.most_kw)
            ours = unit.cone is not None or unit.power_per_heat != 0.0
            if not ours or not np.isfinite(power).any():
                ratio = unit.power_per_heat if unit.cone is None else unit.cone.ratio
                power = kw * ratio
            found[unit.code] = (kw, power)
        return found


def _painted(rows: Sequence[PlanRow], problem: DispatchProblem) -> tuple[Floats, Floats]:
    """Return heat and power by the plan in force in each step, (n_unit, n_step); nan: none was."""
    shape = (len(problem.units), problem.n_step)
    heat, power = np.full(shape, np.nan), np.full(shape, np.nan)
    for row in rows:
        units = {unit["code"]: unit for unit in json.loads(row.body)["units"]}
        at = np.arange(problem.n_step)
        times = problem.start_s + problem.step_s * at
        held = np.floor((times - row.start_s) / row.step_s).astype(np.int64)
        inside = (held >= 0) & (held < row.steps)
        for i, unit in enumerate(problem.units):
            if unit.code in units:
                told = units[unit.code]
                heat[i, inside] = np.asarray(told["heat_kw"], dtype=np.float64)[held[inside]]
                power[i, inside] = np.asarray(told["power_kw"], dtype=np.float64)[held[inside]]
    return heat, power


def _starts(heat_kw: Floats, least_kw: float) -> int:
    """Return how often heat began, steps nobody knows left out."""
    known = heat_kw[np.isfinite(heat_kw)] > least_kw
    return int((known[1:] & ~known[:-1]).sum())
