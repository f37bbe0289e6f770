"""Records: the savings ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_savings"
down_revision = "0023_strategy"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FIGURES = ("heat_kwh", "power_kwh", "cold_m2kh", "outdoor_c", "sun_kwh_m2", "wind_ms")


def upgrade() -> None:
    """Make the tables of days and entries."""
    op.create_table(
        "savings_day",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in _FIGURES),
        sa.Column("entry", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("subject", "day", name="pk_savings_day"),
    )
    op.create_index("ix_savings_day_day", "savings_day", ["day"])
    texts = ("who", "subject", "kind", "content", "before", "digest")
    op.create_table(
        "savings_entry",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.PrimaryKeyConstraint("number", name="pk_savings_entry"),
    )
    op.create_index("ix_savings_entry_subject_number", "savings_entry", ["subject", "number"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("savings_entry")
    op.drop_table("savings_day")
