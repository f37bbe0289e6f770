"""Records: forecasts, and past dispatch periods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_forecast"
down_revision = "0020_personal"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SKILL = ("mean", "mae", "rmse", "mape_pct", "coverage_pct", "naive_mae", "naive_mape_pct")


def upgrade() -> None:
    """Make the tables of issued forecasts, planned periods and weekly skill."""
    op.create_table(
        "forecast_issue",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("weather", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("took_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_forecast_issue"),
    )
    op.create_index("ix_forecast_issue_known_at", "forecast_issue", ["known_at"])
    op.create_index("ix_forecast_issue_start_s", "forecast_issue", ["start_s"])
    op.create_table(
        "forecast_series",
        sa.Column("issue", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("step_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("scale", sa.Double(), nullable=False),
        sa.Column("bands", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue"],
            ["forecast_issue.number"],
            name="fk_forecast_series_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("issue", "subject", "step_s", name="pk_forecast_series"),
    )
    op.create_table(
        "period_plan",
        sa.Column("start_s", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("step_s", sa.Integer(), nullable=False),
        sa.Column("scale", sa.Double(), nullable=False),
        sa.Column("bands", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("known_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("start_s", "subject", "quantity", name="pk_period_plan"),
    )
    op.create_table(
        "forecast_skill",
        sa.Column("week_s", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in _SKILL),
        sa.PrimaryKeyConstraint("week_s", "subject", name="pk_forecast_skill"),
    )


def downgrade() -> None:
    """Remove them."""
    for name in ("forecast_skill", "period_plan", "forecast_series", "forecast_issue"):
        op.drop_table(name)
