"""What is written into records that came out of a backup, and the key they are read with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatloop.store import backup_sources as sources
from heatloop.store.backup_manifest import Head
from heatloop.store.key_files import DATA, folder_keys
from heatloop.store.records import Records
from heatloop.store.records.keeping import DONE, RESTORE, RunRow
from heatloop.store.records.keeping_jump import jump_ahead


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What was restored."""

    head: Head
    """Which backup."""
    counts: dict[str, dict[str, int]]
    """Rows by part and table."""
    aside: Path | None
    """Where the former content of the folder was moved to."""
    findings: tuple[str, ...] = ()
    """What is not as it was."""


def write_down(
    into: Path, restored: Restored, *, records_url: str, user: str, at: float, seconds: float
) -> None:
    """Bring the restored records to this version and write the restore into them.

    The audit chain goes on with it, everybody is signed out, and the platform finds at its next
    start that it has to say what is missing since.

    Raises:
        HeatloopError: The records cannot be opened.
    """
    url = records_url or f"sqlite:///{into / sources.SQLITE_FILE}"
    records = Records.open(url, **data_key(into / "keys"))
    head = restored.head
    body: dict[str, Any] = {
        "run": head.run,
        "backup_at": head.at,
        "plant_at": head.plant_at,
        "seconds": seconds,
        "findings": list(restored.findings),
        "settled": False,
    }
    try:
        records.keeping.broken_off(at=at)
        records.keeping.end_sessions()
        jumped = jump_ahead(records.database, at=at, user=user, note=f"restore {head.run}")
        body["ledger_version"], body["point_key"] = jumped.ledger_version, jumped.point_key
        records.audit.append(
            at=at, user=user, action="keeping.restore", subject=head.run, detail=dict(body)
        )
        records.keeping.begin(
            RunRow(
                id=f"restore-{int(at * 1000)}",
                kind=RESTORE,
                state=DONE,
                user=user,
                target=str(into),
                chain=head.chain,
                started_at=at - seconds,
                ended_at=at,
                body=body,
            )
        )
    finally:
        records.close()


def data_key(keys: Path) -> dict[str, Any]:
    """Return the data keys as `Records` takes them, nothing if there are none."""
    held = folder_keys(keys)
    current = held.current(DATA)
    if current is None:
        return {}
    return {
        "data_key": current.secret,
        "data_key_id": current.id,
        "old_keys": {key.id: key.secret for key in held.of(DATA) if not key.current},
        "data_algorithm": current.algorithm,
    }
