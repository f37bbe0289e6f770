"""Records: platform instances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_instances"
down_revision = "0011_governance"


def upgrade() -> None:
    """Make the tables of platform instances."""
    op.create_table(
        "platform_instance",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("lag_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_platform_instance"),
    )
    op.create_table(
        "platform_lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("renewed_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_platform_lease"),
    )
    op.create_table(
        "command_counter",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name="pk_command_counter"),
    )
