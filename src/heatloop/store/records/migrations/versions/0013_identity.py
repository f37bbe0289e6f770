"""Records: accounts and their factors."""

from __future__ import annotations

revision = "0013_identity"
down_revision = "0012_instances"


def upgrade() -> None:
    """Change nothing."""
