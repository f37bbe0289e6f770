"""Tables of identity: former passwords, second factors, recovery codes, service keys, providers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column


def _user() -> Column[str]:
    return Column("user", Text, ForeignKey("user_account.name"), nullable=False, index=True)


former_password = Table(
    "former_password",
    metadata,
    number_column(),
    _user(),
    text_column("password_hash"),
    time_column("at"),
)

user_factor = Table(
    "user_factor",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    # totp or key
    text_column("kind"),
    text_column("label"),
    text_column("algorithm"),
    Column("sealed", LargeBinary),
    Column("public", LargeBinary),
    text_column("fingerprint"),
    text_column("subject"),
    Column("confirmed", Boolean, nullable=False),
    # Last time step accepted: a code is good once.
    Column("last_step", BigInteger, nullable=False),
    time_column("created_at"),
    time_column("used_at", nullable=True),
    time_column("ends_at", nullable=True),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    number_column(),
    _user(),
    text_column("code_hash"),
    time_column("used_at", nullable=True),
)

service_key = Table(
    "service_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    text_column("purpose"),
    # Whose rights it borrows: it can never do more than he.
    _user(),
    text_column("secret_hash"),
    text_column("roles"),
    text_column("permissions"),
    text_column("scope"),
    text_column("addresses"),
    text_column("created_by"),
    time_column("created_at"),
    time_column("expires_at"),
    time_column("used_at", nullable=True),
    text_column("used_from"),
    time_column("revoked_at", nullable=True),
)

user_provider = Table(
    "user_provider",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    _user(),
    time_column("created_at"),
)
