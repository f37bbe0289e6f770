"""Tables of keys and certificates: what gateways were certified, and re-sealing runs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from heatloop.store.records.schema import metadata, number_column, text_column, time_column

gateway_certificate = Table(
    "gateway_certificate",
    metadata,
    Column("serial", Text, primary_key=True),
    text_column("gateway"),
    text_column("fingerprint"),
    time_column("not_before"),
    time_column("not_after"),
    time_column("issued_at"),
    text_column("issued_by"),
    time_column("revoked_at", nullable=True),
    text_column("reason"),
    Index(None, "gateway", "issued_at"),
)

crypto_reseal = Table(
    "crypto_reseal",
    metadata,
    number_column(),
    text_column("key_id"),
    text_column("user"),
    text_column("state"),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    time_column("started_at"),
    time_column("ended_at", nullable=True),
    text_column("note"),
)
