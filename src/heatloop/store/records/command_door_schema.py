"""Tables of the command door: proposals, what a command passed, and emergency orders."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from heatloop.store.records.schema import metadata, text_column, time_column

# `at` is plant time, the others are machine time: a person's patience is no plant's.
command_proposal = Table(
    "command_proposal",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("kind"),
    text_column("command_class"),
    text_column("points"),
    text_column("reason"),
    text_column("requested_by"),
    time_column("at"),
    time_column("asked_at"),
    text_column("token_hash"),
    text_column("session_hash"),
    time_column("token_until"),
    time_column("second_until", nullable=True),
    text_column("state"),
    text_column("second_by"),
    text_column("break_glass"),
    text_column("physics"),
    text_column("steps"),
    Index(None, "state"),
    Index(None, "asked_at"),
)

command_door = Table(
    "command_door",
    metadata,
    Column("command", Text, ForeignKey("command.id"), primary_key=True),
    text_column("command_class"),
    text_column("proposal"),
    text_column("steps"),
    text_column("second"),
    Index(None, "proposal"),
)

emergency_order = Table(
    "emergency_order",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("action"),
    text_column("subject"),
    text_column("cause"),
    text_column("reason"),
    text_column("ordered_by"),
    text_column("second_by"),
    text_column("break_glass"),
    text_column("state"),
    time_column("at"),
    time_column("ordered_at"),
    time_column("ended_at", nullable=True),
    text_column("document"),
    Index(None, "state"),
    Index(None, "ordered_at"),
)
