"""Records: link measures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_links"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of link measures."""
    op.create_table(
        "link_hour",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "subject", "hour", "run", name="pk_link_hour"),
    )
    op.create_index("ix_link_hour_hour", "link_hour", ["hour"])
