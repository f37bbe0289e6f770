"""Tables of daily work: commands, alarms, audit, gaps, quarantine and jobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text

from heatloop.store.records.schema import (
    metadata,
    new_text_column,
    number_column,
    text_column,
    time_column,
)

command = Table(
    "command",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("point"),
    Column("value", Double, nullable=False),
    text_column("mode"),
    text_column("gateway"),
    time_column("issued"),
    time_column("expires"),
    text_column("nonce"),
    Column("counter", BigInteger, nullable=False),
    text_column("key_id"),
    text_column("signature"),
    text_column("state"),
    text_column("requested_by"),
    text_column("reason"),
    Index(None, "state"),
    Index(None, "point", "issued"),
    Index(None, "issued"),
)

command_event = Table(
    "command_event",
    metadata,
    number_column(),
    Column("command", Text, ForeignKey("command.id"), nullable=False, index=True),
    text_column("state"),
    time_column("at"),
    text_column("reason"),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("subject"),
    text_column("rule"),
    Column("priority", Integer, nullable=False),
    time_column("onset"),
    Column("value", Double),
    Column("limit", Double),
    text_column("state"),
    text_column("detail"),
    time_column("cleared_at", nullable=True),
    Column("acknowledged_by", Text),
    time_column("acknowledged_at", nullable=True),
    Index(None, "state"),
    Index(None, "onset"),
    Index(None, "subject", "onset"),
)

alarm_event = Table(
    "alarm_event",
    metadata,
    number_column(),
    Column("alarm", Text, ForeignKey("alarm.id"), nullable=False, index=True),
    text_column("state"),
    time_column("at"),
    text_column("user"),
    text_column("note"),
)

unit_stage = Table(
    "unit_stage",
    metadata,
    number_column(),
    text_column("unit"),
    text_column("stage"),
    Column("manual_setpoint_c", Double),
    text_column("user"),
    time_column("at"),
    Column("current", Boolean, nullable=False),
    Index(None, "unit", "number"),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    time_column("at"),
    text_column("user"),
    text_column("action"),
    text_column("subject"),
    text_column("detail"),
    text_column("hash"),
    # Empty in entries of the first form, which had no more than the columns above.
    new_text_column("alg"),
    new_text_column("role"),
    new_text_column("address"),
    new_text_column("request"),
    new_text_column("result"),
    Index(None, "user"),
    Index(None, "action"),
    Index(None, "subject"),
    Index(None, "at"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    text_column("hash"),
    new_text_column("alg"),
)

gap = Table(
    "gap",
    metadata,
    Column("device", Text, primary_key=True),
    Column("slots_from", BigInteger, primary_key=True, autoincrement=False),
    text_column("gateway"),
    Column("slots_to", BigInteger),
    text_column("cause"),
    Index(None, "slots_from"),
)

quarantine = Table(
    "quarantine",
    metadata,
    number_column(),
    text_column("gateway"),
    text_column("reason"),
    text_column("detail"),
    Column("rows", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
    time_column("at"),
    time_column("last_at"),
    Index(None, "gateway", "reason"),
)

job = Table(
    "job",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due", Double, primary_key=True, autoincrement=False),
    text_column("state"),
    time_column("started_at"),
    time_column("finished_at", nullable=True),
    text_column("detail"),
)
