"""Room collectors: battery devices that wake twice an hour, measure and report by themselves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heatloop.demo.city import City
from heatloop.demo.devices.coap_client import CoapClient
from heatloop.demo.logs import NOT_MEASURED, REPORT, ReportState, WireLog
from heatloop.network.arrays import Floats
from heatloop.plant.model import Device
from heatloop.protocols.room_report import RoomReport, encode_report

PERIOD_S = 1800
ROOM_PROFILES = ("room_collector", "room_collector_json", "room_collector_lora")
"""Profiles of room collectors: the same six values in the same order, however they report."""
_MOST_IN_FLIGHT = 64
_CHANGED_CODE = 0x44
_ASK_AGAIN_S = 1.0
_DEAD_SHARE, _STUCK_SHARE, _LYING_SHARE, _SUNNY_SHARE = 0.012, 0.008, 0.02, 0.03


class Outcome(Enum):
    """What became of a report on its way."""

    KEPT = "kept"
    """The gateway has it."""
    REFUSED = "refused"
    """The gateway will not have it."""
    AGAIN = "again"
    """The gateway has no room now."""
    NOBODY = "nobody"
    """Nobody answered."""


Answered = Callable[[Outcome], None]


class ReportClient(Protocol):
    """One way to bring reports to gateways."""

    def send(self, gateway: int, device: Device, report: RoomReport, answered: Answered) -> None:
        """Send a report; `answered` is called once, later.

        Args:
            gateway: Number of the gateway, in code order.
            device: Whose report it is.
            report: The report.
            answered: Called with what became of it.
        """


class CoapReports:
    """Brings reports over CoAP.

    Args:
        client: The one CoAP context.
        addresses: UDP address of each gateway, in code order.
    """

    def __init__(self, client: CoapClient, addresses: list[tuple[str, int]]) -> None:
        self._client, self._addresses = client, addresses

    def send(self, gateway: int, device: Device, report: RoomReport, answered: Answered) -> None:
        """Send a report."""
        del device
        self._client.post(
            self._addresses[gateway],
            "report",
            encode_report(report),
            lambda code: answered(_outcome(code)),
        )


def _outcome(code: int | None) -> Outcome:
    if code is None:
        return Outcome.NOBODY
    if code >> 5 == 5:
        return Outcome.AGAIN
    return Outcome.KEPT if code == _CHANGED_CODE else Outcome.REFUSED


@dataclass(slots=True)
class _Report:
    collector: int
    at_s: int
    counter: int
    fields: tuple[int | None, ...]
    gateway: int

    def record(self, state: ReportState) -> bytes:
        fields = [NOT_MEASURED if f is None else f for f in self.fields]
        return REPORT.pack(state, self.collector, self.at_s, self.counter, *fields)


class Collectors:
    """All room collectors of a city: when each wakes, what it measures, how it lies.

    Args:
        city: The city they hang in.
    """

    def __init__(self, city: City) -> None:
        self._city = city
        flats = city.streets.flats
        self.flat: NDArray[np.intp] = np.flatnonzero(flats.collector)
        self.devices = tuple(d for d in city.ledger.devices.values() if d.profile in ROOM_PROFILES)
        gateways = sorted(city.ledger.gateways)
        self.gateway = [gateways.index(device.gateway) for device in self.devices]
        n = len(self.flat)
        rng = np.random.default_rng((city.seed, 8))
        self.phase_s: NDArray[np.int64] = rng.integers(0, PERIOD_S, n)
        self.counter: NDArray[np.int64] = np.zeros(n, dtype=np.int64)
        draw = rng.random(n)
        limits = np.cumsum([_DEAD_SHARE, _STUCK_SHARE, _LYING_SHARE, _SUNNY_SHARE])
        self.dead = draw < limits[0]
        self._stuck = (draw >= limits[0]) & (draw < limits[1])
        lying = (draw >= limits[1]) & (draw < limits[2])
        sunny = (draw >= limits[2]) & (draw < limits[3])
        self._bias_c = np.where(lying, rng.choice((-2.5, -1.5, 1.5, 2.5), n), 0.0)
        self._bias_c += rng.uniform(-0.2, 0.2, n)
        self._sun_k = np.where(sunny, rng.uniform(3.0, 7.0, n), 0.0)
        self.set_c: Floats = np.round(rng.normal(20.5, 1.2, n) * 2.0) / 2.0
        self._stuck_c = np.round(city.works.rooms.zone_c[self.flat], 1)
        self._drop_k = rng.uniform(0.2, 0.8, n)

    def fields(self) -> Floats:
        """Return what all collectors would measure now, shape (n_collector, 6), profile order."""
        city = self._city
        room = city.works.rooms.zone_c[self.flat] + self._bias_c
        room += self._sun_k * city.weather.sun_w_m2 / 500.0
        room += city.faults.collectors.error_k(city.weather.sun_w_m2)
        room = np.where(self._stuck, self._stuck_c, room)
        building = city.streets.flats.building[self.flat]
        loops = city.works.secondary
        return np.column_stack(
            (
                room,
                self.set_c,
                np.ones(len(room)),
                city.totals.zone_kwh[self.flat],
                loops.branch_supply_c[building] - self._drop_k,
                loops.branch_return_c[building] + 0.5 * self._drop_k,
            )
        )

    def raw_fields(self) -> NDArray[np.int64]:
        """Return the measured fields as the integers of the profile, shape (n_collector, 6)."""
        return np.rint(self.fields() / (0.1, 0.1, 1.0, 0.1, 0.1, 0.1)).astype(np.int64)

    def due(self, after_s: float, until_s: float) -> list[_Report]:
        """Return the reports of collectors that wake after one moment and until another."""
        phase = self.phase_s
        turn = np.floor((until_s - phase) / PERIOD_S) * PERIOD_S + phase
        waking = np.flatnonzero((turn > after_s) & ~self.dead & ~self._city.faults.collectors.dead)
        if not len(waking):
            return []
        raw = self.raw_fields()
        reports = []
        for number in waking.tolist():
            self.counter[number] += 1
            reports.append(
                _Report(
                    number,
                    int(turn[number]),
                    int(self.counter[number]),
                    tuple(raw[number].tolist()),
                    self.gateway[number],
                )
            )
        return reports


class Reporter:
    """Brings reports to their gateways, in order for each collector, until they are acknowledged.

    Args:
        collectors: Whose reports.
        client: The one CoAP context.
        addresses: UDP address of each gateway, in code order.
        log: Where attempts and acknowledgements are written.
        others: How collectors that do not speak CoAP report, by protocol.
    """

    def __init__(
        self,
        collectors: Collectors,
        client: CoapClient,
        addresses: list[tuple[str, int]],
        log: WireLog,
        others: Mapping[str, ReportClient] | None = None,
    ) -> None:
        self._collectors = collectors
        self._clients: dict[str, ReportClient] = {
            "coap": CoapReports(client, addresses),
            **(others or {}),
        }
        self._gateways = len(addresses)
        self._log = log
        self._waiting: list[deque[_Report]] = [deque() for _ in addresses]
        self._busy: set[int] = set()
        self._flying = [0] * len(addresses)
        self._progress = asyncio.Event()

    async def below(self, most: int) -> None:
        """Return when no more than `most` reports are pending."""
        while self.pending > most:
            self._progress.clear()
            await self._progress.wait()

    @property
    def pending(self) -> int:
        """Return how many reports have not been acknowledged yet."""
        return sum(self._flying) + sum(len(queue) for queue in self._waiting)

    def send(self, reports: list[_Report]) -> None:
        """Take new reports and send what may go."""
        for report in reports:
            self._waiting[report.gateway].append(report)
        for gateway in range(self._gateways):
            self._fill(gateway)

    def _fill(self, gateway: int) -> None:
        queue = self._waiting[gateway]
        passed: list[_Report] = []
        while queue and self._flying[gateway] < _MOST_IN_FLIGHT:
            report = queue.popleft()
            if report.collector in self._busy:
                passed.append(report)
            else:
                self._post(report)
        queue.extendleft(reversed(passed))

    def _post(self, report: _Report) -> None:
        self._busy.add(report.collector)
        self._flying[report.gateway] += 1
        device = self._collectors.devices[report.collector]
        self._log.write(report.record(ReportState.ATTEMPTED))
        self._clients[device.protocol].send(
            report.gateway,
            device,
            RoomReport(
                device_code=device.code,
                at_s=report.at_s,
                counter=report.counter,
                fields=report.fields,
            ),
            lambda outcome: self._answered(report, outcome),
        )

    def _answered(self, report: _Report, outcome: Outcome) -> None:
        self._busy.discard(report.collector)
        self._flying[report.gateway] -= 1
        match outcome:
            case Outcome.AGAIN | Outcome.NOBODY:
                # It goes first the next time.
                self._waiting[report.gateway].appendleft(report)
            case Outcome.KEPT:
                self._log.write(report.record(ReportState.ACKNOWLEDGED))
            case Outcome.REFUSED:
                self._log.write(report.record(ReportState.REFUSED))
        self._progress.set()
        if outcome is Outcome.NOBODY:
            # A gateway that is down is asked again a little later.
            asyncio.get_running_loop().call_later(_ASK_AGAIN_S, self._fill, report.gateway)
        else:
            self._fill(report.gateway)
