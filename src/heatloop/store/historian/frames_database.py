"""One PostgreSQL schema of the frame engine: connections, explicit settings, migrations."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import psycopg
from psycopg import Connection, sql

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError

QUERY_SECONDS = 60
IDLE_SECONDS = 10
"""A transaction whose process was paused in the middle ends after this, and its locks with it."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MIGRATIONS = "heatloop.store.historian.migrations.postgres"
_LOCK = 0x4852_414D
_SESSION = f"""
SET synchronous_commit = on;
SET timezone = 'UTC';
SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';
SET extra_float_digits = 1;
SET jit = off;
SET client_min_messages = warning"""
# lz4 is an option of the server's build: without it the server's own method is used.
_LZ4 = """
SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings
WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"""

Row = tuple[Any, ...]


class FramesDatabase:
    """Connections to one schema: one for the writer, one for upkeep, a few for readers."""

    def __init__(self, url: str, schema: str = "heatloop", *, readers: int = 2) -> None:
        if not _NAME.fullmatch(schema):
            raise InputError("not a schema name", thing=schema, fix="use a-z, 0-9 and _")
        self._url, self._schema = url, schema
        self._open = True
        # A place may be empty: it is connected when somebody needs it.
        self._places: dict[str, queue.SimpleQueue[Connection[Row] | None]] = {}
        self._counts = {"write": 1, "maintain": 1, "read": readers}
        for kind, count in self._counts.items():
            self._places[kind] = queue.SimpleQueue()
            for _ in range(count):
                self._places[kind].put(None)
        try:
            self.upgrade()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def connection(self, kind: str, *, seconds: int = QUERY_SECONDS) -> Iterator[Connection[Row]]:
        """Give a transaction of its kind; all of it is durable when the block ends, or nothing.

        Raises:
            LinkError: The server does not answer.
            InputError: The question takes too long.
        """
        if not self._open:
            raise LinkError("historian is closed", fix="open it again")
        place = self._places[kind]
        connection = place.get()
        try:
            if connection is None or connection.closed:
                connection = self._connect()
            with connection.transaction():
                connection.execute(f"SET LOCAL statement_timeout = '{int(seconds)}s'")
                if kind == "read":
                    # One state for all its questions.
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                elif kind == "maintain":
                    # It computes between its questions, and holds no lock a writer waits for.
                    connection.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
                yield connection
        except psycopg.errors.QueryCanceled as error:
            raise InputError(
                "the question is too large for the historian",
                thing=str(error)[:200],
                fix="ask for fewer points or a shorter time",
            ) from error
        except psycopg.OperationalError as error:
            raise LinkError(
                f"PostgreSQL does not answer: {error}"[:400], fix="it is tried again"
            ) from error
        except psycopg.Error as error:
            if connection is not None and connection.broken:
                raise LinkError(f"PostgreSQL hung up: {error}"[:400]) from error
            raise HeatloopError(f"historian engine failed: {error}"[:500]) from error
        finally:
            if connection is not None and connection.broken:
                connection.close()
                connection = None
            place.put(connection)

    def alone(self, statement: sql.Composed) -> None:
        """Run a statement that no transaction may hold, such as VACUUM."""
        connection = self._connect()
        try:
            connection.autocommit = True
            connection.execute(statement)
        except psycopg.Error as error:
            raise HeatloopError(f"historian engine failed: {error}"[:500]) from error
        finally:
            connection.close()

    def _connect(self) -> Connection[Row]:
        connection = psycopg.connect(self._url, connect_timeout=10)
        try:
            connection.execute(_SESSION)
            connection.execute(_LZ4)
            connection.execute("SELECT set_config('search_path', %s, false)", [self._schema])
            connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def upgrade(self) -> list[int]:
        """Make the schema if needed and run the migrations it has not had; return their numbers.

        Raises:
            ConfigError: The schema was made by a newer heatloop.
            LinkError: The server does not answer.
        """
        steps = migrations()
        with self.connection("write") as c:
            # Two processes may start at once.
            c.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            c.execute(
                sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self._schema))
            )
            c.execute(
                "CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text)"
            )
            done = {row[0] for row in c.execute("SELECT number FROM migration")}
            if done - {number for number, _, _ in steps}:
                raise ConfigError(
                    "historian was written by a newer version",
                    thing=self._schema,
                    fix="install that version, or restore a backup",
                )
            ran = [step for step in steps if step[0] not in done]
            for number, name, text in ran:
                c.execute(text.encode())
                c.execute("INSERT INTO migration VALUES (%s, %s)", [number, name])
        return [number for number, _, _ in ran]

    def close(self) -> None:
        """Close every connection; waits for those that are busy."""
        if not self._open:
            return
        self._open = False
        for kind, count in self._counts.items():
            for _ in range(count):
                connection = self._places[kind].get()
                if connection is not None:
                    connection.close()


def migrations() -> list[tuple[int, str, str]]:
    """Return the shipped migrations as (number, name, SQL), rising."""
    found = []
    for file in resources.files(_MIGRATIONS).iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, file.read_text("utf-8")))
    return sorted(found)
