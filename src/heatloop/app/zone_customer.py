"""The customer zone: what it is made of, built once, and its life.

It has its own records, keys, users and audit trail. It reads an inbox or listens to datagrams,
never connects to the control zone, and knows no gateway, no device and no command: none of that
code is even loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from heatloop import __version__
from heatloop.app.alarming import Alarming
from heatloop.app.audit_journal import Journal
from heatloop.app.audit_room import AuditRoom
from heatloop.app.governance_audit import WatchedAudit
from heatloop.app.history import in_thread
from heatloop.app.identity_room import IdentityRoom
from heatloop.app.keys import FIRST_LOGIN, PlatformKeys, load_keys, write_secret
from heatloop.app.lag import LagWatch
from heatloop.app.live import Hub
from heatloop.app.people import People, make_first_login
from heatloop.app.refusals import Refused
from heatloop.app.security_events import SecurityEvents
from heatloop.app.sessions import Sessions
from heatloop.app.settings import Settings
from heatloop.app.views.system import Health, Info, Part
from heatloop.app.views.zones import GateRecordPage, StreamView, ZoneEventPage, ZoneState
from heatloop.app.workers import Workers
from heatloop.app.world import World
from heatloop.app.zone_events import ZoneEvents
from heatloop.app.zone_gate_out import GateOut
from heatloop.app.zone_keys import load_zone_keys
from heatloop.app.zone_model import ZoneModel, pack_hours
from heatloop.app.zone_pages import event_page, receiver_view, record_page
from heatloop.app.zone_receive import Receiver
from heatloop.app.zone_settings import CUSTOMER
from heatloop.bridge.feed_frame import FEED, Batch
from heatloop.bridge.feed_order import Cursor
from heatloop.kernel.clock import SharedClock, machine_s, utc
from heatloop.kernel.errors import ConfigError, HeatloopError
from heatloop.store.records import Records

_log = structlog.get_logger("heatloop.zones")
_SAVE_S = 5.0
_KEEP_S = 6 * 3600.0
_DAY_S = 86400.0
_EVENTS_KEPT_S = 1096 * _DAY_S


class CustomerZone:
    """Takes the feed in and keeps what it tells."""

    def __init__(
        self, settings: Settings, records: Records, model: ZoneModel, security: SecurityEvents
    ) -> None:
        zones = settings.zones
        self.settings, self._records, self.model = zones, records, model
        self._security = security
        keys = load_zone_keys(settings.keys, settings.crypto.suite)
        self.events = ZoneEvents(records, security.note)
        self._cursor = self._restore()
        self._saved_directory = model.directory
        self._saved = self._cursor
        self.receiver = Receiver(
            FEED,
            keys,
            zones,
            self.events,
            self._apply,
            alive=lambda: security.over("boundary_down", FEED),
            cursor=self._cursor,
            heals=("answer", "alarm", "present"),
        )
        self.gate = GateOut(model, records, keys, zones) if zones.gate_folder else None

    def _restore(self) -> Cursor:
        load = self._records.zones.load
        kept = load("model")
        if kept is None:
            return Cursor()
        return self.model.restore(kept, load("directory"), load("points"))

    async def _apply(self, batch: Batch) -> None:
        dropped = self.model.dropped
        if batch.head.sections or batch.records or len(batch.points.keys):
            # A large directory takes seconds; the event loop must not wait for it.
            hours = await asyncio.to_thread(self.model.apply, batch)
        else:
            hours = self.model.apply(batch)
        if len(hours.keys):
            parts = await asyncio.to_thread(pack_hours, hours)
            await in_thread(self._records.zones.save_hours, parts)
        if self.model.dropped > dropped:
            count = self.model.dropped - dropped
            await self.events.note("refused.range", FEED, f"{count} values of points")

    async def save(self) -> None:
        """Write down what is known and how far the feed was taken, together."""
        cursor = self.receiver.order.cursor
        if cursor == self._saved:
            return
        model = self.model
        changed = model.directory != self._saved_directory
        states = await asyncio.to_thread(model.states, cursor, directory=changed)
        await in_thread(self._records.zones.save, states, machine_s())
        self._saved, self._saved_directory = cursor, model.directory

    async def run(self) -> None:
        """Receive, watch and write down until cancelled."""
        parts: list[Coroutine[Any, Any, None]] = [
            self.receiver.watch(), self._keep_saving(), self._keep()
        ]  # fmt: skip
        if self.settings.feed_folder:
            parts.append(self.receiver.read_folder(Path(self.settings.feed_folder), self.save))
        if self.settings.feed_udp:
            parts.append(self.receiver.listen(self.settings.feed_udp))
        if self.gate is not None:
            parts.append(self.gate.run())
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in parts:
                    tasks.create_task(part)
        finally:
            await self.save()

    async def _keep_saving(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_S)
            await self.save()

    async def _keep(self) -> None:
        while True:
            zones, now_s = self._records.zones, machine_s()
            kept_s = self.settings.kept_days * _DAY_S
            await in_thread(zones.forget_events, now_s - _EVENTS_KEPT_S)
            await in_thread(zones.forget_records, now_s - kept_s)
            await in_thread(zones.forget_hours, int(self.model.world.now_s() - kept_s))
            await asyncio.sleep(_KEEP_S)

    @property
    def fresh(self) -> bool:
        """Return whether what is shown is of now."""
        figures = self.receiver.figures
        return self.model.fed and figures.batches > 0 and not figures.silent

    @property
    def age_s(self) -> float:
        """Return how old what is known is: since the newest batch was issued, machine seconds."""
        issued_s = self.receiver.order.cursor.issued_s
        return max(0.0, machine_s() - issued_s) if issued_s else 0.0

    async def state(self) -> ZoneState:
        """Return how fresh this zone is."""
        streams: list[StreamView] = [receiver_view(FEED, self.receiver)]
        if self.gate is not None:
            streams.append(self.gate.view())
        return ZoneState(
            zone=CUSTOMER,
            plant_time=utc(self.model.world.now_s()),
            fresh=self.fresh,
            streams=streams,
        )

    async def event_page(self, page: int, size: int) -> ZoneEventPage:
        """Return a page of what happened to the feed, newest first."""
        return await event_page(self._records, page, size)

    async def records_page(self, kind: str, state: str, page: int, size: int) -> GateRecordPage:
        """Return a page of what was handed to the gate, newest first."""
        return await record_page(self._records, kind, state, page, size)

    def sending(self) -> GateOut:
        """Return the way back.

        Raises:
            Refused: There is none.
        """
        if self.gate is None:
            raise Refused("no_gate")
        return self.gate


class CustomerHealth:
    """Whether the customer zone works."""

    def __init__(self, settings: Settings, zone: CustomerZone, records: Records) -> None:
        self._settings, self._zone, self._records = settings, zone, records

    async def report(self) -> Health:
        """Return the state of every part."""
        zone = self._zone
        figures, model = zone.receiver.figures, zone.model
        records = Part(name="records", layer="data", ok=True, detail="answers")
        try:
            await in_thread(self._records.ping)
        except Exception as error:  # noqa: BLE001 - a health page tells, it does not fail
            records = Part(name="records", layer="data", ok=False, detail=str(error))
        parts = [
            Part(
                name="feed",
                layer="network",
                ok=zone.fresh,
                detail=f"{figures.batches} batches, {figures.refused} refused, "
                f"data {zone.age_s:.0f} s old",
            ),
            Part(
                name="directory",
                layer="data",
                ok=model.current,
                detail=f"{len(model.world.ledger.assets)} assets",
            ),
            records,
        ]
        layers = {part.layer: True for part in parts}
        for part in parts:
            layers[part.layer] = layers[part.layer] and part.ok
        status = "ok" if all(layers.values()) else "degraded"
        return Health(status=status, layers=layers, parts=parts)

    def info(self) -> Info:
        """Return what the sign-in page may know."""
        world, company = self._zone.model.world, self._settings.company
        named = world.ledger.of_kind("company")
        return Info(
            version=__version__,
            demo=company.demo,
            company_zh=named[0].zh if named else company.zh,
            company_en=named[0].en if named else company.en,
            time_zone=company.time_zone,
            plant_time=utc(world.now_s()),
            speed=world.clock.state.speed,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerPlatform:
    """What the web of the customer zone works with: a part of what `Platform` has, no more."""

    settings: Settings
    """Settings of the installation."""
    keys: PlatformKeys
    """This zone's own secrets."""
    world: World
    """Things and values as the feed tells them."""
    records: Records
    """This zone's own records."""
    sessions: Sessions
    """Who is signed in here."""
    people: People
    """Users of this zone."""
    identity: IdentityRoom
    """Factors, accounts, programs' keys, the identity provider."""
    audit: WatchedAudit
    """This zone's own trail."""
    audit_room: AuditRoom
    """What the audit administrator works with."""
    workers: Workers
    """A process for reports of the trail."""
    alarming: Alarming
    """This zone's own alarms."""
    security_events: SecurityEvents
    """What happens to its security."""
    zones: CustomerZone
    """The feed."""
    health: CustomerHealth
    """Whether everything works."""
    lag: LagWatch
    """How late the event loop runs."""


