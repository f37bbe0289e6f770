"""IEC 60870-5-104, the controlling side: distributed control systems and telecontrol stations.

`unit_id` is the common address (`address` where it is above 255); stations behind one host and
port share the connection. `source` as in `protocols.iec104.sources`: `4001H`, `15:6401H`,
`4011H 50:6201H`, `50s:6201H`. Parameters, all optional:

    gi_s=900         plant seconds between general interrogations; 0: one for every read
    zone=+08:00      how far the station's clock is ahead of UTC, for its time tags
    clock_s=0        plant seconds between settings of the station's clock; 0: never
    k w t0 t1 t2 t3  limits of the connection, if not 12 8 30 15 10 20

Reference: IEC 60870-5-104:2006, IEC 60870-5-5:1995.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from heatloop.edge.drivers.iec104_link import StationLink
from heatloop.edge.drivers.iec104_socket import Endpoint
from heatloop.edge.drivers.iec104_values import Held, StationValues, counted
from heatloop.edge.drivers.port import Driver, DriverTools, Planned, Reading, Rows
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.kernel.quality import Quality
from heatloop.plant.field_protocols import field_parameters
from heatloop.plant.model import Binding, Device
from heatloop.protocols.iec104.commands import set_clock
from heatloop.protocols.iec104.elements import Point
from heatloop.protocols.iec104.link_events import Limits
from heatloop.protocols.iec104.sources import Source, parse_source
from heatloop.protocols.iec104.times import stamp_of

_KNOWN = frozenset(("gi_s", "zone", "clock_s", "k", "w", "t0", "t1", "t2", "t3"))
_ZONE = re.compile(r"([+-])([01][0-9]):([0-5][0-9])", re.ASCII)
_TIMED = 58


class Settings:
    """Parameters of one device, read and checked.

    Raises:
        ConfigError: One is unknown or out of range.
    """

    def __init__(self, device: Device) -> None:
        try:
            given = field_parameters(device.parameters)
            unknown = sorted(given.keys() - _KNOWN)
            if unknown:
                raise InputError(f"no such parameter: {', '.join(unknown)}")
            self.station = int(device.address) if device.address else device.unit_id
            if not 0 < self.station < 0xFFFF:
                raise InputError(f"common address {self.station} is not 1 to 65534")
            self.gi_s, self.clock_s = float(given.get("gi_s", 900)), float(given.get("clock_s", 0))
            if not (0 <= self.gi_s < 1e7 and 0 <= self.clock_s < 1e7):
                raise InputError("gi_s and clock_s are seconds")
            self.zone_s = _zone_s(given.get("zone", "+00:00"))
            usual = Limits()
            self.limits = Limits(
                k=int(given.get("k", usual.k)),
                w=int(given.get("w", usual.w)),
                t0_s=float(given.get("t0", usual.t0_s)),
                t1_s=float(given.get("t1", usual.t1_s)),
                t2_s=float(given.get("t2", usual.t2_s)),
                t3_s=float(given.get("t3", usual.t3_s)),
            )
        except (InputError, ValueError) as error:
            fix = "write e.g. gi_s=900 zone=+08:00 k=12 w=8 t1=15 t2=10 t3=20"
            raise ConfigError(str(error), thing=device.code, place="parameters", fix=fix) from error


def _zone_s(text: str) -> float:
    found = _ZONE.fullmatch(text)
    if found is None:
        raise InputError(f"no such zone: {text}")
    return (-60.0 if found[1] == "-" else 60.0) * (60 * int(found[2]) + int(found[3]))


class Iec104Driver(Driver):
    """Talks to one station.

    Args:
        device: Device of the ledger.
        tools: What the gateway lends.

    Raises:
        ConfigError: Its parameters are wrong.
    """

    def __init__(self, device: Device, tools: DriverTools) -> None:
        super().__init__(device, tools)
        self.settings = settings = Settings(device)
        end = Endpoint(host=device.host, port=device.port, limits=settings.limits)
        self._link = tools.shared.get(
            ("iec104", device.host, device.port), lambda: StationLink(end, tools)
        )
        self._values = StationValues(tools.now_s, settings.zone_s)
        self._link.stations[settings.station] = self._values
        self._link.codes[settings.station] = device.code
        self._clock_due_s = 0.0
        self._counted = (0, 0)

    def plan(self, bindings: Sequence[Binding]) -> tuple[Planned, ...]:
        """Return the reads of these points; what their sources say is wrong comes with a read."""
        good = []
        for binding in bindings:
            try:
                good.append((binding, parse_source(binding.source)))
            except InputError:
                continue
        self._values.expect(good)
        return (Rows(bindings),) if bindings else ()

    async def _read(self, planned: Sequence[Planned], reading: Reading) -> None:
        self.tools.stats.asked(self.device.code)
        await self._link.started()
        await self._link.interrogated(self.settings.station, self.settings.gi_s)
        self._set_clock()
        for each in planned:
            found: list[tuple[Binding, Held]] = []
            missing = []
            for binding in each.bindings:
                held = self._held(binding, reading)
                if held is None:
                    missing.append(binding)
                else:
                    found.append((binding, held))
            reading.add([b for b, _ in found], [counted(b, held) for b, held in found])
            for binding, held in found:
                if held.quality is not Quality.GOOD:
                    reading.doubtful[binding.key] = held.quality
            if missing:
                text = f"station sends no {missing[0].source}, and {len(missing) - 1} more"
                self.misfit(InputError(text, thing=missing[0].point), reading)
        self._count()

    def _held(self, binding: Binding, reading: Reading) -> Held | None:
        try:
            source = parse_source(binding.source)
        except InputError as error:
            self.misfit(error, reading)
            return None
        return self._values.newest.get(source.address)

    def _count(self) -> None:
        before, now = self._counted, (self._link.bytes_up, self._link.bytes_down)
        self._counted = now
        if now[0] < before[0] or now[1] < before[1]:
            before = (0, 0)  # connected anew
        up, down = now[0] - before[0], now[1] - before[1]
        self.tools.stats.answered(self.device.code, None, up, down)

    def _set_clock(self) -> None:
        every_s, now_s = self.settings.clock_s, self.tools.now_s()
        if every_s and now_s >= self._clock_due_s:
            self._clock_due_s = now_s + every_s
            stamp = stamp_of(now_s, self.settings.zone_s)
            self._link.send(set_clock(self.settings.station, stamp))

    async def _write(self, binding: Binding, raw: float, *, read_back: bool) -> float:
        source = parse_source(binding.source)
        if not source.command:
            fix = "add the command to its source, for example 50:6201H"
            raise InputError("source says no command", thing=binding.point, fix=fix)
        point = self._point(source, raw)
        await self._link.started()
        await self._link.command(self.settings.station, source.command, point, select=source.select)
        if not read_back:
            return raw
        await self._link.fetch(self.settings.station, source.address)
        held = self._values.newest.get(source.address)
        if held is None:
            raise InputError("station does not tell what it holds", thing=binding.point)
        return counted(binding, held)

    def _point(self, source: Source, raw: float) -> Point:
        if raw != raw:
            raise InputError("not a number", thing=f"{source.command}:{source.command_address}")
        value: bool | int | float = raw
        match source.command - 13 if source.command >= _TIMED else source.command:
            case 45:
                value = bool(round(raw))
            case 46:
                value = 2 if round(raw) else 1
            case 48 | 50:
                pass
            case _:
                value = round(raw)
        stamp = stamp_of(self.tools.now_s(), self.settings.zone_s)
        timed = source.command >= _TIMED
        return Point(address=source.command_address, value=value, stamp=stamp if timed else None)

    def _drop(self) -> None:
        # Between reads values keep coming, so a slow answer harms nothing; but where every read
        # asks anew, a late answer must not be taken for the next one.
        if self.settings.gi_s <= 0.0 and not self.closed:
            self._link.reset()
