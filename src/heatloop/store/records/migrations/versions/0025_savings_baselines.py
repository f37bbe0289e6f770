"""Records: the tuned curves savings are measured against, and what they would have saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025_savings_baselines"
down_revision = "0024_savings"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of tuned curves and of their daily gain."""
    days = ("from_day", "seen_from_day", "seen_until_day", "model_version")
    op.create_table(
        "savings_baseline",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in days),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("baseline", "reason", "body", "digest")
        ),
        sa.Column("entry", _NUMBER, nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "version", name="pk_savings_baseline"),
    )
    op.create_table(
        "savings_gain",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("baseline", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("gain_yuan", "gain_kwh", "sigma_yuan")
        ),
        sa.Column("entry", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("subject", "day", name="pk_savings_gain"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("savings_gain")
    op.drop_table("savings_baseline")
