"""The exchange in words: read models made of rows and rules, personal data masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.app.views.sync import (
    SyncChange,
    SyncConflict,
    SyncRecord,
    SyncRefusal,
    SyncRule,
    SyncRun,
    SyncSystem,
)
from heatloop.bridge.sync.decide import KINDS, Kind
from heatloop.bridge.sync.rules import of_entity, rules
from heatloop.kernel.clock import utc
from heatloop.plant.ledger import Ledger
from heatloop.store.records.sync_feed import MASK, ChangeRow
from heatloop.store.records.sync_model import ConflictRow, HeldRecord, RunRow

NAMES = {
    "billing": ("收费系统", "billing system"),
    "customer": ("客服系统", "customer service system"),
}


def system_names(system: str) -> tuple[str, str]:
    """Return (Chinese, English) of a system; one not known is called by its own name."""
    return NAMES.get(system, (system, system))


def rule_views() -> list[SyncRule]:
    """Return every rule."""
    return [
        SyncRule(
            entity=rule.entity,
            field=rule.field,
            zh=rule.zh,
            en=rule.en,
            type=rule.type,
            unit=rule.unit,
            owner=rule.owner,
            attribute=rule.attribute,
            secret=rule.secret,
            choices=list(rule.choices),
        )
        for rule in rules().values()
    ]


def run_view(row: RunRow) -> SyncRun:
    """Return an exchange as people read it."""
    return SyncRun(
        id=row.id,
        system=row.system,
        way=row.way,
        started=utc(row.started_at),
        ended=utc(row.ended_at),
        by=row.by,
        dry_run=row.dry_run,
        received=row.received,
        applied=row.applied,
        kept=row.kept,
        unchanged=row.unchanged,
        stale=row.stale,
        unmatched=row.unmatched,
        refused=row.refused,
        conflicts=row.conflicts,
        error=row.error,
        refusals=[SyncRefusal(**each) for each in row.refusals],
    )


def record_view(row: HeldRecord) -> SyncRecord:
    """Return a held record as people read it."""
    known = of_entity(row.entity)
    secret = row.secret | {name for name, rule in known.items() if rule.secret}
    return SyncRecord(
        system=row.system,
        entity=row.entity,
        source_id=row.source_id,
        code=row.code or None,
        revision=row.revision,
        changed=utc(row.changed_at),
        received=utc(row.received_at),
        deleted=row.deleted,
        fields={
            name: MASK if name in secret and value is not None else value
            for name, value in sorted(row.fields.items())
        },
    )


def conflict_view(row: ConflictRow, ledger: Ledger) -> SyncConflict:
    """Return a disagreement as people read it."""
    rule = rules().get((row.entity, row.field))
    asset = ledger.assets.get(row.code)
    zh, en = KINDS[Kind(row.kind)]

    def shown(name: str) -> Any:
        value = row.values.get(name)
        return MASK if row.secret and value is not None else value

    return SyncConflict(
        id=row.id,
        system=row.system,
        entity=row.entity,
        source_id=row.source_id,
        code=row.code or None,
        name_zh=row.code if asset is None else asset.zh,
        name_en=row.code if asset is None else asset.en,
        field=row.field,
        field_zh="" if rule is None else rule.zh,
        field_en="" if rule is None else rule.en,
        kind=row.kind,
        kind_zh=zh,
        kind_en=en,
        state=row.state,
        winner=row.winner or None,
        theirs=shown("theirs"),
        ours=shown("ours"),
        agreed=shown("agreed"),
        found=utc(row.found_at),
        decided_by=row.decided_by or None,
        decided=None if row.decided_at is None else utc(row.decided_at),
        note=row.note,
    )


def change_view(row: ChangeRow, ids: Mapping[tuple[str, str], dict[str, str]]) -> SyncChange:
    """Return a change as programs read it."""
    return SyncChange(
        number=row.number,
        at=utc(row.at),
        entity=row.entity,
        code=row.code,
        source_ids=ids.get((row.entity, row.code), {}),
        origin=row.origin,
        gone=row.gone,
        fields=row.fields,
    )


def system_view(system: str, figures: Mapping[str, Any]) -> SyncSystem:
    """Return how the exchange with a system stands."""
    zh, en = system_names(system)
    run: RunRow | None = figures.get("run")
    return SyncSystem(
        system=system,
        zh=zh,
        en=en,
        records=int(figures.get("records", 0)),
        linked=int(figures.get("linked", 0)),
        last_run=None if run is None else utc(run.ended_at),
        last_error="" if run is None else run.error,
        open_conflicts=int(figures.get("open", 0)),
    )
