"""Records: rule documents of gateways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_edge_rules"
down_revision = "0003_links"


def upgrade() -> None:
    """Make the table of rule documents."""
    op.create_table(
        "edge_rules",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("back_to", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "version", name="pk_edge_rules"),
    )
