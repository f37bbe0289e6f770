"""Records: personal data."""

from __future__ import annotations

revision = "0020_personal"
down_revision = "0019_zones"


def upgrade() -> None:
    """Change nothing."""
