"""Verification of uploaded data: points are drawn, read in the field, and compared.

What counts as uploaded for a reading is the sample in force at its time: the last one at or
before it, no older than three periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.platform import Platform
from heatloop.app.refusals import Refused
from heatloop.app.schedule import Job
from heatloop.app.verification_draw import choices_of, drawn, tolerance_of
from heatloop.app.verification_views import item_view, plan_view, statistics_of, task_view
from heatloop.app.views.verification import (
    VerificationPlanPage,
    VerificationPlanView,
    VerificationStatistics,
    VerificationTaskPage,
    VerificationTaskView,
)
from heatloop.app.world import World
from heatloop.kernel.ids import derived_id, new_id
from heatloop.kernel.scope import Scope
from heatloop.plant.kinds import point_kinds
from heatloop.plant.model import Point
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.governance_verification import (
    DONE,
    GIVEN_UP,
    OPEN,
    OVERDUE,
    ItemRow,
    PlanRow,
    TaskRow,
)

_DAY_S = 86400.0
_OLD_PERIODS = 3
_EARLIEST_S = 7 * 86400
PLANS_S = 600.0
"""How often plans are looked at, plant seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanWish:
    """What somebody wants verified."""

    name: str
    """What people call it."""
    asset: str
    """Asset whose points are drawn; empty: the whole company."""
    kinds: list[str]
    """Point kinds; empty: all that a person can read."""
    points: int
    """Points drawn."""
    every_days: float
    """Days between tasks; 0 for a task of its own."""
    days_to_answer: float
    """Days until a task is overdue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldReading:
    """What somebody read at a device."""

    point: str
    """Point code."""
    value: float
    """In the point's unit."""
    at_s: float | None
    """Plant time; None: now."""
    note: str
    """What else was seen."""


