"""Records: weather forecasts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_weather"
down_revision = "0006_device_life"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAMES = (
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


def _values() -> list[sa.Column[object]]:
    return [
        sa.Column("condition", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Double(), nullable=True) for name in _NAMES),
        sa.Column("quality", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    """Make the tables of weather forecasts."""
    op.create_table(
        "weather_issue",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=True),
        sa.Column("first_s", sa.Double(), nullable=False),
        sa.Column("last_s", sa.Double(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_weather_issue"),
    )
    op.create_index("ix_weather_issue_known_at", "weather_issue", ["known_at"])
    op.create_index("ix_weather_issue_source_known_at", "weather_issue", ["source", "known_at"])
    op.create_table(
        "weather_forecast",
        sa.Column("issue", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("at_s", sa.Double(), autoincrement=False, nullable=False),
        *_values(),
        sa.ForeignKeyConstraint(
            ["issue"],
            ["weather_issue.number"],
            name="fk_weather_forecast_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("issue", "at_s", name="pk_weather_forecast"),
    )
    op.create_index("ix_weather_forecast_at_s", "weather_forecast", ["at_s"])
    op.create_table(
        "weather_observation",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at_s", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        *_values(),
        sa.PrimaryKeyConstraint("source", "at_s", name="pk_weather_observation"),
    )
    op.create_index("ix_weather_observation_at_s", "weather_observation", ["at_s"])
