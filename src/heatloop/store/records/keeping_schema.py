"""Tables of keeping: backup runs, digests of days, roots of months, maintenance."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

keeping_run = Table(
    "keeping_run",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("kind"),
    text_column("state"),
    text_column("user"),
    text_column("target"),
    text_column("chain"),
    time_column("started_at"),
    time_column("ended_at", nullable=True),
    text_column("body"),
    Index(None, "kind", "started_at"),
)

keeping_day = Table(
    "keeping_day",
    metadata,
    Column("day_s", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    text_column("digest"),
    Column("samples", BigInteger, nullable=False),
    Column("counter", BigInteger, nullable=False),
    text_column("reason"),
    time_column("at"),
    Column("current", Boolean, nullable=False),
    Column("fits", Boolean, nullable=False),
    time_column("checked_at"),
)

keeping_month = Table(
    "keeping_month",
    metadata,
    Column("month", Text, primary_key=True),
    text_column("root"),
    Column("days", Integer, nullable=False),
    time_column("at"),
)

keeping_action = Table(
    "keeping_action",
    metadata,
    number_column(),
    text_column("action"),
    text_column("state"),
    text_column("user"),
    text_column("reason"),
    time_column("started_at"),
    time_column("ended_at", nullable=True),
    text_column("body"),
)
