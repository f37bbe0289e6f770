"""Dispatch of heat sources: plans on a schedule, after a failure and on demand, and the N-1 check.

Plans are proposals. They are kept with a version and who approved them. The caps of the plan that
is followed reach the stations' control (`dispatch_follow`); what plans ask of set-points is advice
that a person sends through the one door for commands (`dispatch_order`). Nothing else in the
platform waits for a plan.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from numpy.typing import NDArray

from heatloop.app.audit import Audit
from heatloop.app.dispatch_demand import Demands
from heatloop.app.dispatch_events import DispatchEvents
from heatloop.app.dispatch_figures import Figures
from heatloop.app.dispatch_follow import DispatchFollow
from heatloop.app.dispatch_networks import DispatchNetwork, networks_of
from heatloop.app.dispatch_problem import ProblemMaker
from heatloop.app.dispatch_views import body_of, named, plan_view, row_view
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.dispatch import DispatchNetworkView, DispatchPlanPage, DispatchPlanView
from heatloop.app.views.dispatch_now import DispatchFollowing, DispatchNow
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.control.dispatch import DispatchPlan, DispatchProblem
from heatloop.control.dispatch_standing import standing_of
from heatloop.control.n_minus_1 import least_share_pct, tripped
from heatloop.control.strategy import Stage
from heatloop.kernel.clock import utc
from heatloop.kernel.errors import HeatloopError
from heatloop.plant.model import Asset
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.dispatch import PlanRow

STEP_S = 900
PERIOD_S = 3600.0
LOOK_S = 600.0
WATCH_S = 60.0
SCHEDULE = "schedule"
_HOURS = 48
_SOLVER_S = 60.0
_PATIENCE_S = 120.0
_KEPT_S = 35 * 86400.0
_REPAIR_S = 24 * 3600.0
_log = structlog.get_logger("heatloop.dispatch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A problem and what it was made from."""

    network: DispatchNetwork
    """Network."""
    problem: DispatchProblem
    """Problem."""
    demand_from: str
    """Where its demand comes from."""


