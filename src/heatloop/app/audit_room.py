"""What the audit administrator works with: state, checks, exports, periods, copies."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Self

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit, entry_view
from heatloop.app.audit_copies import Copies, access_of, sealed_place, targets_of
from heatloop.app.audit_keeper import AuditKeeper
from heatloop.app.audit_periods import KEPT_S, Periods
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.refusals import Refused
from heatloop.app.setting_sections import CompanySettings, Settings
from heatloop.app.views.audit import (
    AuditCheck,
    AuditCopyView,
    AuditDetail,
    AuditPeriodView,
    AuditState,
    RecordChange,
)
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.kernel.canonical import canonical
from heatloop.kernel.clock import machine_s, utc
from heatloop.report.audit_trail import audit_trail_pdf
from heatloop.security.keys import sign_document
from heatloop.security.provider import key_id_of
from heatloop.store.objects import open_objects
from heatloop.store.records import Records
from heatloop.store.records.audit_rows import AuditQuery, AuditRow, Period, Verdict

MOST_JSONL, MOST_PDF = 200_000, 2_000
_PDF_S = 120.0
_EXPORT = "heatloop audit export 1"
_AROUND_S = 2.0


class AuditRoom:
    """Answers what is asked about the trail.

    Args:
        records: Where it is.
        audit: Writes it.
        keeper: Looks after it.
        periods: Seals and drops.
        keys: Sign exports.
        workers: Set PDF pages.
        company: Whose trail it is.
    """

    def __init__(
        self,
        *,
        records: Records,
        audit: Audit,
        keeper: AuditKeeper,
        periods: Periods,
        keys: PlatformKeys,
        workers: Workers,
        company: CompanySettings,
    ) -> None:
        self._records, self._audit, self.keeper = records, audit, keeper
        self._periods, self._keys, self._workers = periods, keys, workers
        self._company = company
        self._check: asyncio.Task[None] | None = None
        self._progress, self._started, self._ended = (0, 0), 0.0, 0.0
        self._verdict: Verdict | None = None
        self._busy = asyncio.Lock()

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        world: World,
        records: Records,
        audit: Audit,
        alarming: Alarming,
        keys: PlatformKeys,
        workers: Workers,
    ) -> Self:
        """Return the room with all it needs.

        Raises:
            ConfigError: A place for a copy or for sealed periods cannot be used.
        """
        own, s3 = settings.audit, settings.s3
        keeper = AuditKeeper(
            world=world,
            records=records,
            audit=audit,
            alarming=alarming,
            keys=keys,
            copies=Copies(records, targets_of(own, s3, keys)),
            settings=own,
        )
        store = open_objects(sealed_place(own, settings.data), access_of(s3))
        return cls(
            records=records,
            audit=audit,
            keeper=keeper,
            periods=Periods(records, audit, store, keys),
            keys=keys,
            workers=workers,
            company=settings.company,
        )

    async def state(self) -> AuditState:
        """Return how the trail stands."""
        around = self._records.audit_around
        head = await in_thread(self._records.audit.head)
        last = await in_thread(around.last_checkpoint)
        periods = await in_thread(around.periods)
        journal = self._audit.journal
        waiting = 0
        if journal is not None:
            name, count = await in_thread(journal.reach)
            through = await in_thread(self._records.audit.journal_through, name)
            waiting = max(count - through, 0)
        failing, key = self._audit.failing_since, self._keys.signing
        late = self.keeper.settings.copy_late_s
        return AuditState(
            writable=failing is None,
            failing_since=None if failing is None else utc(failing),
            entries=head.seq,
            hash=head.hash,
            algorithm=head.alg or "sha256",
            checkpoints=await in_thread(around.count_checkpoints),
            signed_through=0 if last is None else last.seq,
            key_id=key.key_id,
            public_key=key.public.hex(),
            journalled=waiting,
            copies=[
                AuditCopyView(
                    target=each.target.name,
                    through=each.through,
                    lag_s=each.lag_s,
                    late=each.lag_s > late,
                    differs=each.differs,
                    failing=each.failing,
                )
                for each in self.keeper.copies.states
            ],
            periods=[period_view(each) for each in periods],
        )

    def check(self) -> AuditCheck:
        """Return the last check of the chain, or the one under way."""
        found = self._verdict
        running = self._check is not None and not self._check.done()
        until = machine_s() if running else self._ended
        return AuditCheck(
            running=running,
            checked=self._progress[0],
            total=self._progress[1],
            ok=None if found is None else found.broken is None,
            first_broken=None if found is None else found.broken,
            reason="" if found is None else found.reason,
            checkpoints=0 if found is None else found.checkpoints,
            signed_through=0 if found is None else found.signed_through,
            started_at=utc(self._started) if self._started else None,
            seconds=max(until - self._started, 0.0) if self._started else 0.0,
        )

    async def start_check(self, user: str) -> AuditCheck:
        """Begin to compute every hash again.

        Raises:
            Refused: That is under way.
        """
        if self._check is not None and not self._check.done():
            raise Refused("audit_busy")
        await self._audit.add(user, "audit.check", "audit")
        self._verdict, self._progress = None, (0, 0)
        self._started = machine_s()
        self._check = asyncio.create_task(self._examine())
        return self.check()

    async def _examine(self) -> None:
        def told(checked: int, total: int) -> None:
            self._progress = (checked, total)

        # Whoever signs with a key of his own is found out too.
        trusted = {key_id_of(public): public.hex() for public in self._keys.publics}
        found = await in_thread(self._records.audit.examine, told=told, trusted=trusted)
        self._ended = machine_s()
        self._verdict = found
        if found.broken is not None:
            await self._audit.add(
                "system", "audit.check_failed", "audit", entry=found.broken, reason=found.reason
            )

    async def detail(self, seq: int) -> AuditDetail:
        """Return an entry with what belongs to it.

        Raises:
            Refused: There is none.
        """
        row = await in_thread(self._records.audit.get, seq)
        if row is None:
            raise Refused("not_found", thing=str(seq))
        ahead = await in_thread(self._records.audit.get, seq - 1)
        same: list[AuditRow] = []
        if row.request:
            asked = AuditQuery(request=row.request)
            _, found = await in_thread(self._records.audit.search, asked, limit=50)
            same = [each for each in found if each.seq != seq]
        return AuditDetail(
            entry=entry_view(row),
            algorithm=row.alg or "sha256",
            previous="" if ahead is None else ahead.hash,
            same_request=[entry_view(each) for each in same],
            changes=await self._changes(row),
        )

    async def _changes(self, row: AuditRow) -> list[RecordChange]:
        if not row.request:
            return []
        found = await in_thread(
            self._records.audit_around.changes_by,
            row.user,
            row.at - _AROUND_S,
            row.at + _AROUND_S,
        )
        return [
            RecordChange(
                table=each["table"],
                record=each["record"],
                operation=each["operation"],
                at=utc(each["at"]),
                before=each["before"],
                after=each["after"],
            )
            for each in found
        ]

    async def export(self, user: str, query: AuditQuery, kind: str) -> tuple[bytes, str]:
        """Return entries as a signed file, oldest first, and the signature over the file.

        Args:
            user: Who wants it.
            query: Which entries.
            kind: `jsonl` or `pdf`.

        Raises:
            Refused: There are more than one file takes.
        """
        most = MOST_PDF if kind == "pdf" else MOST_JSONL
        total, rows = await in_thread(self._records.audit.search, query, limit=most)
        if total > most:
            raise Refused("range_invalid", detail=f"{total} > {most}")
        rows = list(reversed(rows))
        data, digest = await in_thread(_lines, rows)
        end = {
            "format": _EXPORT,
            "entries": total,
            "sha256": digest,
            "by": user,
            "at": machine_s(),
            "asked": {k: v for k, v in _asked(query).items() if v not in ("", None)},
        }
        key = self._keys.signing
        signed = sign_document(key, end)
        if kind == "pdf":
            shown = [_shown(row) for row in rows]
            told = [self._company.zh, self._company.en]
            values = {"company": told, "entries": shown, "signed": signed, "asked": end["asked"]}
            zone = self._company.time_zone
            data = await self._workers.call(audit_trail_pdf, _PDF_S, values, zone)
        else:
            data += canonical({"signed": signed}) + b"\n"
        await self._audit.add(
            user, "audit.export", kind, entries=total, asked=end["asked"], sha256=digest
        )
        return data, f"{key.key_id}:{key.sign(data).hex()}"

    async def seal(self, user: str, before: float) -> AuditPeriodView | None:
        """Seal what was written before a machine time; return the period, None: nothing.

        Raises:
            Refused: Somebody else is at it.
        """
        if self._busy.locked():
            raise Refused("audit_busy")
        async with self._busy:
            period = await self._periods.seal(user, before)
        return None if period is None else period_view(period)

    async def drop(self, user: str, first_seq: int) -> tuple[AuditPeriodView, int]:
        """Drop the entries of a sealed period that is old enough.

        Raises:
            Refused: It is not, or somebody else is at it.
        """
        if self._busy.locked():
            raise Refused("audit_busy")
        async with self._busy:
            period, gone = await self._periods.drop(user, first_seq)
        return period_view(period), gone

    async def restart_copy(self, user: str, target: str, reason: str) -> None:
        """Begin a copy anew, after it was found that the trail differs from it.

        Raises:
            Refused: There is no such copy.
        """
        if not any(s.target.name == target for s in self.keeper.copies.states):
            raise Refused("not_found", thing=target[:200])
        await self._audit.add(user, "audit.copy_restarted", target, reason=reason)
        await self.keeper.copies.restart(target)

    async def close(self) -> None:
        """Wait for the check under way."""
        if self._check is not None:
            await asyncio.gather(self._check, return_exceptions=True)


def period_view(period: Period) -> AuditPeriodView:
    """Return a period as screens see it."""
    return AuditPeriodView(
        first_seq=period.first_seq,
        last_seq=period.last_seq,
        first_at=utc(period.first_at),
        last_at=utc(period.last_at),
        file=period.file,
        file_sha256=period.file_sha256,
        sealed_at=utc(period.sealed_at),
        sealed_by=period.sealed_by,
        dropped_at=None if period.dropped_at is None else utc(period.dropped_at),
        dropped_by=period.dropped_by,
        droppable=period.dropped_at is None and period.last_at < machine_s() - KEPT_S,
    )


def _asked(query: AuditQuery) -> dict[str, Any]:
    names = ("user", "action", "subject", "address", "result", "request", "since", "until")
    return {name: getattr(query, name) for name in names}


def _lines(rows: list[AuditRow]) -> tuple[bytes, str]:
    data = b"".join(canonical({**_shown(row), "alg": row.alg or "sha256"}) + b"\n" for row in rows)
    return data, hashlib.sha256(data).hexdigest()


def _shown(row: AuditRow) -> dict[str, Any]:
    names = ("seq", "at", "user", "role", "address", "request", "action", "subject", "result")
    plain = {name: getattr(row, name) for name in names}
    return {**plain, "detail": dict(row.detail), "hash": row.hash}
