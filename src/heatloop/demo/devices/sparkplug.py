"""Third-party gateways of the city: Sparkplug B edge nodes that publish to a broker.

Faces with one group and node (`address` = `group/node[/device]`) are one edge node. It tells births
on connecting and when asked, afterwards what changed, and takes orders. A silent device is dead
(DDEATH) until it speaks again. What is about to be sent is said to be answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Sequence

import aiomqtt

from heatloop.demo.devices.face import Face
from heatloop.edge.mqtt_client import MqttClient
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import InputError
from heatloop.plant.model import Binding
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.model import Metric
from heatloop.protocols.sparkplug.session import REBIRTH, EdgeNode, Topic, read_topic

_DOUBLE = 10
_AGAIN_S = 0.5
_QOS = 0


class _Device:
    """One device of a node, or the node itself (no name)."""

    def __init__(self, face: Face, name: str, first_alias: int) -> None:
        self.face, self.name = face, name
        self.alias = {b.key: first_alias + n for n, b in enumerate(face.bindings)}
        self.by_alias = {self.alias[b.key]: b for b in face.bindings}
        self.by_name = {b.source: b for b in face.bindings}
        self.told: dict[int, float | None] = {}
        self.born = False

    def metrics(self, bindings: Iterable[Binding], at_ms: int) -> list[Metric]:
        """Return the present values of some points as metrics."""
        found = []
        for binding in bindings:
            shown = self.face.value(binding)
            value = None if math.isnan(shown) else (shown - binding.offset) / binding.factor
            self.told[binding.key] = value
            found.append(
                Metric(
                    name=binding.source, alias=self.alias[binding.key], timestamp_ms=at_ms,
                    datatype=_DOUBLE, value=value,
                )
            )  # fmt: skip
        return found

    def changed(self) -> list[Binding]:
        """Return the points that show something else than was told."""
        found = []
        for binding in self.face.bindings:
            shown = self.face.value(binding)
            value = None if math.isnan(shown) else (shown - binding.offset) / binding.factor
            if self.told.get(binding.key, math.inf) != value:
                found.append(binding)
        return found


class SparkplugNode:
    """One edge node.

    Args:
        group: Its group.
        name: Its name.
        faces: Its devices, by name; empty name: the node itself.
        host: The broker's address.
        port: The broker's port.
        now_s: Plant time.
    """

    def __init__(
        self,
        group: str,
        name: str,
        faces: dict[str, Face],
        host: str,
        port: int,
        now_s: Callable[[], float],
    ) -> None:
        self._group, self._name, self._address, self._now_s = group, name, (host, port), now_s
        self._session = EdgeNode()
        self._client: aiomqtt.Client | None = None
        self._turn = asyncio.Lock()
        self.connected = asyncio.Event()
        first = 1
        self._devices: dict[str, _Device] = {}
        for each, face in faces.items():
            self._devices[each] = _Device(face, each, first)
            first += len(face.bindings)

    def _topic(self, kind: str, device: str = "") -> str:
        return str(Topic(group=self._group, kind=kind, node=self._name, device=device))

    def _at_ms(self) -> int:
        return int(self._now_s() * 1000)

    async def run(self) -> None:
        """Stay connected, for ever."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                await self._connected()
            self.connected.clear()
            self._client = None
            await asyncio.sleep(_AGAIN_S)

    async def _connected(self) -> None:
        will = aiomqtt.Will(self._topic("NDEATH"), self._session.will(self._at_ms()), qos=1)
        host, port = self._address
        async with MqttClient(
            host, port, identifier=f"city-{self._group}-{self._name}", will=will,
            protocol=aiomqtt.ProtocolVersion.V5, keepalive=20, timeout=2.0,
        ) as client:  # fmt: skip
            await client.subscribe(self._topic("NCMD"), 1)
            await client.subscribe(self._topic("DCMD", "+"), 1)
            self._client = client
            await self._births()
            self.connected.set()
            async for message in client.messages:
                await self._ordered(str(message.topic), bytes(message.payload))

    async def _births(self) -> None:
        async with self._turn:
            at_ms = self._at_ms()
            own = self._devices.get("")
            metrics = own.metrics(own.face.bindings, at_ms) if own is not None else []
            if own is not None:
                own.face.answered(own.face.bindings)
            await self._publish("NBIRTH", "", self._session.birth(at_ms, metrics))
            for device in self._devices.values():
                device.born = device.name == ""
                if device.name and not device.face.silent:
                    await self._device_birth(device, at_ms)

    async def _device_birth(self, device: _Device, at_ms: int) -> None:
        metrics = device.metrics(device.face.bindings, at_ms)
        payload = self._session.device_birth(at_ms, metrics)
        device.face.answered(device.face.bindings)
        await self._publish("DBIRTH", device.name, payload)
        device.born = True

    async def tell(self) -> None:
        """Publish what changed since the last time, births and deaths of devices included."""
        if self._client is None or not self.connected.is_set():
            return
        async with self._turn:
            at_ms = self._at_ms()
            for device in self._devices.values():
                if device.name and device.face.silent == device.born:
                    await self._turned(device, at_ms)
                elif not device.face.silent and (changed := device.changed()):
                    metrics = device.metrics(changed, at_ms)
                    kind = "DDATA" if device.name else "NDATA"
                    device.face.answered(changed)
                    await self._publish(
                        kind, device.name, self._session.data(at_ms, metrics, with_types=True)
                    )

    async def _turned(self, device: _Device, at_ms: int) -> None:
        """Tell that a device died, or came back."""
        if device.face.silent:
            device.born = False
            await self._publish("DDEATH", device.name, self._session.device_death(at_ms))
        else:
            await self._device_birth(device, at_ms)

    async def backfill(self, device: str, rows: Iterable[tuple[Binding, int, float]]) -> None:
        """Publish values of before, marked historical.

        Args:
            device: Device, empty for the node itself.
            rows: Point, plant time, raw value.
        """
        found = self._devices[device]
        metrics = [
            Metric(
                name=b.source, alias=found.alias[b.key], timestamp_ms=at_s * 1000,
                datatype=_DOUBLE, value=value, historical=True,
            )
            for b, at_s, value in rows
        ]  # fmt: skip
        async with self._turn:
            kind = "DDATA" if device else "NDATA"
            await self._publish(
                kind, device, self._session.data(self._at_ms(), metrics, with_types=True)
            )

    async def _publish(self, kind: str, device: str, payload: bytes) -> None:
        assert self._client is not None
        await self._client.publish(self._topic(kind, device), payload, _QOS)

    async def _ordered(self, topic: str, payload: bytes) -> None:
        """Carry out an order: a rebirth, or values to be written."""
        try:
            place = read_topic(topic)
            metrics = decode_payload(payload).metrics
        except InputError:
            return  # another host's mistake
        if any(m.name == REBIRTH and m.value is True for m in metrics):
            await self._births()
            return
        device = self._devices.get(place.device)
        if device is None or device.face.silent:
            return
        for metric in metrics:
            binding = device.by_alias.get(metric.alias or 0) or device.by_name.get(
                metric.name or ""
            )
            value = metric.value
            if binding is not None and isinstance(value, int | float):
                device.face.write(binding, value * binding.factor + binding.offset)
        await self.tell()