class Dispatch:
    """Makes, keeps and shows dispatch plans.

    Args:
        world: Ledger and latest values.
        records: Figures, outages, plans.
        audit: Trail of what people do.
        workers: Where the solver runs.
        weather: Forecast weather.
        zone: Time zone of tariffs.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        audit: Audit,
        workers: Workers,
        zone: ZoneInfo,
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self.workers = workers
        """Where the solver runs."""
        self.maker = ProblemMaker(world, zone)
        self.demands = Demands(world, self.maker)
        self._failed: frozenset[str] = frozenset()
        self.planned_s: dict[str, float] = {}
        """When each network was planned on schedule."""
        self._one_at_a_time, self._one_watch = asyncio.Lock(), asyncio.Lock()
        self._networks: tuple[int, list[DispatchNetwork]] | None = None
        self.follow = DispatchFollow(world, records, audit, self.networks, self.maker.failed)
        """Which plans act on the stations."""
        self.events = DispatchEvents(world, records)
        """Failures of sources, from the first minute to the end."""

    def networks(self) -> list[DispatchNetwork]:
        """Return the networks of the ledger in force."""
        ledger = self._world.ledger
        if self._networks is None or self._networks[0] != id(ledger):
            self._networks = (id(ledger), networks_of(ledger))
        return self._networks[1]

    def network(self, code: str) -> DispatchNetwork:
        """Return a network by its code; the first one when the code is empty.

        Raises:
            Refused: There is none.
        """
        for network in self.networks():
            if code in ("", network.code):
                return network
        raise Refused("not_found", thing=code or "heat_source")

    async def run(self, due: float) -> None:
        """Plan all networks every hour; what goes wrong with one does not hold up the others."""
        self.maker.look(due)
        for network in self.networks():
            # Without a word from its sources there is nothing to plan from yet.
            fresh = due - self.planned_s.get(network.code, -PERIOD_S) < PERIOD_S
            if fresh or self.maker.measured_kw(network) is None:
                continue
            try:
                await self.plan(network, reason=SCHEDULE, by=SCHEDULE)
                self.planned_s[network.code] = due
            except HeatloopError as error:
                _log.warning("no dispatch plan", network=network.code, error=str(error))
        await in_thread(self._records.dispatch.forget, due - _KEPT_S)

    async def watch(self, due: float) -> None:
        """Plan anew at once when a unit fails or comes back."""
        self.maker.look(due)
        async with self._one_watch:
            failed = self.maker.failed()
            await self.events.look(self.networks(), failed)
            if failed != self._failed:
                await self._replan(failed ^ self._failed, failed)
                # Only now: what could not be planned is tried again in a minute.
                self._failed = failed
        await self.follow.refresh()

    async def _replan(self, changed: frozenset[str], failed: frozenset[str]) -> None:
        """Plan the networks in which units failed or came back."""
        ledger = self._world.ledger
        touched = {ledger.asset(code).parent for code in changed}
        gone = ",".join(sorted(failed))
        for network in self.networks():
            if touched & set(network.sources):
                await self.plan(
                    network, reason=f"failure:{gone}" if gone else SCHEDULE, by=SCHEDULE
                )

    async def prepare(self, network: DispatchNetwork, hours: int = _HOURS) -> Prepared:
        """Return the problem of a network from now on."""
        now_s = self._world.now_s()
        start_s = math.floor(now_s / STEP_S) * float(STEP_S)
        n = hours * 3600 // STEP_S
        figures = await self.figures()
        outages = await in_thread(self._records.dispatch.outages, start_s)
        demand, told_by = await self.demands.of(network, start_s, STEP_S, n)
        problem = self.maker.make(
            network,
            figures,
            start_s=start_s,
            step_s=STEP_S,
            demand_kw=demand,
            outages=outages,
        )
        gone = self.maker.failed() & {unit.code for unit in problem.units}
        if gone:
            problem = tripped(problem, gone, now_s + _REPAIR_S)
        return Prepared(network=network, problem=problem, demand_from=told_by)

    async def figures(self) -> Figures:
        """Return the figures of now."""
        entered = await in_thread(self._records.dispatch.figures_at, self._world.now_s())
        return Figures(self._world.ledger, entered)

    async def plan(
        self,
        network: DispatchNetwork,
        *,
        reason: str,
        by: str,
        hours: int = _HOURS,
        without: frozenset[str] = frozenset(),
    ) -> PlanRow:
        """Make a plan and keep it.

        Args:
            network: The network.
            reason: Why.
            by: Who asked.
            hours: Hours ahead.
            without: Sources or units that are taken to have failed now; the plan is a what-if.

        Raises:
            StaleError: The worker gave no answer in time.
            LinkError: The worker ended.
        """
        async with self._one_at_a_time:
            prepared = await self.prepare(network, hours)
            problem = prepared.problem
            if without:
                problem = tripped(problem, without, self._world.now_s() + _REPAIR_S)
            problem = replace(problem, standing=await self._standing(network, problem))
            plan = await self.workers.call(_solve, _PATIENCE_S, problem, _SOLVER_S)
            minimum = least_share_pct(network.design_outdoor_c)
            row = PlanRow(
                number=0,
                network=network.code,
                reason=reason,
                state="what_if" if without else "proposed",
                result=plan.result,
                made_at=self._world.now_s(),
                start_s=problem.start_s,
                step_s=problem.step_s,
                steps=problem.n_step,
                cost_yuan=round(plan.costs.bill_yuan, 2),
                baseline_yuan=round(plan.baseline.bill_yuan, 2),
                unserved_kwh=round(float(plan.unserved_kw.sum()) * problem.hours, 1),
                user=by,
                decided_by="",
                decided_at=None,
                body=body_of(problem, plan, demand_from=prepared.demand_from, minimum_pct=minimum),
            )
            number = await in_thread(self._records.dispatch.add_plan, row)
        await self.follow.refresh()
        return await self._row(number)

    async def _standing(
        self, network: DispatchNetwork, problem: DispatchProblem
    ) -> NDArray[np.float64] | None:
        """Return which units the newest plan of a network has running, see `standing_of`."""
        states = ("approved", "proposed")
        row = await in_thread(self._records.dispatch.newest, network.code, states)
        if row is None or not row.body:
            return None
        units = json.loads(row.body)["units"]
        heat = {unit["code"]: np.asarray(unit["heat_kw"], dtype=np.float64) for unit in units}
        return standing_of(problem, heat, row.start_s, row.step_s)

    async def ask(
        self, by: Principal, code: str, *, hours: int, without: Sequence[str]
    ) -> DispatchPlanView:
        """Make a plan a person asks for; with something out it is a what-if.

        Raises:
            Refused: No such network, or what is to be out is not in it.
        """
        network = self.network(code)
        inside = {*network.sources, *(c.code for s in network.sources for c in self._children(s))}
        for each in without:
            if each not in inside:
                raise Refused("not_found", thing=each)
        reason = f"what_if:{','.join(without)}" if without else "manual"
        row = await self.plan(
            network, reason=reason, by=by.user, hours=hours, without=frozenset(without)
        )
        await self._audit.add(by.user, "dispatch.plan", str(row.number), reason=reason)
        return plan_view(self._world, row)

    def _children(self, source: str) -> list[Asset]:
        return [a for a in self._world.ledger.children(source) if a.kind in ("boiler", "chp")]

    async def decide(self, by: Principal, number: int, *, approve: bool) -> DispatchPlanView:
        """Approve or reject a plan that is proposed.

        Raises:
            Refused: There is no such plan, or it is no longer proposed.
        """
        await self._row(number)
        state = "approved" if approve else "rejected"
        done = await in_thread(
            self._records.dispatch.decide, number, state, by=by.user, at=self._world.now_s()
        )
        if not done:
            raise Refused("plan_decided", thing=str(number))
        await self._audit.add(by.user, f"dispatch.{state}", str(number))
        await self.follow.refresh()
        return plan_view(self._world, await self._row(number))

    async def set_stage(self, by: Principal, code: str, stage: str) -> DispatchFollowing:
        """Set how far the plans of a network may go.

        Raises:
            Refused: There is no such network.
        """
        network = self.network(code)
        await self.follow.set_stage(by, network, Stage(stage))
        return next(row for row in await self.follow.view() if row.network == network.code)

    async def _row(self, number: int) -> PlanRow:
        row = await in_thread(self._records.dispatch.plan, number)
        if row is None:
            raise Refused("not_found", thing=str(number))
        return row

    async def show(self, number: int) -> DispatchPlanView:
        """Return a plan.

        Raises:
            Refused: There is none.
        """
        return plan_view(self._world, await self._row(number))

    async def list(self, network: str, page: int, size: int) -> DispatchPlanPage:
        """Return a page of plans."""
        total, rows = await in_thread(
            self._records.dispatch.plans, network=network, offset=(page - 1) * size, limit=size
        )
        return DispatchPlanPage(total=total, items=[row_view(row) for row in rows])

    async def now(self) -> DispatchNow:
        """Return networks and the plans that count."""
        newest = self._records.dispatch.newest
        networks = self.networks()
        codes = [network.code for network in networks]
        proposed = [await in_thread(newest, code, ("proposed",)) for code in codes]
        approved = [await in_thread(newest, code, ("approved",)) for code in codes]
        return DispatchNow(
            plant_time=utc(self._world.now_s()),
            networks=[
                DispatchNetworkView(
                    code=network.code,
                    **named(self._world, network.code),
                    sources=[*network.sources],
                    load_kw=network.load_kw,
                    area_m2=network.area_m2,
                )
                for network in networks
            ],
            proposed=[row_view(row) for row in proposed if row is not None],
            approved=[row_view(row) for row in approved if row is not None],
            failed=sorted(self.maker.failed()),
            following=await self.follow.view(),
        )


def _solve(problem: DispatchProblem, limit_s: float) -> DispatchPlan:
    """Solve in a worker."""
    from heatloop.control.dispatch_solve import solve_dispatch

    return solve_dispatch(problem, limit_s=limit_s)
