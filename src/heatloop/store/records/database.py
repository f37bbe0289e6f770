"""The connection to the records: SQLite by default, PostgreSQL by URL, the same code on both."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    String,
    Table,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from heatloop.kernel.errors import ConfigError, LinkError

BUSY_S = 30
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # FULL: a commit is on the disk when it returns, also when the power goes.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_S * 1000}",
)
_ONE_WRITER = text(f"SELECT pg_advisory_xact_lock({0x4845_4154_5752})")
# A process that stops in the middle of a transaction must not hold up the others for ever.
_LIMITS = ("idle_in_transaction_session_timeout", "lock_timeout")


class Database:
    """Transactions over one engine."""

    def __init__(self, url: str) -> None:
        parsed = read_url(url)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        if self._sqlite and parsed.database not in (None, "", ":memory:"):
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(parsed, pool_pre_ping=not self._sqlite)
        self.dialect: Dialect = self.engine.dialect
        self.fence: Callable[[Connection], None] | None = None
        """Proves at the start of a transaction that this process may still write; None: it may."""
        # SQLite has one writer: waiting in line here is fair, its own waiting is by polling.
        self._line = threading.Lock()
        if self._sqlite:
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)
        else:
            event.listen(self.engine, "connect", _limit)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; all its reads see one state on SQLite."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except OperationalError as error:
            raise _unreachable(error) from error

    @contextmanager
    def write(self, *, fenced: bool = True) -> Iterator[Connection]:
        """Give a transaction: all of it is stored when the block ends, or nothing of it.

        Args:
            fenced: Whether it waits for other writers, and proves that this process may still
                write; only the lease of platform instances goes without.
        """
        fence = self.fence if fenced else None
        try:
            if not self._sqlite:
                with self.engine.begin() as connection:
                    if fenced:
                        # One writer at a time, as on SQLite: repositories read, then write.
                        connection.execute(_ONE_WRITER)
                    if fence is not None:
                        fence(connection)
                    yield connection
                return
            with self._line, self.engine.connect() as connection:
                # Taking the write lock at the start, so that no later step can fail for it.
                writing = connection.execution_options(heatloop_write=True)
                with writing.begin():
                    if fence is not None:
                        fence(writing)
                    yield writing
        except OperationalError as error:
            raise _unreachable(error) from error

    def among(self, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
        """Return the condition that a column holds one of `values`, however many there are."""
        if self._sqlite:
            each = func.json_each(literal(json.dumps(sorted(values)))).table_valued("value")
            return column.in_(select(each.c.value))
        array = bindparam(None, list(values), type_=postgresql.ARRAY(String()))
        return column == any_(array)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that knows what to do on conflict."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def insert_new(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless one with its key is there; return whether it was inserted."""
        new = self.insert(table).values(dict(row)).on_conflict_do_nothing()
        # What an insert returns tells on both engines whether it happened; its row count does not.
        return connection.execute(new.returning(literal(1))).first() is not None

    def put(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> None:
        """Insert a row, or replace the other columns of the one with its primary key."""
        keys = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in keys}
        new = self.insert(table).values(dict(row))
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_=rest))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def read_url(url: str) -> URL:
    """Return a URL with the driver this program ships.

    Raises:
        ConfigError: It is not a URL of SQLite or PostgreSQL.
    """
    fix = "use sqlite:///file or postgresql://user@host/database"
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise ConfigError("not a database URL", place="records_url", fix=fix) from error
    if backend == "sqlite":
        return parsed
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError("no such records engine", thing=backend, place="records_url", fix=fix)


def _prepare(connection: Any, record: Any) -> None:
    del record
    # The driver's own transaction handling would begin too late; `_begin` does it.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _limit(connection: Any, record: Any) -> None:
    del record
    for name in _LIMITS:
        connection.execute("SELECT set_config(%s, %s, false)", [name, f"{BUSY_S}s"])
    connection.commit()


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("heatloop_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _unreachable(error: OperationalError) -> LinkError:
    return LinkError(
        f"records are not reachable: {error.orig}",
        fix="check the disk or the database server; it is tried again",
    )
