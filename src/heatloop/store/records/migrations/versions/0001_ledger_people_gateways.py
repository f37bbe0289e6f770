"""Records: ledger, people and gateways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of ledger, people and gateways."""
    _ledger()
    _people()
    _gateways()


def _ledger() -> None:
    op.create_table(
        "ledger_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("rows_changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_ledger_version"),
    )
    op.create_table(
        "ledger_row",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("first_version", sa.Integer(), nullable=False),
        sa.Column("last_version", sa.Integer()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("number", name="pk_ledger_row"),
        sa.UniqueConstraint(
            "sheet", "code", "first_version", name="uq_ledger_row_sheet_code_first_version"
        ),
    )
    op.create_index("ix_ledger_row_last_version", "ledger_row", ["last_version"])
    op.create_table(
        "point_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("since_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_point_key"),
        sa.UniqueConstraint("code", name="uq_point_key_code"),
    )


def _people() -> None:
    op.create_table(
        "user_account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_user_account"),
    )
    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user_account.name"], name="fk_user_session_user"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_user_session"),
    )
    op.create_index("ix_user_session_user", "user_session", ["user"])
    op.create_table(
        "setting",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_setting"),
    )
    op.create_index("ix_setting_name_number", "setting", ["name", "number"])


def _gateways() -> None:
    op.create_table(
        "gateway",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text()),
        sa.Column("public_key", sa.LargeBinary()),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.Double()),
        sa.Column("seen_at", sa.Double()),
        sa.Column("profile_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_gateway"),
    )
    op.create_table(
        "gateway_epoch",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.code"], name="fk_gateway_epoch_gateway"),
        sa.PrimaryKeyConstraint("gateway", "epoch", name="pk_gateway_epoch"),
    )
    op.create_table(
        "gap",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("slots_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("slots_to", sa.BigInteger()),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", "slots_from", name="pk_gap"),
    )
    op.create_index("ix_gap_slots_from", "gap", ["slots_from"])
    op.create_table(
        "quarantine",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_gateway_reason", "quarantine", ["gateway", "reason"])
