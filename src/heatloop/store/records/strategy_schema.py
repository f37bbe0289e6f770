"""Tables of control strategies: what station control meant to do, why, for how long, who agreed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, UniqueConstraint

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

strategy_version = Table(
    "strategy_version",
    metadata,
    number_column(),
    text_column("unit"),
    Column("version", Integer, nullable=False),
    time_column("made_at"),
    time_column("start_s"),
    Column("step_s", Integer, nullable=False),
    time_column("valid_until"),
    text_column("regulation"),
    text_column("model"),
    text_column("reason"),
    text_column("relaxed"),
    Column("fallback", Boolean, nullable=False),
    text_column("state"),
    text_column("decided_by"),
    time_column("decided_at", nullable=True),
    text_column("note"),
    Column("target_c", Double, nullable=False),
    text_column("body"),
    UniqueConstraint("unit", "version"),
    Index(None, "made_at"),
    Index(None, "state", "valid_until"),
)
