"""What other systems said, where they disagree with us, and every exchange with them.

Personal fields are sealed under the data key, bound to the record they belong to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict

from sqlalchemy import select, update

from heatloop.store.records.sync_lists import SyncLists, sync_aad
from heatloop.store.records.sync_model import (
    DECIDED,
    GONE,
    OPEN,
    SETTLED,
    ConflictRow,
    HeldRecord,
    Place,
    Plain,
    RunRow,
)
from heatloop.store.records.sync_schema import sync_conflict, sync_record, sync_run
from heatloop.store.records.values import to_text


class SyncRecords(SyncLists):
    """The register, the conflicts and the runs."""

    def held(self, system: str, places: Collection[Place]) -> dict[Place, HeldRecord]:
        """Return what is held of these (entity, source id) of a system."""
        c = sync_record.c
        wanted = set(places)
        query = select(sync_record).where(
            c.system == system,
            self._database.among(c.source_id, {source_id for _, source_id in wanted}),
        )
        with self._database.read() as connection:
            rows = [self._record(row) for row in connection.execute(query)]
        return {
            (row.entity, row.source_id): row
            for row in rows
            if (row.entity, row.source_id) in wanted
        }

    def kept_apart(self, system: str, places: Collection[Place]) -> set[str]:
        """Return ids of conflicts of these records a person decided for our side."""
        c = sync_conflict.c
        query = select(c.id, c.entity, c.source_id).where(
            c.system == system,
            c.state == DECIDED,
            c.winner == "ours",
            self._database.among(c.source_id, {source_id for _, source_id in places}),
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {row.id for row in rows if (row.entity, row.source_id) in places}

    def save(
        self,
        run: RunRow,
        records: Iterable[HeldRecord],
        conflicts: Iterable[ConflictRow],
        agreed: Iterable[tuple[str, str, str, str]],
    ) -> None:
        """Keep all that came of an exchange, whole or not at all.

        Args:
            run: The exchange.
            records: What is held from now on.
            conflicts: Conflicts found; one known already stays as it is.
            agreed: (system, entity, source id, field) both sides agree about: open and settled
                conflicts about them are gone.
        """
        with self._database.write() as connection:
            for record in records:
                self._database.put(connection, sync_record, self._stored(record))
            c = sync_conflict.c
            for system, entity, source_id, name in agreed:
                gone = update(sync_conflict).where(
                    c.system == system,
                    c.entity == entity,
                    c.source_id == source_id,
                    c.field == name,
                    c.state == OPEN,
                )
                connection.execute(gone.values(state=GONE))
            for conflict in conflicts:
                row = self._conflict_row(conflict)
                if self._database.insert_new(connection, sync_conflict, row):
                    # A newer disagreement about the same field takes the place of the open one.
                    older = update(sync_conflict).where(
                        c.system == conflict.system,
                        c.entity == conflict.entity,
                        c.source_id == conflict.source_id,
                        c.field == conflict.field,
                        c.state == OPEN,
                        c.id != conflict.id,
                    )
                    connection.execute(older.values(state=GONE))
            row = asdict(run) | {"refusals": to_text([dict(each) for each in run.refusals])}
            self._database.put(connection, sync_run, row)

    def put(self, record: HeldRecord) -> None:
        """Keep what is held of one thing."""
        with self._database.write() as connection:
            self._database.put(connection, sync_record, self._stored(record))

    def conflict(self, id: str) -> ConflictRow | None:  # noqa: A002 - the column's name
        """Return one conflict, or None."""
        query = select(sync_conflict).where(sync_conflict.c.id == id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._conflict(row)

    def decide(
        self,
        id: str,  # noqa: A002 - the column's name
        *,
        winner: str,
        by: str,
        at: float,
        note: str,
    ) -> bool:
        """Write down a decision; return whether there was something to decide."""
        c = sync_conflict.c
        change = update(sync_conflict).where(c.id == id, c.state.in_((OPEN, SETTLED)))
        values = {"state": DECIDED, "winner": winner, "decided_by": by, "decided_at": at,
                  "note": note}  # fmt: skip
        with self._database.write() as connection:
            return connection.execute(change.values(**values)).rowcount == 1

    def erase(self, code: str) -> int:
        """Take the personal values out of everything held about an asset; return rows changed."""
        changed = 0
        with self._database.write() as connection:
            c = sync_record.c
            mine = connection.execute(
                update(sync_record).where(c.code == code, c.sealed.is_not(None)).values(sealed=None)
            )
            changed += mine.rowcount
            d = sync_conflict.c
            query = select(sync_conflict).where(d.code == code, d.sealed.is_not(None))
            for row in connection.execute(query).all():
                aad = sync_aad("conflict", row.id, row.field)
                empty = dict.fromkeys(self._sealer.open(aad, row.sealed))
                change = update(sync_conflict).where(d.id == row.id)
                connection.execute(change.values(sealed=self._sealer.seal(aad, empty)))
                changed += 1
        return changed

    def forget_runs(self, before: float) -> int:
        """Remove runs that ended before a time."""
        with self._database.write() as connection:
            gone = sync_run.delete().where(sync_run.c.ended_at < before)
            return int(connection.execute(gone).rowcount)

    def _stored(self, record: HeldRecord) -> Plain:
        row = asdict(record)
        secret = row.pop("secret")
        parts = {"fields": row.pop("fields"), "agreed": row.pop("agreed")}
        body = {
            name: {key: value for key, value in values.items() if key not in secret}
            for name, values in parts.items()
        }
        hidden = {
            name: {key: value for key, value in values.items() if key in secret}
            for name, values in parts.items()
        }
        aad = sync_aad(record.system, record.entity, record.source_id)
        sealed = self._sealer.seal(aad, hidden) if any(hidden.values()) else None
        return row | {"body": to_text(body), "sealed": sealed}

    def _conflict_row(self, conflict: ConflictRow) -> Plain:
        row = asdict(conflict)
        values, secret = row.pop("values"), row.pop("secret")
        aad = sync_aad("conflict", conflict.id, conflict.field)
        return row | {
            "body": "" if secret else to_text(values),
            "sealed": self._sealer.seal(aad, values) if secret else None,
        }
