"""Table of abnormal data: what was found, why, what was done about it and by whom."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from heatloop.store.records.schema import metadata, text_column, time_column

quality_case = Table(
    "quality_case",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("asset"),
    text_column("point"),
    text_column("rule"),
    Column("severity", Integer, nullable=False),
    time_column("start_s"),
    time_column("end_s"),
    Column("samples", Integer, nullable=False),
    Column("value", Double),
    Column("expected", Double),
    text_column("text_zh"),
    text_column("text_en"),
    time_column("found_at"),
    text_column("state"),
    text_column("cause"),
    text_column("correction"),
    text_column("method"),
    Column("corrected", Integer, nullable=False),
    text_column("note"),
    text_column("reviewer"),
    time_column("handled_at", nullable=True),
    Index(None, "state", "severity"),
    Index(None, "asset"),
    Index(None, "point", "rule", "end_s"),
    Index(None, "handled_at"),
)
