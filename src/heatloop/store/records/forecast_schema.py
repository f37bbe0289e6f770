"""Tables of issued forecasts, of what was planned for each dispatch period, and of weekly skill."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, LargeBinary, Table, Text

from heatloop.store.records.schema import (
    Number,
    metadata,
    number_column,
    text_column,
    time_column,
)

forecast_issue = Table(
    "forecast_issue",
    metadata,
    number_column(),
    time_column("known_at"),
    time_column("start_s"),
    text_column("reason"),
    text_column("weather"),
    Column("subjects", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("took_s", Double, nullable=False),
    Index(None, "known_at"),
    Index(None, "start_s"),
)

forecast_series = Table(
    "forecast_series",
    metadata,
    Column(
        "issue",
        Number,
        ForeignKey("forecast_issue.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("subject", Text, primary_key=True),
    Column("step_s", Integer, primary_key=True, autoincrement=False),
    text_column("quantity"),
    Column("scale", Double, nullable=False),
    # Steps of low, middle and high after each other, each i2 times the scale.
    Column("bands", LargeBinary, nullable=False),
    text_column("facts"),
)

period_plan = Table(
    "period_plan",
    metadata,
    Column("start_s", Double, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    Column("quantity", Text, primary_key=True),
    Column("step_s", Integer, nullable=False),
    Column("scale", Double, nullable=False),
    Column("bands", LargeBinary, nullable=False),
    text_column("source"),
    time_column("known_at"),
)

forecast_skill = Table(
    "forecast_skill",
    metadata,
    Column("week_s", Double, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    text_column("quantity"),
    Column("hours", Integer, nullable=False),
    *(
        Column(name, Double, nullable=True)
        for name in (
            "mean",
            "mae",
            "rmse",
            "mape_pct",
            "coverage_pct",
            "naive_mae",
            "naive_mape_pct",
        )
    ),
)
