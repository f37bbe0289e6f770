"""Commands as people read them: pages, one by one, and in the live stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heatloop.app.alarm_views import plain
from heatloop.app.history import in_thread
from heatloop.app.live import Hub
from heatloop.app.refusals import Refused
from heatloop.app.views.work import CommandEvent, CommandPage, CommandView, DoorStep
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.kernel.scope import Scope
from heatloop.store.records import Records
from heatloop.store.records.commands import CommandRow


class CommandBook:
    """Reads commands back from the records."""

    def __init__(self, world: World, records: Records, hub: Hub) -> None:
        self._world, self._records, self.hub = world, records, hub

    async def page(self, scope: Scope, point: str, page: int, size: int) -> CommandPage:
        """Return a page of commands inside a scope, newest first.

        Raises:
            Refused: The point is not inside the scope.
        """
        if point:
            self._world.point(scope, point)
        total, rows = await in_thread(
            self._records.commands.list,
            point=point,
            points=self._world.points_in(scope),
            offset=(page - 1) * size,
            limit=size,
        )
        return CommandPage(total=total, items=[view(row) for row in rows])

    async def one(self, scope: Scope, command_id: str) -> CommandView:
        """Return one command.

        Raises:
            Refused: There is none inside the scope.
        """
        row = await in_thread(self._records.commands.get, command_id)
        if row is None or not self._world.sees_subject(scope, row.command.point):
            raise Refused("not_found", thing=command_id)
        return view(row)

    async def publish(self, command_id: str) -> CommandView:
        """Send a command's present state to the live streams, and return it."""
        row = await in_thread(self._records.commands.get, command_id)
        if row is None:
            raise Refused("not_found", thing=command_id)
        shown = view(row)
        point = self._world.ledger.points.get(shown.point)
        self.hub.publish("command", plain(shown), point.asset if point is not None else "")
        return shown


def view(row: CommandRow) -> CommandView:
    """Return a command as people read it."""
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
        command_class=row.passed.command_class,
        proposal=row.passed.proposal,
        passed=[door_step(step) for step in row.passed.steps],
    )


def door_step(step: Mapping[str, Any]) -> DoorStep:
    """Return a step of the door as people read it."""
    return DoorStep(
        step=step["step"],
        ok=step["ok"],
        at=utc(step["at"]),
        by=step["by"],
        detail=step["detail"],
    )
