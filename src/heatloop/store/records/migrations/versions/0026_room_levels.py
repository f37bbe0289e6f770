"""Records: learnt levels of rooms, and targets that people set for units."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026_room_levels"
down_revision = "0025_savings_baselines"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of versions and of targets."""
    op.create_table(
        "room_level",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("at", "begin_s", "until_s")),
        sa.Column("state", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("days", "collectors")),
        sa.Column("off_k", sa.Double(), nullable=False),
        sa.Column("points", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_room_level"),
        sa.UniqueConstraint("unit", "version", name="uq_room_level_unit_version"),
    )
    op.create_index("ix_room_level_at", "room_level", ["at"])
    op.create_table(
        "room_target",
        sa.Column("unit", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("target_c", "at")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("user", "note")),
        sa.PrimaryKeyConstraint("unit", name="pk_room_target"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("room_target")
    op.drop_table("room_level")
