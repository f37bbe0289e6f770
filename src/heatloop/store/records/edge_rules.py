"""Rule documents of gateways: every version that was ever sent, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Integer, Table, Text, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.schema import metadata, text_column, time_column

SENT, ACTIVE = "sent", "active"

edge_rules = Table(
    "edge_rules",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    time_column("at"),
    text_column("user"),
    text_column("note"),
    text_column("body"),
    Column("back_to", Integer),
    text_column("state"),
    text_column("reason"),
    time_column("reported_at", nullable=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesRow:
    """One version of a gateway's rules."""

    gateway: str
    """Gateway code."""
    version: int
    """Rises with every document of the gateway."""
    at: float
    """Machine time it was made."""
    user: str
    """Who made it."""
    note: str
    """What for."""
    body: str
    """The document, JSON."""
    back_to: int | None
    """Version it repeats, for a document that goes back."""
    state: str
    """`sent`, or what the gateway said: `active`, `refused`, `rolled_back`."""
    reason: str
    """Why, for the last two."""
    reported_at: float | None
    """Plant time the gateway said so."""


class EdgeRules:
    """Rule documents by gateway and version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, gateway: str, *, at: float, user: str, note: str, body: str, back_to: int | None
    ) -> int:
        """Keep a new document and return its version, one above the last."""
        highest = select(func.max(edge_rules.c.version)).where(edge_rules.c.gateway == gateway)
        with self._database.write() as connection:
            version = int(connection.execute(highest).scalar() or 0) + 1
            connection.execute(
                edge_rules.insert().values(
                    gateway=gateway, version=version, at=at, user=user, note=note, body=body,
                    back_to=back_to, state=SENT, reason="",
                )
            )  # fmt: skip
        return version

    def report(self, gateway: str, version: int, *, state: str, reason: str, at: float) -> None:
        """Note what a gateway says of a version; an older report never covers a newer one."""
        own = update(edge_rules).where(
            edge_rules.c.gateway == gateway,
            edge_rules.c.version == version,
            (edge_rules.c.reported_at.is_(None)) | (edge_rules.c.reported_at <= at),
        )
        with self._database.write() as connection:
            connection.execute(own.values(state=state, reason=reason, reported_at=at))

    def list(self, gateway: str) -> Sequence[RulesRow]:
        """Return all versions of a gateway, newest first."""
        query = select(edge_rules).where(edge_rules.c.gateway == gateway)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(edge_rules.c.version.desc()))
            return [RulesRow(**row._mapping) for row in rows]

    def newest(self, gateway: str) -> RulesRow | None:
        """Return the last version made for a gateway, None without any."""
        query = select(edge_rules).where(edge_rules.c.gateway == gateway)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(edge_rules.c.version.desc()).limit(1)).first()
        return None if row is None else RulesRow(**row._mapping)
