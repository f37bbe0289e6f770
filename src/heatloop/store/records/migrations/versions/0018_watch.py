"""Records: what is watched."""

from __future__ import annotations

revision = "0018_watch"
down_revision = "0017_command_door"


def upgrade() -> None:
    """Change nothing."""