class SparkplugServed:
    """Running edge nodes.

    Args:
        nodes: The nodes.
        period_s: Machine seconds between two looks at what changed; 0: `tell` is called.
    """

    def __init__(self, nodes: Sequence[SparkplugNode], period_s: float) -> None:
        self.nodes = tuple(nodes)
        self._tasks = [asyncio.create_task(node.run()) for node in self.nodes]
        if period_s:
            self._tasks.append(asyncio.create_task(self._look(period_s)))

    async def _look(self, period_s: float) -> None:
        while True:
            begun_s = machine_s()
            await self.tell()
            await asyncio.sleep(max(0.0, begun_s + period_s - machine_s()))

    async def tell(self) -> None:
        """Publish what changed; a broken connection tells everything anew when it stands."""
        for node in self.nodes:
            with contextlib.suppress(aiomqtt.MqttError):
                await node.tell()

    async def close(self) -> None:
        """Stop publishing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def serve(
    faces: Sequence[Face],
    host: str,
    port: int,
    *,
    now_s: Callable[[], float] = machine_s,
    period_s: float = 1.0,
) -> SparkplugServed:
    """Publish for some devices through the broker at an address.

    Args:
        faces: The devices; `address` says group, node and device.
        host: The broker's address.
        port: The broker's port.
        now_s: Plant time.
        period_s: Machine seconds between two looks at what changed; 0: `tell` is called.
    """
    by_node: dict[tuple[str, str], dict[str, Face]] = {}
    for face in faces:
        group, node, *device = face.device.address.split("/")
        by_node.setdefault((group, node), {})["".join(device)] = face
    nodes = [SparkplugNode(*key, own, host, port, now_s) for key, own in by_node.items()]
    return SparkplugServed(nodes, period_s)
