"""Lists of what other systems said, of disagreements and of exchanges."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, case, func, select

from heatloop.store.records.database import Database
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.sync_model import OPEN, ConflictRow, HeldRecord, RunRow
from heatloop.store.records.sync_schema import sync_conflict, sync_record, sync_run
from heatloop.store.records.values import from_text, page


class SyncLists:
    """Reads pages and figures."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def conflicts(
        self,
        *,
        codes: Collection[str] | None,
        state: str = "",
        system: str = "",
        entity: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[ConflictRow]]:
        """Return how many conflicts fit, and a page of them, newest first."""
        c = sync_conflict.c
        query = self._about(select(sync_conflict), c, codes, system, entity)
        if state:
            query = query.where(c.state == state)
        query = query.order_by(c.found_at.desc(), c.id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [self._conflict(row) for row in rows]

    def records(
        self,
        *,
        codes: Collection[str] | None,
        system: str = "",
        entity: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[HeldRecord]]:
        """Return how many records fit, and a page of them, newest first."""
        c = sync_record.c
        query = self._about(select(sync_record), c, codes, system, entity)
        query = query.order_by(c.received_at.desc(), c.entity, c.source_id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [self._record(row) for row in rows]

    def _about(
        self, query: Any, c: Any, codes: Collection[str] | None, system: str, entity: str
    ) -> Any:
        if codes is not None:
            query = query.where(self._database.among(c.code, codes))
        if system:
            query = query.where(c.system == system)
        if entity:
            query = query.where(c.entity == entity)
        return query

    def runs(
        self, *, system: str = "", offset: int = 0, limit: int = 50
    ) -> tuple[int, Sequence[RunRow]]:
        """Return how many exchanges there were, and a page of them, newest first."""
        c = sync_run.c
        query = select(sync_run)
        if system:
            query = query.where(c.system == system)
        query = query.order_by(c.started_at.desc(), c.id)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_run(row) for row in rows]

    def figures(self) -> dict[str, dict[str, Any]]:
        """Return by system: records, linked, open conflicts, last run."""
        r, c, n = sync_record.c, sync_conflict.c, sync_run.c
        linked = func.sum(case((r.code != "", 1), else_=0))
        found: dict[str, dict[str, Any]] = {}
        with self._database.read() as connection:
            for system, count, tied in connection.execute(
                select(r.system, func.count(), linked).group_by(r.system)
            ):
                found.setdefault(system, {}).update(records=int(count), linked=int(tied or 0))
            for system, count in connection.execute(
                select(c.system, func.count()).where(c.state == OPEN).group_by(c.system)
            ):
                found.setdefault(system, {}).update(open=int(count))
            last = select(n.system, func.max(n.ended_at).label("ended")).group_by(n.system)
            newest = last.subquery()
            for row in connection.execute(
                select(sync_run).join(
                    newest, (n.system == newest.c.system) & (n.ended_at == newest.c.ended)
                )
            ):
                found.setdefault(row.system, {}).update(run=_run(row))
        return found

    def _record(self, row: Row[Any]) -> HeldRecord:
        plain = dict(row._mapping)
        body, sealed = from_text(plain.pop("body")), plain.pop("sealed")
        hidden: Mapping[str, Any] = {}
        if sealed is not None:
            aad = sync_aad(row.system, row.entity, row.source_id)
            hidden = self._sealer.open(aad, sealed)
        return HeldRecord(
            **plain,
            fields=body["fields"] | hidden.get("fields", {}),
            agreed=body["agreed"] | hidden.get("agreed", {}),
            secret=frozenset((*hidden.get("fields", {}), *hidden.get("agreed", {}))),
        )

    def _conflict(self, row: Row[Any]) -> ConflictRow:
        plain = dict(row._mapping)
        body, sealed = plain.pop("body"), plain.pop("sealed")
        if sealed is None:
            return ConflictRow(**plain, values=from_text(body), secret=False)
        values = self._sealer.open(sync_aad("conflict", row.id, row.field), sealed)
        return ConflictRow(**plain, values=values, secret=True)


def _run(row: Row[Any]) -> RunRow:
    plain = dict(row._mapping)
    return RunRow(**(plain | {"refusals": tuple(from_text(plain["refusals"]))}))


def sync_aad(*parts: str) -> bytes:
    """Return what a sealed value of the exchange is bound to."""
    return "/".join(("sync", *parts)).encode()
