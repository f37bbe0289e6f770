"""Records of a PostgreSQL server as plain files, all of one instant, and back.

Text of COPY is the same in every version of the server. For recovery to the second, archive the
server's write-ahead log with its own means as well (docs/keeping.md).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import MetaData

from heatloop.kernel.errors import ConfigError, LinkError
from heatloop.store.records.database import Database, read_url

_ENDING, _FACTS = ".copy", "facts.json"


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    plain = read_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(plain)
    except psycopg.Error as error:
        raise LinkError(f"records are not reachable: {error}", fix="check the server") from error


def dump(url: str, folder: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """Write every table into a file of the folder; return rows by table, and facts.

    Raises:
        LinkError: The server cannot be read.
    """
    counts: dict[str, int] = {}
    try:
        with _connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name in _tables(connection):
                counts[name] = _out(connection, name, folder / f"{name}{_ENDING}")
            facts: dict[str, Any] = {"engine": "postgresql"}
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            facts["revision"] = str(row[0]) if row else ""
            row = connection.execute("SELECT seq, hash FROM audit_head").fetchone()
            if row:
                facts["audit"] = [int(row[0]), str(row[1])]
    except psycopg.Error as error:
        raise LinkError(f"records cannot be read: {error}", fix="check the server") from error
    (folder / _FACTS).write_text(json.dumps({"counts": counts, **facts}), "utf-8")
    return counts, facts


def _tables(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    return [str(row[0]) for row in connection.execute(query)]


def _out(connection: psycopg.Connection[tuple[Any, ...]], name: str, path: Path) -> int:
    with connection.cursor() as cursor, path.open("wb") as file:
        with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(name))) as copy:
            for block in copy:
                file.write(block)
        return max(cursor.rowcount, 0)


def load(url: str, folder: Path, *, force: bool, told: Callable[[int], None]) -> dict[str, int]:
    """Fill an empty database from such files; return rows by table.

    Args:
        url: The database.
        folder: What `dump` wrote.
        force: Whether tables that are there may be dropped first.
        told: Called with the bytes of each table loaded.

    Raises:
        ConfigError: There are tables already.
        LinkError: The server cannot be written.
    """
    facts = json.loads((folder / _FACTS).read_text("utf-8"))
    try:
        with _connect(url) as connection:
            held = _tables(connection)
            if held and not force:
                raise ConfigError("the database is not empty", thing=held[0], fix="use --force")
            _empty(connection, held)
        _migrate(url, str(facts["revision"]))
        with _connect(url) as connection:
            ordered = _in_order(url, connection)
            # Guards and journals are about changes; what comes back was written down before.
            _triggers(connection, ordered, "DISABLE")
            for name in ordered:
                path = folder / f"{name}{_ENDING}"
                _in(connection, name, path)
                told(path.stat().st_size)
            _triggers(connection, ordered, "ENABLE")
            _count_on(connection)
            return {name: _count(connection, name) for name in _tables(connection)}
    except psycopg.Error as error:
        raise LinkError(f"records cannot be written: {error}", fix="check the server") from error


def _triggers(
    connection: psycopg.Connection[tuple[Any, ...]], tables: list[str], how: LiteralString
) -> None:
    for name in tables:
        text = sql.SQL("ALTER TABLE {} " + how + " TRIGGER USER").format(sql.Identifier(name))
        connection.execute(text)


def _empty(connection: psycopg.Connection[tuple[Any, ...]], tables: list[str]) -> None:
    """Drop tables, and the functions their triggers call."""
    for name in tables:
        connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(name)))
    query = (
        "SELECT proname FROM pg_proc"
        " WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype"
    )
    for (name,) in connection.execute(query).fetchall():
        connection.execute(sql.SQL("DROP FUNCTION {} CASCADE").format(sql.Identifier(str(name))))


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """Give the URL of an empty schema beside the records, dropped at the end.

    Raises:
        LinkError: The server is not reachable, or the user may not make a schema.
    """
    name = f"verify_{secrets.token_hex(6)}"
    try:
        with _connect(url) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        try:
            parsed = read_url(url).update_query_dict({"options": f"-csearch_path={name}"})
            yield parsed.render_as_string(hide_password=False)
        finally:
            with _connect(url) as connection:
                drop = sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name))
                connection.execute(drop)
    except psycopg.Error as error:
        raise LinkError(f"records cannot be tried: {error}", fix="let the user make schemas") from (
            error
        )


def _migrate(url: str, revision: str) -> None:
    config = Config()
    folder = str(Path(__file__).parent / "records" / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    database = Database(url)
    try:
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        database.close()


def _in_order(url: str, connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Return the tables so that a row comes after what it refers to."""
    database, shape = Database(url), MetaData()
    try:
        shape.reflect(database.engine)
    finally:
        database.close()
    ordered = [table.name for table in shape.sorted_tables]
    return [*ordered, *(name for name in _tables(connection) if name not in ordered)]


def _in(connection: psycopg.Connection[tuple[Any, ...]], name: str, path: Path) -> None:
    table = sql.Identifier(name)
    # A migration may have put rows there (the head of the audit chain, its own number).
    connection.execute(sql.SQL("DELETE FROM {}").format(table))
    statement = sql.SQL("COPY {} FROM STDIN").format(table)
    with connection.cursor() as cursor, path.open("rb") as file, cursor.copy(statement) as copy:
        while block := file.read(1 << 20):
            copy.write(block)


def _count(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _count_on(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Let every counter go on after the greatest number given."""
    query = (
        "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name),"
        " column_name) FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    for name, column, sequence in connection.execute(query).fetchall():
        if sequence is not None:
            most = sql.SQL("SELECT setval(%s, greatest(max({}), 1)) FROM {}").format(
                sql.Identifier(str(column)), sql.Identifier(str(name))
            )
            connection.execute(most, (sequence,))
