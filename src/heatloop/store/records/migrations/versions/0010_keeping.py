"""Records: backups and integrity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_keeping"
down_revision = "0009_sync"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of backups and integrity."""
    op.create_table(
        "keeping_run",
        _text("id"),
        _text("kind"),
        _text("state"),
        _text("user"),
        _text("target"),
        _text("chain"),
        _time("started_at"),
        _time("ended_at", nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("id", name="pk_keeping_run"),
    )
    op.create_index("ix_keeping_run_kind_started_at", "keeping_run", ["kind", "started_at"])
    op.create_table(
        "keeping_day",
        sa.Column("day_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        _text("digest"),
        sa.Column("samples", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        _text("reason"),
        _time("at"),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("fits", sa.Boolean(), nullable=False),
        _time("checked_at"),
        sa.PrimaryKeyConstraint("day_s", "version", name="pk_keeping_day"),
    )
    op.create_table(
        "keeping_month",
        _text("month"),
        _text("root"),
        sa.Column("days", sa.Integer(), nullable=False),
        _time("at"),
        sa.PrimaryKeyConstraint("month", name="pk_keeping_month"),
    )
    op.create_table(
        "keeping_action",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        _text("action"),
        _text("state"),
        _text("user"),
        _text("reason"),
        _time("started_at"),
        _time("ended_at", nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("number", name="pk_keeping_action"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)
