"""Alarms of the command door and of emergency stops."""

from __future__ import annotations

from heatloop.alarms import lifecycle
from heatloop.alarms.lifecycle import AlarmChange, Change
from heatloop.alarms.texts import name_rule
from heatloop.app.alarming import Alarming
from heatloop.app.world import World

ABUSE, GLASS, STOP = "command_abuse", "break_glass", "emergency_stop"
_WORDS = {
    ABUSE: ("试图冒用他人的指令确认", "somebody tried to use another one's confirmation"),
    GLASS: ("紧急越权：未经第二人确认执行全网操作", "glass broken: network action by one person"),
    STOP: ("紧急停止生效中", "emergency stop in force"),
}


class CommandAlarms:
    """Raises them on the company, or on what is stopped."""

    def __init__(self, world: World, alarming: Alarming) -> None:
        self._world, self._alarming = world, alarming
        for rule, (zh, en) in _WORDS.items():
            name_rule(rule, zh, en)

    @property
    def company(self) -> str:
        """Return the code of the company, or the platform's own word without one."""
        companies = self._world.ledger.of_kind("company")
        return companies[0].code if companies else "platform"

    async def once(self, rule: str, *, priority: int, detail: str) -> None:
        """Raise what is over as soon as it happened: it stays until somebody has seen it."""
        now_s = self._world.now_s()
        alarm = lifecycle.raise_(self.company, rule, now_s, priority=priority, detail=detail[:400])
        for kind in (Change.RAISE, Change.CLEAR):
            for job in self._alarming.apply([AlarmChange(change=kind, alarm=alarm, at=now_s)]):
                await job

    async def hold(self, subject: str, wrong: bool, detail: str = "") -> None:
        """Raise the alarm of a stop on what is stopped, or clear it."""
        now_s = self._world.now_s()
        held = self._alarming.active_of((STOP,)).get((subject, STOP))
        changes: list[AlarmChange] = []
        if wrong and held is None:
            alarm = lifecycle.raise_(subject, STOP, now_s, priority=1, detail=detail[:400])
            changes.append(AlarmChange(change=Change.RAISE, alarm=alarm, at=now_s))
        elif not wrong and held is not None:
            changes.append(AlarmChange(change=Change.CLEAR, alarm=held, at=now_s))
        for job in self._alarming.apply(changes):
            await job
