"""The door before the signature: proposal, bounds, twin, confirmation, second person.

What is harmless goes straight through. What is dangerous is answered with its consequences and a
one-time token, and goes through when the same person confirms it in the same session within a
minute and has lately proved who he is. What concerns the whole network waits for a second person
besides, or for somebody who breaks the glass and says why. Every step is in the record.
"""

from __future__ import annotations

import dataclasses
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from heatloop.app.command_asker import Asker, Writes, door_token_hash
from heatloop.app.command_checks import CommandChecks
from heatloop.app.command_gate import CommandGate
from heatloop.app.command_physics import NOT_NEEDED, REFUSED, UNKNOWN, Physics, Write, because
from heatloop.app.command_proposals import Proposals, step
from heatloop.app.command_settings import DoorSettings
from heatloop.app.commands import MODES, Commands
from heatloop.app.history import in_thread
from heatloop.app.refusals import Forbidden, Refused
from heatloop.app.views.command_door import PhysicsView, ProposalView
from heatloop.app.views.work import CommandView
from heatloop.app.world import World
from heatloop.control.command_classes import (
    NETWORK,
    NORMAL,
    class_of_commands,
    rule_of,
)
from heatloop.kernel.clock import machine_s
from heatloop.kernel.ids import new_id
from heatloop.store.records import Records
from heatloop.store.records.command_door import ProposalRow
from heatloop.store.records.commands import Passed

_AGAIN_S = 30.0
LEAST_REASON = 10
"""Letters a broken glass must be explained with."""


