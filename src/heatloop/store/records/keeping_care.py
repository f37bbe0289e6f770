"""Looking after the database of the records: room, indexes, statistics, integrity."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from heatloop.kernel.errors import InputError, LinkError
from heatloop.store.records.database import BUSY_S, read_url
from heatloop.store.records.records import Records
from heatloop.store.records.upgrade import upgrade

VACUUM, REINDEX, ANALYZE, INTEGRITY, MIGRATE = (
    "vacuum", "reindex", "analyze", "integrity", "migrate",
)  # fmt: skip
ACTIONS = (VACUUM, REINDEX, ANALYZE, INTEGRITY, MIGRATE)
_REVISION = "SELECT version_num FROM alembic_version"


def care(records: Records, url: str, action: str) -> dict[str, Any]:
    """Do one action; return what came of it.

    Writers wait meanwhile: a vacuum of SQLite takes about a second for 100 MB.

    Raises:
        InputError: There is no such action, or the database is damaged.
        LinkError: The database is not reachable.
    """
    if action == MIGRATE:
        before = revision(records)
        upgrade(url)
        return {"before": before, "after": revision(records)}
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(records, str(parsed.database), action)
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    return _postgres(records, plain, action)


def revision(records: Records) -> str:
    """Return the version of the tables."""
    with records.database.read() as connection:
        row = connection.exec_driver_sql(_REVISION).first()
    return "" if row is None else str(row[0])


def _sqlite(records: Records, path: str, action: str) -> dict[str, Any]:
    before = Path(path).stat().st_size
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as connection:
            if action == INTEGRITY:
                said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
                orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
                return _sound(records, [] if said == ["ok"] else said, len(orphans))
            statements = {
                VACUUM: ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"),
                REINDEX: ("REINDEX",),
                ANALYZE: ("ANALYZE", "PRAGMA optimize"),
            }.get(action)
            if statements is None:
                raise InputError("no such action", thing=action, fix=f"use {', '.join(ACTIONS)}")
            for statement in statements:
                connection.execute(statement).fetchall()
    except sqlite3.OperationalError as error:
        raise LinkError(f"records are busy: {error}", fix="try again") from error
    except sqlite3.DatabaseError as error:
        raise InputError(f"records are damaged: {error}", fix="restore a backup") from error
    return {"bytes_before": before, "bytes_after": Path(path).stat().st_size}


def _postgres(records: Records, url: str, action: str) -> dict[str, Any]:
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            size = "SELECT pg_database_size(current_database())"
            before = _number(connection, size)
            if action == INTEGRITY:
                return _sound(records, _unreadable(connection), 0)
            if action in (VACUUM, ANALYZE):
                connection.execute(sql.SQL("VACUUM (ANALYZE)" if action == VACUUM else "ANALYZE"))
            elif action == REINDEX:
                row = connection.execute("SELECT current_database()").fetchone()
                name = sql.Identifier(str(row[0]) if row else "")
                connection.execute(sql.SQL("REINDEX DATABASE {}").format(name))
            else:
                raise InputError("no such action", thing=action, fix=f"use {', '.join(ACTIONS)}")
            return {"bytes_before": before, "bytes_after": _number(connection, size)}
    except psycopg.OperationalError as error:
        raise LinkError(f"records are not reachable: {error}", fix="check the server") from error


def _number(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(sql.SQL(query)).fetchone()
    return int(row[0]) if row else 0


def _unreadable(connection: psycopg.Connection[Any]) -> list[str]:
    """Read every row of every table; return what cannot be read."""
    found = []
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    for (name,) in connection.execute(query).fetchall():
        try:
            text = sql.SQL("SELECT count(t::text) FROM {} AS t").format(sql.Identifier(str(name)))
            connection.execute(text).fetchone()
        except psycopg.errors.DataError as error:
            found.append(f"{name}: {error}"[:200])
    return found


def _sound(records: Records, wrong: list[str], orphans: int) -> dict[str, Any]:
    entries, broken = records.audit.verify()
    return {
        "ok": not wrong and not orphans and broken is None,
        "wrong": wrong,
        "orphans": orphans,
        "audit_entries": entries,
        "audit_broken": broken,
    }
