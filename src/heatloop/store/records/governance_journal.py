"""The journal of changes: triggers that write down every insert, update and delete.

A trigger sees what any repository, migration or tool does, in the same transaction; nobody can
forget it. Values of secret columns are never written down, only that they changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, Table, inspect, text

from heatloop.kernel.errors import InputError
from heatloop.plant.data_classes import PERSONAL, Level, grade_of
from heatloop.store.records.database import Database
from heatloop.store.records.governance_schema import record_change
from heatloop.store.records.schema import metadata

JOURNAL, VERSIONS, APPEND, RUNNING = "journal", "versions", "append", "running"

_OWN_WAY = {
    # Rows carry the versions they hold in, and each version its author and time.
    "ledger_row": VERSIONS,
    "ledger_version": APPEND,
    "point_key": APPEND,
    # Every strategy is a version with its time and who decided on it; decisions are audited.
    "strategy_version": VERSIONS,
    # Never changed; the entries name who and when themselves.
    "audit_entry": APPEND,
    "audit_checkpoint": APPEND,
    "audit_period": APPEND,
    "record_change": APPEND,
    "sync_change": APPEND,
    "sync_run": APPEND,
    "forecast_issue": APPEND,
    "forecast_series": APPEND,
    "weather_forecast": APPEND,
    "weather_issue": APPEND,
    "weather_observation": APPEND,
    # What the machine notes for itself while it runs; nobody's data.
    "audit_head": RUNNING,
    "audit_copy": RUNNING,
    "audit_journal_mark": RUNNING,
    "command_counter": RUNNING,
    "crypto_reseal": RUNNING,
    "event_reader": RUNNING,
    "forecast_skill": RUNNING,
    "gap": RUNNING,
    "gateway_epoch": RUNNING,
    "job": RUNNING,
    "keeping_day": RUNNING,
    "keeping_month": RUNNING,
    "keeping_run": RUNNING,
    "link_hour": RUNNING,
    "period_plan": RUNNING,
    "platform_instance": RUNNING,
    "platform_lease": RUNNING,
    "quarantine": RUNNING,
    "security_event": RUNNING,
    "sync_cursor": RUNNING,
    "user_session": RUNNING,
    "webhook_delivery": RUNNING,
    "zone_event": RUNNING,
    "zone_hour": RUNNING,
    "zone_record": RUNNING,
    "zone_state": RUNNING,
}
_UNTOLD: dict[str, frozenset[str]] = {
    "gateway": frozenset(("seen_at",)),
    "service_key": frozenset(("used_at", "used_from")),
    "user_account": frozenset(("seen_at",)),
    "user_factor": frozenset(("last_step", "used_at")),
}
"""Columns the machine touches all the time; they are left out of the journal."""
KEPT_S = 1096 * 86400
"""Changes younger than this cannot be deleted (three years, clause 6.2)."""
_HIDDEN = "***"
_SEALED = "sealed"


def kept_by(table: str) -> str:
    """Return how a table keeps its history; what nobody said otherwise of is in the journal."""
    return _OWN_WAY.get(table, JOURNAL)


def journalled() -> list[Table]:
    """Return the tables whose changes the journal holds."""
    return [table for table in metadata.sorted_tables if kept_by(table.name) == JOURNAL]


def table_named(name: str) -> Table:
    """Return a table of the records.

    Raises:
        InputError: There is none.
    """
    found = metadata.tables.get(name)
    if found is None:
        raise InputError("no such table", thing=name[:64], fix="use a table of the records")
    return found


def secret_columns(table: Table) -> frozenset[str]:
    """Return the columns whose values are never written down; ungraded ones among them.

    Personal ones too, sealed or not: what is erased must not live on in the journal.
    """
    return frozenset(column.name for column in table.columns if _untold(table, column))


def _untold(table: Table, column: Column[Any]) -> bool:
    grade = grade_of("records", table.name, column.name)
    personal = grade.class_name == PERSONAL or column.name == _SEALED
    return personal or grade.level is Level.L4


def told_columns(table: Table) -> list[Column[Any]]:
    """Return the columns the journal tells of."""
    untold = _UNTOLD.get(table.name, frozenset())
    return [column for column in table.columns if column.name not in untold]


def install_journal(database: Database) -> int:
    """Make the triggers this version needs and drop those it does not; return how many are new.

    Records that were there before their table had triggers get a first entry as they are.
    """
    postgres = database.dialect.name == "postgresql"
    make = _make_postgres if postgres else _make_sqlite
    with database.write() as connection:
        known = _triggers(connection, postgres)
        present = set(inspect(connection).get_table_names())
        wanted = {_stamp(table): table for table in journalled() if table.name in present}
        for name, at in known.items():
            if not any(name.startswith(stamp) for stamp in wanted) and name not in _GUARDS:
                connection.execute(text(f'DROP TRIGGER "{name}"' + (f' ON "{at}"' * postgres)))
        new = 0
        for stamp, table in wanted.items():
            if not any(name.startswith(stamp) for name in known):
                make(connection, stamp, table)
                _baseline(connection, table, postgres)
                new += 1
        if not set(known) >= _GUARDS:
            _guard(connection, postgres)
    return new


_GUARDS = frozenset(("journal_fixed_update", "journal_fixed_delete"))


def _stamp(table: Table) -> str:
    shape = "|".join(column.name for column in told_columns(table))
    shape += "|" + "|".join(sorted(secret_columns(table)))
    return f"journal_{table.name}_{hashlib.sha256(shape.encode()).hexdigest()[:8]}_"


def _triggers(connection: Connection, postgres: bool) -> dict[str, str]:
    query = (
        "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
        " WHERE NOT tgisinternal AND tgname LIKE 'journal%'"
        if postgres
        else "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        " AND name LIKE 'journal%'"
    )
    return {str(name): str(at) for name, at in connection.execute(text(query))}


def _key(table: Table) -> Sequence[str]:
    return [column.name for column in table.primary_key]


def id_sql(table: Table, row: str = "") -> str:
    """Return SQL that gives a record's key as one text."""
    at = f"{row}." if row else ""
    return " || '|' || ".join(f'CAST({at}"{name}" AS TEXT)' for name in _key(table))


