"""What is kept of an exchange: register rows, conflict rows, the run itself."""

from __future__ import annotations

from collections.abc import Sequence

from heatloop.app.sync_engine import Item, Plan
from heatloop.bridge.sync.decide import Clash
from heatloop.bridge.sync.rules import of_entity
from heatloop.store.records.sync_model import OPEN, SETTLED, ConflictRow, HeldRecord, RunRow

_MOST_REFUSALS = 200


def held_rows(run: RunRow, items: Sequence[Item], at: float) -> list[HeldRecord]:
    """Return what is held of every record from now on; fields left out stay as they were."""
    found = []
    for item in items:
        record, held = item.record, item.held
        fields = ({} if held is None else held.fields) | record.fields
        agreed = ({} if held is None else held.agreed) | item.agreed
        secret = {name for name, rule in of_entity(record.entity).items() if rule.secret}
        found.append(
            HeldRecord(
                system=run.system,
                entity=record.entity,
                source_id=record.source_id,
                code=item.code,
                revision=record.revision,
                changed_at=record.changed_s,
                checksum=record.checksum,
                deleted=record.deleted,
                fields=fields,
                agreed=agreed,
                secret=frozenset(secret),
                received_at=at,
                run=run.id,
            )
        )
    return found


def conflict_rows(system: str, items: Sequence[Item], at: float) -> list[ConflictRow]:
    """Return the disagreements found."""
    return [
        _conflict(system, item, id_, clash, at) for item in items for id_, clash in item.clashes
    ]


def _conflict(system: str, item: Item, id_: str, clash: Clash, at: float) -> ConflictRow:
    rule = of_entity(item.record.entity).get(clash.field)
    return ConflictRow(
        id=id_,
        system=system,
        entity=item.record.entity,
        source_id=item.record.source_id,
        code=item.code,
        field=clash.field,
        kind=clash.kind.value,
        state=SETTLED if clash.winner else OPEN,
        winner=clash.winner,
        values={"theirs": clash.theirs, "ours": clash.ours, "agreed": clash.agreed},
        secret=rule is not None and rule.secret,
        found_at=at,
    )


def run_of(
    plan: Plan,
    *,
    id_: str,
    system: str,
    way: str,
    by: str,
    started_s: float,
    ended_s: float,
    dry_run: bool,
    received: int,
    error: str,
) -> RunRow:
    """Return an exchange in figures."""
    unmatched = sum(not item.code and item.record.entity != "ticket" for item in plan.items)
    applied = sum(bool(item.apply) or item.made is not None for item in plan.items)
    return RunRow(
        id=id_,
        system=system,
        way=way,
        started_at=started_s,
        ended_at=ended_s,
        by=by,
        dry_run=dry_run,
        received=received,
        applied=applied,
        kept=len(plan.items) - applied - unmatched,
        unchanged=plan.unchanged,
        stale=plan.stale,
        unmatched=unmatched,
        refused=len(plan.refused),
        conflicts=sum(len(item.clashes) for item in plan.items),
        error=error[:400],
        refusals=tuple(
            {
                "entity": record.entity[:40],
                "id": record.source_id[:64],
                "field": unfit.field,
                "zh": unfit.zh,
                "en": unfit.en,
            }
            for record, unfit in plan.refused[:_MOST_REFUSALS]
        ),
    )
