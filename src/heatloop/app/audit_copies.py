"""The trail in a second place: what is new is sent on, and a trail that was rewritten is found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog

from heatloop.app.audit_settings import AuditSettings
from heatloop.app.history import in_thread
from heatloop.app.keeping_settings import S3Settings
from heatloop.app.keys import PlatformKeys
from heatloop.bridge.audit_syslog import SyslogTls
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError
from heatloop.security.chain import GENESIS
from heatloop.store.audit_feed import FeedCopy
from heatloop.store.objects import S3Access, open_objects
from heatloop.store.records import Records
from heatloop.store.records.audit_rows import CopyMark

MOST_A_FILE = 2000
Entry = tuple[dict[str, Any], str]
_log = structlog.get_logger("heatloop.audit")


class Target(Protocol):
    """Where a copy goes."""

    @property
    def name(self) -> str:
        """Return where."""
        ...

    def send(self, entries: Sequence[Entry], previous: str) -> None:
        """Add entries; calls block."""
        ...


class _Syslog:
    """A syslog server; what stands before the entries is in the entries."""

    def __init__(self, line: SyslogTls) -> None:
        self._line = line
        self.name = line.name

    def send(self, entries: Sequence[Entry], previous: str) -> None:
        """Send entries."""
        del previous
        self._line.send(entries)


def targets_of(audit: AuditSettings, s3: S3Settings, keys: PlatformKeys) -> list[Target]:
    """Return where the trail is copied to.

    Raises:
        ConfigError: A place cannot be used.
    """
    found: list[Target] = []
    if audit.copy_to:
        found.append(FeedCopy(open_objects(audit.copy_to, access_of(s3)), lambda: keys.signing))
    if audit.syslog:
        line = SyslogTls.to(
            audit.syslog,
            ca_file=audit.syslog_ca,
            certificate=audit.syslog_certificate,
            key=audit.syslog_key,
        )
        found.append(_Syslog(line))
    return found


def access_of(s3: S3Settings) -> S3Access:
    """Return how to come to the object store of the settings."""
    return S3Access(
        endpoint=s3.endpoint,
        region=s3.region,
        access_key=s3.access_key,
        secret_file=s3.secret_file,
        ca_file=s3.ca_file,
    )


def sealed_place(audit: AuditSettings, data: Path) -> str:
    """Return where sealed periods are kept."""
    return audit.sealed_to or str(data / "audit")


@dataclass(slots=True)
class CopyState:
    """How one copy stands."""

    target: Target
    """Where to."""
    through: int = 0
    """Last entry copied."""
    lag_s: float = 0.0
    """How long the first entry not copied has been waiting, machine seconds."""
    failing: str = ""
    """What is wrong; empty: nothing."""
    differs: bool = False
    """Whether the trail is no longer the one that was copied."""
    sent_s: float = field(default=0.0)
    """Machine time of the last look."""


class Copies:
    """Brings every copy up to date, each at its own pace."""

    def __init__(self, records: Records, targets: list[Target]) -> None:
        self._records = records
        self.states = [CopyState(target=target) for target in targets]
        """How each copy stands."""

    async def bring_up(self, every_s: float) -> None:
        """Copy what is new; a copy that fails does not hold up the others."""
        due = [s for s in self.states if not 0.0 <= machine_s() - s.sent_s < every_s]
        await asyncio.gather(*(self._bring_up(state) for state in due))

    async def _bring_up(self, state: CopyState) -> None:
        state.sent_s = machine_s()
        try:
            await in_thread(self._send, state)
            if state.failing:
                _log.info("audit copy goes on", target=state.target.name)
            state.failing = ""
        except HeatloopError as error:
            if not state.failing:
                _log.warning("audit copy fails", target=state.target.name, error=str(error))
            state.failing = str(error)[:300]
        oldest = await in_thread(self._records.audit_around.oldest_after, state.through)
        state.lag_s = 0.0 if oldest is None else max(machine_s() - oldest, 0.0)

    def _send(self, state: CopyState) -> None:
        around, trail = self._records.audit_around, self._records.audit
        mark = around.mark(state.target.name)
        through, digest = (0, GENESIS) if mark is None else (mark.through, mark.hash)
        sent = 0 if mark is None else mark.sent
        state.through = through
        if through and not self._same(through, digest):
            if not state.differs:
                _log.error("audit trail is not what was copied", entry=through)
            state.differs = True
            return
        state.differs = False
        while True:
            entries = trail.after(through, MOST_A_FILE)
            if not entries:
                return
            state.target.send(entries, digest)
            through, digest = int(entries[-1][0]["seq"]), entries[-1][1]
            sent += len(entries)
            around.put_mark(
                CopyMark(
                    target=state.target.name,
                    through=through,
                    hash=digest,
                    at=machine_s(),
                    sent=sent,
                )
            )
            state.through = through

    def _same(self, seq: int, digest: str) -> bool:
        row = self._records.audit.get(seq)
        if row is not None:
            return row.hash == digest
        # Dropped by whole periods: then the chain goes on from there, which `verify` checks.
        periods = self._records.audit_around.periods()
        return any(p.dropped_at is not None and seq <= p.last_seq for p in periods)

    async def restart(self, name: str) -> bool:
        """Begin a copy anew, from the first entry that is here; return whether there is such."""
        for state in self.states:
            if state.target.name == name:
                mark = CopyMark(target=name, through=0, hash=GENESIS, at=machine_s(), sent=0)
                await in_thread(self._records.audit_around.put_mark, mark)
                state.sent_s, state.differs = 0.0, False
                return True
        return False
