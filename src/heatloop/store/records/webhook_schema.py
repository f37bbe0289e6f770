"""Tables of webhooks: who wants to know what, what is on its way, and how far events were read."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

webhook = Table(
    "webhook",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("name"),
    text_column("url"),
    text_column("events"),
    text_column("scope"),
    Column("enabled", Boolean, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    text_column("created_by"),
    time_column("created_at"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    number_column(),
    Column("id", Text, nullable=False, unique=True),
    Column("webhook", Text, ForeignKey("webhook.id"), nullable=False),
    text_column("event"),
    text_column("subject"),
    text_column("body"),
    time_column("created_at"),
    text_column("state"),
    Column("attempts", Integer, nullable=False),
    time_column("next_at", nullable=True),
    Column("last_status", Integer),
    text_column("last_error"),
    time_column("delivered_at", nullable=True),
    Index(None, "webhook", "state"),
    Index(None, "state", "next_at"),
    Index(None, "created_at"),
)

event_reader = Table(
    "event_reader",
    metadata,
    Column("source", Text, primary_key=True),
    # How far a log of the records was read: a row number, or milliseconds of plant time.
    Column("through", BigInteger, nullable=False),
)
