"""Tables of governance: changes of records, data assets, approval tickets, verification."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

record_change = Table(
    "record_change",
    metadata,
    number_column(),
    text_column("record_table"),
    text_column("record_id"),
    text_column("operation"),
    time_column("at"),
    text_column("user"),
    Column("before", Text),
    Column("after", Text),
    Index(None, "record_table", "record_id", "number"),
    Index(None, "at"),
)

data_asset = Table(
    "data_asset",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("body"),
    text_column("user"),
    time_column("at"),
)

data_permit = Table(
    "data_permit",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("user"),
    text_column("purpose"),
    text_column("classes"),
    text_column("level"),
    text_column("subject"),
    text_column("reason"),
    text_column("state"),
    time_column("asked_at"),
    text_column("decided_by"),
    time_column("decided_at", nullable=True),
    text_column("note"),
    time_column("expires_at", nullable=True),
    Column("uses", BigInteger, nullable=False),
    Index(None, "user", "asked_at"),
    Index(None, "asked_at"),
)

verification_plan = Table(
    "verification_plan",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("name"),
    text_column("asset"),
    text_column("kinds"),
    Column("points", Integer, nullable=False),
    Column("every_s", Double, nullable=False),
    Column("answer_s", Double, nullable=False),
    Column("active", Boolean, nullable=False),
    time_column("next_at"),
    text_column("user"),
    time_column("at"),
)

verification_task = Table(
    "verification_task",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("plan"),
    text_column("name"),
    text_column("asset"),
    text_column("user"),
    time_column("made_at"),
    time_column("due_at"),
    text_column("state"),
    time_column("ended_at", nullable=True),
    text_column("note"),
    Index(None, "state", "due_at"),
    Index(None, "made_at"),
)

verification_item = Table(
    "verification_item",
    metadata,
    Column("task", Text, ForeignKey("verification_task.id"), primary_key=True),
    Column("point", Text, primary_key=True),
    text_column("kind"),
    Column("tolerance", Double, nullable=False),
    Column("reading", Double),
    time_column("read_at", nullable=True),
    text_column("user"),
    Column("uploaded", Double),
    Column("quality", Integer),
    text_column("note"),
    Index(None, "read_at"),
)
