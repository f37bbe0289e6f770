"""Everything that keeps: built together, started and stopped together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog

from heatloop.app.alarming import Alarming
from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.keeping_alarms import KeepingAlarms
from heatloop.app.keeping_backups import Keeping
from heatloop.app.keeping_files import KeptFiles
from heatloop.app.keeping_integrity import Integrity, prover
from heatloop.app.keeping_maintenance import Maintenance
from heatloop.app.keeping_restored import settle_restore
from heatloop.app.schedule import Job, Schedule
from heatloop.app.setting_sections import Settings
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s
from heatloop.store.files import Files
from heatloop.store.objects import S3Access, open_objects
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.keeping")
_LOOK_S, _LOOK_PAUSE_S = 30.0, 5.0
_DAY_S = 86400.0
_PROOF_REST = 10.0


def open_files(settings: Settings) -> Files:
    """Return where photos, voice and papers are kept.

    Raises:
        ConfigError: The place cannot be used.
    """
    access = {name: getattr(settings.s3, name) for name in settings.s3.__slots__}
    place = settings.files.to
    return Files(
        open_objects(place, S3Access(**access)) if place else Path(settings.data / "files")
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingRoom:
    """Backups, integrity, maintenance and files."""

    backups: Keeping
    """Backups and trial restores."""
    integrity: Integrity
    """Digests of days."""
    maintenance: Maintenance
    """Maintenance of the databases."""
    files: KeptFiles
    """Photos, voice, papers."""
    world: World
    """Ledger in force, plant time."""
    records: Records
    """Where it is all written down."""
    audit: Audit
    """Audit trail."""

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        alarming: Alarming,
        audit: Audit,
        files: Files,
        schedule: Schedule,
    ) -> Self:
        """Build it and put its jobs into the schedule."""
        alarms, proving = KeepingAlarms(world, alarming), prover(historian)
        room = cls(
            backups=Keeping(settings, world, records, audit, alarms),
            integrity=Integrity(
                world, proving, records, audit, alarms, settings.backup.integrity_days
            ),
            maintenance=Maintenance(records, settings.records_url, audit, proving.compact),
            files=KeptFiles(records, audit, files),
            world=world,
            records=records,
            audit=audit,
        )
        schedule.add(
            Job(
                name="backup",
                period_s=_LOOK_S,
                run=room.backups.tick,
                least_pause_s=_LOOK_PAUSE_S,
            )
        )
        schedule.add(
            Job(
                name="integrity",
                period_s=_DAY_S,
                run=room.integrity.run,
                kept=True,
                least_pause_s=_LOOK_PAUSE_S,
                rest=_PROOF_REST,
            )
        )
        return room

    async def start(self) -> None:
        """Call what broke off failed, and say what a restore left missing."""
        await in_thread(self.records.keeping.broken_off, at=machine_s())
        gaps = await settle_restore(self.world, self.records, self.audit)
        if gaps:
            _log.warning("restored: what came after the backup may be missing", gaps=gaps)

    async def close(self) -> None:
        """Break off or finish what is under way."""
        for part in (self.backups, self.integrity, self.maintenance):
            closing: Any = part
            await closing.close()
