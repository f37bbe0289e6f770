"""The exchange with billing and customer systems: batches in, conflicts decided, changes out.

A batch is idempotent: sent again it changes nothing. Times here are machine time, as those of the
other systems are; only how often somebody is asked goes by plant time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.ledger_admin import Ledgers
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.schedule import Job, Schedule
from heatloop.app.sync_apply import apply, check
from heatloop.app.sync_decisions import Decisions
from heatloop.app.sync_engine import Item, Plan, Planner
from heatloop.app.sync_inlets import Inlets
from heatloop.app.sync_read import SyncRead
from heatloop.app.sync_rows import conflict_rows, held_rows, run_of
from heatloop.app.sync_settings import SyncSettings
from heatloop.app.sync_views import (
    conflict_view,
    run_view,
)
from heatloop.app.views.sync import (
    SyncConflict,
    SyncRun,
)
from heatloop.app.world import World
from heatloop.bridge.sync.records import Incoming
from heatloop.bridge.sync.rules import Unfit
from heatloop.kernel.clock import machine_s
from heatloop.kernel.ids import new_id
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.sync_model import RunRow

_KEPT_RUNS_S = 180 * 86400.0


class Sync(SyncRead):
    """Takes records in, one batch at a time.

    Args:
        world: The present.
        records: Register, conflicts, feed.
        audit: Trail of what people do.
        ledgers: Takes changes of the ledger.
        settings: Who may speak, and where is looked.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        audit: Audit,
        ledgers: Ledgers,
        settings: SyncSettings,
    ) -> None:
        super().__init__(world, records, settings)
        self._audit, self._ledgers = audit, ledgers
        self._one_at_a_time = asyncio.Lock()
        self._speakers = {
            (system.strip(), user.strip())
            for system, _, user in (pair.partition("=") for pair in settings.speakers)
        }
        self._decisions = Decisions(world, records, audit, ledgers)
        self._inlets = Inlets(settings, records.sync_feed, self.take)

    async def run(self, due: float) -> None:
        """Read the drop folder and ask the other system; bring the feed up to date."""
        await self._inlets.look(due)
        await self._catch_up()
        if due % 86400.0 < self._settings.period_s:
            await in_thread(self._records.sync.forget_runs, machine_s() - _KEPT_RUNS_S)

    async def push(
        self, by: Principal, system: str, batch: Sequence[Incoming], *, dry_run: bool
    ) -> SyncRun:
        """Take in a batch a system sent itself.

        Raises:
            Forbidden: The user may not speak for this system.
        """
        if self._speakers and (system, by.user) not in self._speakers:
            await self._audit.refused(by.user, "sync", system)
            raise Forbidden("forbidden", thing=by.user, place=f"system {system}")
        return await self.take(by, system, "push", batch, dry_run=dry_run)

    async def take(
        self,
        by: Principal,
        system: str,
        way: str,
        batch: Sequence[Incoming],
        *,
        dry_run: bool = False,
        refused: Sequence[tuple[Incoming, Unfit]] = (),
        error: str = "",
    ) -> SyncRun:
        """Take in a batch, however it came.

        Args:
            by: Who.
            system: The other system.
            way: `push`, `drop` or `pull`.
            batch: The records.
            dry_run: Say what would happen, keep nothing.
            refused: Records that could not even be read.
            error: What ended the exchange early.
        """
        started = machine_s()
        async with self._one_at_a_time:
            plan = await in_thread(self._plan, system, batch)
            plan.refused += refused
            if dry_run:
                bad = await in_thread(check, self._world.ledger, plan.items)
            else:
                bad = await apply(self._ledgers, by, system, plan.items)
            _drop(plan, bad)
            run = run_of(
                plan,
                id_=new_id(started),
                system=system,
                way=way,
                by=by.user,
                started_s=started,
                ended_s=machine_s(),
                dry_run=dry_run,
                received=len(batch) + len(refused),
                error=error,
            )
            if not dry_run and self._worth_keeping(run):
                await in_thread(self._keep, run, plan)
        if not dry_run and (run.applied or run.refused or run.conflicts):
            await self._audit.add(
                by.user,
                "sync.run",
                system,
                run=run.id,
                way=way,
                received=run.received,
                applied=run.applied,
                refused=run.refused,
                conflicts=run.conflicts,
                error=run.error,
            )
        await self._catch_up()
        return run_view(run)

    def _worth_keeping(self, run: RunRow) -> bool:
        """Return whether an exchange says anything new; a system is asked every minute."""
        before = self._heard.get(run.system)
        self._heard[run.system] = run
        return bool(run.received or (run.error and (before is None or before.error != run.error)))

    def _plan(self, system: str, batch: Sequence[Incoming]) -> Plan:
        records = self._records
        planner = Planner(system, self._world.ledger, records.sync, records.sync_feed)
        return planner.plan(batch)

    def _keep(self, run: RunRow, plan: Plan) -> None:
        agreed = [
            (run.system, item.record.entity, item.record.source_id, name)
            for item in plan.items
            for name in (*item.agreed, *(("",) if item.code and not item.record.deleted else ()))
            if name not in {clash.field for _, clash in item.clashes}
        ]
        self._records.sync.save(
            run,
            held_rows(run, plan.items, machine_s()),
            conflict_rows(run.system, plan.items, machine_s()),
            agreed,
        )

    async def pull_now(self, by: Principal, system: str) -> SyncRun:
        """Ask the other system at once.

        Raises:
            Refused: No such system is asked.
            Forbidden: The whole company is not his.
        """
        if not by.scope.holds(""):
            raise Forbidden("forbidden", thing=by.user, detail="the whole company")
        if not self._settings.pull_url or system != self._settings.pull_system:
            raise Refused("not_found", thing=system, detail="no such system is asked")
        return await self._inlets.pull(by)

    async def decide(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        *,
        take: str,
        code: str,
        note: str,
    ) -> SyncConflict:
        """Decide a conflict for one side, or link an unmatched record.

        Raises:
            Refused: There is no such conflict, it needs nobody, or the ledger does not take it.
        """
        async with self._one_at_a_time:
            again = await self._decisions.decide(by, id, take=take, code=code, note=note)
        if again is not None:
            # A record that was just linked is taken in for the first time.
            await self.take(by, again[0], "push", [again[1]])
        await self._catch_up()
        row = await in_thread(self._records.sync.conflict, id)
        if row is None:
            raise Refused("not_found", thing=id)
        return conflict_view(row, self._world.ledger)


def _drop(plan: Plan, bad: Sequence[tuple[Item, Unfit]]) -> None:
    """Move items the ledger does not take to the refused ones."""
    ids = {id(item) for item, _ in bad}
    plan.items = [item for item in plan.items if id(item) not in ids]
    plan.refused += [(item.record, unfit) for item, unfit in bad]


def add_sync_job(schedule: Schedule, sync: Sync, settings: SyncSettings) -> None:
    """Look into the folder and ask the other system every so often."""
    schedule.add(
        Job(name="sync", period_s=settings.period_s, run=sync.run, least_pause_s=2.0, rest=1.0)
    )
