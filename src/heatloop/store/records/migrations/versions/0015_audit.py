"""Records: the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_audit"
down_revision = "0014_authority"

KEPT_S = 1096 * 86400
"""Entries younger than this are never dropped (three years)."""
_NEW = ("alg", "role", "address", "request", "result")

# A REPLACE deletes without the trigger of deletes: what stands behind the head is refused here.
# Dropping is left open for whole periods that are sealed in a file and old enough.
_SQLITE = (
    "DROP TRIGGER audit_entry_no_DELETE",
    f"""CREATE TRIGGER audit_entry_no_DELETE BEFORE DELETE ON audit_entry
WHEN NOT EXISTS (SELECT 1 FROM audit_period p WHERE p.dropped_at IS NOT NULL
 AND OLD.seq BETWEEN p.first_seq AND p.last_seq AND p.last_at < heatloop_at() - {KEPT_S})
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_entry_no_PAST BEFORE INSERT ON audit_entry
WHEN NEW.seq <= (SELECT seq FROM audit_head)
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_head_no_UPDATE BEFORE UPDATE ON audit_head
WHEN NEW.seq < OLD.seq OR NEW.one <> OLD.one OR (NEW.seq = OLD.seq AND NEW.hash <> OLD.hash)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END""",
    """CREATE TRIGGER audit_head_no_DELETE BEFORE DELETE ON audit_head
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END""",
    """CREATE TRIGGER audit_head_no_INSERT BEFORE INSERT ON audit_head
WHEN EXISTS (SELECT 1 FROM audit_head)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END""",
    """CREATE TRIGGER audit_checkpoint_no_UPDATE BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_checkpoint_no_PAST BEFORE INSERT ON audit_checkpoint
WHEN EXISTS (SELECT 1 FROM audit_checkpoint c WHERE c.seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_checkpoint_no_DELETE BEFORE DELETE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_period_no_PAST BEFORE INSERT ON audit_period
WHEN EXISTS (SELECT 1 FROM audit_period p WHERE p.last_seq >= NEW.first_seq)
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    # Once sealed, a period only becomes dropped, once.
    """CREATE TRIGGER audit_period_no_UPDATE BEFORE UPDATE ON audit_period
WHEN OLD.dropped_at IS NOT NULL OR NEW.first_seq <> OLD.first_seq OR NEW.last_seq <> OLD.last_seq
 OR NEW.hash <> OLD.hash OR NEW.previous <> OLD.previous OR NEW.last_at <> OLD.last_at
 OR NEW.first_at <> OLD.first_at OR NEW.file_sha256 <> OLD.file_sha256
 OR NEW.signature <> OLD.signature OR NEW.file <> OLD.file OR NEW.key_id <> OLD.key_id
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
    """CREATE TRIGGER audit_period_no_DELETE BEFORE DELETE ON audit_period
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END""",
)
_NOW = "extract(epoch FROM clock_timestamp())"
_POSTGRESQL = (
    "DROP TRIGGER audit_entry_no_change ON audit_entry",
    """CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()""",
    f"""CREATE FUNCTION audit_entry_delete_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = {{schema}}, pg_temp AS $$
BEGIN IF EXISTS (SELECT 1 FROM audit_period p WHERE p.dropped_at IS NOT NULL
 AND OLD.seq BETWEEN p.first_seq AND p.last_seq AND p.last_at < {_NOW} - {KEPT_S})
THEN RETURN OLD; END IF;
RAISE EXCEPTION 'the audit trail is never changed'; END $$""",
    """CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
FOR EACH ROW EXECUTE FUNCTION audit_entry_delete_guard()""",
    """CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF TG_OP = 'UPDATE' AND NEW.one = OLD.one AND (NEW.seq > OLD.seq
 OR (NEW.seq = OLD.seq AND NEW.hash = OLD.hash)) THEN RETURN NEW; END IF;
RAISE EXCEPTION 'the audit trail only grows'; END $$""",
    """CREATE TRIGGER audit_head_forward BEFORE UPDATE OR DELETE ON audit_head
FOR EACH ROW EXECUTE FUNCTION audit_head_guard()""",
    """CREATE TRIGGER audit_head_kept BEFORE TRUNCATE ON audit_head
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()""",
    """CREATE TRIGGER audit_checkpoint_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()""",
    """CREATE FUNCTION audit_period_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF TG_OP = 'UPDATE' AND OLD.dropped_at IS NULL
 AND ROW(NEW.first_seq, NEW.last_seq, NEW.first_at, NEW.last_at, NEW.previous, NEW.hash, NEW.file,
 NEW.file_sha256, NEW.key_id, NEW.signature) = ROW(OLD.first_seq, OLD.last_seq, OLD.first_at,
 OLD.last_at, OLD.previous, OLD.hash, OLD.file, OLD.file_sha256, OLD.key_id, OLD.signature)
THEN RETURN NEW; END IF;
RAISE EXCEPTION 'the audit trail is never changed'; END $$""",
    """CREATE TRIGGER audit_period_fixed BEFORE UPDATE OR DELETE ON audit_period
FOR EACH ROW EXECUTE FUNCTION audit_period_guard()""",
    """CREATE TRIGGER audit_period_kept BEFORE TRUNCATE ON audit_period
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()""",
    # The program's own role may not delete: what may be dropped is decided here, by the owner.
    f"""CREATE OR REPLACE FUNCTION audit_drop_period(wanted bigint) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {{schema}}, pg_temp AS $$
DECLARE gone bigint; held audit_period%ROWTYPE;
BEGIN
 SELECT * INTO held FROM audit_period WHERE first_seq = wanted AND dropped_at IS NOT NULL;
 IF NOT FOUND OR held.last_at >= {_NOW} - {KEPT_S} THEN
  RAISE EXCEPTION 'the audit trail is never changed'; END IF;
 DELETE FROM audit_entry WHERE seq BETWEEN held.first_seq AND held.last_seq;
 GET DIAGNOSTICS gone = ROW_COUNT;
 RETURN gone;
END $$""",
)


def upgrade() -> None:
    """Widen the trail, and make the tables around it; nothing that stands is touched."""
    for name in _NEW:
        op.add_column("audit_entry", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("audit_head", sa.Column("alg", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject"])
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
    _tables()
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)
        return
    # Functions that decide look into this schema alone: a temporary table cannot deceive them.
    schema = bind.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    for statement in _POSTGRESQL:
        op.execute(statement.replace("{schema}", str(schema)))


def _tables() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("alg", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_checkpoint"),
    )
    op.create_table(
        "audit_period",
        sa.Column("first_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Double(), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=False),
        sa.Column("dropped_at", sa.Double(), nullable=True),
        sa.Column("dropped_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("first_seq", name="pk_audit_period"),
    )
    op.create_table(
        "audit_copy",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("target", name="pk_audit_copy"),
    )
    op.create_table(
        "audit_journal_mark",
        sa.Column("journal", sa.Text(), nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("journal", name="pk_audit_journal_mark"),
    )
