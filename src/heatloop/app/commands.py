"""The one door for commands: check, sign, send, acknowledge, verify by read-back (clause 7.3 b).

A command goes forward only: queued, sent, acknowledged, verified; or it fails, or expires. It is
verified when a sample taken after the acknowledgement reads the commanded value, within the
resolution of the register. Every step is in the records before anything else happens, so a
restart at any moment neither forgets a command nor sends one twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from heatloop.app.alarm_views import plain
from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.command_checks import CommandChecks
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Links
from heatloop.app.live import Hub
from heatloop.app.patience import until_done
from heatloop.app.refusals import Refused
from heatloop.app.views.work import CommandEvent, CommandPage, CommandView
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.errors import InputError
from heatloop.kernel.ids import new_id
from heatloop.kernel.messages import Command, CommandState
from heatloop.kernel.scope import Scope
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.commands import CommandRow

_log = structlog.get_logger("heatloop.commands")
MODES = {"local": 0, "remote_manual": 1, "automatic": 2}
_READS = 64
_WAITING = (CommandState.QUEUED, CommandState.SENT)
_ALIVE = (*_WAITING, CommandState.ACKNOWLEDGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Live:
    """A command that has not ended."""

    command: Command
    state: CommandState
    key: int
    """Key of the point it sets."""
    tolerance: float
    """How far a read-back may be off, half the register's resolution."""
    acknowledged_s: float = 0.0
    """Plant time the gateway wrote it."""


