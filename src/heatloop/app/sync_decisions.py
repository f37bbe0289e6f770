"""What a person decides about a disagreement, and what follows for ledger, register and feed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.ledger_admin import Ledgers
from heatloop.app.refusals import Refused
from heatloop.app.sync_engine import filled, still
from heatloop.app.world import World
from heatloop.bridge.sync.decide import OURS, THEIRS, Kind
from heatloop.bridge.sync.records import Incoming
from heatloop.bridge.sync.rules import MADE, of_entity
from heatloop.kernel.clock import machine_s
from heatloop.plant.changes import revise
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.sync_feed import MASK
from heatloop.store.records.sync_model import OPEN, SETTLED, ConflictRow, HeldRecord

_LINK = "link"
_ACTION = "sync.decide"


class Decisions:
    """Decides conflicts, one at a time.

    Args:
        world: The present.
        records: Conflicts, register, feed.
        audit: Trail of what people do.
        ledgers: Takes changes of the ledger.
    """

    def __init__(self, world: World, records: Records, audit: Audit, ledgers: Ledgers) -> None:
        self._world, self._records = world, records
        self._audit, self._ledgers = audit, ledgers

    async def decide(
        self,
        by: Principal,
        id: str,  # noqa: A002 - the name the interface has
        *,
        take: str,
        code: str,
        note: str,
    ) -> tuple[str, Incoming] | None:
        """Decide one conflict; return (system, record) when it is to be taken in anew.

        Raises:
            Refused: There is none in the user's scope, it needs nobody, or the ledger does not
                take it.
        """
        row = await in_thread(self._records.sync.conflict, id)
        seen = row is not None and (
            self._world.sees(by.scope, row.code) if row.code else by.scope.holds("")
        )
        if row is None or not seen:
            raise Refused("not_found", thing=id)
        if row.state not in (OPEN, SETTLED):
            raise Refused("invalid", thing=id, detail=f"the conflict is {row.state} already")
        again = None
        if row.kind == Kind.UNMATCHED:
            again = await self._link(row, take, code)
        elif row.kind == Kind.DELETED:
            await self._deleted(by, row, take)
        else:
            await self._field(by, row, take)
        winner = OURS if take == OURS else THEIRS
        await in_thread(
            self._records.sync.decide, id, winner=winner, by=by.user, at=machine_s(), note=note
        )
        await self._audit.add(
            by.user,
            _ACTION,
            row.code or row.source_id,
            conflict=id,
            system=row.system,
            entity=row.entity,
            source_id=row.source_id,
            field=row.field,
            kind=row.kind,
            take=take,
            code=code,
            note=note,
        )
        return again

    async def _held(self, row: ConflictRow) -> HeldRecord:
        place = (row.entity, row.source_id)
        found = await in_thread(self._records.sync.held, row.system, {place})
        if place not in found:
            raise Refused("not_found", thing=row.source_id)
        return found[place]

    async def _link(self, row: ConflictRow, take: str, code: str) -> tuple[str, Incoming] | None:
        """Tie a record to an asset; `ours` leaves it out for good."""
        if take == OURS:
            return None
        asset = self._world.ledger.assets.get(code)
        if take != _LINK or asset is None or asset.kind != row.entity:
            raise Refused("invalid", thing=code, place="code", detail=f"name a {row.entity}")
        held = await self._held(row)
        record = Incoming(
            entity=held.entity,
            source_id=held.source_id,
            code=code,
            revision=held.revision,
            changed_s=held.changed_at,
            deleted=held.deleted,
            fields=dict(held.fields),
        )
        return row.system, record

    async def _deleted(self, by: Principal, row: ConflictRow, take: str) -> None:
        """Take an asset out of the ledger that is gone in the other system, or keep it."""
        if take == OURS:
            return
        if take != THEIRS or row.entity not in MADE:
            raise Refused("invalid", thing=row.code, detail="take it out by the ledger page")
        if row.code in self._world.ledger.assets:
            await self._ledgers.change(
                by,
                _ACTION,
                row.code,
                lambda old, version: revise(old, version=version, remove=[row.code]),
            )

    async def _field(self, by: Principal, row: ConflictRow, take: str) -> None:
        """Put the value that holds into the ledger, and tell the other side when it is ours."""
        if take not in (OURS, THEIRS):
            raise Refused("invalid", thing=take, place="take", detail="take theirs or ours")
        rule = of_entity(row.entity)[row.field]
        value = row.values[take]
        asset = self._world.ledger.assets.get(row.code)
        if asset is None:
            raise Refused("not_found", thing=row.code)
        if not still(asset, rule.attribute, value):
            change: dict[str, Any] = {rule.attribute: value}
            await self._ledgers.change(
                by,
                _ACTION,
                row.code,
                lambda old, version: revise(
                    old, version=version, put=[filled(old.assets[row.code], change)]
                ),
            )
        elif take == OURS:
            # The ledger does not change, so the feed would say nothing.
            await in_thread(
                self._records.sync_feed.tell,
                at=machine_s(),
                version=self._world.ledger.version,
                entity=row.entity,
                code=row.code,
                fields={row.field: MASK if row.secret else value},
            )
        held = await self._held(row)
        # What they said is dealt with: only another value of theirs opens the question again.
        agreed = {**held.agreed, row.field: row.values[THEIRS]}
        await in_thread(self._records.sync.put, replace(held, agreed=agreed))
