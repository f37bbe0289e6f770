"""One gateway: its works, its uplink, its clock and its collectors, kept going together.

Free-running, slots are polled when plant time reaches them, writable registers are read back
every 10 s and stations driven from here every half second (plant time). Above ten times real
time, and in lockstep, these scans collapse onto the slot: devices change no faster than that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any, assert_never

import structlog
from structlog.typing import FilteringBoundLogger

from heatloop.edge.channel_choice import channels_of, clock_notes
from heatloop.edge.channels import MAIN
from heatloop.edge.clock_guard import GuardedClock
from heatloop.edge.clock_link import ClockLink
from heatloop.edge.config import EdgeConfig
from heatloop.edge.enrol import Identity, link_way, post
from heatloop.edge.kept import Kept
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.listeners import Listeners
from heatloop.edge.pacing import COLLAPSE_SPEED, Pace, due_slot
from heatloop.edge.raised import Note, event_note
from heatloop.edge.spool import Spool
from heatloop.edge.uplink_session import (
    Acked,
    CommandArrived,
    DoorArrived,
    Inbound,
    KeysArrived,
    ProfileArrived,
    Quarantined,
    Refused,
    RulesArrived,
    StopArrived,
    UplinkSession,
    Welcomed,
)
from heatloop.edge.works import Works
from heatloop.kernel.batch import SampleBatch
from heatloop.kernel.clock import SharedClock
from heatloop.kernel.errors import HeatloopError, StaleError
from heatloop.kernel.messages import Command
from heatloop.plant.edge_profile import SCAN_PERIODS_S, EdgeProfile

_LOG: FilteringBoundLogger = structlog.get_logger(__name__)
LAG_TICKS = 8
MOST_WAITING = 2000
"""Commands that may wait to be obeyed."""
_SURE_S = 10.0


class Agent:
    """A gateway process's heart.

    Args:
        config: Its settings.
        identity: Who it is and what it looks after.
        clock: Plant time; set by the clock link.
        rng: Spreads attempts at broken links.
    """

    def __init__(
        self, config: EdgeConfig, identity: Identity, clock: SharedClock, rng: Random
    ) -> None:
        self._config, self._identity, self._clock, self._rng = config, identity, clock, rng
        self.spool = Spool(config.data / "spool", config.spool_max_mb << 20)
        self._kept = Kept(
            config.gateway,
            config.data,
            self.spool,
            self._spooled,
            when_full=config.spool_when_full,
        )
        self.stats = LinkStats()
        self._session = UplinkSession(
            gateway=config.gateway,
            spool=self.spool,
            key=identity.key,
            profile_version=identity.profile.version,
            ledger_version=identity.profile.ledger_version,
        )
        self._session.keys_seq = identity.keys_seq
        self._uplink = channels_of(
            config,
            identity,
            self._session,
            self._inbound,
            self._channel_changed,
            stats=self.stats,
            now_s=clock.now_s,
            rng=rng,
        )
        self._link = ClockLink(config.clock_socket, config.gateway, clock, lockstep=True)
        self._commands: deque[Command] = deque()
        self._command_came = asyncio.Event()
        self._pace = Pace(self.spool, self._uplink, patience_s=config.away_patience_s)
        self._turn = asyncio.Lock()
        self._works: Works | None = None
        self._listeners: Listeners | None = None
        self._last_slot = self.spool.last_slot
        self._began = True
        self._unsure_until_s: float | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.run())
            await self._link.ready.wait()
            self._works = self._build(self._identity.profile)
            await self._works.resume()
            tasks.create_task(self._uplink.run())
            if self._config.platform_url.startswith("https:"):
                tasks.create_task(self._renewing())
            server = await self._collectors(tasks)
            _LOG.info("gateway works", gateway=self._config.gateway, epoch=self.spool.epoch)
            try:
                tasks.create_task(self._obey())
                tasks.create_task(self._scan("guard"))
                tasks.create_task(self._scan("fast"))
                await self._slots()
            finally:
                await server.stop()
                async with self._turn:  # what was being read is still spooled
                    await self._works.close()
                    await self._say_last()
                self.spool.close()

    async def _renewing(self) -> None:
        identity = self._identity

        def kept(answer: dict[str, Any]) -> None:
            identity.certified(answer)
            # The next connection goes where the certificate is to be shown.
            self._uplink.go_by(link_way(self._config, identity))

        await identity.certificate.renewing(
            identity.key, lambda path, body: post(self._config, path, body), kept
        )

    async def _say_last(self) -> None:
        now_s = self._clock.now_s()
        report = self.stats.report(now_s, final=True)
        if report is not None:
            await self._kept.notes([report], now_s)

    def _build(self, profile: EdgeProfile) -> Works:
        self._kept.know(profile.bindings)
        stepped = self._link.stepped
        loop = asyncio.get_running_loop()
        return Works(
            profile,
            self._identity.ring,
            self._kept,
            now_s=self._clock.now_s,
            backoff_now_s=self._clock.now_s if stepped else loop.time,
            lockstep=stepped,
            timeout_s=self._config.timeout_s,
            rng=self._rng,
            stats=self.stats,
            secrets=self._config.secrets or self._config.data / "secrets",
        )

    async def _collectors(self, tasks: asyncio.TaskGroup) -> Listeners:
        assert self._works is not None
        self._listeners = Listeners(
            self._config,
            self._works.index,
            self._keep_reports,
            now_s=self._clock.now_s,
            stats=self.stats,
        )
        await self._listeners.start(tasks)
        return self._listeners

    async def _keep_reports(self, batch: SampleBatch) -> None:
        await self._kept.reports(batch, self._clock.now_s())

    def _spooled(self) -> None:
        self._uplink.wake()

    def _inbound(self, session: UplinkSession, inbound: Inbound) -> None:
        match inbound:
            case Acked(now_s=now_s) | Welcomed(now_s=now_s):
                self._pace.acked()
                if now_s is not None and isinstance(self._clock, GuardedClock):
                    self._clock.heard(now_s)
            case CommandArrived(command, second):
                self._take_in(command, second)
            case ProfileArrived(document):
                self._renew(document)
            case KeysArrived(documents):
                self._trust(session, documents)
            case RulesArrived(document):
                self._kept.rules.offered = document
            case DoorArrived(document):
                self._keep_door(document)
            case StopArrived(document):
                self._kept.stops.offer(document)
                self._command_came.set()
            case Quarantined(first, reason):
                _LOG.warning("platform set an envelope aside", first=first, reason=reason)
            case Refused():
                pass
            case other:
                assert_never(other)

    def _take_in(self, command: Command, second: str) -> None:
        if len(self._commands) >= MOST_WAITING:
            # A flood: what is left out was never obeyed, and expires.
            self.stats.command_refused("flood")
            return
        if second:
            self._kept.door.second(command.id, second)
        self._commands.append(command)
        self._command_came.set()

    def _keep_door(self, document: dict[str, object]) -> None:
        try:
            self._kept.door.take(self._identity.ring, document)
        except StaleError:
            return  # sent by an instance that has not heard of the newest ledger
        except HeatloopError as error:
            _LOG.warning("door book refused", reason=str(error))

    async def _channel_changed(self, channel: str, reason: str) -> None:
        at_s, alarms = self._clock.now_s(), self._kept.alarms
        gateway, rule = self._config.gateway, "channel.main"
        if channel == MAIN:
            notes = alarms.clear(gateway, rule, at_s)
        else:
            notes = alarms.raise_(gateway, rule, at_s, 3, detail=f"reason={reason[:120]}")
        notes.append(event_note(gateway, at_s, f"channel {channel}: {reason[:200]}"))
        await self._kept.notes(notes, at_s)

    async def _tell(self, now_s: float) -> None:
        """Spool what is to be said about clock and links before a slot."""
        notes: list[Note] = []
        if isinstance(self._clock, GuardedClock):
            notes += clock_notes(self._clock, self._kept, self._config.gateway, now_s)
        report = self.stats.report(now_s)
        if report is not None:
            notes.append(report)
        await self._kept.notes(notes, now_s)

    def _renew(self, document: dict[str, object]) -> None:
        try:
            profile = self._identity.renew(document)
        except HeatloopError as error:
            _LOG.warning("new profile refused", reason=str(error))
            return
        if profile is not None:
            _LOG.info("new profile", version=profile.version)

    def _trust(self, session: UplinkSession, documents: Sequence[dict[str, Any]]) -> None:
        """Follow the platform to its new signing keys, and tell it how far."""
        try:
            changed = self._identity.trust(documents)
        except HeatloopError as error:
            _LOG.warning("new platform keys refused", reason=str(error))
            return
        if changed:
            _LOG.info("platform keys changed", seq=self._identity.keys_seq)
            session.keys_seq = self._identity.keys_seq
            # The next hello says so; until the platform has heard it, it retires no key.
            session.wants_hello = True
            self._uplink.wake()

    async def _current(self) -> Works:
        """Return the works for the newest profile and the present kind of time."""
        works, profile = self._works, self._identity.profile
        assert works is not None
        if works.index.profile is not profile or works.lockstep != self._link.stepped:
            await works.close()
            works = self._works = self._build(profile)
            if self._listeners is not None:
                self._listeners.use(works.index)
            self._session.profile_version = profile.version
            self._session.ledger_version = profile.ledger_version
        return works

    async def _slots(self) -> None:
        while True:
            if self._link.stepped:
                await self._one_tick()
            else:
                await self._one_slot()

    async def _one_tick(self) -> None:
        slot, seen = self._link.tick, self._link.changes
        if slot >= 0:
            if slot > self._last_slot:
                await asyncio.shield(self._do(slot))
            assert self._works is not None
            await self._pace.keep(LAG_TICKS * self._works.rows_a_tick)
            await self._link.done(slot)
        if self._link.changes == seen:
            await self._link.changed(5.0)

    async def _one_slot(self) -> None:
        """Wait for the next slot and do it; a clock change meanwhile starts the wait again."""
        assert self._works is not None
        await self._sure_of_time()
        state = self._clock.state
        if state.speed <= 0:
            await self._link.changed(5.0)
            return
        now_s = self._clock.now_s()
        slot = due_slot(now_s, self._works.tick_s, self._last_slot, state.speed)
        wait_s = (slot - now_s) / state.speed
        if wait_s > 0:
            await self._link.changed(min(wait_s, 5.0))
        else:
            await asyncio.shield(self._do(slot))

    async def _sure_of_time(self) -> None:
        """Wait a little for the platform's time: a slot polled by a wrong clock is a lie.

        Without the platform the gateway's own clock must do.
        """
        loop = asyncio.get_running_loop()
        while isinstance(self._clock, GuardedClock) and not self._clock.confirmed:
            if self._unsure_until_s is None:
                self._unsure_until_s = loop.time() + _SURE_S
            if loop.time() >= self._unsure_until_s or self._clock.state.lockstep:
                return
            await asyncio.sleep(0.05)

    async def _do(self, slot: int) -> None:
        async with self._turn:
            works = await self._current()
            await self._tell(slot)
            collapsed = self._link.stepped or self._clock.state.speed > COLLAPSE_SPEED
            await works.slot(slot, self._take_commands, began=self._began, collapsed=collapsed)
            self._began = False
            self._last_slot = slot

    def _take_commands(self) -> list[Command]:
        taken = list(self._commands)
        self._commands.clear()
        return taken

    async def _obey(self) -> None:
        while True:
            await self._command_came.wait()
            self._command_came.clear()
            if self._link.stepped:
                continue  # the next tick takes them
            async with self._turn:
                works = await self._current()
                await works.stop_now()
                for command in self._take_commands():
                    await works.obey(command)

    async def _scan(self, name: str) -> None:
        """Run the guard or fast scan at its period while time runs slowly enough."""
        period_s = SCAN_PERIODS_S[name]
        while True:
            state = self._clock.state
            works = self._works
            idle = state.lockstep or not 0 < state.speed <= COLLAPSE_SPEED
            if idle or works is None or (name == "fast" and not works.has_fast):
                await self._link.changed(5.0)
                continue
            await asyncio.sleep(max(period_s / state.speed, 0.05))
            scan = works.guard_scan if name == "guard" else works.fast_scan
            await scan()
