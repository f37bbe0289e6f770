"""Records: the feed between zones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_zones"
down_revision = "0018_watch"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of the feed between zones."""
    op.create_table(
        "zone_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_zone_state"),
    )
    op.create_table(
        "zone_hour",
        sa.Column("hour_s", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hour_s", "shard", name="pk_zone_hour"),
    )
    op.create_table(
        "zone_event",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_zone_event"),
    )
    op.create_index("ix_zone_event_at", "zone_event", ["at"])
    op.create_index("ix_zone_event_kind_ended_at", "zone_event", ["kind", "ended_at"])
    op.create_table(
        "zone_record",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_zone_record"),
    )
    op.create_index("ix_zone_record_record", "zone_record", ["record"], unique=True)
    op.create_index("ix_zone_record_kind_place", "zone_record", ["kind", "place"])
