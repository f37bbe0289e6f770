"""Tables of room levels: what was learnt night by night, and what people set for single units."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text, UniqueConstraint

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

room_level = Table(
    "room_level",
    metadata,
    number_column(),
    text_column("unit"),
    Column("version", Integer, nullable=False),
    time_column("at"),
    time_column("begin_s"),
    time_column("until_s"),
    text_column("state"),
    Column("days", Integer, nullable=False),
    Column("collectors", Integer, nullable=False),
    Column("off_k", Double, nullable=False),
    text_column("points"),
    UniqueConstraint("unit", "version"),
    Index(None, "at"),
)

room_target = Table(
    "room_target",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("target_c", Double, nullable=False),
    time_column("at"),
    text_column("user"),
    text_column("note"),
)
