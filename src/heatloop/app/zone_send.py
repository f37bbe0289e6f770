"""The control zone's end of the feed: what changed every second, everything every two minutes.

It sends and never listens. Each start begins a new epoch, so nothing must be remembered to go on;
the first batches are whole. If a carrier fails, only the freshness of the customer zone suffers.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.leak_watch import LeakWatch
from heatloop.app.world import World
from heatloop.app.zone_collect import (
    Told,
    alarm_records,
    answer_records,
    directory,
    finding_records,
    incident_records,
    point_columns,
    present_record,
    weather_records,
)
from heatloop.app.zone_keys import ZoneKeys
from heatloop.app.zone_sections import DIRECTORY, STATE, digest
from heatloop.app.zone_settings import ZoneSettings
from heatloop.bridge.feed_files import DropWriter, Waiting, file_name
from heatloop.bridge.feed_frame import (
    DELTA,
    FEED,
    GENESIS,
    SNAPSHOT,
    Head,
    batch_hash,
    make_batch,
)
from heatloop.bridge.feed_schema import FeedRefused, check_record
from heatloop.bridge.feed_udp import address_of, datagram_key, split
from heatloop.kernel.clock import machine_s
from heatloop.kernel.errors import HeatloopError, LinkError
from heatloop.kernel.messages import Alarm
from heatloop.kernel.series import Columns, concat
from heatloop.plant.ledger import Ledger
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.zones")
_BURST = 16
_BITS = 10_400.0
"""Of a datagram on the wire."""
_HOUR_S = 3600
_HOURS_AGAIN = 3
_HOUR_LAG_S = 900.0
_HEADLINE = ("room_temperature", "outdoor_temperature", "secondary_supply_temperature",
             "building_supply_temperature", "source_heat_power")  # fmt: skip
"""Kinds of which hourly means are sent."""


@dataclass(kw_only=True, slots=True)
class SenderFigures:
    """What was sent."""

    batches: int = 0
    """Batches."""
    records: int = 0
    """Records."""
    points: int = 0
    """Values of points."""
    bytes: int = 0
    """Bytes of batches."""
    last_s: float = 0.0
    """Machine time the last batch left by every carrier."""
    failed: dict[str, str] = field(default_factory=dict)
    """Carriers that fail, and why."""


class UdpOut:
    """Sends datagrams at a bounded rate and hears nothing."""

    def __init__(self, address: str, key: bytes, rate_mbit: float, parity_pct: float) -> None:
        self._address, self._key, self._parity = address_of(address), key, parity_pct
        self._pause_s = _BURST * _BITS / (rate_mbit * 1e6)
        self._socket: socket.socket | None = None

    async def send(self, blob: bytes) -> None:
        """Send a batch.

        Raises:
            LinkError: This machine cannot send there.
        """
        datagrams = await asyncio.to_thread(lambda: list(split(blob, self._key, self._parity)))
        try:
            out = self._open()
            for start in range(0, len(datagrams), _BURST):
                for datagram in datagrams[start : start + _BURST]:
                    out.sendto(datagram, self._address)
                await asyncio.sleep(self._pause_s)
        except OSError as error:
            self.close()
            raise LinkError(
                "datagrams cannot be sent",
                thing=f"{self._address[0]}:{self._address[1]}",
                fix="check the interface to the other zone",
            ) from error

    def _open(self) -> socket.socket:
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
            # Never connected: what comes back, an ICMP message even, has nowhere to go.
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        return self._socket

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Sender:
    """Feeds the customer zone until cancelled.

    Args:
        world: The present.
        records: Alarms and forecasts.
        historian: Hourly means.
        leaks: Leak balances.
        keys: Keys of the pair.
        settings: Carriers and cadence.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        leaks: LeakWatch,
        keys: ZoneKeys,
        settings: ZoneSettings,
    ) -> None:
        self._world, self._records, self._historian = world, records, historian
        self._leaks, self._keys, self._settings = leaks, keys, settings
        self._epoch, self._seq, self._previous = secrets.token_hex(8), 0, GENESIS
        self._told = Told()
        self._ledger: Ledger | None = None
        self._directory: list[dict[str, Any]] = []
        self._digest = ""
        self._point_keys = np.zeros(0, "u4")
        self._hour_keys = np.zeros(0, "u4")
        self._updates = 0
        self._hour_sent = 0
        self._issue: tuple[int, list[dict[str, Any]]] = (0, [])
        self.figures = SenderFigures(last_s=machine_s())
        self._files = (
            DropWriter(Path(settings.feed_folder), settings.kept_files, settings.kept_mb * 2**20)
            if settings.feed_folder
            else None
        )
        self._udp = (
            UdpOut(
                settings.feed_udp,
                datagram_key(keys.seal_key[1]),
                settings.udp_rate_mbit,
                settings.udp_parity_pct,
            )
            if settings.feed_udp
            else None
        )

    async def run(self) -> None:
        """Send for ever; nothing that goes wrong here stops anything else."""
        loop = asyncio.get_running_loop()
        due = dict.fromkeys(("answers", "snapshot", "directory"), 0.0)
        settings = self._settings
        every = {
            "answers": settings.answers_s,
            "snapshot": settings.snapshot_s,
            "directory": settings.directory_s,
        }
        failing = ""
        try:
            while True:
                started = loop.time()
                now_due = {name for name, at in due.items() if started >= at}
                try:
                    changed = await self._look()
                    if changed:
                        now_due |= {"directory", "snapshot", "answers"}
                    await self._round(now_due)
                    due.update((name, started + every[name]) for name in now_due)
                    failing = ""
                except (HeatloopError, OSError, ValueError, KeyError) as error:
                    if str(error) != failing:
                        failing = str(error)
                        _log.error("feed round failed", error=failing)
                    self.figures.failed["collect"] = failing
                else:
                    self.figures.failed.pop("collect", None)
                rest = settings.interval_s - (loop.time() - started)
                await asyncio.sleep(max(rest, 0.05))
        finally:
            if self._udp is not None:
                self._udp.close()

    async def waiting(self) -> Waiting:
        """Return what lies unfetched in the feed folder."""
        if self._files is None:
            return Waiting(files=0, oldest_s=0.0)
        return await asyncio.to_thread(self._files.waiting)

    async def _look(self) -> bool:
        """Follow the ledger; return whether there is another directory."""
        ledger = self._world.ledger
        if ledger is self._ledger:
            return False
        self._directory = await asyncio.to_thread(lambda: _fit(directory(ledger)))
        self._digest = await asyncio.to_thread(digest, self._directory)
        points = [record for record in self._directory if record["kind"] == "point"]
        self._point_keys = np.array([record["key"] for record in points], "u4")
        self._hour_keys = np.array(
            [record["key"] for record in points if record["sort"] in _HEADLINE], "u4"
        )
        self._ledger, self._updates = ledger, 0
        return True

    async def _round(self, due: set[str]) -> None:
        world = self._world
        if "directory" in due:
            await self._emit(SNAPSHOT, self._directory, sections=DIRECTORY)
        snapshot = "snapshot" in due
        since = 0 if snapshot else self._updates
        self._updates = world.latest.updates
        # The one thing read on the event loop, because arrays change there: a few milliseconds.
        points = point_columns(world, self._point_keys, since)
        rows = await in_thread(self._records.alarms.list_open)
        alarms = [row.alarm for row in rows]
        changes = await asyncio.to_thread(self._changes, alarms, due)
        changes += await self._weather()
        hours = await self._hours()
        if snapshot:
            await self._emit(SNAPSHOT, self._told.all(), points=points, hours=hours, sections=STATE)
        else:
            # Empty ones too: they say that the feed lives.
            await self._emit(DELTA, changes, points=points, hours=hours)

    def _changes(self, alarms: Sequence[Alarm], due: set[str]) -> list[dict[str, Any]]:
        world, told = self._world, self._told
        changes = told.changes("alarm", alarm_records(world.ledger, alarms))
        changes += told.changes("finding", finding_records(world, self._leaks))
        if "answers" in due or "snapshot" in due:
            changes += told.changes("incident", incident_records(world.ledger, alarms))
            changes += told.changes("answer", answer_records(world, alarms))
        changes += told.changes("present", [present_record(world, self._digest)])
        return changes

    async def _weather(self) -> list[dict[str, Any]]:
        now_s = self._world.now_s()
        issue = await in_thread(self._records.weather.issue_at, now_s)
        if issue is None:
            return []
        if issue.number != self._issue[0]:
            rows = await in_thread(
                self._records.weather.hours_of, issue.number, now_s - _HOUR_S, issue.last_s + 1
            )
            self._issue = (issue.number, weather_records(rows, issue.known_at))
            return self._told.changes("weather", self._issue[1])
        return []

    async def _hours(self) -> Columns | None:
        """Return the means of hours that closed since the last time; none while none did."""
        closed = int((self._world.settled_s() - _HOUR_LAG_S) // _HOUR_S) * _HOUR_S
        if closed <= self._hour_sent or not len(self._hour_keys):
            return None
        start = closed - _HOURS_AGAIN * _HOUR_S
        parts = []
        for first in range(0, len(self._hour_keys), 5000):
            keys = self._hour_keys[first : first + 5000]
            found = await self._historian.rollup(keys, start, closed, _HOUR_S)
            parts.append(
                Columns(
                    np.asarray(found.keys, "u4"),
                    np.asarray(found.slots, "u4"),
                    np.asarray(found.mean, "f8"),
                    np.zeros(len(found.keys), "u1"),
                )
            )
        self._hour_sent = closed
        return concat(parts)

    async def _emit(
        self,
        kind: str,
        records: list[dict[str, Any]],
        *,
        points: Columns | None = None,
        hours: Columns | None = None,
        sections: tuple[str, ...] = (),
    ) -> None:
        state = self._world.clock.state
        head = Head(
            stream=FEED,
            epoch=self._epoch,
            seq=self._seq + 1,
            kind=kind,
            previous=self._previous,
            issued_s=machine_s(),
            plant_s=self._world.now_s(),
            speed=0.0 if state.lockstep else state.speed,
            sections=sections,
        )
        blob = await asyncio.to_thread(self._made, head, records, points, hours)
        self._seq, self._previous = head.seq, batch_hash(blob)
        await self._carry(file_name(head), blob)
        figures = self.figures
        figures.batches += 1
        figures.records += len(records)
        figures.points += 0 if points is None else len(points.keys)
        figures.bytes += len(blob)
        if not figures.failed.keys() & {"file", "udp"}:
            figures.last_s = machine_s()

    def _made(
        self,
        head: Head,
        records: list[dict[str, Any]],
        points: Columns | None,
        hours: Columns | None,
    ) -> bytes:
        return make_batch(
            head,
            records if head.sections == DIRECTORY else _fit(records),
            signer=self._keys.signing,
            seal_key=self._keys.seal_key,
            suite=self._keys.suite,
            points=points,
            hours=hours,
        )

    async def _carry(self, name: str, blob: bytes) -> None:
        files, udp = self._files, self._udp
        if files is not None:
            await self._by("file", asyncio.to_thread(files.write, name, blob))
        if udp is not None:
            await self._by("udp", udp.send(blob))

    async def _by(self, carrier: str, sending: Awaitable[None]) -> None:
        """Await one carrier; if it fails the other goes on."""
        failed = self.figures.failed
        try:
            await sending
        except LinkError as error:
            if carrier not in failed:
                _log.error("feed carrier failed", carrier=carrier, error=str(error))
            failed[carrier] = str(error)
        else:
            if failed.pop(carrier, None) is not None:
                _log.info("feed carrier works again", carrier=carrier)


def _fit(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records that are of their schemas: one bad name must not stop the feed."""
    good = []
    for record in records:
        try:
            good.append(check_record(FEED, record))
        except FeedRefused as error:
            _log.warning("record stays here", kind=record.get("kind"), error=str(error))
    return good
