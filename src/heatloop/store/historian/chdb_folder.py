"""One embedded ClickHouse folder: sessions, explicit settings, encryption, numbered migrations.

Sessions run beside each other: appends, maintenance (roll-ups) and readers never wait for one
another, only for their own kind.

One process may open a folder once, so a process makes one `ChdbFolder` and databases inside it.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError
from heatloop.store.historian import chdb_seal
from heatloop.store.historian.chdb_migrations import statements, steps_ahead, steps_back

if TYPE_CHECKING:
    import pyarrow as pa
    from chdb.session import Session

MEGABYTE = 1 << 20
SERVER_MEMORY = 3072 * MEGABYTE
QUERY_MEMORY = 1024 * MEGABYTE
QUERY_SECONDS = 60

# The engine's default does not fsync: an acknowledged row would live in the page cache only.
DURABLE = "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1"

READ = (
    f" SETTINGS max_memory_usage = {QUERY_MEMORY}, max_execution_time = {QUERY_SECONDS},"
    " max_threads = 2, do_not_merge_across_partitions_select_final = 1, join_use_nulls = 0,"
    " use_query_cache = 0"
)
WRITE = (
    f" SETTINGS max_memory_usage = {QUERY_MEMORY}, async_insert = 0, max_threads = 1,"
    " max_insert_threads = 1, max_partitions_per_insert_block = 0, optimize_on_insert = 1,"
    " do_not_merge_across_partitions_select_final = 1"
)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class ChdbFolder:
    """The engine on one folder: one session for the writer, a bounded pool for readers."""

    engine = "chdb"

    def __init__(self, path: Path, *, readers: int = 2, key: bytes | None = None) -> None:
        """Open a folder, made now if it is not there.

        Args:
            path: The folder.
            readers: Queries at a time.
            key: Encrypts what is stored, 32 bytes; a folder that was made without one stays as it
                is until `seal`. None: a new folder is made without.

        Raises:
            ConfigError: Another process has it open, or this is not its key.
        """
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._key = path, key
        self.sealed = chdb_seal.check_key(path, key)
        options = f"{path}?max_server_memory_usage={SERVER_MEMORY}"
        self._counts = {"write": 1, "maintain": 2, "read": readers}
        self._pools: dict[str, queue.SimpleQueue[Session]] = {}
        try:
            with chdb_seal.engine_config(path, key, sealed=self.sealed) as config:
                for kind, count in self._counts.items():
                    self._pools[kind] = queue.SimpleQueue()
                    for _ in range(count):
                        self._pools[kind].put(_open(f"{options}&config-file={config}"))
        except Exception as error:
            raise ConfigError(
                f"historian folder does not open: {error}",
                thing=str(path),
                fix="stop the other process that has it open, or check its permissions",
            ) from error
        self._open = True

    @contextmanager
    def _session(self, kind: str) -> Iterator[Session]:
        if not self._open:
            raise LinkError("historian is closed", fix="open it again")
        session = self._pools[kind].get()
        try:
            yield session
        finally:
            self._pools[kind].put(session)

    def read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query; waits while all readers are busy."""
        with self._session("read") as session:
            return ask(session, sql + READ, tables)

    def long_read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query that carries its own settings, beside the readers."""
        with self._session("maintain") as session:
            return ask(session, sql, tables)

    def write(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a statement that carries its own settings, one at a time."""
        with self._session("write") as session:
            ask(session, sql, tables)

    def maintain(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a long statement that carries its own settings, beside the writer."""
        with self._session("maintain") as session:
            ask(session, sql, tables)

    def close(self) -> None:
        """Close every session; waits for those that are busy."""
        if not self._open:
            return
        self._open = False
        for kind, count in self._counts.items():
            for _ in range(count):
                self._pools[kind].get().close()  # type: ignore[no-untyped-call]

    def upgrade(self, database: str, through: int | None = None) -> list[int]:
        """Make the database if needed and run the migrations it has not had.

        Args:
            database: Database.
            through: Last migration to run; None for all.

        Returns:
            The numbers that ran now.

        Raises:
            ConfigError: The database was made by a newer heatloop.
        """
        if not _NAME.fullmatch(database):
            raise InputError("not a database name", thing=database, fix="use a-z, 0-9 and _")
        self.write(f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
        self.write(
            f"CREATE TABLE IF NOT EXISTS {database}.migration"
            " (number UInt32 CODEC(ZSTD(1)), name String CODEC(ZSTD(1)))"
            f" ENGINE = MergeTree ORDER BY number SETTINGS {self._durable}"
        )
        done = self._done(database)
        ran = steps_ahead(database, done, through)
        for number, name, text in ran:
            for statement in statements(text):
                self.write(statement.format(db=database, durable=self._durable))
            self.write(_RAN.format(db=database, write=WRITE, number=number, name=name))
        return [number for number, _, _ in ran]

    def downgrade(self, database: str, to: int) -> list[int]:
        """Take back the migrations after number `to`, the newest first; return which.

        Raises:
            ConfigError: One of them has no way back.
        """
        undone = steps_back(self._done(database), to)
        for number, text in undone:
            for statement in statements(text):
                self.write(statement.format(db=database, durable=self._durable))
            self.write(_UNDONE.format(db=database, number=number))
        return [number for number, _ in undone]

    def seal(self, databases: list[str]) -> int:
        """Encrypt every table of these databases from now on, and what they hold; return parts.

        May be repeated: what a crash left in the clear is moved by the next call.

        Raises:
            ConfigError: The folder was opened without a key.
        """
        if self._key is None:
            raise ConfigError("no key to encrypt with", thing=str(self.path), fix="give a key")
        chdb_seal.mark_sealed(self.path, self._key)
        self.sealed = True
        return chdb_seal.seal_tables(self, databases)

    @property
    def _durable(self) -> str:
        return f"{DURABLE}, storage_policy = '{chdb_seal.POLICY}'" if self.sealed else DURABLE

    def _done(self, database: str) -> set[int]:
        return set(self.read(_DONE.format(db=database)).column("number").to_pylist())


_DONE = "SELECT number FROM {db}.migration"
_RAN = "INSERT INTO {db}.migration{write} SELECT {number}, '{name}'"
_UNDONE = "ALTER TABLE {db}.migration DELETE WHERE number = {number} SETTINGS mutations_sync = 1"


def _open(options: str) -> Session:
    # The engine is half a gigabyte: it is loaded when a folder is opened, not at import.
    from chdb.session import Session

    return Session(options)  # type: ignore[no-untyped-call]


def ask(session: Session, sql: str, tables: dict[str, pa.Table]) -> pa.Table:
    """Run one statement; `tables` stand in it as `Python(rows)`.

    Raises:
        HeatloopError: The engine refused or failed.
    """
    # The engine finds a Python table by the name of a variable in the calling frames.
    rows = tables.get("rows")  # noqa: F841
    wanted = tables.get("wanted")  # noqa: F841
    try:
        return session.query(sql, "ArrowTable")  # type: ignore[no-untyped-call]
    except Exception as error:
        text = str(error)
        if "MEMORY_LIMIT_EXCEEDED" in text or "TIMEOUT_EXCEEDED" in text:
            raise InputError(
                "the question is too large for the historian",
                thing=text[:200],
                fix="ask for fewer points or a shorter time",
            ) from error
        if "NOT_ENOUGH_SPACE" in text or "No space left on device" in text:
            raise LinkError(
                "no room on the historian's disk",
                thing=text[:200],
                fix="make room; what was not stored is sent again",
            ) from error
        raise HeatloopError(f"historian engine failed: {text[:500]}", thing=sql[:80]) from error
