"""Alarms of the audit trail: raised once, cleared when the cause is gone."""

from __future__ import annotations

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.alarming import Alarming
from heatloop.app.world import World

UNAVAILABLE, LATE, DIFFERS = "audit_unavailable", "audit_copy_late", "audit_copy_differs"
_PRIORITY = {UNAVAILABLE: 1, DIFFERS: 1, LATE: 2}


class AuditAlarms:
    """Raises them on the company; in sight at once, also while nothing can be written."""

    def __init__(self, world: World, alarming: Alarming) -> None:
        self._world, self._alarming = world, alarming

    async def set(
        self,
        rule: str,
        wrong: bool,
        *,
        value: float | None = None,
        limit: float | None = None,
        detail: str = "",
    ) -> None:
        """Raise an alarm that is not active yet, or clear the one that is."""
        now_s = self._world.now_s()
        held = {r: a for (_, r), a in self._alarming.active_of((rule,)).items()}.get(rule)
        changes: list[AlarmChange] = []
        if wrong and held is None:
            companies = self._world.ledger.of_kind("company")
            alarm = lifecycle.raise_(
                companies[0].code if companies else "platform",
                rule,
                now_s,
                priority=_PRIORITY[rule],
                value=value,
                limit=limit,
                detail=detail[:400],
            )
            changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s, value=value))
        elif not wrong and held is not None:
            changes.append(AlarmChange(change=Change.CLEAR, alarm=held, at=now_s))
        for job in self._alarming.apply(changes):
            await job
