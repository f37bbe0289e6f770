"""Plain MQTT with JSON: a device publishes its values; a read answers with what it said last.

`address` is the topic, `source` of a point the path of its value in the message (`a.b[0].c`, see
`protocols.reports.json_path`; `path;layout` for packed bytes); values on a topic below come as
`state|outdoor.temperature`: topic `<address>/state`; a `.` alone is a message that is itself the
number. Parameters, beside those of `mqtt_broker`:

- `stale=` plant seconds after which a message counts no more (three periods of its points);
- `time=` path of the message's own time: one of before the last slot goes to its slot;
- `retained=1` believe retained messages, which may be of any age (with `time=` they need not be);
- `death=` topic below the address on which `offline` (last will) means that the device is dead;
- `write=` topic below the address that takes orders as `{"<path>": value}`;
- `qos=`, `zone=` (of times without one).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

from heatloop.edge.drivers.http_json import parse_json
from heatloop.edge.drivers.listener_intake import report_slot
from heatloop.edge.drivers.mqtt_broker import PARAMETERS, BrokerLink, broker_settings
from heatloop.edge.drivers.parameters import Parameters
from heatloop.edge.drivers.port import DEVICE_ERROR, Driver, DriverTools, Planned, Reading
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.errors import HeatloopError, InputError, LinkError
from heatloop.plant.model import Binding, Device
from heatloop.protocols.reports.json_path import find, number
from heatloop.protocols.reports.json_report import value_of
from heatloop.protocols.reports.times import read_time, zone_of

_OWN = ("stale", "time", "retained", "death", "write", "qos", "zone")
_DEAD = (b"offline", b"OFFLINE", b"0", b"false")
_WHOLE = "."


@dataclass(frozen=True, slots=True)
class _Message:
    document: object
    at_s: float
    """Plant time it came."""


class MqttDriver(Driver):
    """Knows one device that publishes JSON."""

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        given = Parameters(device, (*PARAMETERS, *_OWN))
        if not device.address or set("+#") & set(device.address):
            raise given.wrong(f"address {device.address!r}", "give one topic, without + and #")
        settings = broker_settings(device, given)
        self._link = tools.shared.get(("mqtt", settings), lambda: BrokerLink(settings, tools))
        self._qos = int(given.number("qos", 0, 0, 2))
        self._stale_s = given.number("stale", 0, 0, 86400)
        self._time, self._retained = given.text("time", ""), given.flag("retained", default=False)
        self._death, self._write_to = given.text("death", ""), given.text("write", "")
        self._zone = zone_of(given.text("zone", "UTC"))
        self._messages: dict[str, _Message] = {}
        self._dead = False
        self._size = 0
        self._bindings: dict[str, list[Binding]] = {}
        self._changed = asyncio.Event()
        self._joined_s = float("-inf")
        self._link.subscribe(device.address, self._qos, self)
        if self._death:
            self._link.subscribe(f"{device.address}/{self._death}", 1, self)

    def plan(self, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Subscribe the topics of the points, and plan to read all at once."""
        for binding in bindings:
            topic, _ = self._place(binding)
            known = self._bindings.setdefault(topic, [])
            if binding not in known:
                known.append(binding)
                self._link.subscribe(topic, self._qos, self)
        return super().plan(bindings)

    def _place(self, binding: Binding) -> tuple[str, str]:
        """Return topic and path of a point."""
        below, bar, path = binding.source.partition("|")
        if not bar:
            return self.device.address, binding.source
        return f"{self.device.address}/{below}", path

    async def joined(self) -> None:
        """Begin to wait for messages: the connection stands."""
        self._joined_s = asyncio.get_running_loop().time()

    def lost(self) -> None:
        """Forget what was said: the connection is broken."""
        self._messages.clear()
        self._dead = False

    async def heard(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take a message."""
        if self._death and topic == f"{self.device.address}/{self._death}":
            self._dead = payload.strip() in _DEAD
            if self._dead:
                self._messages.clear()
            return
        if retained and not self._retained and not self._time:
            return
        try:
            document = parse_json(payload)
            at_s = self._time_of(document)
        except InputError as error:
            self.tools.stats.failed(self.device.code, "malformed")
            self._log.broken(error)
            return
        now_s = self.tools.now_s()
        self._size += len(payload)
        self._dead = False
        if at_s is not None and not retained and self._is_late(topic, at_s, now_s):
            await self._keep_late(topic, document, at_s)
            return
        self._messages[topic] = _Message(document, now_s if at_s is None else float(at_s))
        self._changed.set()

    def _time_of(self, document: object) -> int | None:
        if not self._time:
            return None
        at_s = read_time(find(document, self._time), self._zone)
        if at_s > self.tools.now_s() + 300.0:
            raise InputError("message is of the future", thing=self.device.address)
        return at_s

    def _is_late(self, topic: str, at_s: int, now_s: float) -> bool:
        """Return whether a message is of a slot that is over."""
        period_s = min((b.period_s for b in self._bindings.get(topic, ())), default=30)
        return at_s < report_slot(int(now_s), period_s) - period_s

    async def _keep_late(self, topic: str, document: object, at_s: int) -> None:
        batch = SampleBatch()
        for binding in self._bindings.get(topic, ()):
            try:
                raw = self._raw(document, binding)
            except InputError as error:
                self._log.broken(error)
                continue
            value = raw * binding.factor + binding.offset
            batch.append(binding.key, report_slot(at_s, binding.period_s), value)
        try:
            if len(batch):
                await self.tools.keep_late(batch)
        except HeatloopError as error:
            self._log.broken(error)

    def _raw(self, document: object, binding: Binding) -> float:
        _, path = self._place(binding)
        found = number(document) if path == _WHOLE else value_of(document, path)
        if found is None:
            raise InputError("message has no such value", thing=binding.source)
        return found

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        code, stats = self.device.code, self.tools.stats
        stats.asked(code)
        await self._link.ready()
        await self._first()
        now_s = self.tools.now_s()
        came = False
        for rows in planned:
            bindings: list[Binding] = []
            raws: list[float] = []
            for binding in rows.bindings:
                message = self._messages.get(self._place(binding)[0])
                if message is None or now_s - message.at_s > self._fresh_s(binding):
                    continue
                came = True
                try:
                    raws.append(self._raw(message.document, binding))
                except InputError as error:
                    self.misfit(error, reading)
                    continue
                bindings.append(binding)
            if bindings:
                reading.add(bindings, raws)
        if not came:
            raise LinkError("device is dead" if self._dead else "nothing new came", thing=code)
        if sum(len(rows.bindings) for rows in planned) > sum(
            len(k.keys) for k, _ in reading.blocks
        ):
            reading.cause = reading.cause or DEVICE_ERROR
        stats.answered(code, bytes_up=self._size)
        self._size = 0

    def _fresh_s(self, binding: Binding) -> float:
        return self._stale_s or 3.0 * binding.period_s

    async def _first(self) -> None:
        """Wait for the first message of a new connection, for as long as an answer may take."""
        loop = asyncio.get_running_loop()
        until_s = self._joined_s + self.tools.timeout_s
        while not self._messages and not self._dead and loop.time() < until_s:
            self._changed.clear()
            try:
                async with asyncio.timeout(until_s - loop.time()):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        if not self._write_to:
            raise InputError("device takes no orders", thing=binding.point, fix="give it write=")
        await self._link.ready()
        topic, path = self._place(binding)
        body = json.dumps({path: raw}).encode()
        before = self._messages.get(topic)
        await self._link.publish(f"{self.device.address}/{self._write_to}", body, qos=1)
        if not read_back:
            return raw
        async with asyncio.timeout(self.tools.timeout_s):
            while True:
                found = self._messages.get(topic)
                if found is not None and found is not before:
                    return self._raw(found.document, binding)
                self._changed.clear()
                await self._changed.wait()

    def _fail(self, error: Exception, now_s: float) -> None:
        super()._fail(error, now_s)
        self.backoff.due_s = now_s  # looking at what is known costs nothing

    def _drop(self) -> None:
        """Keep the connection: others share it."""
