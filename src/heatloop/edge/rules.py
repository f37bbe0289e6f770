"""Edge rules at work: taken in between slots, run in every slot, taken back when they fail.

What rules write passes the same door as a command of the optimiser (limits, rate, station mode,
safe envelope); what they raise and tell is spooled like everything else, so they work alone.
"""

from __future__ import annotations

from heatloop.edge.guard import Guard, Refusal
from heatloop.edge.index import LatestValues, ProfileIndex, same_value
from heatloop.edge.memory import CommandMemory
from heatloop.edge.poller import Poller
from heatloop.edge.raised import Note, RaisedAlarms, event_note
from heatloop.edge.rule_keeper import RuleKeeper
from heatloop.kernel.errors import HeatloopError, InputError, LinkError, StaleError
from heatloop.kernel.messages import Command
from heatloop.security.keys import KeyRing
from heatloop.station.rule_book import AlarmRule, Output, Report
from heatloop.station.rule_check import compile_book, targets_of
from heatloop.station.rule_run import Pass, RuleRun

FAIL_LIMIT = 5
"""Slots in a row in which any rule fails before the document is taken back."""
NOT_IN_FORCE = "edge_rules"
_FAMILY = "edge_rule."
# A matter of timing or of who is at the station: not the rule's fault.
_HARMLESS = ("too_often", "station_is_", "unit_regulates_itself", "emergency_stop_holds")


