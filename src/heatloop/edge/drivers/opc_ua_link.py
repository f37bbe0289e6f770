"""What devices on one OPC UA server share: a session, its subscription, the newest values.

With a subscription the newest values are kept as they come; every read still asks the server how
it is, so that a session that died is never taken for a plant at rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError

from heatloop.edge.drivers.opc_ua_client import BROKEN
from heatloop.edge.drivers.opc_ua_session import ITEMS_A_CALL, OpcUaSession
from heatloop.edge.drivers.opc_ua_settings import Settings
from heatloop.edge.drivers.port import DriverTools
from heatloop.kernel.errors import HeatloopError, InputError, LinkError

_KEEP_ALIVE_S = 5.0
_STATE = ua.NodeId.from_string("i=2259")


class OpcUaLink(OpcUaSession):
    """A session with what is known through it.

    Args:
        settings: Where and how.
        tools: What the gateway lends.
    """

    def __init__(self, settings: Settings, tools: DriverTools) -> None:
        super().__init__(settings, tools)
        self.newest: dict[str, ua.DataValue] = {}
        """By source, since the session was made."""
        self._wanted: dict[str, ua.NodeId] = {}
        self._handles: dict[int, str] = {}
        self._subscription: int | None = None
        self._published_s = 0.0
        self._read_s: dict[str, float] = {}
        self._turn = asyncio.Lock()

    def _begin(self) -> None:
        self.newest.clear()
        self._wanted.clear()
        self._handles.clear()
        self._read_s.clear()
        self._subscription = None

    async def refreshed(self, sources: Sequence[str]) -> None:
        """Return when the newest values of these sources are known and the server is alive.

        Raises:
            DamagedError: What came could not be read.
            InputError: The server does not trust us, or we do not trust it.
            LinkError: There is no session.
        """
        async with self._turn:
            try:
                await self._connected()
                fresh = [s for s in sources if s not in self.newest]
                if self._settings.subscribes:
                    await self._alive()
                    if fresh:
                        await self._monitor(fresh)
                        await self.read(fresh)
                else:
                    await self.read(sources)
            except HeatloopError:
                raise
            except BROKEN as error:
                raise self._broken(error) from error

    async def _alive(self) -> None:
        """Ask the server how it is, and look whether its subscription still speaks."""
        (state,) = await self._read_nodes([_STATE])
        value = state.Value.Value if state.Value is not None else None
        if value != ua.ServerState.Running:
            raise LinkError(f"server is not running but in state {value}", thing=self._settings.url)
        silent_s = time.monotonic() - self._published_s
        if self._subscription is not None and silent_s > self._longest_silence_s:
            text = f"subscription has been silent for {silent_s:.0f} s"
            raise LinkError(text, thing=self._settings.url)

    @property
    def _longest_silence_s(self) -> float:
        return 3.0 * max(_KEEP_ALIVE_S, self._settings.publish_ms / 1000.0) + self._tools.timeout_s

    def node_id(self, source: str) -> ua.NodeId:
        """Return the node a source means on this server.

        Raises:
            InputError: It is no node id, or its namespace is not on the server.
        """
        found = self._wanted.get(source)
        if found is not None:
            return found
        text, fix = source, "write ns=2;s=Name or nsu=urn:...;s=Name"
        if source.startswith("nsu="):
            uri, _, rest = source[4:].partition(";")
            if uri not in self._namespaces:
                raise InputError("server has no such namespace", thing=uri, fix=fix)
            text = f"ns={self._namespaces.index(uri)};{rest}"
        try:
            found = ua.NodeId.from_string(text)
        except (UaError, ValueError) as error:
            raise InputError(f"no node id: {source}", thing=source, fix=fix) from error
        self._wanted[source] = found
        return found

    def known(self, sources: Iterable[str]) -> dict[str, ua.NodeId]:
        """Return the node ids of those sources that mean one."""
        found = {}
        for source in sources:
            try:
                found[source] = self.node_id(source)
            except InputError:
                continue
        return found

    async def read(self, sources: Sequence[str]) -> None:
        """Ask for values now; they stand among the newest on return."""
        nodes = self.known(sources)
        values = await self._read_nodes(list(nodes.values()))
        now_s = time.monotonic()
        for source, value in zip(nodes, values, strict=True):
            self.newest[source] = value
            self._read_s[source] = now_s

    async def _monitor(self, sources: Sequence[str]) -> None:
        assert self._client is not None
        session, settings = self._client.uaclient.session, self._settings
        if self._subscription is None:
            beats = max(1, round(1000.0 * _KEEP_ALIVE_S / settings.publish_ms))
            asked = ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=settings.publish_ms,
                RequestedLifetimeCount=10 * beats,
                RequestedMaxKeepAliveCount=beats,
                MaxNotificationsPerPublish=0,
                PublishingEnabled=True,
            )
            self._published_s = time.monotonic()
            given = await session.create_subscription(asked, self._published)
            self._subscription = given.SubscriptionId
        nodes = [(s, n) for s, n in self.known(sources).items() if s not in self._handles.values()]
        for at in range(0, len(nodes), ITEMS_A_CALL):
            items = [self._item(source, node) for source, node in nodes[at : at + ITEMS_A_CALL]]
            wanted = ua.CreateMonitoredItemsParameters(
                SubscriptionId=self._subscription,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=items,
            )
            # What cannot be monitored says why when it is read.
            await session.create_monitored_items(wanted)

    def _item(self, source: str, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
        handle = len(self._handles) + 1
        self._handles[handle] = source
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=self._settings.sample_ms,
                QueueSize=1,
                DiscardOldest=True,
            ),
        )

    def _published(self, result: ua.PublishResult) -> None:
        """Take the notifications of one publish response; none is a sign of life."""
        self._published_s = time.monotonic()
        for note in result.NotificationMessage.NotificationData or ():
            if isinstance(note, ua.DataChangeNotification):
                for item in note.MonitoredItems:
                    source = self._handles.get(item.ClientHandle)
                    if source is not None and not self._overtaken(source, item.Value):
                        self.newest[source] = item.Value
            elif isinstance(note, ua.StatusChangeNotification):
                self._published_s = 0.0  # the subscription is over

    def _overtaken(self, source: str, value: ua.DataValue) -> bool:
        """Return whether a change that was on its way when we read is older than what we read."""
        since_s = time.monotonic() - self._read_s.get(source, 0.0)
        before = self.newest.get(source)
        if before is None or since_s > 2.0 * self._settings.publish_ms / 1000.0 + 1.0:
            return False
        old, new = before.SourceTimestamp, value.SourceTimestamp
        return old is not None and new is not None and new < old

    async def write(self, source: str, value: ua.Variant) -> None:
        """Write one node and read it back; what it holds stands among the newest on return.

        Raises:
            InputError: The server refuses.
            LinkError: It does not answer.
        """
        async with self._turn:
            try:
                await self._connected()
                assert self._client is not None
                session = self._client.uaclient.session
                (status,) = await session.write_attributes(
                    [self.node_id(source)], [ua.DataValue(value)]
                )
                if not status.is_good():
                    raise InputError(f"server refuses the write: {status.name}", thing=source)
                await self.read([source])
            except HeatloopError:
                raise
            except BROKEN as error:
                raise self._broken(error) from error
