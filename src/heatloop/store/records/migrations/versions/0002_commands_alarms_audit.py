"""Records: commands, alarms and audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Whoever can write to the database through this program cannot change what was written down.
_SQLITE_GUARD = """
CREATE TRIGGER audit_entry_no_{event} BEFORE {event} ON audit_entry
BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END"""
_POSTGRESQL_GUARD = (
    """
CREATE FUNCTION audit_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the audit trail is never changed'; END $$""",
    """
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_guard()""",
)


def upgrade() -> None:
    """Make the tables of commands, alarms and audit."""
    _commands()
    _alarms()
    _audit()


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_GUARD.format(event=event))
    else:
        for statement in _POSTGRESQL_GUARD:
            op.execute(statement)


def _commands() -> None:
    op.create_table(
        "command",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("issued", sa.Double(), nullable=False),
        sa.Column("expires", sa.Double(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_command"),
    )
    op.create_index("ix_command_issued", "command", ["issued"])
    op.create_index("ix_command_point_issued", "command", ["point", "issued"])
    op.create_index("ix_command_state", "command", ["state"])
    op.create_table(
        "command_event",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["command"], ["command.id"], name="fk_command_event_command"),
        sa.PrimaryKeyConstraint("number", name="pk_command_event"),
    )
    op.create_index("ix_command_event_command", "command_event", ["command"])
    op.create_table(
        "unit_stage",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("manual_setpoint_c", sa.Double()),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_unit_stage"),
    )
    op.create_index("ix_unit_stage_unit_number", "unit_stage", ["unit", "number"])
    op.create_table(
        "job",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "due", name="pk_job"),
    )


def _alarms() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("onset", sa.Double(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("limit", sa.Double()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("cleared_at", sa.Double()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("acknowledged_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
    )
    op.create_index("ix_alarm_onset", "alarm", ["onset"])
    op.create_index("ix_alarm_state", "alarm", ["state"])
    op.create_index("ix_alarm_subject_onset", "alarm", ["subject", "onset"])
    op.create_table(
        "alarm_event",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("alarm", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm"], ["alarm.id"], name="fk_alarm_event_alarm"),
        sa.PrimaryKeyConstraint("number", name="pk_alarm_event"),
    )
    op.create_index("ix_alarm_event_alarm", "alarm_event", ["alarm"])


def _audit() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_action", "audit_entry", ["action"])
    op.create_index("ix_audit_entry_user", "audit_entry", ["user"])
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_audit_head"),
    )
    head = sa.table("audit_head", sa.column("one"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(head, [{"one": 1, "seq": 0, "hash": ""}])
    _guard()
