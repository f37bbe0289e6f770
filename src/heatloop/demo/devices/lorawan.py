"""Collectors that report over LoRaWAN: what their network server pushes to the gateway.

Every other device belongs to a ChirpStack server, the rest to The Things Stack. Devices join anew
when the city starts, and so get another address: their counters may begin anew with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from heatloop.demo.devices.collectors import Answered
from heatloop.demo.devices.http_reporter import (
    Address,
    HttpClient,
    outcome_of,
    signal_dbm,
    time_text,
)
from heatloop.plant.model import Binding, Device
from heatloop.protocols.reports.layout import layout, write_layouts
from heatloop.protocols.reports.lorawan import Uplink, chirpstack_event, things_event
from heatloop.protocols.room_report import RoomReport

_PORT = 2


class LorawanReports:
    """Brings reports as uplinks of network servers.

    Args:
        client: The connections.
        addresses: TCP address of each gateway, in code order.
        bindings: Points of each device, by its code.
        source: Name under which they are pushed.
    """

    def __init__(
        self,
        client: HttpClient,
        addresses: list[Address],
        bindings: Mapping[str, tuple[Binding, ...]],
        source: str = "city",
    ) -> None:
        self._client, self._addresses, self._bindings = client, addresses, bindings
        self._path = f"/lorawan/{source}"
        self._session = secrets.randbits(32)

    def send(self, gateway: int, device: Device, report: RoomReport, answered: Answered) -> None:
        """Send a report."""
        pairs = [
            (layout(binding.source), report.fields[binding.register])
            for binding in self._bindings[device.code]
        ]
        number = int(device.address, 16)
        uplink = Uplink(
            dev_eui=device.address.upper(),
            dev_addr=(number ^ self._session) & 0xFFFFFFFF,
            f_cnt=report.counter & 0xFFFFFFFF,
            f_port=_PORT,
            data=write_layouts(pairs),
            time=time_text(report.at_s),
            rssi_dbm=signal_dbm(device.code) - 20.0,
            snr_db=round(8.0 + (signal_dbm(device.code) + 70.0) / 3.0, 1),
        )
        event = things_event(uplink) if number % 2 else chirpstack_event(uplink)
        self._client.post(
            self._addresses[gateway],
            self._path,
            json.dumps(event).encode(),
            lambda status: answered(outcome_of(status)),
        )
