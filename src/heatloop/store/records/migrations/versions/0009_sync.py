"""Records: exchange with billing and customer systems."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_sync"
down_revision = "0008_webhooks"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = (
    "received",
    "applied",
    "kept",
    "unchanged",
    "stale",
    "unmatched",
    "refused",
    "conflicts",
)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables of exchange with billing and customer systems."""
    op.create_table(
        "sync_record",
        *_texts("system", "entity", "source_id", "code"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        *_texts("checksum"),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        *_texts("body"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=False),
        *_texts("run"),
        sa.PrimaryKeyConstraint("system", "entity", "source_id", name="pk_sync_record"),
    )
    op.create_index("ix_sync_record_code", "sync_record", ["code"])
    op.create_index("ix_sync_record_entity_received_at", "sync_record", ["entity", "received_at"])
    op.create_table(
        "sync_conflict",
        *_texts("id", "system", "entity", "source_id", "code", "field", "kind", "state"),
        *_texts("winner", "body"),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("found_at", sa.Double(), nullable=False),
        *_texts("decided_by"),
        sa.Column("decided_at", sa.Double(), nullable=True),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name="pk_sync_conflict"),
    )
    op.create_index("ix_sync_conflict_state_found_at", "sync_conflict", ["state", "found_at"])
    op.create_index(
        "ix_sync_conflict_system_entity_source_id",
        "sync_conflict",
        ["system", "entity", "source_id"],
    )
    op.create_table(
        "sync_run",
        *_texts("id", "system", "way"),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=False),
        *_texts("by"),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        *_texts("error", "refusals"),
        sa.PrimaryKeyConstraint("id", name="pk_sync_run"),
    )
    op.create_index("ix_sync_run_started_at", "sync_run", ["started_at"])
    op.create_index("ix_sync_run_system_ended_at", "sync_run", ["system", "ended_at"])
    op.create_table(
        "sync_change",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_texts("entity", "code", "origin"),
        sa.Column("gone", sa.Boolean(), nullable=False),
        *_texts("fields"),
        sa.PrimaryKeyConstraint("number", name="pk_sync_change"),
    )
    op.create_index("ix_sync_change_code", "sync_change", ["code"])
    op.create_table(
        "sync_cursor",
        *_texts("name", "value"),
        sa.PrimaryKeyConstraint("name", name="pk_sync_cursor"),
    )
