"""Records: commands that need two people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_command_door"
down_revision = "0016_crypto"


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables of the command door and of emergency orders."""
    op.create_table(
        "command_proposal",
        sa.Column("id", sa.Text(), nullable=False),
        *_texts("kind", "command_class", "points", "reason", "requested_by"),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        *_texts("token_hash", "session_hash"),
        sa.Column("token_until", sa.Double(), nullable=False),
        sa.Column("second_until", sa.Double(), nullable=True),
        *_texts("state", "second_by", "break_glass", "physics", "steps"),
        sa.PrimaryKeyConstraint("id", name="pk_command_proposal"),
    )
    op.create_index("ix_command_proposal_state", "command_proposal", ["state"])
    op.create_index("ix_command_proposal_asked_at", "command_proposal", ["asked_at"])
    op.create_table(
        "command_door",
        sa.Column("command", sa.Text(), nullable=False),
        *_texts("command_class", "proposal", "steps", "second"),
        sa.ForeignKeyConstraint(["command"], ["command.id"], name="fk_command_door_command"),
        sa.PrimaryKeyConstraint("command", name="pk_command_door"),
    )
    op.create_index("ix_command_door_proposal", "command_door", ["proposal"])
    op.create_table(
        "emergency_order",
        sa.Column("id", sa.Text(), nullable=False),
        *_texts("action", "subject", "cause", "reason", "ordered_by", "second_by"),
        *_texts("break_glass", "state"),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("ordered_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        *_texts("document"),
        sa.PrimaryKeyConstraint("id", name="pk_emergency_order"),
    )
    op.create_index("ix_emergency_order_state", "emergency_order", ["state"])
    op.create_index("ix_emergency_order_ordered_at", "emergency_order", ["ordered_at"])
