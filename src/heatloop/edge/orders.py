"""Carries out commands: check, write, read back, report; each exactly once."""

from __future__ import annotations

from collections.abc import Callable

from heatloop.edge.guard import Guard, Refusal
from heatloop.edge.index import LatestValues, ProfileIndex, same_value
from heatloop.edge.link_stats import LinkStats
from heatloop.edge.memory import CommandMemory
from heatloop.edge.poller import Poller
from heatloop.edge.raised import Note, RaisedAlarms, report_note
from heatloop.kernel.errors import InputError, LinkError
from heatloop.kernel.messages import Command
from heatloop.plant.model import Binding

# Reasons that are a matter of timing or of who is at the station, not of somebody's ill will.
_HARMLESS = (
    "expired", "station_is_", "too_often", "unit_regulates_itself", "older_than_profile",
    "emergency_stop_holds",
)  # fmt: skip
_GRAVE = ("signature", "foreign_gateway", "replayed", "counter_not_rising")
_ALIKE_S = 600.0
"""A refusal like one within this plant time is counted, and not raised again."""
_MOST_ALIKE = 1000


class Orders:
    """Obeys commands the guard lets through.

    Args:
        index: The gateway's profile.
        guard: The door.
        memory: What was obeyed before.
        poller: Owner of the device connections.
        alarms: Where refusals are raised.
        latest: Newest values.
        now_s: Plant time.
        backoff_now_s: Time the drivers' back-off counts in.
        stats: Counts what is refused.
    """

    def __init__(
        self,
        *,
        index: ProfileIndex,
        guard: Guard,
        memory: CommandMemory,
        poller: Poller,
        alarms: RaisedAlarms,
        latest: LatestValues,
        now_s: Callable[[], float],
        backoff_now_s: Callable[[], float],
        stats: LinkStats | None = None,
    ) -> None:
        self._stats = stats
        self._told: dict[tuple[str, str], float] = {}
        self._index, self._guard, self._memory = index, guard, memory
        self._poller, self._alarms, self._latest = poller, alarms, latest
        self._now_s, self._backoff_now_s = now_s, backoff_now_s

    async def obey(self, command: Command) -> list[Note]:
        """Carry out one command and return the notes about it."""
        known = self._memory.outcomes.get(command.id)
        if known is not None:
            return known  # delivered again after a broken link: say again what was done
        if command.id in self._memory.begun:
            return []  # being done now
        now_s = self._now_s()
        notes: list[Note] = []
        try:
            binding = self._guard.authentic(command, now_s)
            self._memory.begin(command)
            await self._refresh(binding)
            self._guard.safe(command, binding, self._now_s())
            self._guard.moving(binding, self._now_s())
            reports = await self._carry_out(command, binding)
        except Refusal as error:
            reports = [report_note(command.id, "failed", now_s, error.message)]
            notes = self._refused(command, error, now_s)
            if error.message.startswith(_GRAVE):
                # Not ours, or seen before: its id must not cover up the genuine command's fate.
                return [*reports, *notes]
        except InputError as error:
            reports = [report_note(command.id, "failed", now_s, f"device: {error.message}")]
        except LinkError:
            reports = [report_note(command.id, "failed", now_s, "device_unreachable")]
        self._memory.finish(command, reports, now_s)
        return [*reports, *notes]

    async def _refresh(self, binding: Binding) -> None:
        """Read the device's writable points, so that the decision stands on fresh values."""
        bindings = [b for b in self._index.by_device[binding.device] if b.access == "rw"]
        plans = {binding.device: self._poller.plan_for(binding.device, bindings)}
        seen = await self._poller.read_some(plans, self._backoff_now_s())
        if not seen or seen[0].reading.cause is not None:
            raise LinkError("device does not answer", thing=binding.device)

    async def _carry_out(self, command: Command, binding: Binding) -> list[Note]:
        if self._guard.driven(binding):
            # The station logic takes it up in its next step and writes the register itself.
            self._memory.order(binding.key, command.value, self._now_s())
            return [report_note(command.id, "acknowledged", self._now_s(), value=command.value)]
        back = await self._poller.drivers[binding.device].write(binding, command.value)
        return self._judge(command, binding, back)

    def _judge(self, command: Command, binding: Binding, back: float) -> list[Note]:
        now_s = self._now_s()
        self._latest.values[binding.key] = back
        if not same_value(binding, back, command.value):
            return [report_note(command.id, "failed", now_s, f"read_back: {back:g}", back)]
        self._memory.order(binding.key, back, now_s)
        return [
            report_note(command.id, "acknowledged", now_s, value=back),
            report_note(command.id, "verified_local", now_s, value=back),
        ]

    def _refused(self, command: Command, error: Refusal, now_s: float) -> list[Note]:
        reason = error.message.partition(":")[0]
        if self._stats is not None:
            self._stats.command_refused(reason)
        if error.message.startswith(_HARMLESS):
            return []
        subject = command.point if command.point in self._index.by_point else command.gateway
        if subject == command.gateway:
            subject = self._index.profile.gateway
        last_s = self._told.get((subject, reason))
        if last_s is not None and 0.0 <= now_s - last_s < _ALIKE_S:
            return []
        if len(self._told) >= _MOST_ALIKE:
            self._told.clear()
        self._told[subject, reason] = now_s
        priority = 2 if error.message.startswith((*_GRAVE, "too_many", "second_")) else 3
        detail = f"reason={reason} command={command.id[:40]}"
        rule = "command_refused"
        raised = self._alarms.raise_(
            subject, rule, now_s, priority, value=command.value, detail=detail
        )
        # It is over as soon as it is refused; it stays until somebody has acknowledged it.
        return [*raised, *self._alarms.clear(subject, rule, now_s)]

    async def resume(self) -> list[Note]:
        """Settle commands a crash interrupted, by what the devices hold now."""
        notes: list[Note] = []
        for command in list(self._memory.begun.values()):
            now_s = self._now_s()
            binding = self._index.by_point.get(command.point)
            failed = [report_note(command.id, "failed", now_s, "edge_restart")]
            try:
                if binding is None:
                    raise LinkError("point is gone", thing=command.point)
                await self._refresh(binding)
                back = self._latest.values[binding.key]
                done = same_value(binding, back, command.value)
                reports = self._judge(command, binding, back) if done else failed
            except LinkError:
                reports = failed
            self._memory.finish(command, reports, now_s)
            notes += reports
        return notes
