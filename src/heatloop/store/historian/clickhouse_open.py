"""Opens the historian an address names: a server, a cluster with Keeper, shards of replicas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from heatloop.kernel.errors import ConfigError
from heatloop.store.historian.clickhouse_cluster import ClusterHistorian
from heatloop.store.historian.clickhouse_hints import Hints
from heatloop.store.historian.clickhouse_historian import ClickHouseHistorian, Counters
from heatloop.store.historian.clickhouse_http import Login
from heatloop.store.historian.clickhouse_layout import Layout
from heatloop.store.historian.clickhouse_node import Node
from heatloop.store.historian.clickhouse_server import ClickHouseServer
from heatloop.store.historian.clickhouse_url import ClickHouseUrl
from heatloop.store.historian.clickhouse_variants import Cluster

REPLICA_ANSWER_S = 30.0
"""A replica that is silent for so long is given up, because its neighbours wait for it."""


def open_clickhouse(
    url: ClickHouseUrl, password: str, *, zone: ZoneInfo, state: Path
) -> ClickHouseHistorian | ClusterHistorian:
    """Open the historian at an address.

    Args:
        url: The address.
        password: Password of its user.
        zone: Zone of the company's days.
        state: Folder of what must outlive this process, for shards of replicas.

    Raises:
        LinkError: Nobody answers there.
        ConfigError: The servers do not let this user in, or the layout is not what is stored.
    """
    login = Login(user=url.user, password=password, ca_file=url.ca_file)
    layout = Layout(url.layout, zone)
    if url.alone:
        cluster = Cluster(name=url.cluster, layout=layout.steps) if url.cluster else None
        server = ClickHouseServer(url.shards[0], login, cluster=cluster)
        try:
            return ClickHouseHistorian(server, zone=zone, database=url.database, owner=True)
        except BaseException:
            server.close()
            raise
    counters = Counters()
    shards = _shards(url, login, zone, state, counters, {})
    return ClusterHistorian(shards, layout, zone=zone, state=state, counters=counters)


def grow(
    historian: ClusterHistorian, url: ClickHouseUrl, password: str, *, zone: ZoneInfo, state: Path
) -> None:
    """Add the replicas and shards an address names to an open historian.

    Raises:
        ConfigError: The address leaves out a replica that is in use, or moves one.
        LinkError: A new shard does not answer.
    """
    have = {node.name: node for node in historian.replicas.nodes()}
    for number, shard in enumerate(historian.replicas.shards):
        told = url.shards[number] if number < len(url.shards) else ()
        if not {node.name for node in shard} <= set(told):
            raise ConfigError(
                "a replica in use is left out or moved",
                thing=", ".join(node.name for node in shard),
                place="storage.historian_url",
                fix="only add while it runs; restart the historian to remove",
            )
    login = Login(user=url.user, password=password, ca_file=url.ca_file)
    shards = _shards(url, login, zone, state, historian.counters, have)
    historian.grow(shards, Layout(url.layout, zone))


def _shards(
    url: ClickHouseUrl,
    login: Login,
    zone: ZoneInfo,
    state: Path,
    counters: Counters,
    have: dict[str, Node],
) -> Sequence[Sequence[Node]]:
    def node(base: str) -> Node:
        server = ClickHouseServer((base,), login, answer_s=REPLICA_ANSWER_S)
        name = base.partition("://")[2].replace(":", "_").replace("/", "_").strip("[]")

        def connect() -> ClickHouseHistorian:
            return ClickHouseHistorian(
                server, zone=zone, database=url.database, owner=True, counters=counters
            )

        hints = Hints(state / f"{name}.missed")
        return Node(base, connect, server.alive, hints, server.close)

    return [[have.get(base) or node(base) for base in shard] for shard in url.shards]
