"""Records: learnt models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_models"
down_revision = "0021_forecast"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _doubles(*names: str, nullable: bool = False) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=nullable) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables of versions, events, daily errors and standings."""
    op.create_table(
        "model_version",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=True),
        *_texts("unit", "kind"),
        *_counts("version"),
        *_texts("stage"),
        sa.Column("learned", sa.Boolean(), nullable=False),
        *_doubles("at", "begin_s", "until_s"),
        *_counts("parent"),
        *_texts("digest", "model", "card"),
        sa.PrimaryKeyConstraint("number", name="pk_model_version"),
        sa.UniqueConstraint("unit", "kind", "version", name="uq_model_version_unit_kind_version"),
    )
    op.create_table(
        "model_event",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=True),
        *_doubles("at"),
        *_texts("unit", "kind"),
        *_counts("version"),
        *_texts("action", "reason", "by", "detail"),
        sa.PrimaryKeyConstraint("number", name="pk_model_event"),
    )
    op.create_table(
        "model_day",
        *_texts("unit", "kind"),
        *_counts("version", "day"),
        *_doubles("mae_k", "bias_k"),
        sa.PrimaryKeyConstraint("unit", "kind", "version", "day", name="pk_model_day"),
    )
    op.create_table(
        "model_standing",
        *_texts("unit", "kind"),
        *_doubles("at"),
        *_doubles("mae_k", nullable=True),
        *_doubles("drift"),
        *_texts("state", "body"),
        sa.PrimaryKeyConstraint("unit", "kind", name="pk_model_standing"),
    )
    for table, columns in (
        ("model_version", ["at"]),
        ("model_event", ["unit", "at"]),
        ("model_event", ["at"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    """Drop them again."""
    for table in ("model_standing", "model_day", "model_event", "model_version"):
        op.drop_table(table)
