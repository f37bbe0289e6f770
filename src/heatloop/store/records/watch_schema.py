"""Tables of watching: security events, and what is entered in the security registers."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

security_event = Table(
    "security_event",
    metadata,
    number_column(),
    text_column("kind"),
    text_column("subject"),
    text_column("address"),
    time_column("first_at"),
    time_column("last_at"),
    Column("count", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    text_column("facts"),
    Index(None, "kind", "last_at"),
    Index(None, "last_at"),
)

security_entry = Table(
    "security_entry",
    metadata,
    number_column(),
    text_column("register"),
    text_column("code"),
    text_column("state"),
    text_column("user"),
    time_column("at"),
    time_column("until", nullable=True),
    text_column("body"),
    Index(None, "register", "at"),
)
