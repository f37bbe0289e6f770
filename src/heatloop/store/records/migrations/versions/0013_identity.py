"""Records: accounts and their factors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_identity"
down_revision = "0012_instances"

_ACCOUNT = sa.table("user_account", sa.column("name", sa.Text), sa.column("name_key", sa.Text))


def upgrade() -> None:
    """Let accounts have factors, sessions a kind, and programs keys of their own."""
    # Columns with constant defaults and an index: nothing is rebuilt, so no row that others
    # refer to has to leave its table.
    for table, column in (
        ("user_account", _text("name_key")),
        ("user_account", sa.Column("password_at", sa.Double(), nullable=True)),
        ("user_account", sa.Column("seen_at", sa.Double(), nullable=True)),
        ("user_account", _text("disabled_reason")),
        ("user_session", _text("kind", "person")),
        ("user_session", _text("factors", "[]")),
        ("user_session", sa.Column("proved_at", sa.Double(), nullable=False, server_default="0")),
        ("user_session", _text("device")),
    ):
        op.add_column(table, column)
    _name_keys()
    op.create_index("ix_user_account_name_key", "user_account", ["name_key"], unique=True)
    _tables()


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _name_keys() -> None:
    """Give every name its key; of two that differ in case alone the second gets another."""
    connection = op.get_bind()
    taken: set[str] = set()
    for (name,) in connection.execute(sa.select(_ACCOUNT.c.name).order_by(_ACCOUNT.c.name)):
        # No name holds a tilde, so such a key stands in nobody's way.
        key, number = name.casefold(), 1
        while key in taken:
            number += 1
            key = f"{name.casefold()}~{number}"
        taken.add(key)
        connection.execute(_ACCOUNT.update().where(_ACCOUNT.c.name == name).values(name_key=key))


def _user(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return (
        sa.Column("user", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["user_account.name"], name=f"fk_{table}_user"),
    )


def _number() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("number", kind, autoincrement=True, nullable=False)


def _tables() -> None:
    op.create_table(
        "former_password",
        _number(),
        *_user("former_password"),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_former_password"),
    )
    op.create_table(
        "user_factor",
        sa.Column("id", sa.Text(), nullable=False),
        *_user("user_factor"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("ends_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_factor"),
    )
    op.create_table(
        "recovery_code",
        _number(),
        *_user("recovery_code"),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_recovery_code"),
    )
    op.create_table(
        "service_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        *_user("service_key"),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=True),
        sa.Column("used_from", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_key"),
        sa.UniqueConstraint("name", name="uq_service_key_name"),
    )
    op.create_table(
        "user_provider",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        *_user("user_provider"),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_user_provider"),
    )
    for table in (
        "former_password",
        "user_factor",
        "recovery_code",
        "service_key",
        "user_provider",
    ):
        op.create_index(f"ix_{table}_user", table, ["user"])