def build_customer(settings: Settings) -> CustomerPlatform:
    """Build the customer zone; nothing runs yet.

    Raises:
        ConfigError: No feed is set up, the zones were never paired, or a key is damaged.
    """
    if settings.zones.zone != CUSTOMER or not settings.zones.joined:
        raise ConfigError(
            "the customer zone needs a feed",
            thing="zones.feed_folder",
            fix="give zones.feed_folder or zones.feed_udp",
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = load_keys(settings.keys, settings.crypto.suite)
    records = Records.open(settings.records_url)
    try:
        keys.serve(records.sealer)
        password = make_first_login(records)
        if password is not None:
            write_secret(settings.keys / FIRST_LOGIN, f"admin\n{password}\n".encode())
        model = ZoneModel(SharedClock())
        world = model.world
        audit = WatchedAudit(records, Journal(settings.data / "audit-journal", keys))
        hub = Hub(settings.server.max_streams)
        alarming = Alarming(world, records, hub, audit)
        security = SecurityEvents(world, records, alarming)
        people = People(world, records, audit)
        sessions = Sessions(
            records, people, audit, settings, keys.data, settings.keys / FIRST_LOGIN
        )
        sessions.note = security.note
        identity = IdentityRoom.build(
            settings, records=records, people=people, audit=audit, sessions=sessions
        )
        workers = Workers(1)
        audit_room = AuditRoom.build(
            settings,
            world=world,
            records=records,
            audit=audit,
            alarming=alarming,
            keys=keys,
            workers=workers,
        )
        zones = CustomerZone(settings, records, model, security)
    except BaseException:
        records.close()
        raise
    return CustomerPlatform(
        settings=settings,
        keys=keys,
        world=world,
        records=records,
        sessions=sessions,
        people=people,
        identity=identity,
        audit=audit,
        audit_room=audit_room,
        workers=workers,
        alarming=alarming,
        security_events=security,
        zones=zones,
        health=CustomerHealth(settings, zones, records),
        lag=LagWatch(),
    )


async def _look_after_accounts(platform: CustomerPlatform) -> None:
    """Disable accounts nobody uses and forget sessions that ended, every six hours."""
    while True:
        try:
            await platform.identity.stale.run(machine_s())
            await in_thread(platform.records.sessions.purge, at=machine_s())
        except HeatloopError as error:
            _log.error("accounts were not looked after", error=str(error))
        await asyncio.sleep(_KEEP_S)


@contextlib.asynccontextmanager
async def running_customer(
    platform: CustomerPlatform,
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run the customer zone for as long as the block lasts; gives its tasks."""
    await platform.alarming.load()
    life: tuple[tuple[str, Callable[[], Coroutine[Any, Any, None]]], ...] = (
        ("lag", platform.lag.run),
        ("zone", platform.zones.run),
        ("security events", platform.security_events.run),
        ("audit", platform.audit_room.keeper.run),
        ("accounts", lambda: _look_after_accounts(platform)),
    )
    tasks = [asyncio.create_task(part(), name=name) for name, part in life]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.audit_room.close()
        await platform.workers.close()
        platform.records.close()
