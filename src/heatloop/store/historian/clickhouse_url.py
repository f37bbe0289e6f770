"""The address of a ClickHouse server or cluster, as one line of configuration.

::

    clickhouse://user@127.0.0.1:8123/heatloop                     one server
    clickhouse+https://user@db1:8443/heatloop?cluster=city&shards=2  a cluster that has Keeper
    clickhouse+https://user@a,b;c,d/heatloop                      two shards of two replicas
    clickhouse+https://user@a,b;c,d;e,f/heatloop?shards=2,3@2027-01-15
    clickhouse+https://user@a/heatloop?shards=1                   to be joined by others later

Hosts are parted by `,` (replicas of one another) and `;` (shards). The password comes from a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl, unquote

from heatloop.kernel.errors import ConfigError

SCHEMES = ("clickhouse", "clickhouse+https")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")
_HOST = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_KNOWN = {"cluster", "shards", "ca"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClickHouseUrl:
    """Where the engine is and how rows are spread over it."""

    user: str
    """User name at the server."""
    shards: tuple[tuple[str, ...], ...]
    """Base addresses (`http://host:port`) of the replicas of each shard."""
    database: str
    """Database of the historian."""
    cluster: str = ""
    """Name of the cluster in the servers' own configuration; empty: they know nothing of each
    other."""
    layout: tuple[tuple[date | None, int], ...] = ((None, 1),)
    """From which local day on how many shards take rows; the first from the beginning."""
    alone: bool = True
    """Whether one connection serves: a single server, or a cluster with Keeper."""
    ca_file: str = ""
    """PEM of the certificate authority; empty: the system's."""


def parse(url: str) -> ClickHouseUrl:
    """Return the parts of an address.

    Raises:
        ConfigError: It is no such address, or sends a password in plain away from this machine.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        raise _wrong(url, f"begin with {' or '.join(f'{name}://' for name in SCHEMES)}")
    rest, _, query = rest.partition("?")
    place, _, database = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    if not at or not user or ":" in user:
        raise _wrong(url, "name the user before @; its password goes in the password file")
    if not _WORD.fullmatch(database):
        raise _wrong(url, "end in /database, of a-z, 0-9 and _")
    words = dict(parse_qsl(query, keep_blank_values=True))
    if set(words) - _KNOWN:
        raise _wrong(url, f"give after ? only {', '.join(sorted(_KNOWN))}")
    cluster = words.get("cluster", "")
    if cluster and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,62}", cluster):
        raise _wrong(url, "name the cluster as the servers' configuration does")
    secure = scheme.endswith("https")
    shards = tuple(
        tuple(_base(url, host, secure=secure) for host in shard.split(","))
        for shard in hosts.split(";")
    )
    if cluster and len(shards) > 1:
        raise _wrong(url, "with a cluster name its hosts with ',' only: it knows its own shards")
    every = [host for shard in shards for host in shard]
    if len(set(every)) < len(every):
        raise _wrong(url, "name each host once")
    return ClickHouseUrl(
        user=unquote(user),
        shards=shards,
        database=database,
        cluster=cluster,
        layout=_layout(url, words.get("shards", ""), 1 if cluster else len(shards), bool(cluster)),
        alone=bool(cluster) or (len(every) == 1 and "shards" not in words),
        ca_file=words.get("ca", ""),
    )


def _layout(
    url: str, text: str, shards: int, on_cluster: bool
) -> tuple[tuple[date | None, int], ...]:
    if not text and on_cluster:
        # Told, never asked: a shard added to the servers' configuration must not move rows.
        raise _wrong(url, "say how many shards the cluster has: ?cluster=city&shards=2")
    if not text:
        return ((None, shards),)
    found: list[tuple[date | None, int]] = []
    for part in text.split(","):
        count, at, day = part.partition("@")
        try:
            since = date.fromisoformat(day) if at else None
            number = int(count)
        except ValueError as error:
            raise _wrong(url, "write shards=2,3@2027-01-15") from error
        follows = since is not None and (found[-1][0] or date.min) < since if found else not at
        if not follows or number < 1 or (number > shards and not on_cluster):
            raise _wrong(url, "write shards=2,3@2027-01-15: days rising, no more than there are")
        found.append((since, number))
    return tuple(found)


def _base(url: str, host: str, *, secure: bool) -> str:
    found = _HOST.fullmatch(host)
    if found is None or (found[2] and not 0 < int(found[2]) < 65536):
        raise _wrong(url, "write hosts as host:port, parted by , and ;")
    if not secure and found[1].strip("[]") not in _LOOPBACK:
        raise ConfigError(
            "plain HTTP to a historian on another machine",
            thing=found[1],
            place="storage.historian_url",
            fix="use clickhouse+https://",
        )
    port = found[2] or ("8443" if secure else "8123")
    return f"{'https' if secure else 'http'}://{found[1]}:{port}"


def _wrong(url: str, fix: str) -> ConfigError:
    # What stands before @ may be a password somebody put there.
    shown = url.rpartition("@")[2][:200]
    return ConfigError(
        "not a historian's address", thing=shown, place="storage.historian_url", fix=fix
    )
