"""Tables of the savings ledger: days, tuned curves, what they would have saved, and the chain."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from heatloop.store.records.schema import Number, metadata, text_column, time_column

savings_day = Table(
    "savings_day",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    text_column("mode"),
    Column("heat_kwh", Double, nullable=False),
    Column("power_kwh", Double, nullable=False),
    Column("cold_m2kh", Double, nullable=False),
    Column("outdoor_c", Double, nullable=False),
    Column("sun_kwh_m2", Double, nullable=False),
    Column("wind_ms", Double, nullable=False),
    Column("entry", Number, nullable=False),
    Index(None, "day"),
)

savings_entry = Table(
    "savings_entry",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    time_column("at"),
    text_column("who"),
    text_column("subject"),
    text_column("kind"),
    text_column("content"),
    text_column("before"),
    text_column("digest"),
    Index(None, "subject", "number"),
)

savings_baseline = Table(
    "savings_baseline",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    time_column("at"),
    Column("from_day", Integer, nullable=False),
    Column("seen_from_day", Integer, nullable=False),
    Column("seen_until_day", Integer, nullable=False),
    Column("model_version", Integer, nullable=False),
    text_column("baseline"),
    text_column("reason"),
    text_column("body"),
    text_column("digest"),
    Column("entry", Number, nullable=False),
    text_column("approval"),
    text_column("decided_by"),
    Column("decided_at", Double, nullable=True),
    text_column("note"),
)

savings_gain = Table(
    "savings_gain",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("baseline", Integer, nullable=False),
    Column("gain_yuan", Double, nullable=False),
    Column("gain_kwh", Double, nullable=False),
    Column("sigma_yuan", Double, nullable=False),
    Column("entry", Number, nullable=False),
)
