"""Tables around the audit trail: signed checkpoints, sealed periods, copies, chained journals."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from heatloop.store.records.schema import metadata, text_column, time_column

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    text_column("hash"),
    time_column("at"),
    text_column("alg"),
    text_column("key_id"),
    text_column("public_key"),
    text_column("signature"),
)

audit_period = Table(
    "audit_period",
    metadata,
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    time_column("first_at"),
    time_column("last_at"),
    text_column("previous"),
    text_column("hash"),
    text_column("file"),
    text_column("file_sha256"),
    text_column("key_id"),
    text_column("signature"),
    time_column("sealed_at"),
    text_column("sealed_by"),
    time_column("dropped_at", nullable=True),
    Column("dropped_by", Text),
)

audit_copy = Table(
    "audit_copy",
    metadata,
    Column("target", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    text_column("hash"),
    time_column("at"),
    Column("sent", BigInteger, nullable=False),
)

audit_journal_mark = Table(
    "audit_journal_mark",
    metadata,
    Column("journal", Text, primary_key=True),
    Column("through", Integer, nullable=False),
    time_column("at"),
)