class EdgeRules:
    """The rules of one gateway on one profile.

    Args:
        index: The gateway's profile.
        keeper: Documents kept.
        ring: The platform's keys.
        guard: The door before the devices.
        memory: Orders in force.
        poller: Owner of the device connections.
        alarms: Where rules raise.
        latest: Newest values.
    """

    def __init__(
        self,
        *,
        index: ProfileIndex,
        keeper: RuleKeeper,
        ring: KeyRing,
        guard: Guard,
        memory: CommandMemory,
        poller: Poller,
        alarms: RaisedAlarms,
        latest: LatestValues,
    ) -> None:
        self._index, self._keeper, self._ring, self._guard = index, keeper, ring, guard
        self._memory, self._poller, self._alarms, self._latest = memory, poller, alarms, latest
        self._run: RuleRun | None = None
        self._loaded = False
        self._failing = 0

    async def step(self, now_s: float) -> list[Note]:
        """Take in what was sent, run one pass, and return the notes this makes."""
        notes: list[Note] = []
        if not self._loaded:
            self._loaded = True
            notes += self._load(now_s)
        offered, self._keeper.offered = self._keeper.offered, None
        if offered is not None:
            notes += self._take(offered, now_s)
        if self._run is None:
            return notes
        found = self._run.step(now_s, self._measured())
        notes += [self._told(report, value, now_s) for report, value in found.told]
        notes += self._alarmed(found, now_s)
        for output, value in found.writes:
            why = await self._write(output, value, now_s)
            if why is not None:
                found.failures[output.name] = why
        return notes + self._judge(found, now_s)

    def _measured(self) -> dict[str, float]:
        values = self._latest.values
        by_point = self._index.by_point
        assert self._run is not None
        wanted = self._run.book.names
        return {code: values[by_point[code].key] for code in wanted if by_point[code].key in values}

    def _load(self, now_s: float) -> list[Note]:
        """Take up the document kept from before; against a new profile it may fit no more."""
        if self._keeper.active is None:
            return []
        try:
            self._use(self._keeper.opened(self._ring.ever, self._keeper.active))
        except HeatloopError as error:
            return self._out_of_force(self._keeper.version, "refused", str(error), now_s)
        return []

    def _take(self, document: dict[str, object], now_s: float) -> list[Note]:
        version = 0
        try:
            plain = self._keeper.newer(self._ring, document)
            version = plain["version"]
            self._use(plain)
        except StaleError:
            return []  # sent again after a broken link
        except HeatloopError as error:
            return self._out_of_force(version, "refused", str(error), now_s)
        self._keeper.put_in_force(document, version)
        notes = self._clear_all(now_s)
        return [*notes, _state(version, "active", "", now_s)]

    def _use(self, plain: dict[str, object]) -> None:
        points, assets = targets_of(self._index.profile.bindings)
        self._run = RuleRun(compile_book(plain, points, assets))
        self._failing = 0

    def _out_of_force(self, version: int, state: str, why: str, now_s: float) -> list[Note]:
        notes = self._alarms.raise_(
            self._index.profile.gateway,
            NOT_IN_FORCE,
            now_s,
            3,
            detail=f"version={version} {state}: {why[:200]}",
        )
        return [*notes, _state(version, state, why[:400], now_s)]

    def _clear_all(self, now_s: float) -> list[Note]:
        """Clear the alarms of the document before, and that none is in force."""
        notes = self._alarms.clear(self._index.profile.gateway, NOT_IN_FORCE, now_s)
        for subject, rule in self._alarms.of_family(_FAMILY):
            notes += self._alarms.clear(subject, rule, now_s)
        return notes

    @staticmethod
    def _told(report: Report, value: float, now_s: float) -> Note:
        text = f"{report.of}={float(value):.6g} {report.unit}".rstrip()
        note = event_note(report.subject, now_s, text)
        if report.subject == report.of:
            note["point"] = note.pop("asset")
        return note

    def _alarmed(self, found: Pass, now_s: float) -> list[Note]:
        notes: list[Note] = []
        for alarm in found.raised:
            notes += self._alarms.raise_(
                alarm.subject,
                _rule_of(alarm),
                now_s,
                alarm.priority,
                detail=f"{alarm.zh} / {alarm.en}",
            )
        for alarm in found.quiet:
            notes += self._alarms.clear(alarm.subject, _rule_of(alarm), now_s)
        return notes

    async def _write(self, output: Output, value: float, now_s: float) -> str | None:
        """Write a value that the door lets through; return why it failed, None when it did not."""
        assert self._run is not None
        binding = self._index.by_point[output.point]
        current = self._latest.values.get(binding.key)
        if current is not None and same_value(binding, current, value):
            return None
        order = Command(
            id=f"rule:{output.name}", point=output.point, value=value, mode="automatic",
            gateway=self._index.profile.gateway, issued=now_s, expires=now_s, nonce="", counter=0,
            key_id="", signature="",
        )  # fmt: skip
        try:
            self._guard.safe(order, binding, now_s)
            driver = self._poller.drivers[binding.device]
            back = value
            if not self._guard.driven(binding):
                back = await driver.write(binding, value)
                self._latest.values[binding.key] = back
        except Refusal as error:
            return None if error.message.startswith(_HARMLESS) else error.message
        except LinkError:
            return None  # the device is away, and there is an alarm for that
        except InputError as error:
            return f"device: {error.message}"
        self._memory.order(binding.key, back, now_s)
        self._memory.save()
        self._run.wrote(output, now_s)
        return None

    def _judge(self, found: Pass, now_s: float) -> list[Note]:
        """Count failures, and go back to the document before when they do not end."""
        self._failing = self._failing + 1 if found.failures else 0
        if self._failing < FAIL_LIMIT:
            return []
        bad, self._failing, self._run = self._keeper.version, 0, None
        why = "; ".join(f"{name}: {reason}" for name, reason in sorted(found.failures.items()))
        notes = self._clear_all(now_s)
        notes += self._out_of_force(bad, "rolled_back", why, now_s)
        back = self._keeper.go_back(self._ring.ever)
        if back:
            notes += self._load(now_s)
            notes.append(_state(back, "active", f"instead of {bad}", now_s))
        return notes


def _rule_of(alarm: AlarmRule) -> str:
    return f"{_FAMILY}{alarm.name}"


def _state(version: int, state: str, reason: str, now_s: float) -> Note:
    return {"type": "rules", "version": version, "state": state, "reason": reason, "at": now_s}
