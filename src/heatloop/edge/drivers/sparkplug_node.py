"""What the edge nodes behind one broker say: births, newest values, deaths, late values.

A node is believed from its birth on, until a message is missing, it dies, or the broker is lost;
then it is asked for a rebirth, and what it said before counts no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.drivers.mqtt_broker import BrokerLink
from heatloop.edge.drivers.port import DriverTools
from heatloop.kernel.errors import InputError, LinkError
from heatloop.protocols.sparkplug.model import Metric, Payload
from heatloop.protocols.sparkplug.session import (
    NAMESPACE,
    Heard,
    HostNode,
    Topic,
    read_topic,
    rebirth_command,
)
from heatloop.protocols.sparkplug.state import state as host_state
from heatloop.protocols.sparkplug.state import state_topic

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
_ASK_AGAIN_S = 5.0


@dataclass(slots=True)
class DeviceState:
    """What is known of one device of a node (its own metrics: the device with no name)."""

    codes: list[str] = field(default_factory=list)
    """Devices of the ledger it is."""
    born: bool = False
    """Whether its birth came, and no death since."""
    metrics: dict[str, Metric] = field(default_factory=dict)
    """Newest by name."""
    size: int = 0
    """Bytes since they were last counted."""
    keepers: list[Callable[[list[Metric]], Awaitable[None]]] = field(default_factory=list)
    """Who keeps its historical values."""
    waiting: dict[str, list[asyncio.Future[Metric]]] = field(default_factory=dict)
    """Who waits for the next value of a metric."""


class Node:
    """One edge node.

    Args:
        topic: Its group and name.
        link: The broker.
        tools: What the gateway lends.
    """

    def __init__(self, topic: Topic, link: BrokerLink, tools: DriverTools) -> None:
        self.topic, self._link, self._tools = topic, link, tools
        self.devices: dict[str, DeviceState] = {}
        """By name; empty for the node itself."""
        self._host = HostNode()
        self._trusted = self._dead = False
        self._asked_s = float("-inf")
        self._changed = asyncio.Event()

    def forget(self) -> None:
        """Know nothing: the broker is lost."""
        self._host = HostNode()
        self._dead, self._asked_s = False, float("-inf")
        self._disown(births=True)

    def _disown(self, *, births: bool) -> None:
        """Believe nothing that was said before."""
        self._trusted = False
        for state in self.devices.values():
            state.metrics.clear()
            if births:
                state.born = False

    def type_of(self, device: str, name: str) -> int:
        """Return the data type of a metric.

        Raises:
            InputError: The birth named none such.
        """
        found = self._host.type_of(device, name)
        if found is None:
            raise InputError("the node's birth has no such metric", thing=name)
        return found

    async def ask(self, *, again: bool = False) -> None:
        """Ask for a rebirth, at most every few seconds unless it is needed `again`."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._asked_s < _ASK_AGAIN_S and not again:
            return
        self._asked_s = now_s
        command = str(Topic(group=self.topic.group, kind="NCMD", node=self.topic.node))
        at_ms = int(self._tools.now_s() * 1000)
        try:
            await self._link.publish(command, rebirth_command(at_ms))
        except LinkError:
            self._asked_s = float("-inf")

    async def alive(self, device: str) -> DeviceState:
        """Return what is known of a device; waits for a birth that was just asked for.

        Raises:
            LinkError: It is dead, or does not answer.
        """
        state = self.devices[device]
        loop = asyncio.get_running_loop()
        if not self._trusted and not self._dead:
            await self.ask()
        until_s = self._asked_s + self._tools.timeout_s
        while not (self._dead or (self._trusted and state.born)) and loop.time() < until_s:
            self._changed.clear()
            try:
                async with asyncio.timeout(until_s - loop.time()):
                    await self._changed.wait()
            except TimeoutError:
                break
        if not self._trusted or not state.born:
            why = "device is dead" if self._trusted else "node is dead or was not born again"
            raise LinkError(why, thing=f"{self.topic.group}/{self.topic.node}/{device}")
        return state

    async def heard(self, topic: Topic, payload: bytes) -> None:
        """Take a message of the node or one of its devices."""
        if topic.kind in {"NCMD", "DCMD"}:
            return  # our own, or another host's
        state = self.devices.get(topic.device)
        if state is not None:
            state.size += len(payload)
        try:
            found = self._host.heard(topic, payload)
        except InputError as error:
            self._refused(state, topic, error)
            return
        finally:
            self._changed.set()
        if found.stale:
            return
        late = self._take(topic, found)
        if found.rebirth:
            self._disown(births=False)
            await self.ask()
        for keep in state.keepers if state is not None and late else ():
            await keep(late)

    def _refused(self, state: DeviceState | None, topic: Topic, error: InputError) -> None:
        """Count a damaged message; what it said is unknown, so nothing before it counts."""
        every = [code for each in self.devices.values() for code in each.codes]
        for code in (state.codes if state is not None else every)[:1]:
            self._tools.stats.failed(code, "malformed")
        _LOG.warning("Sparkplug message refused", topic=str(topic), reason=str(error))
        self._disown(births=False)

    def _take(self, topic: Topic, found: Heard) -> list[Metric]:
        """Take what a message says; return its historical values."""
        state = self.devices.get(topic.device)
        match topic.kind:
            case "NBIRTH":
                self._disown(births=True)
                self._trusted, self._dead = True, False
            case "NDEATH":
                self._disown(births=True)
                self._dead = True
                return []
            case "DDEATH":
                if state is not None:
                    state.born = False
                    state.metrics.clear()
                return []
        if state is None:
            return []
        if topic.kind.endswith("BIRTH"):
            state.born = True
            state.metrics.clear()
        return _newest(state, found.payload)


