"""Records: changes of records, data assets, approval tickets, verification."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_governance"
down_revision = "0010_keeping"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def upgrade() -> None:
    """Make the tables of governance."""
    op.create_table(
        "record_change",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=True),
        _text("record_table"),
        _text("record_id"),
        _text("operation"),
        _time("at"),
        _text("user"),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_record_change"),
    )
    op.create_table(
        "data_asset",
        _text("code"),
        _text("body"),
        _text("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("code", name="pk_data_asset"),
    )
    op.create_table(
        "data_permit",
        *(_text(name) for name in ("id", "user", "purpose", "classes", "level", "subject")),
        *(_text(name) for name in ("reason", "state")),
        _time("asked_at"),
        _text("decided_by"),
        _time("decided_at", nullable=True),
        _text("note"),
        _time("expires_at", nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_permit"),
    )
    _make_verification()
    for table, columns in (
        ("record_change", ["record_table", "record_id", "number"]),
        ("record_change", ["at"]),
        ("data_permit", ["user", "asked_at"]),
        ("data_permit", ["asked_at"]),
        ("verification_task", ["state", "due_at"]),
        ("verification_task", ["made_at"]),
        ("verification_item", ["read_at"]),
    ):
        op.create_index(f"ix_{table}_" + "_".join(columns), table, columns)


def _make_verification() -> None:
    op.create_table(
        "verification_plan",
        *(_text(name) for name in ("id", "name", "asset", "kinds")),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("every_s", sa.Double(), nullable=False),
        sa.Column("answer_s", sa.Double(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _time("next_at"),
        _text("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("id", name="pk_verification_plan"),
    )
    op.create_table(
        "verification_task",
        *(_text(name) for name in ("id", "plan", "name", "asset", "user")),
        _time("made_at"),
        _time("due_at"),
        _text("state"),
        _time("ended_at", nullable=True),
        _text("note"),
        sa.PrimaryKeyConstraint("id", name="pk_verification_task"),
    )
    op.create_table(
        "verification_item",
        *(_text(name) for name in ("task", "point", "kind")),
        sa.Column("tolerance", sa.Double(), nullable=False),
        sa.Column("reading", sa.Double(), nullable=True),
        _time("read_at", nullable=True),
        _text("user"),
        sa.Column("uploaded", sa.Double(), nullable=True),
        sa.Column("quality", sa.Integer(), nullable=True),
        _text("note"),
        sa.ForeignKeyConstraint(
            ["task"], ["verification_task.id"], name="fk_verification_item_task"
        ),
        sa.PrimaryKeyConstraint("task", "point", name="pk_verification_item"),
    )
