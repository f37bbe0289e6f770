"""MQTT: what is published at a broker within a while, Sparkplug B births and JSON unpacked.

::

    mqtt://user:password@192.168.1.60:1883/plant/#?seconds=10
    mqtt://192.168.1.60?rebirth=1        also asks Sparkplug nodes for their births

The path is the topic filter (`#` if none is given). Nothing is published unless `rebirth=1`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt

from heatloop.edge.mqtt_client import MqttClient
from heatloop.edge.probe.model import Offer, Progress, Report, Target
from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.protocols.sparkplug.decode import decode_payload
from heatloop.protocols.sparkplug.session import (
    NAMESPACE,
    Topic,
    read_topic,
    rebirth_command,
)

_MOST_TOPICS = 2000
_DEEPEST = 6
_BIRTHS = ("NBIRTH", "DBIRTH")


async def probe(target: Target, progress: Progress) -> Report:
    """Return the topics and metrics heard.

    Raises:
        InputError: An option does not fit, or nothing is heard.
        LinkError: The broker does not answer or does not let us in.
    """
    target.known("seconds", "rebirth")
    seconds = float(target.whole("seconds", 10, 1, 600))
    report = Report(url=target.url, protocol="mqtt")
    heard = _Heard(report)
    client = MqttClient(
        target.host,
        port=target.port,
        username=target.user or None,
        password=target.password or None,
        protocol=aiomqtt.ProtocolVersion.V5,
        timeout=max(target.timeout_s, 2.0),
    )
    try:
        async with client:
            await client.subscribe(target.path or "#", qos=0)
            await _listen(
                client, heard, seconds, progress, ask=target.whole("rebirth", 0, 0, 1) == 1
            )
    except aiomqtt.MqttError as error:
        fix = (
            "check port, user and password (mqtt://user:password@host), and what the user may read"
        )
        raise LinkError(f"broker refuses: {error}", thing=target.place, fix=fix) from error
    report.offers = heard.offers()
    if not report.offers:
        fix = "give it seconds=60, another topic filter, or rebirth=1 for Sparkplug nodes"
        raise InputError("connected, but nothing was published", thing=target.place, fix=fix)
    progress(1.0, "")
    return report


async def _listen(
    client: aiomqtt.Client, heard: _Heard, seconds: float, progress: Progress, *, ask: bool
) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    messages: AsyncIterator[Any] = aiter(client.messages)
    asked: set[str] = set()
    while (left := end - loop.time()) > 0:
        progress(1 - left / seconds, f"{len(heard.found)} values")
        try:
            async with asyncio.timeout(min(left, 0.5)):
                message = await anext(messages)
        except TimeoutError:
            continue
        node = heard.take(str(message.topic), bytes(message.payload or b""))
        if ask and node is not None and str(node) not in asked:
            asked.add(str(node))
            now_ms = int(time.time() * 1000)  # noqa: TID251 - a request's own time stamp
            await client.publish(str(node), rebirth_command(now_ms))


class _Heard:
    """Newest value of everything heard, by topic and name."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.found: dict[tuple[str, str], Offer] = {}
        self._names: dict[tuple[str, str], dict[int | str, int]] = {}

    def take(self, topic: str, payload: bytes) -> Topic | None:
        """Keep what a message says; return the command topic of a node that has no birth yet."""
        if len(self.found) >= _MOST_TOPICS:
            return None
        if topic.startswith(f"{NAMESPACE}/") and "/STATE/" not in topic:
            return self._sparkplug(topic, payload)
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            said = payload[:100].decode("utf-8", "replace")
        self._json(topic, "", said, 0)
        return None

    def _json(self, topic: str, path: str, said: Any, depth: int) -> None:
        if isinstance(said, dict) and depth < _DEEPEST:
            for name, inner in said.items():
                self._json(topic, f"{path}.{name}".strip("."), inner, depth + 1)
        elif isinstance(said, list) and depth < _DEEPEST:
            for number, inner in enumerate(said[:20]):
                self._json(topic, f"{path}[{number}]", inner, depth + 1)
        elif len(self.found) < _MOST_TOPICS:
            value = said if said is None or isinstance(said, str | int | float) else str(said)
            self.found[topic, path] = Offer(source=path or ".", label=topic, value=value)

    def _sparkplug(self, text: str, data: bytes) -> Topic | None:
        try:
            topic = read_topic(text)
            payload = decode_payload(data)
        except HeatloopError as error:
            self._report.notes.append(f"{text}: {error.message}")
            return None
        self._report.protocol = "sparkplug"
        where = "/".join(part for part in (topic.group, topic.node, topic.device) if part)
        births = topic.kind in _BIRTHS
        for metric in payload.metrics:
            if metric.name:
                value = metric.value
                plain = value if value is None or isinstance(value, int | float | str) else "..."
                key = where, metric.name
                self.found[key] = Offer(
                    source=metric.name,
                    label=where,
                    value=plain,
                    dtype=str(metric.datatype or ""),
                    quality="birth" if births else "good",
                )
        known = any(place.startswith(f"{topic.group}/{topic.node}") for place, _ in self.found)
        if births or known:
            return None
        return Topic(group=topic.group, kind="NCMD", node=topic.node)

    def offers(self) -> list[Offer]:
        """Return what was heard, by topic and name."""
        return [self.found[key] for key in sorted(self.found)]
