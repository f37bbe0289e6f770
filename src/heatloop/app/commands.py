"""The one door for commands: check, sign, send, acknowledge, verify by read-back (clause 7.3 b).

A command goes forward only: queued, sent, acknowledged, verified; or it fails, or expires. It is
verified when a sample taken after the acknowledgement reads the commanded value, within the
resolution of the register. Every step is in the records before anything else happens, so a
restart at any moment neither forgets a command nor sends one twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from heatloop.app.audit import SYSTEM, Audit
from heatloop.app.command_book import CommandBook
from heatloop.app.command_checks import CommandChecks
from heatloop.app.command_gate import Events
from heatloop.app.command_second import SecondKey
from heatloop.app.history import in_thread
from heatloop.app.keys import PlatformKeys
from heatloop.app.links import Links
from heatloop.app.live import Hub
from heatloop.app.patience import until_done
from heatloop.app.read_back import CommandsUnderWay, LiveCommand
from heatloop.app.refusals import Refused
from heatloop.app.views.work import CommandView
from heatloop.app.world import World
from heatloop.control.command_classes import NETWORK
from heatloop.kernel.errors import InputError
from heatloop.kernel.ids import new_id
from heatloop.kernel.messages import Command, CommandState
from heatloop.kernel.series import Columns
from heatloop.plant.model import Point
from heatloop.security.access import Principal
from heatloop.store.records import Records
from heatloop.store.records.commands import Passed

_log = structlog.get_logger("heatloop.commands")
MODES = {"local": 0, "remote_manual": 1, "automatic": 2}
_WRITTEN = "written, read-back awaited"
_FORGED = ("signature", "foreign_gateway", "replayed", "counter_not_rising", "second_signature")
_WAITING = (CommandState.QUEUED, CommandState.SENT)
_ALIVE = (*_WAITING, CommandState.ACKNOWLEDGED)


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
        next_counter: Callable[[str], Awaitable[int]],
        second: SecondKey | None = None,
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._links, self._keys, self._checks, self._expiry_s = links, keys, checks, expiry_s
        self.book = CommandBook(world, records, hub)
        """Reads commands back."""
        self._under_way = CommandsUnderWay(world)
        self._next_counter = next_counter
        self._second = second
        self._seconds: dict[str, str] = {}
        self.events: Events | None = None
        """Told of forged commands that gateways refused; set by whoever builds both."""
        self._orders: dict[str, asyncio.Lock] = {}
        self._issuing: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        links.when_opened(self._link_opened)

    async def load(self) -> None:
        """Take up the commands that had not ended when the platform stopped."""
        for row in await in_thread(self._records.commands.list_open):
            at = max((e.at for e in row.events if e.state == CommandState.ACKNOWLEDGED), default=0)
            self._under_way.add(row.command, CommandState(row.state), float(at))
            if row.passed.second:
                self._seconds[row.command.id] = row.passed.second

    async def request(
        self, principal: Principal, point_code: str, value: float, reason: str
    ) -> CommandView:
        """Queue a command of a procedure that a person has already confirmed as a whole.

        What a person asks by itself goes through `CommandDoor`.

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

    async def issue(
        self,
        point: Point,
        value: float,
        mode: str,
        by: str,
        reason: str,
        passed: Passed | None = None,
    ) -> CommandView:
        """Sign, keep and queue a command that was checked.

        Args:
            point: Point to set.
            value: In its unit.
            mode: `manual` or `automatic`.
            by: User, or the job that asks.
            reason: Why.
            passed: What it passed at the door; None for what programs ask.
        """
        gateway = self._world.ledger.gateway_of(point.code)
        # Whoever gets the lower counter must be sent first: a gateway refuses one that falls.
        async with self._issuing.setdefault(gateway, asyncio.Lock()):
            return await self._issue(gateway, point, value, mode, by, reason, passed or Passed())

    async def _issue(
        self,
        gateway: str,
        point: Point,
        value: float,
        mode: str,
        by: str,
        reason: str,
        passed: Passed,
    ) -> CommandView:
        now_s = self._world.now_s()
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
            counter=await self._next_counter(gateway),
            key_id=self._keys.signing.key_id,
        )
        signature = self._keys.signing.sign(command.signed_bytes()).hex()
        command = replace(command, signature=signature)
        if self._second is not None and passed.command_class == NETWORK:
            passed = replace(passed, second=self._second.sign(command))
            self._seconds[command.id] = passed.second
        await in_thread(
            self._records.commands.insert, command, requested_by=by, reason=reason, passed=passed
        )
        action = "command.signed" if passed.proposal else "command.request"
        await self._audit.add(
            by, action, point.code, id=command.id, before=before, after=value, mode=mode,
            command_class=passed.command_class, proposal=passed.proposal,
        )  # fmt: skip
        self._under_way.add(command, CommandState.QUEUED)
        view = await self.book.publish(command.id)
        self._start(self._send_queued(gateway))
        return view

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
                for live in self._under_way
                if live.command.gateway == gateway and live.state is CommandState.QUEUED
            ]
            for live in sorted(queued, key=lambda each: each.command.counter):
                if self._links.line(gateway) is None:
                    return
                # Written down first: after a crash in between the command is not sent twice,
                # it expires.
                moved = await self._move(
                    live, (CommandState.QUEUED,), CommandState.SENT, f"to {gateway}"
                )
                if moved and not await self._send(live.command):
                    _log.warning("link lost while sending", command=live.command.id)

    async def _send(self, command: Command) -> bool:
        line = self._links.line(command.gateway)
        frame: dict[str, Any] = {"type": "command", "command": command.to_dict()}
        second = self._seconds.get(command.id)
        if second:
            frame["second"] = second
        return line is not None and await line.send(frame)

    async def _move(
        self,
        live: LiveCommand,
        sources: tuple[CommandState, ...],
        to: CommandState,
        reason: str,
        at: float | None = None,
    ) -> bool:
        """Move a command on if it is in one of the source states; tell who looks on."""
        now_s = self._world.now_s() if at is None else at
        command = live.command
        moved = await in_thread(
            self._records.commands.transition, command.id, sources, to, at=now_s, reason=reason
        )
        if not moved:
            return False
        if to in _ALIVE:
            self._under_way.moved(live, to, now_s)
        else:
            self._under_way.ended(live)
            self._seconds.pop(command.id, None)
            await self._audit.add(
                SYSTEM, f"command.{to.value}", command.point, id=command.id, reason=reason
            )
        await self.book.publish(command.id)
        return True

    async def report(self, gateway: str, body: dict[str, Any]) -> None:
        """Take a gateway's report about a command.

        Raises:
            InputError: The command was not for this gateway.
        """
        why = str(body.get("reason", "")).partition(":")[0]
        if self.events is not None and why in _FORGED:
            self.events.note("command_forged", gateway, reason=why, command=str(body["id"])[:64])
        live = self._under_way.get(str(body["id"]))
        if live is None:
            return  # Ended already, or reported twice.
        if live.command.gateway != gateway:
            raise InputError("not a command of this gateway", thing=str(body["id"]))
        at, reason = float(body["at"]), str(body.get("reason", ""))[:400]
        if body["state"] == "failed":
            await self._move(live, _ALIVE, CommandState.FAILED, reason or "refused", at)
        elif body["state"] in ("acknowledged", "verified_local"):
            await self._move(live, _WAITING, CommandState.ACKNOWLEDGED, reason or _WRITTEN, at)
            # The sample that proves it may have been looked at before this note.
            await self._verify(live)
            for older in self._under_way.overtaken_by(live):
                why = f"overwritten by {live.command.id}"
                await self._move(older, (CommandState.ACKNOWLEDGED,), CommandState.FAILED, why)
        else:
            raise InputError("unknown command state", thing=str(body["state"]))

    def read_back(self, columns: Columns) -> list[Coroutine[Any, Any, None]]:
        """Compare samples with commands that wait for them; return what writes it down."""
        return [self._verify(live) for live in self._under_way.read(columns)]

    async def _verify(self, live: LiveCommand) -> None:
        """End a command as verified if a sample proves it."""
        now = self._under_way.get(live.command.id)
        proof = None if now is None else self._under_way.proof(now)
        if now is None or proof is None:
            return
        proved, (value, slot) = now, proof

        async def write() -> None:
            acknowledged = (CommandState.ACKNOWLEDGED,)
            reason = f"read back {value:g}"
            await self._move(proved, acknowledged, CommandState.VERIFIED, reason, float(slot))

        await until_done("records", write)

    async def expire(self) -> None:
        """End what is past its time: not done in time is expired, not read back is failed."""
        now_s = self._world.now_s()
        for live in [each for each in self._under_way if now_s > each.command.expires]:
            if live.state is CommandState.ACKNOWLEDGED:
                last = self._world.latest.last(live.key)
                read = "nothing" if last is None else f"{last[0]:g}"
                await self._move(
                    live, (live.state,), CommandState.FAILED, f"not verified, reads {read}"
                )
            else:
                await self._move(live, _WAITING, CommandState.EXPIRED, "not done in time")
