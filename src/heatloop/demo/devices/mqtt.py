"""Devices of the city that publish JSON to a broker, and take orders from it.

All points of a device go out together, once a period or when told, with their time in `time` if
the device's parameters ask for one. Points whose `source` names a topic below are left to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import aiomqtt

from heatloop.demo.devices.face import Face
from heatloop.edge.mqtt_client import MqttClient
from heatloop.kernel.clock import machine_s
from heatloop.plant.field_protocols import field_parameters

_AGAIN_S = 0.5


class JsonPublisher:
    """The devices behind one broker.

    Args:
        faces: The devices; `address` is the topic.
        host: The broker's address.
        port: Its port.
        now_s: Plant time.
    """

    def __init__(
        self, faces: Sequence[Face], host: str, port: int, now_s: Callable[[], float]
    ) -> None:
        self._faces, self._address, self._now_s = tuple(faces), (host, port), now_s
        self._given = [field_parameters(face.device.parameters) for face in self._faces]
        self._client: aiomqtt.Client | None = None
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Stay connected, for ever."""
        host, port = self._address
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with MqttClient(
                    host, port, protocol=aiomqtt.ProtocolVersion.V5, keepalive=20, timeout=2.0
                ) as client:
                    for face, given in zip(self._faces, self._given, strict=True):
                        if "write" in given:
                            await client.subscribe(f"{face.device.address}/{given['write']}", 1)
                    self._client = client
                    self.connected.set()
                    async for message in client.messages:
                        await self._ordered(str(message.topic), bytes(message.payload))
            self._client = None
            self.connected.clear()
            await asyncio.sleep(_AGAIN_S)

    async def tell(self) -> None:
        """Publish the present values of every device that speaks."""
        for face, given in zip(self._faces, self._given, strict=True):
            if not face.silent:
                await self._publish(face, given)

    async def _publish(self, face: Face, given: dict[str, str]) -> None:
        if self._client is None:
            return
        message: dict[str, Any] = {}
        said = []
        for binding in face.bindings:
            value = face.value(binding)
            if "|" not in binding.source and not math.isnan(value):
                _put(message, binding.source, (value - binding.offset) / binding.factor)
                said.append(binding)
        if "time" in given:
            _put(message, given["time"], int(self._now_s()))
        qos = int(given.get("qos", "0"))
        face.answered(said)
        await self._client.publish(face.device.address, json.dumps(message).encode(), qos)

    async def _ordered(self, topic: str, payload: bytes) -> None:
        try:
            wanted = json.loads(payload)
        except ValueError:
            return
        for face, given in zip(self._faces, self._given, strict=True):
            if topic != f"{face.device.address}/{given.get('write', '')}" or face.silent:
                continue
            for binding in face.bindings:
                value = wanted.get(binding.source) if isinstance(wanted, dict) else None
                if isinstance(value, int | float):
                    face.write(binding, value * binding.factor + binding.offset)
            await self._publish(face, given)


def _put(message: dict[str, Any], path: str, value: float) -> None:
    """Put a value at a path of names."""
    *above, last = path.split(".")
    for name in above:
        message = message.setdefault(name, {})
    message[last] = value


class MqttServed:
    """A running publisher.

    Args:
        publisher: The devices.
        period_s: Machine seconds between two messages; 0: `tell` is called.
    """

    def __init__(self, publisher: JsonPublisher, period_s: float) -> None:
        self.publisher = publisher
        self._tasks = [asyncio.create_task(publisher.run())]
        if period_s:
            self._tasks.append(asyncio.create_task(self._look(period_s)))

    async def _look(self, period_s: float) -> None:
        while True:
            await self.tell()
            await asyncio.sleep(period_s)

    async def tell(self) -> None:
        """Publish the present values."""
        with contextlib.suppress(aiomqtt.MqttError):
            await self.publisher.tell()

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
) -> MqttServed:
    """Publish for some devices through the broker at an address.

    Args:
        faces: The devices.
        host: The broker's address.
        port: The broker's port.
        now_s: Plant time.
        period_s: Machine seconds between two messages; 0: `tell` is called.
    """
    return MqttServed(JsonPublisher(faces, host, port, now_s), period_s)
