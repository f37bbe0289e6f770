"""Proposals as people read them: one by one, in pages, in the inbox of the second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from heatloop.app.alarm_views import plain
from heatloop.app.command_book import CommandBook, door_step
from heatloop.app.command_book import view as command_view
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.command_door import (
    HurtStation,
    PhysicsView,
    ProposalPage,
    ProposalView,
    ProposedPoint,
)
from heatloop.app.views.work import CommandView
from heatloop.app.world import World
from heatloop.control.command_classes import rule_of
from heatloop.kernel.clock import machine_s, utc
from heatloop.kernel.scope import Scope
from heatloop.store.records import Records
from heatloop.store.records.command_door import ProposalRow


def step(name: str, *, ok: bool = True, by: str = "", detail: str = "") -> dict[str, Any]:
    """Return one step of a proposal, now."""
    return {"step": name, "ok": ok, "at": machine_s(), "by": by, "detail": detail[:400]}


class Proposals:
    """Reads proposals back from the records."""

    def __init__(self, world: World, records: Records, book: CommandBook) -> None:
        self._world, self._records, self._book = world, records, book

    async def one(self, scope: Scope, proposal: str) -> ProposalView:
        """Return one proposal with the commands it became.

        Raises:
            Refused: There is none inside the scope.
        """
        row = await in_thread(self._records.door.get, proposal)
        if row is None or not self._inside(scope, row):
            raise Refused("not_found", thing=proposal)
        rows = await in_thread(self._records.commands.of_proposal, proposal)
        return self.view(row, [command_view(each) for each in rows], scope)

    async def page(self, scope: Scope, page: int, size: int) -> ProposalPage:
        """Return a page of proposals, newest first; those outside the scope are left out."""
        total, rows = await in_thread(self._records.door.list, offset=(page - 1) * size, limit=size)
        shown = [self.view(row, [], scope) for row in rows if self._inside(scope, row)]
        return ProposalPage(total=total, items=shown)

    async def waiting(self, scope: Scope, user: str) -> list[ProposalView]:
        """Return what waits for this user as second person, oldest first."""
        rows = await in_thread(self._records.door.waiting, machine_s())
        return [
            self.view(row, [], scope)
            for row in rows
            if row.requested_by != user and self._inside(scope, row)
        ]

    def publish(self, row: ProposalRow) -> None:
        """Send a proposal's present state to the live streams."""
        shown = plain(self.view(row, [], Scope.everything()))
        asset = self._asset(row)
        self._book.hub.publish("proposal", shown, asset)

    def _asset(self, row: ProposalRow) -> str:
        point = self._world.ledger.points.get(row.points[0]["point"])
        return point.asset if point is not None else ""

    def _inside(self, scope: Scope, row: ProposalRow) -> bool:
        return all(self._world.sees_subject(scope, each["point"]) for each in row.points)

    def view(self, row: ProposalRow, commands: Sequence[CommandView], scope: Scope) -> ProposalView:
        """Return a proposal as people read it; the token is never among it."""
        return ProposalView(
            id=row.id,
            kind=row.kind,
            command_class=row.command_class,
            state=row.state,
            reason=row.reason,
            requested_by=row.requested_by,
            asked=utc(row.asked_at),
            points=[self._point(each) for each in row.points],
            stations=len({self._station(each["point"]) for each in row.points}),
            physics=self._physics(row.physics, scope),
            token="",
            token_until=utc(row.token_until),
            second_until=None if row.second_until is None else utc(row.second_until),
            second_by=row.second_by,
            break_glass=row.break_glass,
            steps=[door_step(each) for each in row.steps],
            commands=list(commands),
        )

    def _station(self, point: str) -> str:
        known = self._world.ledger.points.get(point)
        if known is None:
            return point
        asset = self._world.ledger.assets[known.asset]
        return asset.parent if asset.kind == "unit" else asset.code

    def _point(self, each: dict[str, Any]) -> ProposedPoint:
        point = self._world.ledger.points.get(each["point"])
        rule = rule_of(point.kind if point is not None else "", each["value"])
        return ProposedPoint(
            point=each["point"],
            value=each["value"],
            before=each["before"],
            effect_zh=rule.zh,
            effect_en=rule.en,
        )

    def _physics(self, kept: dict[str, Any], scope: Scope) -> PhysicsView:
        hurt = [
            HurtStation(**each)
            if self._world.sees(scope, each["code"])
            else HurtStation(**(each | {"code": "", "zh": "", "en": ""}))
            for each in kept["hurt"]
        ]
        at = kept["at"]
        when = None if at is None else datetime.fromisoformat(at)
        return PhysicsView(**(kept | {"hurt": hurt, "at": when}))

    @staticmethod
    def plain_physics(view: PhysicsView) -> dict[str, Any]:
        """Return what the twin said, as it is kept."""
        return plain(view)
