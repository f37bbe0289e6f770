"""Looking after the trail: checkpoints, the journal, copies, alarms, periods.

Nothing here can be switched off from outside: no setting ends it, and what an administrator may
start (a seal, a drop, a copy anew) is his alone and written down.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import structlog

from heatloop.app.alarming import Alarming
from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.audit_alarms import DIFFERS, LATE, UNAVAILABLE, AuditAlarms
from heatloop.app.audit_copies import Copies
from heatloop.app.audit_settings import AuditSettings
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.patience import until_done
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.store.records import Records
from heatloop.store.records.audit_check import checkpoint_bytes
from heatloop.store.records.audit_rows import FAILED, Checkpoint

CONFIGURED = "audit.configured"
_PAUSE_S = 1.0
_CHECKPOINT_S = 3600.0
_MOST = 500
_log = structlog.get_logger("heatloop.audit")


class AuditKeeper:
    """Keeps the trail whole, signed and copied while the platform runs.

    Args:
        world: Whose company the alarms are about.
        records: Where the trail is.
        audit: Writes it.
        alarming: Raises alarms.
        keys: Sign checkpoints.
        copies: Brings the copies up to date.
        settings: How.
    """

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        audit: Audit,
        alarming: Alarming,
        keys: PlatformKeys,
        copies: Copies,
        settings: AuditSettings,
    ) -> None:
        self._records, self._audit, self._keys = records, audit, keys
        self.copies, self.settings = copies, settings
        self._alarms = AuditAlarms(world, alarming)
        self._tasks: set[asyncio.Task[None]] = set()
        self._signed = 0
        self._seen = 0
        self._seen_s = 0.0
        audit.when_changed(self._changed)

    def _changed(self, works: bool, detail: str) -> None:
        """Tell everybody, once each way, and when it works again write down that it did not."""
        self._start(self._alarms.set(UNAVAILABLE, not works, detail=detail))
        if works:

            async def write() -> None:
                await self._audit.add(
                    SYSTEM, "audit.recovered", "audit", failed_for_s=float(detail or 0)
                )

            self._start(until_done("audit", write))

    def _start(self, job: Any) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Look after it until cancelled."""
        failed = False
        begun = False
        while True:
            try:
                if not begun:
                    await self._configured()
                    begun = True
                await self.tend()
                failed = False
            except HeatloopError as error:
                if not failed:
                    _log.warning("audit trail is not looked after", error=str(error))
                failed = True
            except Exception as error:  # noqa: BLE001 - the trail is looked after all the same
                if not failed:
                    _log.error("audit trail is not looked after", exc_info=error)
                failed = True
            await asyncio.sleep(_PAUSE_S)

    async def tend(self) -> None:
        """Do once what is due.

        Raises:
            LinkError: The records cannot be reached.
        """
        if self._audit.failing_since is not None:
            await self._audit.probe()
        await self.chain_in()
        await self.checkpoint()
        if self.copies.states:
            await self.copies.bring_up(self.settings.copy_every_s)
            worst = max(state.lag_s for state in self.copies.states)
            late = self.settings.copy_late_s
            why = next((s.failing for s in self.copies.states if s.failing), "")
            await self._alarms.set(LATE, worst > late, value=worst, limit=late, detail=why)
            differs = next((s.target.name for s in self.copies.states if s.differs), "")
            await self._alarms.set(DIFFERS, bool(differs), detail=differs)

    async def _configured(self) -> None:
        """Write down what the trail is kept with, when it is not what it was."""
        now = {
            "algorithm": self.settings.algorithm,
            "checkpoint_entries": self.settings.checkpoint_entries,
            "copies": [state.target.name for state in self.copies.states],
            "key_id": self._keys.signing.key_id,
        }
        _, rows = await in_thread(self._records.audit.list, action=CONFIGURED, limit=1)
        before = dict(rows[0].detail).get("after") if rows else None
        if before != now:
            await self._audit.add(SYSTEM, CONFIGURED, "audit", before=before, after=now)

    async def chain_in(self) -> int:
        """Take what the local journal holds into the trail; return how many entries."""
        journal = self._audit.journal
        if journal is None:
            return 0
        name, count = await in_thread(journal.reach)
        if not count:
            return 0
        through = await in_thread(self._records.audit.journal_through, name)
        lines = await in_thread(journal.lines, through)
        for start in range(0, len(lines), _MOST):
            some = lines[start : start + _MOST]
            wishes = [
                replace(
                    line.wish,
                    detail={
                        **line.wish.detail,
                        "journal": name,
                        "line": line.number,
                        **({} if line.good else {"spoilt": True}),
                    },
                    result=line.wish.result if line.good else FAILED,
                )
                for line in some
            ]
            await in_thread(
                self._records.audit.append_many, wishes, journal=(name, some[-1].number)
            )
        if lines:
            _log.info("local journal is in the audit trail", entries=len(lines))
        await in_thread(journal.finished, len(lines) + through)
        return len(lines)

    async def checkpoint(self, *, now: bool = False) -> int:
        """Sign the end of the chain if it is due; return the entry that was signed, 0: none."""
        head = await in_thread(self._records.audit.head)
        if not self._signed:
            last = await in_thread(self._records.audit_around.last_checkpoint)
            self._signed = 0 if last is None else last.seq
        if head.seq > self._signed and self._seen <= self._signed:
            self._seen, self._seen_s = head.seq, machine_s()
        waited = machine_s() - self._seen_s
        behind = head.seq - self._signed
        if not behind or not (
            now or behind >= self.settings.checkpoint_entries or waited >= _CHECKPOINT_S
        ):
            return 0
        key = self._keys.signing
        point = Checkpoint(
            seq=head.seq,
            hash=head.hash,
            at=machine_s(),
            alg=key.algorithm,
            key_id=key.key_id,
            public_key=key.public.hex(),
            signature=key.sign(checkpoint_bytes(head.seq, head.hash)).hex(),
        )
        await in_thread(self._records.audit_around.add_checkpoint, point)
        self._signed = head.seq
        return head.seq