def row_sql(table: Table, row: str = "", other: str = "") -> str:
    """Return SQLite SQL that gives a record as a JSON object.

    Args:
        table: The table.
        row: `OLD` or `NEW` in a trigger; empty in a query.
        other: The other of the two, to tell that a secret changed.
    """
    at = f"{row}." if row else ""
    parts: list[str] = []
    for column in told_columns(table):
        name = f'{at}"{column.name}"'
        if column.name in secret_columns(table):
            value = f"'{_HIDDEN}'"
            if other:
                theirs = f'{other}."{column.name}"'
                value = f"CASE WHEN {name} IS {theirs} THEN '{_HIDDEN}' ELSE '{_HIDDEN} {row}' END"
        elif isinstance(column.type, LargeBinary):
            value = f"hex({name})"
        else:
            value = name
        parts.append(f"'{column.name}', {value}")
    return f"json_object({', '.join(parts)})"


def _make_sqlite(connection: Connection, stamp: str, table: Table) -> None:
    columns = 'record_table, record_id, operation, at, "user", before, after'
    for operation, old, new in (
        ("insert", "", "NEW"),
        ("update", "OLD", "NEW"),
        ("delete", "OLD", ""),
    ):
        before = row_sql(table, old, new) if old else "NULL"
        after = row_sql(table, new, old) if new else "NULL"
        # What an update leaves as it was is no change.
        differs = " OR ".join(f'OLD."{c.name}" IS NOT NEW."{c.name}"' for c in told_columns(table))
        when = f" WHEN {differs}" if operation == "update" else ""
        statement = (
            f'CREATE TRIGGER "{stamp}{operation}" AFTER {operation.upper()} ON "{table.name}"{when}'
            f" BEGIN INSERT INTO record_change ({columns}) VALUES ('{table.name}',"
            f" {id_sql(table, new or old)}, '{operation}', heatloop_at(), heatloop_actor(),"
            f" {before}, {after}); END"
        )
        connection.exec_driver_sql(statement)


