"""Tables of the feed between zones: where it stands, hourly values, what was refused, the gate."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

zone_state = Table(
    "zone_state",
    metadata,
    Column("name", Text, primary_key=True),
    time_column("at"),
    Column("body", LargeBinary, nullable=False),
)

zone_hour = Table(
    "zone_hour",
    metadata,
    Column("hour_s", BigInteger, primary_key=True, autoincrement=False),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

zone_event = Table(
    "zone_event",
    metadata,
    number_column(),
    text_column("kind"),
    text_column("stream"),
    text_column("detail"),
    Column("count", Integer, nullable=False),
    time_column("at"),
    time_column("last_at"),
    Column("ended_at", Double, nullable=True),
    Index(None, "at"),
    Index(None, "kind", "ended_at"),
)

zone_record = Table(
    "zone_record",
    metadata,
    number_column(),
    text_column("record"),
    text_column("kind"),
    text_column("place"),
    time_column("at"),
    text_column("state"),
    text_column("reason"),
    Column("body", LargeBinary, nullable=False),
    Index(None, "record", unique=True),
    Index(None, "kind", "place"),
)
