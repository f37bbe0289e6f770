"""Records: keys and seals."""

from __future__ import annotations

revision = "0016_crypto"
down_revision = "0015_audit"


def upgrade() -> None:
    """Change nothing."""
