"""Tables of the weather: forecasts with the time they became known, and observations."""

from __future__ import annotations

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, Table, Text

from heatloop.store.records.schema import (
    Number,
    metadata,
    number_column,
    text_column,
    time_column,
)


def _values() -> list[Column[object]]:
    names = (
        "temperature_c",
        "humidity_pct",
        "temperature_max_c",
        "temperature_min_c",
        "wind_deg",
        "wind_ms",
        "solar_w_m2",
        "direct_w_m2",
        "diffuse_w_m2",
    )
    return [
        Column("condition", Integer),
        *(Column(name, Double) for name in names),
        Column("quality", Integer, nullable=False),
    ]


weather_issue = Table(
    "weather_issue",
    metadata,
    number_column(),
    text_column("source"),
    time_column("known_at"),
    time_column("issued_at", nullable=True),
    time_column("first_s"),
    time_column("last_s"),
    Column("hours", Integer, nullable=False),
    Index(None, "known_at"),
    Index(None, "source", "known_at"),
)

weather_forecast = Table(
    "weather_forecast",
    metadata,
    Column(
        "issue",
        Number,
        ForeignKey("weather_issue.number", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("at_s", Double, primary_key=True, autoincrement=False),
    *_values(),
    Index(None, "at_s"),
)

weather_observation = Table(
    "weather_observation",
    metadata,
    Column("source", Text, primary_key=True),
    Column("at_s", Double, primary_key=True, autoincrement=False),
    time_column("known_at"),
    *_values(),
    Index(None, "at_s"),
)
