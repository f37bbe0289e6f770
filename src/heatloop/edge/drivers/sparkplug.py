"""MQTT Sparkplug B: edge nodes tell a broker what changes; a read answers with what was said last.

`address` is `group/node` or `group/node/device`; host and port are the broker's; `source` of a
point is the name of its metric. Parameters: those of `mqtt_broker`, and `host_id=` (the name under
which this gateway tells nodes that it listens; give it to one gateway a broker only).

A node whose messages have a hole is asked for a rebirth; until that comes, as after its death, its
devices count as unreachable. Values marked historical go to the slots they were measured in. A
write is answered by the next value the node tells of the metric; where none comes (it was so
before), a rebirth is asked for.

Reference: Sparkplug 3.0.0, 5 and 6.4.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from math import isfinite

from heatloop.edge.drivers.listener_intake import report_slot
from heatloop.edge.drivers.mqtt_broker import PARAMETERS, BrokerLink, broker_settings
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading
from heatloop.edge.drivers.sparkplug_node import DeviceState, Hub
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.kernel.quality import Quality
from heatloop.plant.model import Binding, Device
from heatloop.protocols.sparkplug.datatypes import BOOLEAN, data_type
from heatloop.protocols.sparkplug.encode import encode_payload
from heatloop.protocols.sparkplug.model import Metric, Payload
from heatloop.protocols.sparkplug.session import Topic

_MOST_EARLY = 10_000
_QUALITY = {0: Quality.BAD, 192: Quality.GOOD, 500: Quality.STALE}


class SparkplugDriver(Driver):
    """Knows one node or device behind a broker."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        given = Parameters(device, (*PARAMETERS, "host_id"))
        parts = device.address.split("/")
        if len(parts) not in {2, 3} or not all(parts) or set("+#") & set(device.address):
            raise given.wrong(
                f"address {device.address!r}", "write group/node or group/node/device"
            )
        settings = broker_settings(device, given, given.text("host_id", ""))
        self._hub = tools.shared.get(
            ("sparkplug", settings), lambda: Hub(BrokerLink(settings, tools), tools)
        )
        self._group, self._name, *rest = parts
        self._device = "".join(rest)
        self._node = self._hub.node(self._group, self._name)
        self._state = self._node.devices.setdefault(self._device, DeviceState())
        self._state.codes.append(device.code)
        self._state.keepers.append(self._keep_late)
        self._by_source: dict[str, list[Binding]] = {}
        # Late values of metrics that no read has been planned for yet.
        self._early: deque[Metric] = deque(maxlen=_MOST_EARLY)
        self._planned = False

    def plan(self, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Remember which metrics are points, and plan to read all at once."""
        for binding in bindings:
            known = self._by_source.setdefault(binding.source, [])
            if binding not in known:
                known.append(binding)
                self._planned = True
        return super().plan(bindings)

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        code, stats = self.device.code, self.tools.stats
        stats.asked(code)
        state = await self._alive()
        if self._planned:
            self._planned = False
            early, self._early = self._early, deque(maxlen=_MOST_EARLY)
            await self._keep_late(early)
        for rows in planned:
            bindings: list[Binding] = []
            raws: list[float] = []
            for binding in rows.bindings:
                try:
                    metric = state.metrics.get(binding.source)
                    if metric is None:
                        fix = "compare with the node's birth"
                        raise InputError("no such metric", thing=binding.source, fix=fix)
                    raws.append(_number(metric))
                except InputError as error:
                    self.misfit(error, reading)
                    continue
                bindings.append(binding)
                quality = _quality(metric)
                if quality is not Quality.GOOD:
                    reading.doubtful[binding.key] = quality
            if bindings:
                reading.add(bindings, raws)
        stats.answered(code, bytes_up=state.size)
        state.size = 0

    async def _alive(self) -> DeviceState:
        await self._hub.link.ready()
        return await self._node.alive(self._device)

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        state = await self._alive()
        code = self._node.type_of(self._device, binding.source)
        at_ms = int(self.tools.now_s() * 1000)
        metric = Metric(
            name=binding.source, timestamp_ms=at_ms, datatype=code, value=_typed(raw, code)
        )
        payload = encode_payload(Payload(timestamp_ms=at_ms, metrics=(metric,)))
        kind = "DCMD" if self._device else "NCMD"
        topic = Topic(group=self._group, kind=kind, node=self._name, device=self._device)
        told: asyncio.Future[Metric] = asyncio.get_running_loop().create_future()
        waiting = state.waiting.setdefault(binding.source, [])
        waiting.append(told)
        try:
            await self._hub.link.publish(str(topic), payload)
            return await self._read_back(told) if read_back else raw
        finally:
            if told in waiting:
                waiting.remove(told)

    async def _read_back(self, told: asyncio.Future[Metric]) -> float:
        for last in (False, True):
            try:
                async with asyncio.timeout(self.tools.timeout_s):
                    return _number(await asyncio.shield(told))
            except TimeoutError:
                if not last:
                    await self._node.ask(again=True)
        raise LinkError("the node does not tell what it did", thing=self.device.code)

    async def _keep_late(self, metrics: Iterable[Metric]) -> None:
        batch = SampleBatch()
        for metric in metrics:
            bindings = self._by_source.get(metric.name or "", ())
            if not bindings:
                self._early.append(metric)
                continue
            try:
                raw = _number(metric)
                at_s = (metric.timestamp_ms or 0) // 1000
                if not 0 < at_s <= self.tools.now_s():
                    raise InputError(
                        "a late value has a time that is past", thing=metric.name or ""
                    )
            except InputError as error:
                self.tools.stats.failed(self.device.code, "malformed")
                self._log.broken(error)
                continue
            for binding in bindings:
                value = raw * binding.factor + binding.offset
                slot = report_slot(at_s, binding.period_s)
                batch.append(binding.key, slot, value, _quality(metric))
        if len(batch):
            try:
                await self.tools.keep_late(batch)
            except HeatloopError as error:
                self._log.broken(error)

    def _fail(self, error: Exception, now_s: float) -> None:
        super()._fail(error, now_s)
        self.backoff.due_s = now_s  # looking at what is known costs nothing

    def _drop(self) -> None:
        """Keep the connection: others share it."""


def _number(metric: Metric) -> float:
    value = metric.value
    if isinstance(value, bool | int | float) and isfinite(value):
        return float(value)
    raise InputError(f"metric is no number now: {str(value)[:40]}", thing=metric.name or "?")


def _quality(metric: Metric) -> Quality:
    found = metric.properties.get("Quality")
    code = found.value if found is not None else 192
    return _QUALITY.get(code, Quality.UNCERTAIN) if isinstance(code, int) else Quality.UNCERTAIN


def _typed(raw: float, code: int) -> int | float | bool:
    """Return a raw number as the metric's data type takes it.

    Raises:
        InputError: It cannot.
    """
    kind = data_type(code)
    if kind.slot in {"float", "double"}:
        return raw
    if kind.slot not in {"int", "long", "boolean"} or abs(raw - round(raw)) > 1e-6:
        raise InputError(f"{raw} does not fit a metric of type {kind.name}")
    return bool(round(raw)) if code == BOOLEAN else round(raw)