def _newest(state: DeviceState, payload: Payload) -> list[Metric]:
    """Keep the newest values of a message; return the historical ones."""
    late: list[Metric] = []
    for metric in payload.metrics:
        if metric.name is None:
            continue
        if metric.historical:
            late.append(metric)
            continue
        state.metrics[metric.name] = metric
        for future in state.waiting.pop(metric.name, ()):
            if not future.done():
                future.set_result(metric)
    return late


class Hub:
    """All nodes behind one broker: one listener, told by topic which node is meant.

    Args:
        link: The broker.
        tools: What the gateway lends.
    """

    def __init__(self, link: BrokerLink, tools: DriverTools) -> None:
        self.link, self._tools = link, tools
        self._nodes: dict[tuple[str, str], Node] = {}

    def node(self, group: str, name: str) -> Node:
        """Return a node, subscribed the first time it is asked for."""
        found = self._nodes.get((group, name))
        if found is None:
            topic = Topic(group=group, kind="NDATA", node=name)
            found = self._nodes[group, name] = Node(topic, self.link, self._tools)
            self.link.subscribe(f"{NAMESPACE}/{group}/+/{name}/#", 1, self)
        return found

    async def joined(self) -> None:
        """Say that this host listens, and ask every node for its birth: none is retained."""
        host = self.link.settings.host_id
        if host:
            at_ms = self.link.begun_ms
            await self.link.publish(state_topic(host), host_state(online=True, at_ms=at_ms), qos=1,
                                    retain=True)  # fmt: skip
        for node in self._nodes.values():
            await node.ask()

    def lost(self) -> None:
        """Forget what the nodes said."""
        for node in self._nodes.values():
            node.forget()

    async def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take a message."""
        if retained:
            return  # no message of a node is retained: whoever kept this one, it is not news
        try:
            found = read_topic(topic)
        except InputError:
            return
        node = self._nodes.get((found.group, found.node))
        if node is not None:
            await node.heard(found, payload)

    def close(self) -> None:
        """Close the connection."""
        self.link.close()
