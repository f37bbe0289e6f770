"""Records: labels and rights."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_authority"
down_revision = "0013_identity"


def upgrade() -> None:
    """Make the table of people's security labels."""
    op.create_table(
        "user_label",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("name", "level", "categories", "reason", "user")
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_user_label"),
    )
