"""Records: what is watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_watch"
down_revision = "0017_command_door"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of security events and security registers."""
    op.create_table(
        "security_event",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        _text("kind"),
        _text("subject"),
        _text("address"),
        _time("first_at"),
        _time("last_at"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        _text("facts"),
        sa.PrimaryKeyConstraint("number", name="pk_security_event"),
    )
    op.create_index("ix_security_event_kind_last_at", "security_event", ["kind", "last_at"])
    op.create_index("ix_security_event_last_at", "security_event", ["last_at"])
    op.create_table(
        "security_entry",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        _text("register"),
        _text("code"),
        _text("state"),
        _text("user"),
        _time("at"),
        _time("until", nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("number", name="pk_security_entry"),
    )
    op.create_index("ix_security_entry_register_at", "security_entry", ["register", "at"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)
