"""Records: personal data."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0020_personal"
down_revision = "0019_zones"

_PERSONAL = {
    "user_account": ("full_name",),
    "sync_record": ("sealed",),
    "sync_conflict": ("sealed",),
}
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    """Make the tables of consents, reveals, receivers, exports to them, and erasures."""
    op.create_table(
        "personal_consent",
        *_texts("id", "subject", "purpose", "basis", "note", "user"),
        _time("given_at"),
        _time("withdrawn_at", nullable=True),
        *_texts("withdrawn_by"),
        sa.PrimaryKeyConstraint("id", name="pk_personal_consent"),
    )
    op.create_table(
        "personal_reveal",
        sa.Column("number", _NUMBER, nullable=False, autoincrement=True),
        _time("at"),
        *_texts("user", "subject", "field", "reason"),
        sa.PrimaryKeyConstraint("number", name="pk_personal_reveal"),
    )
    op.create_table(
        "third_party",
        *_texts("code", "name", "contract", "purposes", "fields", "public_key"),
        _time("valid_from"),
        _time("valid_until"),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("pseudonym_key", sa.LargeBinary(), nullable=False),
        *_texts("user"),
        _time("at"),
        sa.PrimaryKeyConstraint("code", name="pk_third_party"),
    )
    op.create_table(
        "third_party_job",
        *_texts("id", "receiver", "purpose", "reason", "fields"),
        _count("start_s"),
        _count("end_s"),
        sa.Column("k", sa.Integer(), nullable=False),
        *_texts("state", "permit", "user"),
        _time("at"),
        *(_count(name) for name in ("rows", "suppressed", "left_out")),
        sa.Column("k_reached", sa.Integer(), nullable=False),
        sa.Column("loss_pct", sa.Double(), nullable=False),
        *_texts("steps", "sha256"),
        _count("size_bytes"),
        sa.PrimaryKeyConstraint("id", name="pk_third_party_job"),
    )
    op.create_table(
        "personal_run",
        *_texts("id", "kind"),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        *_texts("subject", "reason", "user"),
        _time("at"),
        *_texts("body"),
        sa.PrimaryKeyConstraint("id", name="pk_personal_run"),
    )
    for table, columns in (
        ("personal_consent", ["subject"]),
        ("personal_consent", ["given_at"]),
        ("personal_reveal", ["user", "at"]),
        ("third_party_job", ["at"]),
        ("personal_run", ["at"]),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.add_column("user_account", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    _forget_in_journal()


def _forget_in_journal() -> None:
    """Take personal values out of the journal, which tells only that they changed from now on.

    Its guard is made again when the records are opened.
    """
    connection = op.get_bind()
    at = ' ON "record_change"' if connection.dialect.name == "postgresql" else ""
    connection.execute(sa.text(f'DROP TRIGGER IF EXISTS "journal_fixed_update"{at}'))
    change = sa.table(
        "record_change",
        *(sa.column(name) for name in ("number", "record_table", "before", "after")),
    )
    query = sa.select(change).where(change.c.record_table.in_(_PERSONAL))
    for row in connection.execute(query).all():
        held = {name: getattr(row, name) for name in ("before", "after")}
        told = {name: _without(row.record_table, text) for name, text in held.items()}
        if told != held:
            mine = sa.update(change).where(change.c.number == row.number)
            connection.execute(mine.values(**told))


def _without(table: str, text: str | None) -> str | None:
    if not text:
        return text
    plain = json.loads(text)
    for name in _PERSONAL[table]:
        if name in plain:
            plain[name] = "***"
    return json.dumps(plain, ensure_ascii=False)