_FUNCTION = """
CREATE OR REPLACE FUNCTION heatloop_journal() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    keys text[] := string_to_array(TG_ARGV[0], ',');
    secrets text[] := string_to_array(TG_ARGV[1], ',');
    untold text[] := string_to_array(TG_ARGV[2], ',');
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) - untold END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) - untold END;
    some_row jsonb := coalesce(new_row, old_row);
    name text;
    id text;
    differs boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND old_row = new_row THEN
        RETURN NULL;
    END IF;
    FOREACH name IN ARRAY keys LOOP
        id := CASE WHEN id IS NULL THEN '' ELSE id || '|' END || (some_row ->> name);
    END LOOP;
    FOREACH name IN ARRAY secrets LOOP
        differs := TG_OP = 'UPDATE' AND (old_row -> name) IS DISTINCT FROM (new_row -> name);
        old_row := old_row || jsonb_build_object(
            name, CASE WHEN differs THEN '*** OLD' ELSE '***' END);
        new_row := new_row || jsonb_build_object(
            name, CASE WHEN differs THEN '*** NEW' ELSE '***' END);
    END LOOP;
    INSERT INTO record_change (record_table, record_id, operation, at, "user", before, after)
    VALUES (TG_TABLE_NAME, id, lower(TG_OP), extract(epoch FROM clock_timestamp()),
        coalesce(nullif(current_setting('heatloop.actor', true), ''), 'system'),
        old_row::text, new_row::text);
    RETURN NULL;
END $body$"""


def _make_postgres(connection: Connection, stamp: str, table: Table) -> None:
    connection.exec_driver_sql(_FUNCTION)
    keys, secrets = ",".join(_key(table)), ",".join(sorted(secret_columns(table)))
    untold = ",".join(sorted(_UNTOLD.get(table.name, ())))
    connection.exec_driver_sql(
        f'CREATE TRIGGER "{stamp}all" AFTER INSERT OR UPDATE OR DELETE ON "{table.name}"'
        f" FOR EACH ROW EXECUTE FUNCTION heatloop_journal('{keys}', '{secrets}', '{untold}')"
    )


def present_sql(table: Table, postgres: bool) -> str:
    """Return SQL that gives (id, JSON text) of records as the journal would write them."""
    if not postgres:
        return f'SELECT {id_sql(table)} AS id, {row_sql(table)} AS body FROM "{table.name}"'
    hidden = "".join(
        f" || jsonb_build_object('{name}', '{_HIDDEN}')" for name in sorted(secret_columns(table))
    )
    untold = "".join(f" - '{name}'" for name in sorted(_UNTOLD.get(table.name, ())))
    return (
        f"SELECT {id_sql(table, 't')} AS id, (to_jsonb(t){untold}{hidden})::text AS body"
        f' FROM "{table.name}" t'
    )


def _baseline(connection: Connection, table: Table, postgres: bool) -> None:
    now = "extract(epoch FROM clock_timestamp())" if postgres else "heatloop_at()"
    connection.exec_driver_sql(
        'INSERT INTO record_change (record_table, record_id, operation, at, "user", after)'
        f" SELECT '{table.name}', p.id, 'baseline', {now}, 'system', p.body"
        f" FROM ({present_sql(table, postgres)}) p"
    )


def _guard(connection: Connection, postgres: bool) -> None:
    """Let nobody change the journal, or delete from it before its time."""
    for statement in _guard_postgres() if postgres else _guard_sqlite():
        connection.exec_driver_sql(statement)


def _guard_sqlite() -> Iterable[str]:
    yield 'DROP TRIGGER IF EXISTS "journal_fixed_update"'
    yield 'DROP TRIGGER IF EXISTS "journal_fixed_delete"'
    name = record_change.name
    yield (
        f'CREATE TRIGGER "journal_fixed_update" BEFORE UPDATE ON {name}'
        " BEGIN SELECT RAISE(ABORT, 'the journal is never changed'); END"
    )
    yield (
        f'CREATE TRIGGER "journal_fixed_delete" BEFORE DELETE ON {name}'
        f" WHEN OLD.at > heatloop_at() - {KEPT_S}"
        " BEGIN SELECT RAISE(ABORT, 'the journal is kept for three years'); END"
    )


def _guard_postgres() -> Iterable[str]:
    yield (
        "CREATE OR REPLACE FUNCTION heatloop_journal_fixed() RETURNS trigger LANGUAGE plpgsql"
        " AS $body$ BEGIN IF TG_OP = 'DELETE' AND"
        f" OLD.at <= extract(epoch FROM clock_timestamp()) - {KEPT_S}"
        " THEN RETURN OLD; END IF;"
        " RAISE EXCEPTION 'the journal is never changed'; END $body$"
    )
    for operation in ("update", "delete"):
        yield (
            f'CREATE OR REPLACE TRIGGER "journal_fixed_{operation}" BEFORE {operation.upper()}'
            f" ON {record_change.name} FOR EACH ROW EXECUTE FUNCTION heatloop_journal_fixed()"
        )
