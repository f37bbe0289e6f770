"""Records: device life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_device_life"
down_revision = "0005_quality_cases"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of models, devices, purchases, records, tests and files."""
    _models()
    _devices()
    _runs()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _models() -> None:
    op.create_table(
        "device_model",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        _text("code"),
        _text("body"),
        _text("user"),
        _time("at"),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_device_model"),
    )
    op.create_index("ix_device_model_code_number", "device_model", ["code", "number"])
    op.create_table(
        "device_purchase",
        _text("code"),
        _text("body"),
        _text("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("code", name="pk_device_purchase"),
    )


def _devices() -> None:
    op.create_table(
        "device_item",
        _text("serial"),
        _text("model"),
        _text("asset"),
        _text("device"),
        _text("point_kind"),
        _text("purchase"),
        _text("state"),
        sa.Column("auto_ready", sa.Boolean(), nullable=False),
        _text("body"),
        _time("changed_at"),
        sa.PrimaryKeyConstraint("serial", name="pk_device_item"),
    )
    op.create_index("ix_device_item_asset", "device_item", ["asset"])
    op.create_index("ix_device_item_purchase", "device_item", ["purchase"])
    op.create_table(
        "device_record",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        _text("subject"),
        _text("kind"),
        _text("body"),
        _text("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("number", name="pk_device_record"),
    )
    op.create_index(
        "ix_device_record_subject_kind_number", "device_record", ["subject", "kind", "number"]
    )


def _runs() -> None:
    op.create_table(
        "device_run",
        _text("id"),
        _text("kind"),
        _text("subject"),
        _text("station"),
        _text("state"),
        _text("user"),
        _time("started_at"),
        _time("ended_at", nullable=True),
        _text("body"),
        _text("document"),
        _text("pdf"),
        _text("pdf_signature"),
        _text("key_id"),
        sa.PrimaryKeyConstraint("id", name="pk_device_run"),
    )
    op.create_index("ix_device_run_subject_started_at", "device_run", ["subject", "started_at"])
    op.create_index("ix_device_run_state", "device_run", ["state"])
    op.create_table(
        "stored_file",
        _text("sha256"),
        _text("name"),
        _text("media"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        _text("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("sha256", name="pk_stored_file"),
    )
