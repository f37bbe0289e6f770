"""Records: labels and rights."""

from __future__ import annotations

revision = "0014_authority"
down_revision = "0013_identity"


def upgrade() -> None:
    """Change nothing."""
