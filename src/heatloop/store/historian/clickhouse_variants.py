"""One migration, three variants: embedded, server, and cluster of servers with Keeper.

Embedded and server run the same text. On a cluster every table becomes two: a replicated local
one, and a `Distributed` one of the old name over it, so that every other statement stays as it is.

Rows are spread by point, so that all rows of a point and slot meet in one shard, where `FINAL`
collapses them. When shards are added, rows of later days are spread over more of them; which shard
a row belongs to follows from the row alone, so a row sent again finds its first copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heatloop.kernel.errors import ConfigError
from heatloop.store.historian.chdb_migrations import statements

_CREATE = re.compile(
    r"CREATE TABLE (?:IF NOT EXISTS )?\{db\}\.(\w+)(.*?)\bENGINE = (\w+)(?:\(([^()]*)\))?(.*)",
    re.DOTALL,
)
_COLUMNS = re.compile(r"ALTER TABLE \{db\}\.(\w+)\s+(?:ADD|DROP|MODIFY|RENAME) COLUMN\b")
_DROP = re.compile(r"DROP TABLE (?:IF EXISTS )?\{db\}\.(\w+)")
_ORDER = re.compile(r"\bORDER BY\s*(\([^\n]*\)|\w+)")
_DATABASE = re.compile(r"CREATE DATABASE IF NOT EXISTS (\{db\})(.*)", re.DOTALL)
_LOCAL = re.compile(
    r"(\s*)(ALTER TABLE|OPTIMIZE TABLE|DELETE FROM|TRUNCATE TABLE|DROP TABLE(?: IF EXISTS)?)"
    r" (\{db\}|\w+)\.(\w+)\b(.*)",
    re.DOTALL,
)
# A parted table's own sizes are those of its local tables in every shard.
_PARTS = re.compile(r"\bsystem\.parts\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """How tables are spread over servers that know each other."""

    name: str
    """Name in the servers' configuration."""
    layout: tuple[tuple[int, int], ...] = ((0, 1),)
    """(first slot, shards that take rows from then on); the first slot of all is 0."""

    @property
    def told(self) -> str:
        """Return the layout as it is noted at the tables."""
        return "shards " + " ".join(f"{start}:{count}" for start, count in self.layout)

    def shard(self, time: str) -> str:
        """Return the sharding expression of a table whose time column is `time`, or has none."""
        first = self.layout[0][1]
        if not time or len(self.layout) == 1:
            return f"point % {first}"
        cases = []
        for (_, count), (until, _) in zip(self.layout, self.layout[1:], strict=False):
            cases.append(f"{time} < toDateTime({until}, 'UTC'), point % {count}")
        return f"multiIf({', '.join(cases)}, point % {self.layout[-1][1]})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """What decides where a table's rows lie."""

    time: str
    """Time column of its order; empty for state kept once a point."""
    by_point: bool
    """Whether its rows belong to points."""


def spreads(texts: list[str]) -> dict[str, Spread]:
    """Return every table that migrations make, and how it is spread."""
    out: dict[str, Spread] = {}
    for statement in (one for text in texts for one in statements(text)):
        if found := _CREATE.match(statement):
            table, columns, _, _, rest = found.groups()
            # A table made `AS` another has its columns; all of those have points.
            by_point = bool(re.search(r"\bpoint\b|\bAS \{db\}", columns))
            out[table] = Spread(time=_time_of(rest), by_point=by_point)
    return out


def on_cluster(statement: str, cluster: Cluster, tables: dict[str, Spread]) -> list[str]:
    """Return what a statement of a migration becomes on a cluster.

    Raises:
        ConfigError: It makes a table whose engine has no replicated form.
    """
    everywhere = f"ON CLUSTER {cluster.name}"
    if found := _DATABASE.match(statement):
        return [f"CREATE DATABASE IF NOT EXISTS {found[1]} {everywhere}{found[2]}"]
    if found := _COLUMNS.match(statement):
        # The table above the local ones takes their columns over.
        return [reworded(statement, cluster), over(found[1], tables[found[1]], cluster)]
    if found := _DROP.match(statement):
        above = f"DROP TABLE IF EXISTS {{db}}.{found[1]} {everywhere} SYNC"
        return [above, reworded(statement, cluster)]
    if not (found := _CREATE.match(statement)):
        return [reworded(statement, cluster)]
    table, columns, engine, arguments, rest = found.groups()
    if not engine.endswith("MergeTree"):
        raise ConfigError("table has no replicated form", thing=table, fix="use a MergeTree engine")
    columns = re.sub(r"\bAS \{db\}\.(\w+)", r"AS {db}.\1_local", columns)
    path = f"'/clickhouse/tables/{{shard}}/{{db}}/{table}', '{{replica}}'"
    arguments = f"{path}, {arguments}" if arguments else path
    local = f"CREATE TABLE IF NOT EXISTS {{db}}.{table}_local {everywhere}{columns}"
    return [
        f"{local}ENGINE = Replicated{engine}({arguments}){rest}",
        over(table, tables[table], cluster),
    ]


def over(table: str, spread: Spread, cluster: Cluster) -> str:
    """Return the statement that lays a `Distributed` table over a table's local ones.

    It moves no rows, so it is also what puts a new layout into force while rows come in.
    """
    # Small tables without points stay in the first shard.
    shard = cluster.shard(spread.time) if spread.by_point else "0"
    return (
        f"CREATE OR REPLACE TABLE {{db}}.{table} ON CLUSTER {cluster.name} AS {{db}}.{table}_local"
        f" ENGINE = Distributed('{cluster.name}', '{{db}}', '{table}_local', {shard})"
        f" COMMENT '{cluster.told}'"
    )


def reworded(statement: str, cluster: Cluster) -> str:
    """Return a statement so that what concerns stored parts reaches every server."""
    # One replica of each shard, under the tables' plain names.
    everywhere = (
        "(SELECT * REPLACE (replaceRegexpOne(table, '_local$', '') AS table)"
        f" FROM cluster('{cluster.name}', system.parts))"
    )
    statement = _PARTS.sub(everywhere, statement)
    if found := _LOCAL.match(statement):
        space, verb, db, table, rest = found.groups()
        if table == "probe":  # a scratch table of the server that is asked
            return statement
        return f"{space}{verb} {db}.{table}_local ON CLUSTER {cluster.name}{rest}"
    return statement


def fill(statement: str, database: str, durable: str) -> str:
    """Return a statement with its words filled in; macros of the server stay as they are."""
    return statement.replace("{db}", database).replace("{durable}", durable)


def _time_of(rest: str) -> str:
    """Return the time column of a table's order, empty for state kept once a point."""
    order = _ORDER.search(rest)
    words = re.findall(r"\w+", order[1]) if order else []
    return next((word for word in words if word in ("ts", "at")), "")
