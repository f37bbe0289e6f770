"""Tables of the exchange with other systems: register, conflicts, runs, changes, cursors."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

sync_record = Table(
    "sync_record",
    metadata,
    Column("system", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    text_column("code"),
    Column("revision", BigInteger, nullable=False),
    time_column("changed_at"),
    text_column("checksum"),
    Column("deleted", Boolean, nullable=False),
    text_column("body"),
    Column("sealed", LargeBinary),
    time_column("received_at"),
    text_column("run"),
    Index(None, "code"),
    Index(None, "entity", "received_at"),
)

sync_conflict = Table(
    "sync_conflict",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("system"),
    text_column("entity"),
    text_column("source_id"),
    text_column("code"),
    text_column("field"),
    text_column("kind"),
    text_column("state"),
    text_column("winner"),
    text_column("body"),
    Column("sealed", LargeBinary),
    time_column("found_at"),
    text_column("decided_by"),
    time_column("decided_at", nullable=True),
    text_column("note"),
    Index(None, "state", "found_at"),
    Index(None, "system", "entity", "source_id"),
)

sync_run = Table(
    "sync_run",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("system"),
    text_column("way"),
    time_column("started_at"),
    time_column("ended_at"),
    text_column("by"),
    Column("dry_run", Boolean, nullable=False),
    *(
        Column(name, Integer, nullable=False)
        for name in (
            "received",
            "applied",
            "kept",
            "unchanged",
            "stale",
            "unmatched",
            "refused",
            "conflicts",
        )
    ),
    text_column("error"),
    text_column("refusals"),
    Index(None, "started_at"),
    Index(None, "system", "ended_at"),
)

sync_change = Table(
    "sync_change",
    metadata,
    number_column(),
    time_column("at"),
    Column("version", Integer, nullable=False),
    text_column("entity"),
    text_column("code"),
    text_column("origin"),
    Column("gone", Boolean, nullable=False),
    text_column("fields"),
    Index(None, "code"),
)

sync_cursor = Table(
    "sync_cursor",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("value"),
)
