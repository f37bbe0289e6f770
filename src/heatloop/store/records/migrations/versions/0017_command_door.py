"""Records: commands that need two people."""

from __future__ import annotations

revision = "0017_command_door"
down_revision = "0016_crypto"


def upgrade() -> None:
    """Change nothing."""
