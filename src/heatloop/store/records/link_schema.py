"""Table of link measures, hour by hour."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from heatloop.store.records.schema import metadata, text_column

link_hour = Table(
    "link_hour",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    text_column("body"),
    Index(None, "hour"),
)
