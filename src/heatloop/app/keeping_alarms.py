"""Alarms of keeping: raised once, cleared when the cause is gone."""

from __future__ import annotations

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.app.alarming import Alarming
from heatloop.app.world import World

LATE, FAILED, BAD, SLOW, INTEGRITY = (
    "backup_late", "backup_failed", "backup_bad", "restore_slow", "integrity",
)  # fmt: skip
RULES = (LATE, FAILED, BAD, SLOW, INTEGRITY)
_PRIORITY = {INTEGRITY: 1, BAD: 2}
_OTHERS = 2


class KeepingAlarms:
    """Raises them on the company."""

    def __init__(self, world: World, alarming: Alarming) -> None:
        self._world, self._alarming = world, alarming

    @property
    def subject(self) -> str:
        """Return the code of the company, or the platform's own word without one."""
        companies = self._world.ledger.of_kind("company")
        return companies[0].code if companies else "platform"

    @property
    def active(self) -> list[str]:
        """Return the rules with an active alarm."""
        return sorted({rule for _, rule in self._alarming.active_of(RULES)})

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
            alarm = lifecycle.raise_(
                self.subject,
                rule,
                now_s,
                priority=_PRIORITY.get(rule, _OTHERS),
                value=value,
                limit=limit,
                detail=detail[:400],
            )
            changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s, value=value))
        elif not wrong and held is not None:
            changes.append(AlarmChange(change=Change.CLEAR, alarm=held, at=now_s))
        for job in self._alarming.apply(changes):
            await job
