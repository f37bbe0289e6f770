"""Tables of device life: models, devices, purchases, what was recorded of them, tests, files."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

device_model = Table(
    "device_model",
    metadata,
    number_column(),
    text_column("code"),
    text_column("body"),
    text_column("user"),
    time_column("at"),
    Column("current", Boolean, nullable=False),
    Index(None, "code", "number"),
)

device_item = Table(
    "device_item",
    metadata,
    Column("serial", Text, primary_key=True),
    text_column("model"),
    text_column("asset"),
    text_column("device"),
    text_column("point_kind"),
    text_column("purchase"),
    text_column("state"),
    Column("auto_ready", Boolean, nullable=False),
    text_column("body"),
    time_column("changed_at"),
    Index(None, "asset"),
    Index(None, "purchase"),
)

device_purchase = Table(
    "device_purchase",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("body"),
    text_column("user"),
    time_column("at"),
)

device_record = Table(
    "device_record",
    metadata,
    number_column(),
    text_column("subject"),
    text_column("kind"),
    text_column("body"),
    text_column("user"),
    time_column("at"),
    Index(None, "subject", "kind", "number"),
)

device_run = Table(
    "device_run",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("kind"),
    text_column("subject"),
    text_column("station"),
    text_column("state"),
    text_column("user"),
    time_column("started_at"),
    time_column("ended_at", nullable=True),
    text_column("body"),
    text_column("document"),
    text_column("pdf"),
    text_column("pdf_signature"),
    text_column("key_id"),
    Index(None, "subject", "started_at"),
    Index(None, "state"),
)

stored_file = Table(
    "stored_file",
    metadata,
    Column("sha256", Text, primary_key=True),
    text_column("name"),
    text_column("media"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),
    text_column("user"),
    time_column("at"),
)
