"""Whether an issue of forecasts is late, and the alarm that says so."""

from __future__ import annotations

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.world import World
from heatloop.kernel.clock import machine_s

LATE = "forecast_late"
_PRIORITY = 3
_GRACE_S, _GRACE_MACHINE_S = 1800.0, 180.0
name_rule(LATE, "负荷预测未按时发布", "load forecast not issued on time")


class LateWatch:
    """Raises one alarm when an issue is late, and clears it with the next.

    Args:
        world: The present.
        alarming: Told of it.
    """

    def __init__(self, world: World, alarming: Alarming) -> None:
        self._world, self._alarming = world, alarming
        self._behind_machine_s: float | None = None

    def is_late(self, now_s: float, scheduled_s: float, *, behind: bool) -> bool:
        """Return whether an issue should have been made by now and was not.

        Args:
            now_s: Plant time.
            scheduled_s: When it was to be made.
            behind: Whether it has not been made.
        """
        if not behind:
            self._behind_machine_s = None
            return False
        if self._behind_machine_s is None:
            self._behind_machine_s = machine_s()
        # When plant time races, half an hour of it is over before anything could be computed.
        patient = machine_s() - self._behind_machine_s < _GRACE_MACHINE_S
        return now_s - scheduled_s > _GRACE_S and not patient

    async def tell(self, now_s: float, *, late: bool, detail: str) -> None:
        """Raise the alarm, or clear it.

        Args:
            now_s: Plant time.
            late: Whether an issue is late.
            detail: Why the last try gave nothing.
        """
        companies = self._world.ledger.of_kind("company")
        if not companies:
            return
        code = companies[0].code
        active = self._alarming.active_of({LATE}).get((code, LATE))
        changes = []
        if late and active is None:
            alarm = lifecycle.raise_(code, LATE, now_s, priority=_PRIORITY, detail=detail)
            changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s))
        elif not late and active is not None:
            changes.append(AlarmChange(change=Change.CLEAR, alarm=active, at=now_s))
        for job in self._alarming.apply(changes):
            await job
