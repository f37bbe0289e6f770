"""How an import is written down and shown."""

from __future__ import annotations

from typing import Any

from heatloop.app.import_reasons import WORDS, Reason, name_of
from heatloop.app.import_run import RunOptions
from heatloop.app.views.imports import ImportedPoint, ImportRun, RefusedReason
from heatloop.kernel.clock import utc
from heatloop.plant.ledger import Ledger

_MOST_POINTS = 500


def facts_of(
    identity: str, file: str, by: str, options: RunOptions, zone: str, at: float
) -> dict[str, Any]:
    """Return the state of an import that begins."""
    return {
        "id": identity, "file": file, "by": by, "zone": zone, "state": "running",
        "overwrite": options.overwrite, "dry_run": options.dry_run, "started_at": at,
        "ended_at": None, "progress": 0.0, "error": "", "rows_in": 0, "stored": 0, "refused": 0,
        "repeated": 0, "empty": 0, "flagged": 0, "windows": 0, "reasons": {}, "points": {},
    }  # fmt: skip


def view(facts: dict[str, Any], ledger: Ledger) -> ImportRun:
    """Return the state of an import as people read it."""
    ended = facts["ended_at"]
    took_s = (ended - facts["started_at"]) if ended else 0.0
    return ImportRun(
        id=facts["id"],
        file=facts["file"],
        state=facts["state"],
        dry_run=facts["dry_run"],
        by=facts["by"],
        started_at=utc(facts["started_at"]),
        ended_at=utc(ended) if ended else None,
        progress_pct=round(100.0 * facts["progress"], 1),
        rows_in=facts["rows_in"],
        stored=facts["stored"],
        refused=facts["refused"],
        repeated=facts["repeated"],
        empty=facts["empty"],
        flagged=facts["flagged"],
        rows_per_s=facts["rows_in"] / took_s if took_s > 0 else None,
        reasons=reasons(facts["reasons"]),
        points=[
            ImportedPoint(
                code=ledger.by_key[int(key)].code if int(key) in ledger.by_key else f"key {key}",
                stored=count,
                first=utc(first),
                last=utc(last),
            )
            for key, (count, first, last) in list(facts["points"].items())[:_MOST_POINTS]
        ],
        error=facts["error"],
    )


def reasons(found: dict[Any, list[Any]]) -> list[RefusedReason]:
    """Return why readings were refused, the most frequent first."""
    out = []
    for code, (count, line, text) in found.items():
        zh, en = WORDS[Reason(int(code))]
        out.append(
            RefusedReason(
                reason=name_of(int(code)), zh=zh, en=en, count=count, first_line=line, example=text
            )
        )
    return sorted(out, key=lambda each: -each.count)