class Verification:
    """Makes tasks, takes readings, and says how far they were apart."""

    def __init__(
        self, world: World, records: Records, historian: AsyncHistorian, audit: Audit
    ) -> None:
        self._world, self._historian, self._audit = world, historian, audit
        self._records = records.verifications

    @classmethod
    def of(cls, platform: Platform) -> Verification:
        """Return the verification of a platform."""
        return cls(platform.world, platform.records, platform.historian, platform.audit)

    async def plans(self, scope: Scope, page: int, size: int) -> VerificationPlanPage:
        """Return a page of plans inside a scope."""
        total, rows = await in_thread(
            self._records.plans,
            assets=self._world.codes_in(scope),
            offset=(page - 1) * size,
            limit=size,
        )
        return VerificationPlanPage(total=total, items=[plan_view(row) for row in rows])

    async def add_plan(self, by: Principal, wish: PlanWish) -> VerificationPlanView:
        """Keep a new plan.

        Raises:
            Refused: The asset is not inside the scope, or there is nothing to draw from.
        """
        self._choices(by.scope, wish.asset, wish.kinds)
        now = self._world.now_s()
        row = PlanRow(
            id=new_id(now),
            name=wish.name,
            asset=wish.asset,
            kinds=tuple(wish.kinds),
            points=wish.points,
            every_s=wish.every_days * _DAY_S,
            answer_s=wish.days_to_answer * _DAY_S,
            active=True,
            next_at=now,
            user=by.user,
            at=now,
        )
        await in_thread(self._records.put_plan, row)
        await self._audit.add(by.user, "verification.plan", row.id, name=row.name, on=row.asset)
        return plan_view(row)

    async def set_plan(self, by: Principal, id: str, *, active: bool) -> VerificationPlanView:  # noqa: A002
        """Halt a plan or let it go on.

        Raises:
            Refused: There is no such plan inside the scope.
        """
        row = await in_thread(self._records.plan, id)
        if row is None or not self._sees(by.scope, row.asset):
            raise Refused("not_found", thing=id)
        changed = replace(row, active=active, next_at=max(row.next_at, self._world.now_s()))
        await in_thread(self._records.put_plan, changed)
        before, after = {"active": row.active}, {"active": active}
        await self._audit.add(by.user, "verification.plan", id, before=before, after=after)
        return plan_view(changed)

    async def tasks(self, scope: Scope, state: str, page: int, size: int) -> VerificationTaskPage:
        """Return a page of tasks inside a scope, newest first."""
        now, assets = self._world.now_s(), self._world.codes_in(scope)
        total, rows = await in_thread(
            self._records.tasks,
            assets=assets,
            state=state,
            at=now,
            offset=(page - 1) * size,
            limit=size,
        )
        overdue, _ = await in_thread(
            self._records.tasks, assets=assets, state=OVERDUE, at=now, limit=0
        )
        items = await in_thread(self._records.items, [row.id for row in rows])
        views = [task_view(row, items[row.id], now, []) for row in rows]
        return VerificationTaskPage(total=total, overdue=overdue, items=views)

    async def task(self, scope: Scope, id: str) -> VerificationTaskView:  # noqa: A002
        """Return a task with its points.

        Raises:
            Refused: There is no such task inside the scope.
        """
        row, items = await self._one(scope, id)
        shown = [item_view(self._world.ledger, item) for item in items]
        return task_view(row, items, self._world.now_s(), shown)

    async def add_task(self, by: Principal, wish: PlanWish) -> VerificationTaskView:
        """Draw points and make a task of them.

        Raises:
            Refused: The asset is not inside the scope, or there is nothing to draw from.
        """
        choices = self._choices(by.scope, wish.asset, wish.kinds)
        now = self._world.now_s()
        row = TaskRow(
            id=new_id(now),
            plan="",
            name=wish.name,
            asset=wish.asset,
            user=by.user,
            made_at=now,
            due_at=now + wish.days_to_answer * _DAY_S,
        )
        items = drawn(self._world, choices, wish.points, row.id)
        await in_thread(self._records.add_task, row, items, None)
        await self._audit.add(
            by.user, "verification.task", row.id, points=[item.point for item in items]
        )
        return await self.task(by.scope, row.id)

    async def run_plans(self, due: float) -> None:
        """Make the tasks of plans whose time has come; each once, also over restarts."""
        for plan in await in_thread(self._records.due_plans, due):
            try:
                choices = self._choices(Scope.everything(), plan.asset, list(plan.kinds))
            except Refused:
                continue  # The ledger has nothing for it any more; the plan waits.
            row = TaskRow(
                # The same for the same turn of the plan, so a repeated run makes no second one.
                id=derived_id("verification", plan.id, int(plan.next_at)),
                plan=plan.id,
                name=plan.name,
                asset=plan.asset,
                user=plan.user,
                made_at=due,
                due_at=due + plan.answer_s,
            )
            items = drawn(self._world, choices, plan.points, row.id)
            if await in_thread(self._records.add_task, row, items, due + plan.every_s):
                points = [item.point for item in items]
                await self._audit.add(
                    SYSTEM, "verification.task", row.id, plan=plan.id, points=points
                )

    async def read(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        readings: Sequence[FieldReading],
    ) -> VerificationTaskView:
        """Keep readings and what was uploaded for their times; all, or none.

        Raises:
            Refused: No such task or point in it, the task has ended, or a time is impossible.
        """
        row, items = await self._one(by.scope, id)
        if row.state != OPEN:
            raise Refused("verification_ended", thing=id)
        held = {item.point: item for item in items}
        made = [await self._compared(by, held, reading) for reading in readings]
        if not await in_thread(self._records.read, made):
            raise Refused("verification_ended", thing=id)
        told = {item.point: [item.reading, item.uploaded] for item in made}
        before = {item.point: held[item.point].reading for item in made}
        await self._audit.add(by.user, "verification.reading", id, before=before, after=told)
        return await self.task(by.scope, id)

    async def end(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        *,
        give_up: bool,
        note: str,
    ) -> VerificationTaskView:
        """End a task.

        Raises:
            Refused: No such task, it has ended, or points were not read and it is not given up.
        """
        row, items = await self._one(by.scope, id)
        unread = sum(item.reading is None for item in items)
        if unread and not give_up:
            raise Refused("verification_unread", thing=id, detail=str(unread))
        state = GIVEN_UP if unread else DONE
        now = self._world.now_s()
        if not await in_thread(self._records.end, id, state=state, at=now, note=note):
            raise Refused("verification_ended", thing=id)
        await self._audit.add(
            by.user, "verification.end", id, before=row.state, after=state, unread=unread
        )
        return await self.task(by.scope, id)

    async def statistics(self, scope: Scope, days: int) -> VerificationStatistics:
        """Return errors of the readings of the last days, by point kind."""
        now, assets = self._world.now_s(), self._world.codes_in(scope)
        since = now - days * _DAY_S
        made, done, overdue = await in_thread(self._records.counts, since, now, assets=assets)
        rows = await in_thread(self._records.readings, since, assets=assets)
        return statistics_of(rows, since, now, made, done, overdue)

    def _sees(self, scope: Scope, asset: str) -> bool:
        return scope.holds("") if not asset else self._world.sees(scope, asset)

    async def _one(self, scope: Scope, id: str) -> tuple[TaskRow, Sequence[ItemRow]]:  # noqa: A002
        found = await in_thread(self._records.task, id)
        if found is None or not self._sees(scope, found[0].asset):
            raise Refused("not_found", thing=id)
        return found

    def _choices(self, scope: Scope, asset: str, kinds: list[str]) -> list[Point]:
        """Return the points a task may draw from.

        Raises:
            Refused: The asset is not inside the scope, or there are none.
        """
        if not self._sees(scope, asset):
            raise Refused("not_found", thing=asset or "*")
        return choices_of(self._world, asset, kinds)

    async def _compared(
        self, by: Principal, held: dict[str, ItemRow], reading: FieldReading
    ) -> ItemRow:
        item = held.get(reading.point)
        point = self._world.ledger.points.get(reading.point)
        if item is None or point is None:
            raise Refused("not_found", thing=reading.point, place="readings")
        now = self._world.now_s()
        at_s = now if reading.at_s is None else reading.at_s
        if not now - _EARLIEST_S <= at_s <= now + 60.0:
            raise Refused("range_invalid", thing=reading.point, place="at", detail="7 d")
        kind = point_kinds()[point.kind]
        start = max(int(at_s - _OLD_PERIODS * kind.period_s), 0)
        rows = await self._historian.raw([point.key], start, int(at_s) + 1, 10_000)
        known = len(rows.keys) > 0 and bool(np.isfinite(rows.values[-1]))
        return replace(
            item,
            reading=reading.value,
            read_at=at_s,
            user=by.user,
            uploaded=float(rows.values[-1]) if known else None,
            quality=int(rows.quality[-1]) if known else None,
            tolerance=tolerance_of(kind, reading.value),
            note=reading.note,
        )


def add_verification_jobs(platform: Platform) -> None:
    """Put the plans into a platform's schedule."""
    verification = Verification.of(platform)
    platform.schedule.add(
        Job(
            name="verification",
            period_s=PLANS_S,
            run=verification.run_plans,
            least_pause_s=5.0,
        )
    )