class Commands:
    """Keeps every command from the wish to its end."""

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        hub: Hub,
        audit: Audit,
        links: Links,
        keys: PlatformKeys,
        checks: CommandChecks,
        expiry_s: float,
    ) -> None:
        self._world, self._records, self._hub, self._audit = world, records, hub, audit
        self._links, self._keys, self._checks, self._expiry_s = links, keys, checks, expiry_s
        self._live: dict[str, _Live] = {}
        self._reads: dict[int, deque[tuple[float, int]]] = {}
        self._counters: dict[str, int] = {}
        self._orders: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        links.when_opened(self._link_opened)

    async def load(self) -> None:
        """Take up the commands that had not ended when the platform stopped."""
        for row in await in_thread(self._records.commands.list_open):
            at = max((e.at for e in row.events if e.state == CommandState.ACKNOWLEDGED), default=0)
            self._remember(row.command, CommandState(row.state), float(at))

    def _remember(self, command: Command, state: CommandState, acknowledged_s: float) -> None:
        point = self._world.ledger.points.get(command.point)
        if point is None:
            return  # The point left the ledger; the command will expire in the records.
        factor = abs(self._world.ledger.binding_of(point.code).factor)
        self._live[command.id] = _Live(
            command=command,
            state=state,
            key=point.key,
            tolerance=0.5 * factor + 1e-9,
            acknowledged_s=acknowledged_s,
        )

    async def request(
        self, principal: Principal, point_code: str, value: float, reason: str
    ) -> CommandView:
        """Queue a person's command.

        Raises:
            Refused: The point is not inside the user's scope, or the command is not safe.
        """
        point = self._world.point(principal.scope, point_code)
        try:
            self._checks.allow(point, value, "manual")
        except Refused as error:
            await self._audit.add(
                principal.user, "command.refused", point_code, value=value, code=error.code
            )
            raise
        return await self.issue(point, value, "manual", principal.user, reason)

    async def set_mode(self, principal: Principal, unit: str, mode: str) -> CommandView:
        """Queue a command on a unit's station mode.

        Raises:
            Refused: There is no such unit inside the user's scope.
        """
        asset = self._world.asset(principal.scope, unit)
        return await self.request(
            principal, f"{asset.code}.station_mode", float(MODES[mode]), f"mode {mode}"
        )

    async def issue(
        self, point: Point, value: float, mode: str, by: str, reason: str
    ) -> CommandView:
        """Sign, keep and queue a command that was checked."""
        now_s = self._world.now_s()
        gateway = self._world.ledger.gateway_of(point.code)
        before = self._world.latest.value(point.key)
        command = Command(
            id=new_id(now_s),
            point=point.code,
            value=value,
            mode=mode,
            gateway=gateway,
            issued=now_s,
            expires=now_s + self._expiry_s,
            nonce=secrets.token_hex(16),
            counter=self._next_counter(gateway),
            key_id=self._keys.signing.key_id,
        )
        signature = self._keys.signing.sign(command.signed_bytes()).hex()
        command = replace(command, signature=signature)
        await in_thread(self._records.commands.insert, command, requested_by=by, reason=reason)
        await self._audit.add(
            by, "command.request", point.code, id=command.id, before=before, after=value, mode=mode
        )
        self._remember(command, CommandState.QUEUED, 0.0)
        view = await self._published(command.id)
        self._start(self._send_queued(gateway))
        return view

    def _next_counter(self, gateway: str) -> int:
        # Machine milliseconds rise over restarts without being kept anywhere.
        counter = max(self._counters.get(gateway, 0) + 1, int(machine_s() * 1000))
        self._counters[gateway] = counter
        return counter

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _link_opened(self, gateway: str) -> None:
        self._start(self._send_queued(gateway))

    async def _send_queued(self, gateway: str) -> None:
        """Send what is queued for a gateway, in the order of counters."""
        async with self._orders.setdefault(gateway, asyncio.Lock()):
            queued = [
                live
                for live in self._live.values()
                if live.command.gateway == gateway and live.state is CommandState.QUEUED
            ]
            for live in sorted(queued, key=lambda each: each.command.counter):
                if self._links.line(gateway) is None:
                    return
                # Written down first: after a crash in between the command is not sent twice,
                # it expires.
                moved = await self._move(live, (CommandState.QUEUED,), CommandState.SENT, "")
                if moved and not await self._links.send_command(live.command):
                    _log.warning("link lost while sending", command=live.command.id)

    async def _move(
        self,
        live: _Live,
        sources: tuple[CommandState, ...],
        to: CommandState,
        reason: str,
        at: float | None = None,
    ) -> bool:
        """Move a command on if it is in one of the source states; publish and audit it."""
        now_s = self._world.now_s() if at is None else at
        command = live.command
        moved = await in_thread(
            self._records.commands.transition, command.id, sources, to, at=now_s, reason=reason
        )
        if not moved:
            return False
        if to in _ALIVE:
            acknowledged = now_s if to is CommandState.ACKNOWLEDGED else live.acknowledged_s
            self._live[command.id] = replace(live, state=to, acknowledged_s=acknowledged)
        else:
            self._live.pop(command.id, None)
            if not any(other.key == live.key for other in self._live.values()):
                self._reads.pop(live.key, None)
        await self._audit.add(
            SYSTEM, f"command.{to.value}", command.point, id=command.id, reason=reason
        )
        await self._published(command.id)
        return True

    async def report(self, gateway: str, body: dict[str, Any]) -> None:
        """Take a gateway's report about a command.

        Raises:
            InputError: The command was not for this gateway.
        """
        live = self._live.get(str(body["id"]))
        if live is None:
            return  # Ended already, or reported twice.
        if live.command.gateway != gateway:
            raise InputError("not a command of this gateway", thing=str(body["id"]))
        at, reason = float(body["at"]), str(body.get("reason", ""))[:400]
        if body["state"] == "failed":
            await self._move(live, _ALIVE, CommandState.FAILED, reason or "refused", at)
        elif body["state"] in ("acknowledged", "verified_local"):
            await self._move(live, _WAITING, CommandState.ACKNOWLEDGED, reason, at)
            # The sample that proves it may have been looked at before this note.
            await self._verify_if_read(live.command.id)
        else:
            raise InputError("unknown command state", thing=str(body["state"]))

    def read_back(self, columns: Columns) -> list[Coroutine[Any, Any, None]]:
        """Compare samples with commands that wait for their read-back."""
        if not self._live:
            return []
        at = self._world.index.find(columns.keys)
        rows = np.flatnonzero(self._watched_mask()[at] & (at >= 0))
        if not len(rows):
            return []
        for row in rows.tolist():
            read = (float(columns.values[row]), int(columns.slots[row]))
            self._reads.setdefault(int(columns.keys[row]), deque(maxlen=_READS)).append(read)
        waiting = [each for each in self._live.values() if each.state is CommandState.ACKNOWLEDGED]
        return [self._verify_if_read(live.command.id) for live in waiting if self._proof(live)]

    def _watched_mask(self) -> NDArray[np.bool_]:
        """Return which positions have a command under way, shape (n_point + 1,)."""
        mask = np.zeros(len(self._world.index) + 1, bool)
        keys = np.fromiter({live.key for live in self._live.values()}, "u4")
        mask[self._world.index.find(keys)] = True
        return mask

    def _proof(self, live: _Live) -> tuple[float, int] | None:
        """Return the first sample that reads the commanded value after it was written."""
        for value, slot in self._reads.get(live.key, ()):
            if self._proves(live, value, slot):
                return value, slot
        return None

    @staticmethod
    def _proves(live: _Live, value: float, slot: int) -> bool:
        return slot >= live.acknowledged_s and abs(value - live.command.value) <= live.tolerance

    async def _verify_if_read(self, command_id: str) -> None:
        live = self._live.get(command_id)
        if live is None or live.state is not CommandState.ACKNOWLEDGED:
            return
        proof = self._proof(live)
        if proof is not None:
            reason, at = f"read back {proof[0]:g}", float(proof[1])
            await until_done("records", lambda: self._verified(live, reason, at))

    async def _verified(self, live: _Live, reason: str, at: float) -> None:
        await self._move(live, (CommandState.ACKNOWLEDGED,), CommandState.VERIFIED, reason, at)

    async def expire(self) -> None:
        """End what is past its time: not done in time is expired, not read back is failed."""
        now_s = self._world.now_s()
        for live in [each for each in self._live.values() if now_s > each.command.expires]:
            if live.state is CommandState.ACKNOWLEDGED:
                last = self._world.latest.last(live.key)
                read = "nothing" if last is None else f"{last[0]:g}"
                await self._move(
                    live, (live.state,), CommandState.FAILED, f"not verified, reads {read}"
                )
            else:
                await self._move(live, _WAITING, CommandState.EXPIRED, "not done in time")

    async def page(self, scope: Scope, point: str, page: int, size: int) -> CommandPage:
        """Return a page of commands inside a scope, newest first."""
        if point:
            self._world.point(scope, point)
        total, rows = await in_thread(
            self._records.commands.list,
            point=point,
            points=self._world.points_in(scope),
            offset=(page - 1) * size,
            limit=size,
        )
        return CommandPage(total=total, items=[_view(row) for row in rows])

    async def one(self, scope: Scope, command_id: str) -> CommandView:
        """Return one command.

        Raises:
            Refused: There is none inside the scope.
        """
        row = await in_thread(self._records.commands.get, command_id)
        if row is None or not self._world.sees_subject(scope, row.command.point):
            raise Refused("not_found", thing=command_id)
        return _view(row)

    async def _published(self, command_id: str) -> CommandView:
        row = await in_thread(self._records.commands.get, command_id)
        if row is None:
            raise Refused("not_found", thing=command_id)
        view = _view(row)
        point = self._world.ledger.points.get(view.point)
        self._hub.publish("command", plain(view), point.asset if point is not None else "")
        return view


def _view(row: CommandRow) -> CommandView:
    command = row.command
    return CommandView(
        id=command.id,
        point=command.point,
        value=command.value,
        mode=command.mode,
        state=str(row.state),
        issued=utc(command.issued),
        expires=utc(command.expires),
        requested_by=row.requested_by,
        reason=row.reason,
        events=[
            CommandEvent(state=str(e.state), at=utc(e.at), reason=e.reason) for e in row.events
        ],
    )
