"""Records: certificates of gateways, and re-sealing under another key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_crypto"
down_revision = "0015_audit"


def upgrade() -> None:
    """Make the tables of certificates and re-sealing runs."""
    op.create_table(
        "gateway_certificate",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("not_after", sa.Double(), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_gateway_certificate"),
    )
    op.create_index(
        "ix_gateway_certificate_gateway_issued_at",
        "gateway_certificate",
        ["gateway", "issued_at"],
    )
    op.create_table(
        "crypto_reseal",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_crypto_reseal"),
    )
