"""Tables of the records, the same on SQLite and PostgreSQL; times are seconds since 1970 UTC."""

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


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _time(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def _number() -> Column[int]:
    return Column("number", Number, primary_key=True, autoincrement=True)


ledger_version = Table(
    "ledger_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _time("at"),
    _text("user"),
    _text("note"),
    Column("rows_changed", Integer, nullable=False),
)

ledger_row = Table(
    "ledger_row",
    metadata,
    _number(),
    _text("sheet"),
    _text("code"),
    Column("first_version", Integer, nullable=False),
    Column("last_version", Integer),
    _text("body"),
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
    _text("full_name"),
    _text("password_hash"),
    _text("roles"),
    _text("scope"),
    Column("disabled", Boolean, nullable=False),
    Column("must_change", Boolean, nullable=False),
    _time("created_at"),
    _time("changed_at"),
)

session = Table(
    "user_session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user", Text, ForeignKey("user_account.name"), nullable=False, index=True),
    _time("created_at"),
    _time("seen_at"),
    _time("expires_at"),
    _text("address"),
)

setting = Table(
    "setting",
    metadata,
    _number(),
    _text("name"),
    _text("value"),
    _text("source"),
    _text("user"),
    _time("at"),
    Column("current", Boolean, nullable=False),
    Index(None, "name", "number"),
)

gateway = Table(
    "gateway",
    metadata,
    Column("code", Text, primary_key=True),
    Column("token_hash", Text),
    Column("public_key", LargeBinary),
    _text("key_id"),
    _time("enrolled_at", nullable=True),
    _time("seen_at", nullable=True),
    Column("profile_version", Integer, nullable=False),
)

gateway_epoch = Table(
    "gateway_epoch",
    metadata,
    Column("gateway", Text, ForeignKey("gateway.code"), primary_key=True),
    # A spool epoch is a random u64: as text, since neither engine has unsigned numbers.
    Column("epoch", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    _time("at"),
)

command = Table(
    "command",
    metadata,
    Column("id", Text, primary_key=True),
    _text("point"),
    Column("value", Double, nullable=False),
    _text("mode"),
    _text("gateway"),
    _time("issued"),
    _time("expires"),
    _text("nonce"),
    Column("counter", BigInteger, nullable=False),
    _text("key_id"),
    _text("signature"),
    _text("state"),
    _text("requested_by"),
    _text("reason"),
    Index(None, "state"),
    Index(None, "point", "issued"),
    Index(None, "issued"),
)

command_event = Table(
    "command_event",
    metadata,
    _number(),
    Column("command", Text, ForeignKey("command.id"), nullable=False, index=True),
    _text("state"),
    _time("at"),
    _text("reason"),
)

alarm = Table(
    "alarm",
    metadata,
    Column("id", Text, primary_key=True),
    _text("subject"),
    _text("rule"),
    Column("priority", Integer, nullable=False),
    _time("onset"),
    Column("value", Double),
    Column("limit", Double),
    _text("state"),
    _text("detail"),
    _time("cleared_at", nullable=True),
    Column("acknowledged_by", Text),
    _time("acknowledged_at", nullable=True),
    Index(None, "state"),
    Index(None, "onset"),
    Index(None, "subject", "onset"),
)

alarm_event = Table(
    "alarm_event",
    metadata,
    _number(),
    Column("alarm", Text, ForeignKey("alarm.id"), nullable=False, index=True),
    _text("state"),
    _time("at"),
    _text("user"),
    _text("note"),
)

unit_stage = Table(
    "unit_stage",
    metadata,
    _number(),
    _text("unit"),
    _text("stage"),
    Column("manual_setpoint_c", Double),
    _text("user"),
    _time("at"),
    Column("current", Boolean, nullable=False),
    Index(None, "unit", "number"),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
    _text("user"),
    _text("action"),
    _text("subject"),
    _text("detail"),
    _text("hash"),
    Index(None, "user"),
    Index(None, "action"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    _text("hash"),
)

gap = Table(
    "gap",
    metadata,
    Column("device", Text, primary_key=True),
    Column("slots_from", BigInteger, primary_key=True, autoincrement=False),
    _text("gateway"),
    Column("slots_to", BigInteger),
    _text("cause"),
    Index(None, "slots_from"),
)

quarantine = Table(
    "quarantine",
    metadata,
    _number(),
    _text("gateway"),
    _text("reason"),
    _text("detail"),
    Column("rows", BigInteger, nullable=False),
    Column("times", BigInteger, nullable=False),
    _time("at"),
    _time("last_at"),
    Index(None, "gateway", "reason"),
)

job = Table(
    "job",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due", Double, primary_key=True, autoincrement=False),
    _text("state"),
    _time("started_at"),
    _time("finished_at", nullable=True),
    _text("detail"),
)
