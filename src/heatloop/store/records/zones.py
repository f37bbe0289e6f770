"""What the zones keep: where a stream stands, hourly values, refusals, records of the gate."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.sealing import Sealer
from heatloop.store.records.values import page
from heatloop.store.records.zones_schema import zone_event, zone_hour, zone_record, zone_state


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneEventRow:
    """Something that happened to a stream."""

    number: int
    """Number."""
    kind: str
    """`refused.<reason>`, `gap`, `silent` ..."""
    stream: str
    """`feed` or `gate`."""
    detail: str
    """What was seen."""
    count: int
    """How often, folded."""
    at: float
    """Machine time of the first."""
    last_at: float
    """Machine time of the last."""
    ended_at: float | None
    """Machine time it was over; None: it goes on, or was a moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ZoneRecordRow:
    """A record of the reverse gate."""

    number: int
    """Number, in the order of coming."""
    record: str
    """Its id."""
    kind: str
    """Its schema."""
    place: str
    """Asset or point it is about; may be empty."""
    at: float
    """Machine time it was taken or written."""
    state: str
    """`waiting` and `sent` in the customer zone, `accepted` and `refused` in the control zone."""
    reason: str
    """Why it was refused."""
    body: dict[str, Any]
    """The record."""


class Zones:
    """Rows of the feed; safe between threads."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database, self._sealer = database, sealer

    def save(self, states: Mapping[str, bytes], at: float) -> None:
        """Keep states by name, all of them or none."""
        rows = [
            {"name": name, "at": at, "body": self._sealed(f"zone_state/{name}", body)}
            for name, body in states.items()
        ]
        with self._database.write() as connection:
            for row in rows:
                self._database.put(connection, zone_state, row)

    def load(self, name: str) -> bytes | None:
        """Return a state, or None."""
        query = select(zone_state.c.body).where(zone_state.c.name == name)
        with self._database.read() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return None if found is None else self._opened(f"zone_state/{name}", found)

    def save_hours(self, parts: Mapping[tuple[int, int], bytes]) -> None:
        """Keep hourly values by (hour, shard); what was there is replaced."""
        with self._database.write() as connection:
            for (hour_s, shard), body in parts.items():
                sealed = self._sealed(f"zone_hour/{hour_s}/{shard}", body)
                row = {"hour_s": hour_s, "shard": shard, "body": sealed}
                self._database.put(connection, zone_hour, row)

    def hours(self, shard: int, start_s: int, end_s: int) -> list[tuple[int, bytes]]:
        """Return (hour, values) of one shard in [start, end), by time."""
        c = zone_hour.c
        query = (
            select(c.hour_s, c.body)
            .where(c.shard == shard, c.hour_s >= start_s, c.hour_s < end_s)
            .order_by(c.hour_s)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [(hour, self._opened(f"zone_hour/{hour}/{shard}", body)) for hour, body in rows]

    def forget_hours(self, before_s: int) -> int:
        """Remove hours before a plant time; return how many rows."""
        with self._database.write() as connection:
            gone = connection.execute(delete(zone_hour).where(zone_hour.c.hour_s < before_s))
        return int(gone.rowcount)

    def note(self, kind: str, stream: str, detail: str, *, at: float, fold_s: float = 60.0) -> bool:
        """Write an event down; the same within `fold_s` is counted. Return whether it is new."""
        c = zone_event.c
        query = (
            select(c.number)
            .where(
                c.kind == kind, c.stream == stream, c.ended_at.is_(None), c.last_at > at - fold_s
            )
            .order_by(c.number.desc())
            .limit(1)
        )
        with self._database.write() as connection:
            number = connection.execute(query).scalar_one_or_none()
            if number is not None:
                connection.execute(
                    update(zone_event)
                    .where(c.number == number)
                    .values(count=c.count + 1, last_at=at, detail=detail)
                )
                return False
            row = {"kind": kind, "stream": stream, "detail": detail, "count": 1}
            connection.execute(zone_event.insert().values(**row, at=at, last_at=at))
        return True

    def end(self, kind: str, stream: str, *, at: float) -> int:
        """Say that events of a kind are over; return how many."""
        c = zone_event.c
        change = (
            update(zone_event)
            .where(c.kind == kind, c.stream == stream, c.ended_at.is_(None))
            .values(ended_at=at)
        )
        with self._database.write() as connection:
            return int(connection.execute(change).rowcount)

    def events(self, *, offset: int = 0, limit: int = 100) -> tuple[int, Sequence[ZoneEventRow]]:
        """Return how many events there are, and a page of them, newest first."""
        query = select(zone_event).order_by(zone_event.c.number.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [ZoneEventRow(**row._mapping) for row in rows]

    def forget_events(self, before: float) -> int:
        """Remove events last seen before a machine time; return how many."""
        with self._database.write() as connection:
            gone = connection.execute(delete(zone_event).where(zone_event.c.last_at < before))
        return int(gone.rowcount)

    def add_records(
        self, rows: Sequence[tuple[dict[str, Any], str, str]], *, at: float
    ) -> list[str]:
        """Keep records of the gate as (record, state, reason); return the ids that were new."""
        added = []
        with self._database.write() as connection:
            for record, state, reason in rows:
                id_ = str(record["id"])
                row = {
                    "record": id_,
                    "kind": str(record["kind"]),
                    "place": str(record.get("place", record.get("point", ""))),
                    "at": at,
                    "state": state,
                    "reason": reason,
                    "body": self._sealer.seal(f"zone_record/{id_}".encode(), record),
                }
                if self._database.insert_new(connection, zone_record, row):
                    added.append(id_)
        return added

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return which ids stand here already."""
        query = select(zone_record.c.record).where(self._database.among(zone_record.c.record, ids))
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def set_state(self, ids: Sequence[str], state: str) -> None:
        """Move records to another state."""
        among = self._database.among(zone_record.c.record, ids)
        with self._database.write() as connection:
            connection.execute(update(zone_record).where(among).values(state=state))

    def records(
        self,
        *,
        kind: str = "",
        state: str = "",
        place: str = "",
        since: float = 0.0,
        oldest_first: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[ZoneRecordRow]]:
        """Return how many records of the gate fit, and a page of them."""
        c = zone_record.c
        query = select(zone_record).where(c.at >= since)
        for column, wanted in ((c.kind, kind), (c.state, state), (c.place, place)):
            if wanted:
                query = query.where(column == wanted)
        query = query.order_by(c.number if oldest_first else c.number.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [self._row(dict(row._mapping)) for row in rows]

    def forget_records(self, before: float) -> int:
        """Remove records taken before a machine time; return how many."""
        with self._database.write() as connection:
            gone = connection.execute(delete(zone_record).where(zone_record.c.at < before))
        return int(gone.rowcount)

    def _row(self, mapping: dict[str, Any]) -> ZoneRecordRow:
        aad = f"zone_record/{mapping['record']}".encode()
        return ZoneRecordRow(**{**mapping, "body": self._sealer.open(aad, mapping["body"])})

    def _sealed(self, aad: str, body: bytes) -> bytes:
        packed = base64.b64encode(zlib.compress(body, 1)).decode()
        return self._sealer.seal(aad.encode(), {"z": packed})

    def _opened(self, aad: str, blob: bytes) -> bytes:
        return zlib.decompress(base64.b64decode(self._sealer.open(aad.encode(), blob)["z"]))
