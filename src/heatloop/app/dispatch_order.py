"""Sends what a plan asks of sources through the one door for commands, as one proposal.

Starting boilers, loads of units and heads of sources are the whole network's business: the door
asks for a fresh proof of identity and a second person, and writes every step down. Nothing here
writes by itself, in no stage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from heatloop.app.audit import Audit
from heatloop.app.command_asker import Asker
from heatloop.app.command_door import CommandDoor
from heatloop.app.dispatch_views import setpoints
from heatloop.app.history import in_thread
from heatloop.app.network_plan import NetworkPlan
from heatloop.app.refusals import Refused
from heatloop.app.views.command_door import ProposalView
from heatloop.app.views.dispatch import DispatchSetpoint
from heatloop.app.views.work import CommandView
from heatloop.app.world import World
from heatloop.store.records import Records

_SAME = 0.05
"""A set-point this near to what stands there is not sent again."""


class DispatchOrders:
    """Sends.

    Args:
        world: Present values.
        records: Plans.
        audit: Trail of what people do.
        door: The one door for commands.
        network_plan: Set-points of the primary network.
        failed: Gives the units that say they have failed.
    """

    def __init__(
        self,
        world: World,
        records: Records,
        audit: Audit,
        door: CommandDoor,
        network_plan: NetworkPlan,
        failed: Callable[[], frozenset[str]],
    ) -> None:
        self._world, self._records, self._audit = world, records, audit
        self._door, self._network_plan, self._failed = door, network_plan, failed

    async def send_plan(self, asker: Asker, number: int) -> CommandView | ProposalView:
        """Propose the present set-points of an approved plan.

        Raises:
            Refused: There is no such plan, it is not the approved plan in force, it does not cover
                now, nothing is to be changed, or the door refuses.
        """
        row = await in_thread(self._records.dispatch.plan, number)
        if row is None:
            raise Refused("not_found", thing=str(number))
        newest = await in_thread(self._records.dispatch.newest, row.network, ("approved",))
        if newest is None or newest.number != number:
            raise Refused("invalid", thing=str(number), detail="not the approved plan in force")
        failed = self._failed()
        told = setpoints(self._world, row, json.loads(row.body))
        wanted = [each for each in told if each.point.partition(".")[0] not in failed]
        return await self._send(asker, wanted, f"dispatch plan {number}")

    async def send_network(self, asker: Asker, network: str) -> CommandView | ProposalView:
        """Propose supply temperature and head of each source as last worked out.

        Raises:
            Refused: Nothing was worked out lately, nothing is to be changed, or the door refuses.
        """
        wanted = self._network_plan.setpoints(network)
        return await self._send(asker, wanted, f"network set-points {network}")

    async def _send(
        self, asker: Asker, wanted: Sequence[DispatchSetpoint], reason: str
    ) -> CommandView | ProposalView:
        wishes = [
            (each.point, each.value)
            for each in wanted
            if each.present is None or abs(each.value - each.present) > _SAME
        ]
        if not wishes:
            raise Refused("invalid", thing=reason, detail="nothing is to be changed now")
        answer = await self._door.ask(asker, wishes, reason, "batch")
        await self._audit.add(
            asker.user, "dispatch.send", reason, points=[f"{p}={v:g}" for p, v in wishes]
        )
        return answer
