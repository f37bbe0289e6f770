"""Records: strategies and dispatch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_strategy"
down_revision = "0022_models"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _number() -> sa.Column[int]:
    return sa.Column("number", _NUMBER, nullable=False, autoincrement=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _doubles(*names: str, nullable: bool = False) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=nullable) for name in names]


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables of dispatch and of strategies."""
    _dispatch()
    _strategies()


def _dispatch() -> None:
    op.create_table(
        "dispatch_figure",
        _number(),
        *_texts("subject", "name"),
        *_doubles("value", "valid_from"),
        *_texts("note", "user"),
        *_doubles("at"),
        sa.PrimaryKeyConstraint("number", name="pk_dispatch_figure"),
    )
    op.create_table(
        "dispatch_outage",
        _number(),
        *_texts("subject", "kind"),
        *_doubles("start_s", "end_s"),
        *_texts("note", "user"),
        *_doubles("at"),
        sa.PrimaryKeyConstraint("number", name="pk_dispatch_outage"),
    )
    op.create_table(
        "dispatch_plan",
        _number(),
        *_texts("network", "reason", "state", "result"),
        *_doubles("made_at", "start_s"),
        *_counts("step_s", "steps"),
        *_doubles("cost_yuan", "baseline_yuan", "unserved_kwh"),
        *_texts("user", "decided_by"),
        *_doubles("decided_at", nullable=True),
        *_texts("body"),
        sa.PrimaryKeyConstraint("number", name="pk_dispatch_plan"),
    )
    for table, columns in (
        ("dispatch_figure", ["subject", "name", "valid_from"]),
        ("dispatch_outage", ["end_s"]),
        ("dispatch_plan", ["made_at"]),
        ("dispatch_plan", ["network", "made_at"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def _strategies() -> None:
    op.create_table(
        "strategy_version",
        _number(),
        *_texts("unit"),
        *_counts("version"),
        *_doubles("made_at", "start_s"),
        *_counts("step_s"),
        *_doubles("valid_until"),
        *_texts("regulation", "model", "reason", "relaxed"),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        *_texts("state", "decided_by"),
        *_doubles("decided_at", nullable=True),
        *_texts("note"),
        *_doubles("target_c"),
        *_texts("body"),
        sa.PrimaryKeyConstraint("number", name="pk_strategy_version"),
        sa.UniqueConstraint("unit", "version", name="uq_strategy_version_unit_version"),
    )
    for columns in (["made_at"], ["state", "valid_until"]):
        op.create_index(f"ix_strategy_version_{'_'.join(columns)}", "strategy_version", columns)
