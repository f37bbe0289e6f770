"""The control zone's side of the boundary: feeds the customer zone, opens the reverse gate.

In a process that is both zones nothing of this runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import structlog

from heatloop.app.audit import Audit
from heatloop.app.history import AsyncHistorian, in_thread
from heatloop.app.leak_watch import LeakWatch
from heatloop.app.live import Hub
from heatloop.app.security_events import SecurityEvents
from heatloop.app.views.zones import (
    CarrierView,
    GateRecordPage,
    StreamView,
    ZoneEventPage,
    ZoneState,
)
from heatloop.app.world import World
from heatloop.app.zone_events import GATE_REFUSED, STREAM_SILENT, ZoneEvents
from heatloop.app.zone_gate import Gate
from heatloop.app.zone_keys import ZoneKeys, load_zone_keys
from heatloop.app.zone_pages import event_page, receiver_view, record_page
from heatloop.app.zone_receive import Receiver
from heatloop.app.zone_send import Sender
from heatloop.app.zone_settings import CONTROL, ZoneSettings
from heatloop.app.zone_wishes import Wishes
from heatloop.bridge.feed_frame import FEED, GATE, Batch
from heatloop.bridge.feed_order import Cursor
from heatloop.kernel.canonical import canonical, decode
from heatloop.kernel.clock import machine_s, utc
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.zones")
_WATCH_S = 2.0
_AGAIN_S = 5.0
_KEEP_S = 6 * 3600.0
_CURSOR = "gate"
_DAY_S = 86400.0
_EVENTS_KEPT_S = 1096 * _DAY_S
__all__ = ["GATE_REFUSED", "Zones"]


Part = Callable[[], Coroutine[Any, Any, None]]


async def _lasting(part: Part) -> None:
    """Run a part of the boundary; if it breaks, again: it must never take the plant with it."""
    while True:
        try:
            await part()
        except Exception as error:  # noqa: BLE001 - whatever broke, control goes on
            _log.error("a part of the boundary broke", error=repr(error))
            await asyncio.sleep(_AGAIN_S)
        else:
            return


class Zones:
    """Runs the boundary of the control zone.

    Args:
        settings: Which zone this is, and the carriers.
        keys: Keys of the pair; None when there is no boundary.
        world: The present.
        records: What is kept.
        historian: Hourly means, readings from the gate.
        leaks: Leak balances.
        hub: Told when values changed.
        audit: Trail.
        security: Told of what is refused.
    """

    def __init__(
        self,
        settings: ZoneSettings,
        keys: ZoneKeys | None,
        *,
        world: World,
        records: Records,
        historian: AsyncHistorian,
        leaks: LeakWatch,
        hub: Hub,
        audit: Audit,
        security: SecurityEvents,
    ) -> None:
        self.settings, self._world, self._records = settings, world, records
        self._security = security
        self.events = ZoneEvents(records, security.note)
        self.wishes = Wishes(world, records, settings)
        self.sender: Sender | None = None
        self.gate: Gate | None = None
        self.receiver: Receiver | None = None
        self._silent = False
        self._late = 0.0
        if keys is not None and settings.joined:
            self.sender = Sender(world, records, historian, leaks, keys, settings)
        if keys is not None and settings.gate_folder:
            self.gate = Gate(
                world, records, historian, hub, audit, self.events, self.wishes, settings
            )
            self.receiver = Receiver(
                GATE, keys, settings, self.events, self._take, cursor=self._cursor()
            )

    @classmethod
    def build(cls, settings: ZoneSettings, folder: Path, suite: str, **services: Any) -> Self:
        """Return the boundary of an installation; without `--zone control` it does nothing.

        Args:
            settings: Section `zones`.
            folder: Folder of keys.
            suite: Algorithms, `[crypto] suite`.
            services: The other arguments.

        Raises:
            ConfigError: There is a feed and the zones were never paired.
        """
        parted = settings.zone == CONTROL and (settings.joined or bool(settings.gate_folder))
        return cls(settings, load_zone_keys(folder, suite) if parted else None, **services)

    def _cursor(self) -> Cursor:
        kept = self._records.zones.load(_CURSOR)
        return Cursor(**decode(kept)) if kept is not None else Cursor()

    async def _take(self, batch: Batch) -> None:
        assert self.gate is not None
        await self.gate.take(batch)

    async def _durable(self) -> None:
        assert self.receiver is not None
        at = self.receiver.order.cursor
        body = canonical(
            {"epoch": at.epoch, "seq": at.seq, "hash": at.hash, "issued_s": at.issued_s}
        )
        await in_thread(self._records.zones.save, {_CURSOR: body}, machine_s())

    async def run(self) -> None:
        """Feed, receive and watch until cancelled."""
        parts: list[Part] = [self.wishes.load, self._keep]
        if self.sender is not None:
            parts += [self.sender.run, self._watch]
        receiver = self.receiver
        if receiver is not None:
            folder = Path(self.settings.gate_folder)
            parts.append(lambda: receiver.read_folder(folder, self._durable))
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(_lasting(part))

    async def _watch(self) -> None:
        """Raise the alarm when the feed does not get out, or nobody fetches it."""
        sender, settings = self.sender, self.settings
        assert sender is not None
        while True:
            now_s = machine_s()
            waiting = await sender.waiting()
            unfetched = now_s - waiting.oldest_s if waiting.files else 0.0
            unsent = now_s - sender.figures.last_s
            self._late = max(unfetched, unsent)
            silent = self._late > settings.silent_s
            if silent and not self._silent:
                what = "not sent" if unsent > settings.silent_s else "not fetched"
                await self.events.begin(STREAM_SILENT, FEED, f"{what} for {self._late:.0f} s")
            elif self._silent and not silent:
                await self.events.end(STREAM_SILENT, FEED)
            if self._silent and not silent:
                self._security.over("boundary_down", FEED)
            self._silent = silent
            await asyncio.sleep(_WATCH_S)

    async def _keep(self) -> None:
        while True:
            zones, now_s = self._records.zones, machine_s()
            await in_thread(zones.forget_events, now_s - _EVENTS_KEPT_S)
            await in_thread(zones.forget_records, now_s - self.settings.kept_days * _DAY_S)
            await asyncio.sleep(_KEEP_S)

    async def state(self) -> ZoneState:
        """Return which zone this is and how the boundary stands."""
        streams = []
        if self.sender is not None:
            figures = self.sender.figures
            waiting = await self.sender.waiting()
            carriers = []
            if self.settings.feed_folder:
                detail = figures.failed.get("file") or f"{waiting.files} waiting"
                carriers.append(
                    CarrierView(name="file", ok="file" not in figures.failed, detail=detail)
                )
            if self.settings.feed_udp:
                detail = figures.failed.get("udp", "")
                carriers.append(
                    CarrierView(name="udp", ok="udp" not in figures.failed, detail=detail)
                )
            streams.append(
                StreamView(
                    name=FEED,
                    role="sends",
                    set_up=True,
                    age_s=round(machine_s() - figures.last_s, 1),
                    silent=self._silent,
                    delay_s=None,
                    batches=figures.batches,
                    records=figures.records + figures.points,
                    refused=0,
                    gaps=0,
                    carriers=carriers,
                )
            )
        if self.receiver is not None and self.gate is not None:
            refused = sum(n for name, n in self.gate.counts.items() if name.startswith("refused"))
            streams.append(receiver_view(GATE, self.receiver, refused))
        return ZoneState(
            zone=self.settings.zone,
            plant_time=utc(self._world.now_s()),
            fresh=True,
            streams=streams,
        )

    async def event_page(self, page: int, size: int) -> ZoneEventPage:
        """Return a page of what happened at the boundary, newest first."""
        return await event_page(self._records, page, size)

    async def records_page(self, kind: str, state: str, page: int, size: int) -> GateRecordPage:
        """Return a page of what came through the gate, newest first."""
        return await record_page(self._records, kind, state, page, size)
