"""A ClickHouse server, or a cluster of them with Keeper, as the historian's connection."""

from __future__ import annotations

import itertools
import re
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

from heatloop.kernel.errors import ConfigError, InputError, LinkError
from heatloop.store.historian.chdb_folder import DURABLE, READ, WRITE
from heatloop.store.historian.chdb_migrations import (
    migrations,
    statements,
    steps_ahead,
    steps_back,
)
from heatloop.store.historian.chdb_sql import LAST_SLOT
from heatloop.store.historian.clickhouse_http import ANSWER_S, HttpLink, Login, table_of
from heatloop.store.historian.clickhouse_layout import check_unmoved
from heatloop.store.historian.clickhouse_variants import (
    Cluster,
    Spread,
    fill,
    on_cluster,
    over,
    reworded,
    spreads,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TABLE = re.compile(r"\bPython\((\w+)\)")

# Explicit, because their defaults changed over the years or are for analysts. An answer comes
# only when the statement is through, so that an error never hides behind a good status.
_ALWAYS = {"wait_end_of_query": "1", "default_format": "ArrowStream"}
_READ = {
    "output_format_arrow_string_as_string": "1",
    "output_format_arrow_compression_method": "lz4_frame",
}
# Rows are in every shard when the answer comes, and come through one place: what is read right
# after from there knows them.
_CLUSTER_WRITE = {
    "distributed_foreground_insert": "1",
    "parallel_distributed_insert_select": "0",
    "insert_distributed_one_random_shard": "0",
}
_CLUSTER_READ = {
    "load_balancing": "in_order",
    "prefer_localhost_replica": "1",
    "skip_unavailable_shards": "0",
    "optimize_skip_unused_shards": "1",
}
_CLUSTER_DDL = {"distributed_ddl_task_timeout": "180", "distributed_ddl_output_mode": "throw"}
_UPGRADE_TRIES = 2


class ClickHouseServer:
    """The same SQL as an embedded folder, sent by HTTP.

    A statement that writes is sent again after a broken link under the same token: where the
    server keeps tokens it stores it once, elsewhere rows carry their version and collapse.

    Args:
        hosts: Base addresses; the next is asked when one is away (entrances of one cluster).
        login: Who asks.
        cluster: The cluster behind the hosts; None for one server.
    """

    engine = "clickhouse"
    sealed = False
    """Encryption is the server's own matter: nobody can tell from here."""

    def __init__(
        self,
        hosts: Sequence[str],
        login: Login,
        *,
        cluster: Cluster | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._links = [HttpLink(host, login, answer_s=answer_s) for host in hosts]
        self._cluster = cluster
        self._at = 0
        self._lock = threading.Lock()

    def read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query; bounded in memory and time."""
        return self.long_read(sql + READ, **tables)

    def long_read(self, sql: str, /, **tables: pa.Table) -> pa.Table:
        """Return the rows of a query that carries its own settings."""
        return table_of(self._ask(sql, tables, _READ | (_CLUSTER_READ if self._cluster else {})))

    def write(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a statement that carries its own settings; durable on return."""
        settings = {"insert_deduplication_token": uuid4().hex} if _inserts(sql) else {}
        if self._cluster:
            settings |= _CLUSTER_WRITE if _inserts(sql) else _CLUSTER_DDL
        self._ask(sql, tables, settings)

    def maintain(self, sql: str, /, **tables: pa.Table) -> None:
        """Run a long statement that carries its own settings, beside the writer."""
        self.write(sql, **tables)

    def alive(self) -> bool:
        """Return whether any of the hosts answers."""
        return any(link.alive() for link in self._links)

    def close(self) -> None:
        """Close every connection."""
        for link in self._links:
            link.close()

    def upgrade(self, database: str) -> list[int]:
        """Make the database if needed and run the migrations it has not had.

        Every statement of a migration may run again, so that two platforms starting at once, or
        one that was cut off half way, do no harm.

        Returns:
            The numbers that ran now.

        Raises:
            ConfigError: The database was made by a newer heatloop.
        """
        if not _NAME.fullmatch(database):
            raise InputError("not a database name", thing=database, fix="use a-z, 0-9 and _")
        for statement in (_MAKE, _KEPT):
            self._define(statement, database)
        done = self._done(database)
        ran = steps_ahead(database, done)
        for number, name, text in ran:
            for statement in statements(text):
                self._define(statement, database)
            self.write(f"INSERT INTO {database}.migration{WRITE} SELECT {number}, '{name}'")
        if self._cluster is not None:
            self._lay_out(database, self._cluster)
        return [number for number, _, _ in ran]

    def downgrade(self, database: str, to: int) -> list[int]:
        """Take back the migrations after number `to`, the newest first; return which.

        Raises:
            ConfigError: One of them has no way back.
        """
        undone = steps_back(self._done(database), to)
        for number, text in undone:
            for statement in (*statements(text), _UNDONE.format(number=number)):
                self._define(statement, database)
        return [number for number, _ in undone]

    def _done(self, database: str) -> set[int]:
        found = self.read(f"SELECT DISTINCT number FROM {database}.migration")
        return set(found.column(0).to_pylist())

    def _define(self, statement: str, database: str) -> None:
        for part in _variant(_again(statement), self._cluster):
            self.write(fill(part, database, DURABLE))

    def _lay_out(self, database: str, cluster: Cluster) -> None:
        """Put the layout of the address into force, if another is.

        Raises:
            ConfigError: The cluster has fewer shards, or stored rows would lie elsewhere.
        """
        many = self.read(_SHARDS.format(name=cluster.name)).column(0).to_pylist()[0]
        if many < max(count for _, count in cluster.layout):
            raise ConfigError(
                f"cluster has {many} shards",
                thing=cluster.name,
                place="storage.historian_url",
                fix="give shards= as the servers' configuration does",
            )
        told = self.read(_TOLD.format(db=database)).column(0).to_pylist()
        if told == [cluster.told]:
            return
        last = int(self.read(LAST_SLOT.format(db=database)).column(0).to_pylist()[0])
        for one in told:
            steps = [tuple(map(int, step.split(":"))) for step in one.split()[1:]]
            check_unmoved(steps, cluster.layout, last)
        for table, spread in _spreads().items():
            self.write(fill(over(table, spread, cluster), database, DURABLE))

    def _ask(self, sql: str, tables: dict[str, pa.Table], settings: dict[str, str]) -> bytes:
        # Tables come along under their names; only the embedded engine looks in Python's frames.
        sql = _TABLE.sub(r"\1", sql)
        if self._cluster:
            sql = reworded(sql, self._cluster)
        lost: LinkError | None = None
        # The first host is asked twice: a kept connection may have been closed by the other side.
        for turn in range(len(self._links) + 1):
            link = self._links[self._at % len(self._links)]
            try:
                return link.ask(sql, tables, _ALWAYS | settings)
            except LinkError as error:
                lost = lost or error
                if turn:
                    self._next(link)
        assert lost is not None
        raise lost

    def _next(self, link: HttpLink) -> None:
        with self._lock:
            if self._links[self._at % len(self._links)] is link:
                self._at += 1


_MAKE = "CREATE DATABASE IF NOT EXISTS {db} ENGINE = Atomic"
_KEPT = (
    "CREATE TABLE IF NOT EXISTS {db}.migration"
    " (number UInt32 CODEC(ZSTD(1)), name String CODEC(ZSTD(1)))"
    " ENGINE = MergeTree ORDER BY number SETTINGS {durable}"
)
_UNDONE = "ALTER TABLE {{db}}.migration DELETE WHERE number = {number} SETTINGS mutations_sync = 2"
_SHARDS = "SELECT max(shard_num) AS n FROM system.clusters WHERE cluster = '{name}'"
_TOLD = """
SELECT DISTINCT comment FROM system.tables
WHERE database = '{db}' AND engine = 'Distributed' AND comment LIKE 'shards %'"""


def _inserts(sql: str) -> bool:
    return sql.lstrip()[:6].upper() == "INSERT"


def _again(statement: str) -> str:
    return re.sub(r"^CREATE TABLE (?!IF NOT)", "CREATE TABLE IF NOT EXISTS ", statement)


def _spreads() -> dict[str, Spread]:
    return spreads([_KEPT, *(text for _, _, text in migrations())])


def _variant(statement: str, cluster: Cluster | None) -> list[str]:
    return [statement] if cluster is None else on_cluster(statement, cluster, _spreads())


def server_variant(database: str, cluster: Cluster | None = None) -> list[str]:
    """Return every statement that makes the historian's tables, for reading and for tests."""
    every = itertools.chain([_MAKE, _KEPT], *(statements(text) for _, _, text in migrations()))
    return [
        fill(part, database, DURABLE)
        for statement in every
        for part in _variant(_again(statement), cluster)
    ]
