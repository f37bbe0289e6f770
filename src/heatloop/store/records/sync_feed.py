"""What changed in the ledger, in order, for other systems; read off the ledger's own versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from heatloop.store.records.database import Database
from heatloop.store.records.schema import ledger_row, ledger_version
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.sync_schema import sync_change, sync_cursor, sync_record
from heatloop.store.records.values import from_text, to_text

MASK = "***"
_LEDGER = "ledger"
_AT_ONCE = 500
Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRow:
    """One change."""

    number: int
    """Place in the feed."""
    at: float
    """When."""
    version: int
    """Ledger version that brought it."""
    entity: str
    """Entity."""
    code: str
    """Asset code."""
    origin: str
    """System it came from; empty: here."""
    gone: bool
    """Whether the asset is gone."""
    fields: dict[str, Any]
    """New values by field; personal ones masked."""


class SyncFeed:
    """The feed of changes and the cursors of pulls."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def cursor(self, name: str) -> str:
        """Return a kept cursor, empty when there is none."""
        query = select(sync_cursor.c.value).where(sync_cursor.c.name == name)
        with self._database.read() as connection:
            return str(connection.execute(query).scalar() or "")

    def keep_cursor(self, name: str, value: str) -> None:
        """Keep a cursor."""
        with self._database.write() as connection:
            self._database.put(connection, sync_cursor, {"name": name, "value": value})

    def catch_up(self, names: Names, origins: str) -> None:
        """Bring into the feed what changed in the ledger since the last time.

        The first time nothing older is brought in: a new partner begins with an export.

        Args:
            names: Field name by attribute, by sheet.
            origins: First word of the notes of versions that came from another system; the
                second word is the system.
        """
        with self._database.write() as connection:
            newest = connection.execute(select(func.max(ledger_version.c.version))).scalar() or 0
            kept = select(sync_cursor.c.value).where(sync_cursor.c.name == _LEDGER)
            told = connection.execute(kept).scalar()
            known = int(newest if told is None else told)
            if told is None or newest > known:
                for row in self._changes(connection, known, int(newest), names, origins):
                    connection.execute(sync_change.insert().values(row))
                cursor = {"name": _LEDGER, "value": str(newest)}
                self._database.put(connection, sync_cursor, cursor)

    def _changes(
        self, connection: Connection, known: int, newest: int, names: Names, origins: str
    ) -> list[dict[str, Any]]:
        r, v = ledger_row.c, ledger_version.c
        query = select(ledger_version).where(v.version > known, v.version <= newest)
        versions = {row.version: row for row in connection.execute(query)}
        begun = select(ledger_row).where(
            r.sheet.in_(list(names)), r.first_version > known, r.first_version <= newest
        )
        ended = select(ledger_row).where(
            r.sheet.in_(list(names)), r.last_version >= known, r.last_version < newest
        )
        before = {(row.last_version + 1, row.sheet, row.code): row
                  for row in connection.execute(ended)}  # fmt: skip
        after = {(row.first_version, row.sheet, row.code): row
                 for row in connection.execute(begun)}  # fmt: skip
        found = []
        for place in sorted(before.keys() | after.keys()):
            version, sheet, code = place
            old, new = self._plain(before.get(place)), self._plain(after.get(place))
            fields = _differing(old, new, names[sheet])
            if not fields and place in after:
                continue
            head = versions.get(version)
            note = "" if head is None else str(head.note)
            word, _, rest = note.partition(" ")
            found.append(
                {
                    "at": 0.0 if head is None else head.at,
                    "version": version,
                    "entity": sheet,
                    "code": code,
                    "origin": rest if word == origins else "",
                    "gone": place not in after,
                    "fields": to_text(fields),
                }
            )
        return found

    def _plain(self, row: Row[Any] | None) -> dict[str, Any]:
        """Return a ledger row's values; personal ones as (mask, value), to see that they differ."""
        if row is None:
            return {}
        plain: dict[str, Any] = from_text(row.body)
        if row.sealed is not None:
            opened = self._sealer.open(f"ledger/{row.sheet}/{row.code}".encode(), row.sealed)
            plain |= {name: (MASK, value) for name, value in opened.items()}
        return plain

    def tell(
        self, *, at: float, version: int, entity: str, code: str, fields: Mapping[str, Any]
    ) -> None:
        """Add a change that is none of the ledger: what a person decided."""
        row = {"at": at, "version": version, "entity": entity, "code": code, "origin": "",
               "gone": False, "fields": to_text(dict(fields))}  # fmt: skip
        with self._database.write() as connection:
            connection.execute(sync_change.insert().values(row))

    def since(self, number: int, *, without: str, limit: int) -> tuple[int, bool, list[ChangeRow]]:
        """Return (newest number looked at, whether there is more, changes after a number).

        Args:
            number: The last one known.
            without: Changes that came from this system are left out; empty: none.
            limit: Changes to look at.
        """
        c = sync_change.c
        query = select(sync_change).where(c.number > number).order_by(c.number).limit(limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        shown = rows[:limit]
        items = [
            ChangeRow(**(dict(row._mapping) | {"fields": from_text(row.fields)}))
            for row in shown
            if not without or row.origin != without
        ]
        last = int(shown[-1].number) if shown else number
        return last, len(rows) > limit, items

    def newest(self) -> int:
        """Return the newest place in the feed, 0 when it is empty."""
        with self._database.read() as connection:
            found = connection.execute(select(func.max(sync_change.c.number))).scalar()
        return int(found or 0)

    def ids_of(self, codes: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
        """Return the other systems' ids, by (entity, code) and system."""
        c = sync_record.c
        query = select(c.system, c.entity, c.source_id, c.code).where(
            self._database.among(c.code, codes)
        )
        found: dict[tuple[str, str], dict[str, str]] = {}
        with self._database.read() as connection:
            for system, entity, source_id, code in connection.execute(query):
                found.setdefault((entity, code), {})[system] = source_id
        return found

    def began(self, sheet: str, code: str) -> Sequence[tuple[float, dict[str, Any]]]:
        """Return (when, values) of every version one ledger row had, newest first."""
        r, v = ledger_row.c, ledger_version.c
        query = (
            select(ledger_row, v.at.label("began"))
            .join(ledger_version, v.version == r.first_version)
            .where(r.sheet == sheet, r.code == code)
            .order_by(r.first_version.desc())
            .limit(_AT_ONCE)
        )
        with self._database.read() as connection:
            return [(float(row.began), self._plain(row)) for row in connection.execute(query)]


def _differing(
    old: Mapping[str, Any], new: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return new values by field of the attributes that differ; personal ones masked."""
    found: dict[str, Any] = {}
    for attribute, name in names.items():
        before, after = old.get(attribute), new.get(attribute)
        if before != after:
            found[name] = MASK if MASK in (_first(before), _first(after)) else after
    return found


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else None
