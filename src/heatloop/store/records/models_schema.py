"""Tables of learnt models: versions, what happened to them, their daily errors, who takes part."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, Text, UniqueConstraint

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

model_version = Table(
    "model_version",
    metadata,
    number_column(),
    text_column("unit"),
    text_column("kind"),
    Column("version", Integer, nullable=False),
    text_column("stage"),
    Column("learned", Boolean, nullable=False),
    time_column("at"),
    time_column("begin_s"),
    time_column("until_s"),
    Column("parent", Integer, nullable=False),
    text_column("digest"),
    text_column("model"),
    text_column("card"),
    UniqueConstraint("unit", "kind", "version"),
    Index(None, "at"),
)

model_event = Table(
    "model_event",
    metadata,
    number_column(),
    time_column("at"),
    text_column("unit"),
    text_column("kind"),
    Column("version", Integer, nullable=False),
    text_column("action"),
    text_column("reason"),
    text_column("by"),
    text_column("detail"),
    Index(None, "unit", "at"),
    Index(None, "at"),
)

model_day = Table(
    "model_day",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("mae_k", Double, nullable=False),
    Column("bias_k", Double, nullable=False),
)

model_standing = Table(
    "model_standing",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    time_column("at"),
    Column("mae_k", Double, nullable=True),
    Column("drift", Double, nullable=False),
    text_column("state"),
    text_column("body"),
)
