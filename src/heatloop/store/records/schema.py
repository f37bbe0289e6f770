"""Tables of ledger, people and gateways, the same on SQLite and PostgreSQL.

Times are seconds since 1970 UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

# SQLite numbers rows by itself only where the type is INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")


def text_column(name: str) -> Column[str]:
    """Return a text that is always there."""
    return Column(name, Text, nullable=False)


def new_text_column(name: str) -> Column[str]:
    """Return a text that came later: empty in rows from before."""
    return Column(name, Text, nullable=False, server_default="")


def time_column(name: str, *, nullable: bool = False) -> Column[float]:
    """Return a time in seconds since 1970 UTC."""
    return Column(name, Double, nullable=nullable)


def number_column() -> Column[int]:
    """Return a number the engine counts up by itself."""
    return Column("number", Number, primary_key=True, autoincrement=True)


ledger_version = Table(
    "ledger_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    time_column("at"),
    text_column("user"),
    text_column("note"),
    Column("rows_changed", Integer, nullable=False),
)

ledger_row = Table(
    "ledger_row",
    metadata,
    number_column(),
    text_column("sheet"),
    text_column("code"),
    Column("first_version", Integer, nullable=False),
    Column("last_version", Integer),
    text_column("body"),
    Column("sealed", LargeBinary),
    UniqueConstraint("sheet", "code", "first_version"),
    Index(None, "last_version"),
)

point_key = Table(
    "point_key",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("since_version", Integer, nullable=False),
)

user = Table(
    "user_account",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("full_name"),
    text_column("password_hash"),
    text_column("roles"),
    text_column("scope"),
    Column("disabled", Boolean, nullable=False),
    Column("must_change", Boolean, nullable=False),
    time_column("created_at"),
    time_column("changed_at"),
    # The name without case: two names that look alike are one.
    Column("name_key", Text, nullable=False, index=True, unique=True),
    time_column("password_at", nullable=True),
    time_column("seen_at", nullable=True),
    text_column("disabled_reason"),
    # The full name, a personal value; the column of that name is empty.
    Column("sealed", LargeBinary),
)

session = Table(
    "user_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user", Text, ForeignKey("user_account.name"), nullable=False, index=True),
    time_column("created_at"),
    time_column("seen_at"),
    time_column("expires_at"),
    text_column("address"),
    text_column("kind"),
    text_column("factors"),
    time_column("proved_at"),
    text_column("device"),
)

setting = Table(
    "setting",
    metadata,
    number_column(),
    text_column("name"),
    text_column("value"),
    text_column("source"),
    text_column("user"),
    time_column("at"),
    Column("current", Boolean, nullable=False),
    Index(None, "name", "number"),
)

gateway = Table(
    "gateway",
    metadata,
    Column("code", Text, primary_key=True),
    Column("token_hash", Text),
    Column("public_key", LargeBinary),
    text_column("key_id"),
    time_column("enrolled_at", nullable=True),
    time_column("seen_at", nullable=True),
    Column("profile_version", Integer, nullable=False),
)

gateway_epoch = Table(
    "gateway_epoch",
    metadata,
    Column("gateway", Text, ForeignKey("gateway.code"), primary_key=True),
    # A spool epoch is a random u64: as text, since neither engine has unsigned numbers.
    Column("epoch", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    time_column("at"),
)
