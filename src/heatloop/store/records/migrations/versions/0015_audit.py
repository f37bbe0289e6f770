"""Records: the audit trail."""

from __future__ import annotations

revision = "0015_audit"
down_revision = "0014_authority"


def upgrade() -> None:
    """Change nothing."""
