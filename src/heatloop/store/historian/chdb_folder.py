"""One embedded ClickHouse folder: sessions, explicit settings, and numbered migrations.

Sessions run beside each other: appends, maintenance (roll-ups) and readers never wait for one
another, only for their own kind.

One process may open a folder once, so a process makes one `ChdbFolder` and databases inside it.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING

from heatloop.kernel.errors import ConfigError, HeatloopError, InputError, LinkError

if TYPE_CHECKING:
    from pathlib import Path

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
_MIGRATIONS = "heatloop.store.historian.migrations.chdb"


class ChdbFolder:
    """The engine on one folder: one session for the writer, a bounded pool for readers."""

    def __init__(self, path: Path, *, readers: int = 2) -> None:
        path.mkdir(parents=True, exist_ok=True)
        options = f"{path}?max_server_memory_usage={SERVER_MEMORY}"
        try:
            first = _open(options)
        except Exception as error:
            raise ConfigError(
                f"historian folder does not open: {error}",
                thing=str(path),
                fix="stop the other process that has it open, or check its permissions",
            ) from error
        self._open = True
        self._counts = {"write": 1, "maintain": 1, "read": readers}
        self._pools: dict[str, queue.SimpleQueue[Session]] = {}
        for kind, count in self._counts.items():
            self._pools[kind] = queue.SimpleQueue()
            for _ in range(count):
                self._pools[kind].put(first if kind == "write" else _open(options))

    @contextmanager
    def _session(self, kind: str) -> Iterator[Session]:
        if not self._open:
            raise LinkError("historian is closed", fix="open it again")
        session = self._pools[kind].get()
        try:
            yield session
        finally:
            self._pools[kind].put(session)

    def read(self, sql: str, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query; waits while all readers are busy."""
        with self._session("read") as session:
            return ask(session, sql + READ, tables)

    def write(self, sql: str, **tables: pa.Table) -> None:
        """Run a statement that carries its own settings, one at a time."""
        with self._session("write") as session:
            ask(session, sql, tables)

    def maintain(self, sql: str, **tables: pa.Table) -> None:
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

    def upgrade(self, database: str) -> list[int]:
        """Make the database if needed and run the migrations it has not had.

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
            f" ENGINE = MergeTree ORDER BY number SETTINGS {DURABLE}"
        )
        done = set(self.read(_DONE.format(db=database)).column("number").to_pylist())
        steps = migrations()
        if done - {number for number, _, _ in steps}:
            raise ConfigError(
                "historian was written by a newer version",
                thing=database,
                fix="install that version, or restore a backup",
            )
        ran = [step for step in steps if step[0] not in done]
        for number, name, text in ran:
            for statement in _statements(text):
                self.write(statement.format(db=database, durable=DURABLE))
            self.write(_RAN.format(db=database, write=WRITE, number=number, name=name))
        return [number for number, _, _ in ran]


_DONE = "SELECT number FROM {db}.migration"
_RAN = "INSERT INTO {db}.migration{write} SELECT {number}, '{name}'"


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
        raise HeatloopError(f"historian engine failed: {text[:500]}", thing=sql[:80]) from error


def migrations() -> list[tuple[int, str, str]]:
    """Return the shipped migrations as (number, name, SQL), rising."""
    found = []
    for file in resources.files(_MIGRATIONS).iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append((int(number), name, file.read_text("utf-8")))
    return sorted(found)


def _statements(text: str) -> list[str]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
