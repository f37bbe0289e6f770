"""Uplinks that LoRaWAN network servers push: ChirpStack v4 and The Things Stack v3.

A device is known by its EUI, the `address` of the ledger; `source` of a point says where its value
stands in the payload, see `protocols.reports.layout`. The frame counter tells repeats from
replays; it begins anew only with a new device address, that is after a join. Parameters:
`source=` (only this network server may report it), `period=` (how often it reports, seconds),
`decoder=` (plug-in that reads the payload, see `decoders`; `source` of a point is then a name).
Configure the server to push to `/lorawan/<source>` with a header `Authorization: Bearer <token>`.
"""

from __future__ import annotations

from heatloop.edge.drivers.decoders import decoder_of, picked
from heatloop.edge.drivers.http import STATUS, Answer
from heatloop.edge.drivers.http_json import allowed, parse_json
from heatloop.edge.drivers.listener import ListenerTools
from heatloop.edge.drivers.listener_intake import Report
from heatloop.edge.report_book import SESSION_BITS, Counting, Stamp, Verdict
from heatloop.kernel.errors import ConfigError, InputError
from heatloop.plant.model import Binding, Device
from heatloop.protocols.reports.layout import layout, read_layouts
from heatloop.protocols.reports.lorawan import Uplink, read_uplink
from heatloop.protocols.reports.times import read_time, zone_of

NAME = "listener.lorawan"


class LorawanRoute:
    """Takes what is posted to `/lorawan/<source>`.

    Args:
        tools: What the gateway lends.
    """

    def __init__(self, tools: ListenerTools) -> None:
        self._tools, self._intake = tools, tools.intake

    async def __call__(self, source: str, body: bytes) -> Answer:
        """Judge one event."""
        who = NAME
        try:
            uplink = read_uplink(parse_json(body))
            if uplink is None or uplink.f_port == 0:
                return 200, {"kept": 0}  # joins, device status, commands of the network
            device = self._intake.device("lorawan", uplink.dev_eui)
            if device is None or not allowed(device, source):
                reason = f"unknown device {uplink.dev_eui} from {source}"
                self._intake.refuse(NAME, "refused", reason)
                return STATUS[Verdict.UNKNOWN], {"error": "unknown device"}
            who = device.code
            verdict = await self._intake.take(await self._report(device, uplink, len(body)))
        except (InputError, ConfigError) as error:
            kind = "length" if error.place.startswith(("length", "byte")) else "malformed"
            self._intake.refuse(who, kind, str(error))
            return 400, {"error": error.message}
        good = verdict in {Verdict.NEW, Verdict.KEPT}
        return STATUS[verdict], {"kept": 1} if good else {"error": verdict.value}

    async def _values(self, device: Device, uplink: Uplink) -> list[tuple[Binding, float]]:
        bindings = self._intake.bindings(device.code)
        if name := decoder_of(device):
            numbers = await self._tools.decoders.decode(name, uplink.data, uplink.f_port)
            return picked(bindings, numbers)
        layouts = [layout(binding.source) for binding in bindings]
        found = read_layouts(layouts, uplink.data, uplink.f_port)
        return [(b, v) for b, v in zip(bindings, found, strict=True) if v is not None]

    async def _report(self, device: Device, uplink: Uplink, size: int) -> Report:
        values = await self._values(device, uplink)
        now_s = int(self._intake.now_s())
        stamp = Stamp(
            device=device.code,
            at_s=read_time(uplink.time, zone_of(self._tools.zone)) if uplink.time else now_s,
            counter=uplink.dev_addr << SESSION_BITS | uplink.f_cnt,
            counting=Counting.RISES,
        )
        return Report(
            stamp=stamp,
            values=values,
            size=size,
            rssi_dbm=uplink.rssi_dbm,
            snr_db=uplink.snr_db,
        )
