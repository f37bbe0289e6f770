"""Tables of platform instances: who lives, who works, and how far command counters are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Table, Text

from heatloop.store.records.schema import metadata, text_column, time_column

# Times are those of the database: the instances' own clocks are never compared.
platform_instance = Table(
    "platform_instance",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("url"),
    text_column("key_id"),
    text_column("version"),
    Column("active", Boolean, nullable=False),
    time_column("started_at"),
    time_column("seen_at"),
    Column("lag_s", Double),
)

platform_lease = Table(
    "platform_lease",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("holder"),
    Column("token", BigInteger, nullable=False),
    time_column("since"),
    time_column("renewed_at"),
    time_column("expires_at"),
)

command_counter = Table(
    "command_counter",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("counter", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
)
