"""Runs of backups as people read them."""

from __future__ import annotations

from heatloop.app.views.keeping import KeepingRun, PartFigures
from heatloop.kernel.clock import utc
from heatloop.store.records.keeping import BACKUPS, RunRow

_ELSEWHERE = "服务器上的数据不在此备份中 kept by a server, not in this backup"


def run_view(row: RunRow, verified: bool | None, progress: float | None) -> KeepingRun:
    """Return a run.

    Args:
        row: The run.
        verified: What a trial restore found; None without one.
        progress: Share done, while it runs here.
    """
    body = row.body
    parts = [
        PartFigures(
            name=str(part["name"]),
            files=int(part["files"]),
            bytes=int(part["bytes"]),
            new_bytes=int(part["new_bytes"]),
            counts={str(k): int(v) for k, v in part["counts"].items()},
        )
        for part in body.get("parts", [])
    ]
    damaged = [f"{p['name']}: {n}" for p in body.get("parts", []) for n in p.get("damaged", [])]
    away = [
        f"{p['name']}: {p['elsewhere']} {_ELSEWHERE}"
        for p in body.get("parts", [])
        if p.get("elsewhere")
    ]
    own = bool(body["good"]) if "good" in body else None
    plant_at = body.get("plant_at")
    return KeepingRun(
        id=row.id,
        kind=row.kind,
        state=row.state,
        user=row.user,
        target=row.target,
        chain=row.chain,
        started_at=utc(row.started_at),
        ended_at=None if row.ended_at is None else utc(row.ended_at),
        seconds=None if row.ended_at is None else row.ended_at - row.started_at,
        plant_at=None if plant_at is None else utc(float(plant_at)),
        progress=progress,
        encrypted=bool(body.get("encrypted", True)),
        verified=verified if row.kind in BACKUPS else own,
        bytes=int(body.get("bytes", 0)),
        new_bytes=sum(part.new_bytes for part in parts),
        parts=parts,
        error=str(body.get("error", "")),
        findings=[*map(str, body.get("findings", [])), *damaged, *away],
    )
