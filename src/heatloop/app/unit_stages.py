"""How far the strategy may go at each unit: watch, advise, or write."""

from __future__ import annotations

from heatloop.app.audit import Audit
from heatloop.app.history import in_thread
from heatloop.app.refusals import Refused
from heatloop.app.views.work import StageView
from heatloop.app.world import World
from heatloop.kernel.clock import utc
from heatloop.security.access import Principal
from heatloop.store.records import Records


class UnitStages:
    """Keeps the strategy stage of every unit, with its history in the records."""

    def __init__(self, world: World, records: Records, audit: Audit) -> None:
        self._world, self._records, self._audit = world, records, audit

    async def load(self) -> None:
        """Take up the stages set before."""
        self._world.stages = dict(await in_thread(self._records.stages.all))

    async def set(self, principal: Principal, unit: str, stage: str) -> StageView:
        """Set a unit's stage.

        Raises:
            Refused: There is no such unit inside the user's scope.
        """
        asset = self._world.asset(principal.scope, unit)
        if asset.kind != "unit":
            raise Refused("not_found", thing=unit)
        now_s = self._world.now_s()
        before = self._world.stages.get(unit, "observe")
        await in_thread(self._records.stages.set, unit, stage, by=principal.user, at=now_s)
        self._world.stages[unit] = stage
        await self._audit.add(principal.user, "unit.stage", unit, before=before, after=stage)
        return StageView(code=unit, stage=stage, by=principal.user, at=utc(now_s))
