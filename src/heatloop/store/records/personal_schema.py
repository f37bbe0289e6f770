"""Tables of labels, consents, reveals, receivers outside, and what was given or erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

user_label = Table(
    "user_label",
    metadata,
    Column("name", Text, primary_key=True),
    text_column("level"),
    text_column("categories"),
    text_column("reason"),
    text_column("user"),
    time_column("at"),
)

personal_consent = Table(
    "personal_consent",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("subject"),
    text_column("purpose"),
    text_column("basis"),
    text_column("note"),
    text_column("user"),
    time_column("given_at"),
    time_column("withdrawn_at", nullable=True),
    text_column("withdrawn_by"),
    Index(None, "subject"),
    Index(None, "given_at"),
)

personal_reveal = Table(
    "personal_reveal",
    metadata,
    number_column(),
    time_column("at"),
    text_column("user"),
    text_column("subject"),
    text_column("field"),
    text_column("reason"),
    Index(None, "user", "at"),
)

third_party = Table(
    "third_party",
    metadata,
    Column("code", Text, primary_key=True),
    text_column("name"),
    text_column("contract"),
    text_column("purposes"),
    text_column("fields"),
    text_column("public_key"),
    time_column("valid_from"),
    time_column("valid_until"),
    Column("active", Boolean, nullable=False),
    # Key of the receiver's pseudonyms, sealed: it outlives a change of the data key.
    Column("pseudonym_key", LargeBinary, nullable=False),
    text_column("user"),
    time_column("at"),
)

third_party_job = Table(
    "third_party_job",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("receiver"),
    text_column("purpose"),
    text_column("reason"),
    text_column("fields"),
    Column("start_s", BigInteger, nullable=False),
    Column("end_s", BigInteger, nullable=False),
    Column("k", Integer, nullable=False),
    text_column("state"),
    text_column("permit"),
    text_column("user"),
    time_column("at"),
    Column("rows", BigInteger, nullable=False),
    Column("suppressed", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
    Column("k_reached", Integer, nullable=False),
    Column("loss_pct", Double, nullable=False),
    text_column("steps"),
    text_column("sha256"),
    Column("size_bytes", BigInteger, nullable=False),
    Index(None, "at"),
)

personal_run = Table(
    "personal_run",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("kind"),
    Column("dry_run", Boolean, nullable=False),
    text_column("subject"),
    text_column("reason"),
    text_column("user"),
    time_column("at"),
    text_column("body"),
    Index(None, "at"),
)