class CommandDoor:
    """What people ask goes through here, one point or many."""

    def __init__(
        self,
        *,
        world: World,
        records: Records,
        commands: Commands,
        checks: CommandChecks,
        physics: Physics,
        gate: CommandGate,
        settings: DoorSettings,
    ) -> None:
        self._world, self._records, self._commands = world, records, commands
        self._checks, self._physics, self._gate = checks, physics, gate
        self._settings = settings
        self.proposals = Proposals(world, records, commands.book)
        """Reads proposals back."""

    async def set_mode(self, asker: Asker, unit: str, mode: str) -> CommandView | ProposalView:
        """Ask for a station mode of a unit.

        Raises:
            Refused: There is no such unit inside the scope, or it may not be set.
        """
        asset = self._world.asset(asker.principal.scope, unit)
        wish = (f"{asset.code}.station_mode", float(MODES[mode]))
        return await self.ask(asker, [wish], f"mode {mode}", "mode")

    async def ask(
        self, asker: Asker, wishes: Writes, reason: str, kind: str = "command"
    ) -> CommandView | ProposalView:
        """Check what is asked; carry it out if it is harmless, else propose it.

        Args:
            asker: Who asks.
            wishes: (point code, value in its unit), each point once.
            reason: Why.
            kind: `command`, `mode` or `batch`.

        Raises:
            Refused: A point is not inside the scope, a value is not safe, the twin says no, or
                there are too many.
        """
        codes = [code for code, _ in wishes]
        if not codes or len(codes) > self._settings.batch_points or len({*codes}) != len(codes):
            raise Refused("batch_wrong", detail=f"{len(codes)} / {self._settings.batch_points}")
        scope = asker.principal.scope
        writes = [Write(point=self._world.point(scope, code), value=v) for code, v in wishes]
        await self._gate.rate(asker, writes)
        await self._bounds(asker, writes)
        rules = [rule_of(write.point.kind, write.value) for write in writes]
        stations = self._stations(writes)
        command_class = class_of_commands(rules, len(stations), self._settings.network_stations)
        await self._gate.class_allowed(asker, command_class, writes)
        physics = await self._physics.check(writes, scope)
        if physics.state == REFUSED:
            await self._gate.refused(asker, writes, "physics_refused")
            raise Refused("physics_refused", thing=codes[0], detail=because(physics))
        steps = [
            step("proposed", by=asker.user, detail=command_class),
            step("bounds", detail=f"{len(writes)}"),
            _physics_step(physics),
        ]
        row = self._row(asker, writes, reason, kind, command_class, physics, steps)
        if command_class == NORMAL:
            if len(writes) == 1:
                return (await self._issue(row, row.steps, ""))[0]
            await in_thread(self._records.door.insert, dataclasses.replace(row, state="executed"))
            made = await self._issue(row, row.steps, row.id)
            return self.proposals.view(dataclasses.replace(row, state="executed"), made, scope)
        token = secrets.token_urlsafe(32)
        row = dataclasses.replace(
            row, token_hash=door_token_hash(token), session_hash=asker.session
        )
        await in_thread(self._records.door.insert, row)
        await self._gate.note(asker, "command.propose", row, command_class=command_class)
        return dataclasses.replace(self.proposals.view(row, [], scope), token=token)

    async def confirm(self, asker: Asker, proposal: str, token: str) -> ProposalView:
        """Confirm what one has proposed; carried out unless a second person must agree.

        Raises:
            Forbidden: It is somebody else's, the token is wrong, or identity was not proved lately.
            Refused: There is none, its time is over, or it is not safe any more.
        """
        row = await self._own(asker, proposal, token)
        steps = [
            *row.steps,
            step("confirmed", by=asker.user),
            step("proved", by=asker.user, detail=" ".join(sorted(asker.factors))),
        ]
        if row.command_class == NETWORK and row.physics["state"] == UNKNOWN:
            # Two people who cannot see the network do not see more than one.
            raise Refused("twin_needed", thing=proposal, detail=str(row.physics["why"]))
        if row.command_class == NETWORK and self._settings.two_people:
            until_s = machine_s() + 60.0 * self._settings.second_minutes
            await self._moved(row, ("proposed",), "waiting_second", steps, second_until=until_s)
            await self._gate.note(asker, "command.confirm", row, waits="second")
            waiting = await self._row_of(proposal)
            self.proposals.publish(waiting)
            return self.proposals.view(waiting, [], asker.principal.scope)
        await self._gate.note(asker, "command.confirm", row)
        return await self._execute(asker, row, ("proposed",), steps)

    async def second(self, asker: Asker, proposal: str, agree: bool, note: str) -> ProposalView:
        """Answer as second person.

        Raises:
            Forbidden: It is one's own proposal, or identity was not proved lately.
            Refused: There is none inside the scope, or it waits for nobody any more.
        """
        row = await self._row_of(proposal)
        self._see(asker, row)
        await self._gate.class_allowed(asker, row.command_class, self._writes(row))
        if row.requested_by == asker.user:
            await self._gate.abuse(asker, proposal, "same_person")
            raise Forbidden("same_person", thing=asker.user, place=proposal)
        if row.state != "waiting_second":
            raise Refused("proposal_closed", thing=proposal, detail=row.state)
        if machine_s() > (row.second_until or 0.0):
            await self._moved(row, ("waiting_second",), "expired", row.steps)
            raise Refused("confirm_expired", thing=proposal)
        await self._gate.proved(asker, proposal)
        steps = [*row.steps, step("second", by=asker.user, ok=agree, detail=note)]
        if not agree:
            await self._moved(row, ("waiting_second",), "refused", steps, second_by=asker.user)
            await self._gate.note(asker, "command.second_refused", row, note=note)
            row = await self._row_of(proposal)
            self.proposals.publish(row)
            return self.proposals.view(row, [], asker.principal.scope)
        await self._gate.note(asker, "command.second", row, note=note)
        return await self._execute(asker, row, ("waiting_second",), steps, second_by=asker.user)

    async def break_glass(self, asker: Asker, proposal: str, token: str, why: str) -> ProposalView:
        """Carry out a whole-network proposal of one's own without a second person.

        Everybody is told at once by an alarm.

        Raises:
            Forbidden: It is somebody else's, the token is wrong, or identity was not proved lately.
            Refused: There is none, its time is over, or no reason was given.
        """
        if len(why.strip()) < LEAST_REASON:
            raise Refused("break_glass_reason", thing=proposal)
        row = await self._own(asker, proposal, token, states=("proposed", "waiting_second"))
        if row.command_class != NETWORK:
            raise Refused("proposal_closed", thing=proposal, detail=row.command_class)
        await self._gate.glass_broken(asker, row, why)
        steps = [
            *row.steps,
            step("proved", by=asker.user, detail=" ".join(sorted(asker.factors))),
            step("break_glass", by=asker.user, detail=why),
        ]
        return await self._execute(
            asker, row, ("proposed", "waiting_second"), steps, break_glass=why
        )

    async def withdraw(self, asker: Asker, proposal: str) -> ProposalView:
        """Take back what one has proposed.

        Raises:
            Refused: There is none of one's own, or it is over.
        """
        row = await self._row_of(proposal)
        if row.requested_by != asker.user:
            raise Refused("not_found", thing=proposal)
        steps = [*row.steps, step("withdrawn", by=asker.user, ok=False)]
        await self._moved(row, ("proposed", "waiting_second"), "withdrawn", steps)
        await self._gate.note(asker, "command.withdraw", row)
        row = await self._row_of(proposal)
        self.proposals.publish(row)
        return self.proposals.view(row, [], asker.principal.scope)

    async def expire(self) -> None:
        """End the proposals nobody answered in time."""
        for row in await in_thread(self._records.door.overdue, machine_s()):
            steps = [*row.steps, step("expired", ok=False)]
            sources = (row.state,)
            if await in_thread(self._records.door.move, row.id, sources, "expired", steps=steps):
                self.proposals.publish(await self._row_of(row.id))

    async def _own(
        self, asker: Asker, proposal: str, token: str, states: Sequence[str] = ("proposed",)
    ) -> ProposalRow:
        """Return one's own proposal whose token is right, in time, with a proof of identity."""
        row = await self._row_of(proposal)
        self._see(asker, row)
        mine = row.requested_by == asker.user and row.session_hash == asker.session
        if not mine or not hmac.compare_digest(row.token_hash, door_token_hash(token)):
            await self._gate.abuse(asker, proposal, "confirm_token")
            raise Forbidden("confirm_token", thing=asker.user, place=proposal)
        if row.state not in states:
            raise Refused("proposal_closed", thing=proposal, detail=row.state)
        if row.state == "proposed" and machine_s() > row.token_until:
            steps = [*row.steps, step("expired", ok=False)]
            await self._moved(row, ("proposed",), "expired", steps)
            raise Refused("confirm_expired", thing=proposal)
        await self._gate.proved(asker, proposal)
        await self._gate.class_allowed(asker, row.command_class, self._writes(row))
        return row

    async def _execute(
        self,
        asker: Asker,
        row: ProposalRow,
        sources: tuple[str, ...],
        steps: list[dict[str, Any]],
        **changes: Any,
    ) -> ProposalView:
        """Check again what was checked a while ago, then sign every command."""
        writes = self._writes(row)
        try:
            await self._bounds(asker, writes)
            if machine_s() - row.asked_at > _AGAIN_S and row.physics["state"] != NOT_NEEDED:
                physics = await self._physics.check(writes, asker.principal.scope)
                steps = [*steps, _physics_step(physics)]
                if physics.state == REFUSED:
                    raise Refused("physics_refused", thing=row.id, detail=because(physics))
        except Refused as error:
            failed = [*steps, step("bounds", ok=False, detail=error.detail or error.code)]
            await self._moved(row, sources, "refused", failed)
            raise
        steps = [*steps, step("signed", by="")]
        # Whoever moves it is the one who executes: a token works once.
        await self._moved(row, sources, "executed", steps, **changes)
        row = await self._row_of(row.id)
        made = await self._issue(row, steps, row.id)
        self.proposals.publish(row)
        return self.proposals.view(row, made, asker.principal.scope)

    async def _issue(
        self, row: ProposalRow, steps: Sequence[dict[str, Any]], proposal: str
    ) -> list[CommandView]:
        passed = Passed(command_class=row.command_class, proposal=proposal, steps=tuple(steps))
        return [
            await self._commands.issue(
                write.point, write.value, "manual", row.requested_by, row.reason, passed
            )
            for write in self._writes(row)
        ]

    async def _bounds(self, asker: Asker, writes: Sequence[Write]) -> None:
        for write in writes:
            try:
                self._checks.allow(write.point, write.value, "manual")
            except Refused as error:
                await self._gate.refused(asker, [write], error.code)
                raise

    async def _moved(
        self,
        row: ProposalRow,
        sources: Sequence[str],
        to: str,
        steps: Sequence[dict[str, Any]],
        **changes: Any,
    ) -> None:
        moved = await in_thread(
            self._records.door.move, row.id, tuple(sources), to, steps=list(steps), **changes
        )
        if not moved:
            raise Refused("proposal_closed", thing=row.id)

    async def _row_of(self, proposal: str) -> ProposalRow:
        row = await in_thread(self._records.door.get, proposal)
        if row is None:
            raise Refused("not_found", thing=proposal)
        return row

    def _see(self, asker: Asker, row: ProposalRow) -> None:
        for each in row.points:
            self._world.point(asker.principal.scope, each["point"])

    def _writes(self, row: ProposalRow) -> list[Write]:
        points = self._world.ledger.points
        gone = [each["point"] for each in row.points if each["point"] not in points]
        if gone:
            raise Refused("not_found", thing=gone[0])
        return [Write(point=points[e["point"]], value=float(e["value"])) for e in row.points]

    def _stations(self, writes: Sequence[Write]) -> frozenset[str]:
        """Return the stations (or other assets above units) the writes touch."""
        assets = self._world.ledger.assets
        found = (assets[write.point.asset] for write in writes)
        return frozenset(a.parent if a.kind == "unit" else a.code for a in found)

    def _row(
        self,
        asker: Asker,
        writes: Sequence[Write],
        reason: str,
        kind: str,
        command_class: str,
        physics: PhysicsView,
        steps: list[dict[str, Any]],
    ) -> ProposalRow:
        now_s = machine_s()
        latest = self._world.latest
        return ProposalRow(
            id=new_id(now_s),
            kind=kind,
            command_class=command_class,
            points=[
                {"point": w.point.code, "value": w.value, "before": latest.value(w.point.key)}
                for w in writes
            ],
            reason=reason,
            requested_by=asker.user,
            at=self._world.now_s(),
            asked_at=now_s,
            token_hash="",
            session_hash="",
            token_until=now_s + self._settings.token_s,
            second_until=None,
            state="proposed",
            second_by="",
            break_glass="",
            physics=self.proposals.plain_physics(physics),
            steps=steps,
        )


def _physics_step(physics: PhysicsView) -> dict[str, Any]:
    detail = physics.why or because(physics)
    words = f"{physics.state} {detail}".strip()
    return step("physics", ok=physics.state != REFUSED, detail=words)
