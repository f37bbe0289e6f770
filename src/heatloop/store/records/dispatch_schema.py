"""Tables of dispatch: figures of units and prices, outages, and plans with their approval."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

dispatch_figure = Table(
    "dispatch_figure",
    metadata,
    number_column(),
    text_column("subject"),
    text_column("name"),
    Column("value", Double, nullable=False),
    time_column("valid_from"),
    text_column("note"),
    text_column("user"),
    time_column("at"),
    Index(None, "subject", "name", "valid_from"),
)

dispatch_outage = Table(
    "dispatch_outage",
    metadata,
    number_column(),
    text_column("subject"),
    text_column("kind"),
    time_column("start_s"),
    time_column("end_s"),
    text_column("note"),
    text_column("user"),
    time_column("at"),
    Index(None, "end_s"),
)

dispatch_plan = Table(
    "dispatch_plan",
    metadata,
    number_column(),
    text_column("network"),
    text_column("reason"),
    text_column("state"),
    text_column("result"),
    time_column("made_at"),
    time_column("start_s"),
    Column("step_s", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("cost_yuan", Double, nullable=False),
    Column("baseline_yuan", Double, nullable=False),
    Column("unserved_kwh", Double, nullable=False),
    text_column("user"),
    text_column("decided_by"),
    time_column("decided_at", nullable=True),
    text_column("body"),
    Index(None, "made_at"),
    Index(None, "network", "made_at"),
)
