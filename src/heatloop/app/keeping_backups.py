"""Backups by the schedule and on request, trial restores, and alarms when they fail or stop.

The work is done in a process of its own (`store.backup_job`). Times are machine time: a backup
protects against what happens to machines.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.history import in_thread
from heatloop.app.keeping_alarms import BAD, FAILED, LATE, SLOW, KeepingAlarms
from heatloop.app.keeping_process import passphrase_path, run_task, task_of
from heatloop.app.keeping_views import run_view
from heatloop.app.refusals import Refused
from heatloop.app.settings import Settings
from heatloop.app.views.keeping import KeepingRun, KeepingRunPage, KeepingState
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import HeatloopError
from heatloop.store.backup_job import BACKUP, VERIFY, Task
from heatloop.store.backup_keys import (
    PASSPHRASE_FILE,
    keep_passphrase,
    make_passphrase,
    read_passphrase,
)
from heatloop.store.backup_run import new_run_id
from heatloop.store.records import Records
from heatloop.store.records import keeping as kept
from heatloop.store.records.keeping import RunRow

_log = structlog.get_logger("heatloop.keeping")
_DAY_S = 86400.0
_RETRY_S = 300.0


class Keeping:
    """Makes and checks backups."""

    def __init__(
        self,
        settings: Settings,
        world: World,
        records: Records,
        audit: Audit,
        alarms: KeepingAlarms,
    ) -> None:
        self._settings, self._world, self._records = settings, world, records
        self._audit, self._alarms = audit, alarms
        self._started = machine_s()
        self._job: asyncio.Task[None] | None = None
        self._door = asyncio.Lock()
        self._running, self._progress = "", 0.0

    async def runs(self, kind: str, page: int, size: int) -> KeepingRunPage:
        """Return a page of runs, newest first."""
        kinds = (kind,) if kind else kept.KINDS
        total, rows = await in_thread(
            self._records.keeping.runs, kinds=kinds, offset=(page - 1) * size, limit=size
        )
        verdicts = await self._verdicts()
        return KeepingRunPage(total=total, items=[self._view(row, verdicts) for row in rows])

    async def run(self, run: str) -> KeepingRun:
        """Return a run.

        Raises:
            Refused: There is none.
        """
        row = await in_thread(self._records.keeping.run, run)
        if row is None:
            raise Refused("not_found", thing=run)
        return self._view(row, await self._verdicts())

    async def _verdicts(self) -> dict[str, bool]:
        """Return which backups a trial restore found good or bad, the newest word counting."""
        _, rows = await in_thread(
            self._records.keeping.runs, kinds=(kept.VERIFY, kept.DRILL), limit=500
        )
        found: dict[str, bool] = {}
        for row in reversed(rows):
            if "good" in row.body:
                found[str(row.body.get("run"))] = bool(row.body["good"])
        return found

    def _view(self, row: RunRow, verdicts: Mapping[str, bool]) -> KeepingRun:
        progress = self._progress if row.id == self._running else None
        return run_view(row, verdicts.get(row.id), progress)

    async def start_backup(self, user: str, *, full: bool, verify: bool) -> KeepingRun:
        """Begin a backup.

        Raises:
            Refused: No target is set, or something is under way.
        """
        at = machine_s()
        kind = kept.FULL if full else kept.INCREMENTAL
        run = new_run_id(at, kind)
        trial = verify or (full and self._settings.backup.verify_full)
        await self._begin(user, run, kind, at, self._backup(user, run, full, at, trial))
        return await self.run(run)

    async def start_verify(self, user: str, of: str, *, drill: bool) -> KeepingRun:
        """Begin a trial restore.

        Raises:
            Refused: No target is set, or something is under way.
        """
        at = machine_s()
        kind = kept.DRILL if drill else kept.VERIFY
        run = new_run_id(at, kind)
        await self._begin(user, run, kind, at, self._verify(user, run, of))
        return await self.run(run)

    async def _begin(self, user: str, run: str, kind: str, at: float, work: Any) -> None:
        async with self._door:
            await self._begin_one(user, run, kind, at, work)

    async def _begin_one(self, user: str, run: str, kind: str, at: float, work: Any) -> None:
        try:
            if not self._settings.backup.to:
                raise Refused("no_backup_target")
            if self.busy:
                raise Refused("keeping_busy", thing=self._running)
            await in_thread(self._ready)
        except HeatloopError:
            work.close()
            raise
        self._running, self._progress = run, 0.0
        row = RunRow(
            id=run, kind=kind, state=kept.RUNNING, user=user, target=self._settings.backup.to,
            chain="", started_at=at, ended_at=None, body={},
        )  # fmt: skip
        await in_thread(self._records.keeping.begin, row)
        await self._audit.add(
            user,
            f"keeping.{kind}",
            run,
            to=self._settings.backup.to,
            encrypted=not self._settings.backup.plaintext,
            reason=self._settings.backup.plaintext_reason,
        )
        self._job = asyncio.create_task(work)

    @property
    def busy(self) -> bool:
        """Return whether a run is under way."""
        return self._job is not None and not self._job.done()

    def _ready(self) -> None:
        """Make the recovery passphrase if the settings leave that to us."""
        path = self._settings.keys / PASSPHRASE_FILE
        if not self._settings.backup.passphrase_file and not path.exists():
            keep_passphrase(path, make_passphrase())
            _log.warning(
                "recovery passphrase made: keep a copy elsewhere, without it nothing can be"
                " restored / 已生成恢复口令：请另行保存，丢失则无法恢复",
                file=str(path),
            )
        read_passphrase(type(path)(passphrase_path(self._settings)))

    async def _backup(self, user: str, run: str, full: bool, at: float, trial: bool) -> None:
        bad = [chain for chain, good in (await self._chains()).items() if not good]
        task = task_of(
            self._settings,
            BACKUP,
            run=run,
            full=full,
            at=at,
            plant_at=self._world.now_s(),
            bad=tuple(bad),
        )
        done = await self._do(user, run, task)
        # Without a chain to lean on it became a full one, and those are always looked at.
        whole = done is not None and done.get("kind") == kept.FULL
        if done is not None and (trial or (whole and self._settings.backup.verify_full)):
            now = machine_s()
            again = new_run_id(now, kept.VERIFY)
            self._running, self._progress = again, 0.0
            row = RunRow(
                id=again, kind=kept.VERIFY, state=kept.RUNNING, user=user,
                target=self._settings.backup.to, chain=str(done.get("chain", "")),
                started_at=now, ended_at=None, body={"run": run},
            )  # fmt: skip
            await in_thread(self._records.keeping.begin, row)
            await self._verify(user, again, run)

    async def _verify(self, user: str, run: str, of: str) -> None:
        postgres = self._settings.records_url.startswith("postgresql")
        more = {"scratch_url": self._settings.records_url} if postgres else {}
        await self._do(user, run, task_of(self._settings, VERIFY, run=of, **more))

    async def _chains(self) -> dict[str, bool]:
        """Return which chains trial restores found good or bad."""
        _, rows = await in_thread(
            self._records.keeping.runs, kinds=(kept.VERIFY, kept.DRILL), state=kept.DONE, limit=500
        )
        return {row.chain: bool(row.body.get("good")) for row in reversed(rows)}

    async def _do(self, user: str, run: str, task: Task) -> dict[str, Any] | None:
        """Do a task in its process and write down how it ended; return what came of it."""
        done: dict[str, Any] | None = None
        try:
            done = await run_task(task, self._told)
            state = kept.DONE
            body = done
        except asyncio.CancelledError:
            await asyncio.shield(self._end(user, run, kept.FAILED, {"error": "broken off"}))
            raise
        except (HeatloopError, OSError) as error:
            state, body = kept.FAILED, {"error": str(error)[:1000]}
            _log.error("backup failed", run=run, error=str(error))
        await self._end(user, run, state, body)
        await self.judge()
        return done

    async def _end(self, user: str, run: str, state: str, body: dict[str, Any]) -> None:
        at = machine_s()
        # An incremental that found nothing to lean on became a full one.
        chain = str(body.get("chain", ""))
        row = await in_thread(self._records.keeping.run, run)
        if row is not None and row.kind in kept.BACKUPS and "kind" in body:
            kind, begun = str(body["kind"]), row.started_at
            await in_thread(
                self._records.keeping.begin,
                RunRow(
                    id=run, kind=kind, state=state, user=row.user, target=row.target, chain=chain,
                    started_at=begun, ended_at=at, body=body,
                ),
            )  # fmt: skip
        else:
            await in_thread(
                self._records.keeping.end, run, state=state, at=at, chain=chain, body=body
            )
        short = {k: v for k, v in body.items() if k in ("error", "good", "findings", "bytes")}
        await self._audit.add(user, f"keeping.{state}", run, **short)

    def _told(self, share: float) -> None:
        self._progress = share

    async def tick(self, due: float) -> None:
        """Begin what is due, and raise or clear alarms."""
        del due
        await self.judge()
        backup = self._settings.backup
        if not backup.to or self.busy:
            return
        now = machine_s()
        newest = await self._newest(kept.BACKUPS)
        full = await self._newest((kept.FULL,))
        tried = await in_thread(self._records.keeping.newest, kept.KINDS, kept.FAILED)
        if tried is not None and now - tried.started_at < _RETRY_S:
            return
        with contextlib.suppress(Refused):
            if full is None or now - full.started_at >= backup.full_every_days * _DAY_S:
                await self.start_backup(SYSTEM, full=True, verify=False)
            elif newest is None or now - newest.started_at >= backup.incremental_every_minutes * 60:
                await self.start_backup(SYSTEM, full=False, verify=False)
            else:
                drill = await self._newest((kept.DRILL,))
                begun = drill.started_at if drill is not None else await self._first_backup(now)
                if now - begun >= backup.drill_every_days * _DAY_S:
                    await self.start_verify(SYSTEM, "", drill=True)

    async def _newest(self, kinds: tuple[str, ...]) -> RunRow | None:
        return await in_thread(self._records.keeping.newest, kinds)

    async def _first_backup(self, now: float) -> float:
        total, _ = await in_thread(self._records.keeping.runs, kinds=kept.BACKUPS, limit=0)
        _, rows = await in_thread(
            self._records.keeping.runs, kinds=kept.BACKUPS, offset=max(total - 1, 0), limit=1
        )
        return rows[0].started_at if rows else now

    async def judge(self) -> None:
        """Raise and clear the alarms of backups."""
        backup = self._settings.backup
        if not backup.to:
            for rule in (LATE, FAILED, BAD, SLOW):
                await self._alarms.set(rule, False)
            return
        newest = await self._newest(kept.BACKUPS)
        age_s = machine_s() - (newest.started_at if newest is not None else self._started)
        limit = backup.rpo_minutes
        await self._alarms.set(LATE, age_s > limit * 60, value=round(age_s / 60, 1), limit=limit)
        failed = await in_thread(self._records.keeping.newest, kept.BACKUPS, kept.FAILED)
        open_failure = failed is not None and (
            newest is None or failed.started_at > newest.started_at
        )
        detail = str(failed.body.get("error", ""))[:300] if failed is not None else ""
        await self._alarms.set(FAILED, open_failure, detail=detail)
        checked = await self._newest((kept.VERIFY, kept.DRILL))
        broken = await in_thread(
            self._records.keeping.newest, (kept.VERIFY, kept.DRILL), kept.FAILED
        )
        unproven = broken is not None and (
            checked is None or broken.started_at > checked.started_at
        )
        bad = unproven or (checked is not None and not checked.body.get("good"))
        await self._alarms.set(BAD, bad)
        minutes = float(checked.body.get("seconds", 0.0)) / 60 if checked is not None else 0.0
        slow = minutes > backup.rto_minutes
        await self._alarms.set(SLOW, slow, value=minutes, limit=backup.rto_minutes)

    async def state(self) -> KeepingState:
        """Return whether everything is kept as it should be."""
        backup, keeping = self._settings.backup, self._records.keeping
        newest, full = await self._newest(kept.BACKUPS), await self._newest((kept.FULL,))
        checked = await self._newest((kept.VERIFY, kept.DRILL))
        days, rows = await in_thread(keeping.days, limit=1)
        misfits, _ = await in_thread(keeping.days, misfits=True, limit=0)
        problems = self._alarms.active
        next_full = full.started_at + backup.full_every_days * _DAY_S if full else self._started
        step = backup.incremental_every_minutes * 60
        next_any = newest.started_at + step if newest else self._started
        return KeepingState(
            ok=not problems,
            target=backup.to,
            encrypted=not backup.plaintext,
            passphrase=passphrase_path(self._settings) if backup.to else "",
            running=self._running if self.busy else None,
            last_full=None if full is None else utc(full.started_at),
            last_backup=None if newest is None else utc(newest.started_at),
            last_verified=None if checked is None else utc(checked.started_at),
            rpo_minutes=None if newest is None else (machine_s() - newest.started_at) / 60,
            rpo_limit_minutes=backup.rpo_minutes,
            last_restore_minutes=(
                None if checked is None else float(checked.body.get("seconds", 0.0)) / 60
            ),
            rto_limit_minutes=backup.rto_minutes,
            next_full=utc(next_full) if backup.to else None,
            next_incremental=utc(min(next_any, next_full)) if backup.to else None,
            problems=problems,
            days=days,
            misfits=misfits,
            checked_at=utc(rows[0].checked_at) if rows else None,
        )

    async def close(self) -> None:
        """Break off what is under way; it is made again."""
        if self._job is not None:
            self._job.cancel()
            await asyncio.gather(self._job, return_exceptions=True)
