"""Records: the feed between zones."""

from __future__ import annotations

revision = "0019_zones"
down_revision = "0018_watch"


def upgrade() -> None:
    """Change nothing."""
