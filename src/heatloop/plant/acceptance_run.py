"""A functional test as a state machine: steps one after the other, then everything put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from heatloop.plant import acceptance_moves as moves
from heatloop.plant import acceptance_steps as steps
from heatloop.plant.acceptance import StepFact
from heatloop.plant.acceptance_faults import fault_cases, simulated_fault
from heatloop.plant.acceptance_restore import restore
from heatloop.plant.acceptance_script import (
    LOOK,
    Instruct,
    Outcome,
    Request,
    Script,
    Seen,
    Stopped,
    Write,
)
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.plant.acceptance_target import TrialTarget
from heatloop.plant.models import device_classes

WAITING, RUNNING, PASSED, FAILED, SKIPPED = "waiting", "running", "passed", "failed", "skipped"
RESTORING, ABORTED = "restoring", "aborted"
ENDED = (PASSED, FAILED, ABORTED)
ACTING = ("valve_stroke", "flow_direction", "pump", "loop")
"""Steps that set something."""
_TEXTS: dict[str, tuple[str, str]] = {
    "communication": ("通信与采集频率", "communication and acquisition rate"),
    "points": ("全部测点读取", "every point read"),
    "valve_stroke": ("阀门行程 0-50-100 %", "valve stroke 0-50-100 %"),
    "flow_direction": ("阀体方向与流向", "direction of the valve"),
    "pump": ("水泵启停", "pump stop and start"),
    "loop": ("回路自动跟随", "loop follows its set-point"),
    "fault": ("模拟故障", "simulated fault"),
}


@dataclass(kw_only=True, slots=True)
class StepRecord:
    """One step of a test and how it went."""

    name: str
    """Name; simulated faults are `fault.<fault>`."""
    zh: str
    """Chinese name."""
    en: str
    """English name."""
    state: str = WAITING
    """`waiting`, `running`, `passed`, `failed` or `skipped`."""
    started_s: float | None = None
    """Plant time it began."""
    ended_s: float | None = None
    """Plant time it ended."""
    said_zh: str = ""
    """What was seen, in Chinese."""
    said_en: str = ""
    """What was seen, in English."""
    measured: list[Mapping[str, Any]] = field(default_factory=list)
    """Measured values."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values."""
        plain = asdict(self)
        plain["measured"] = [dict(row) for row in self.measured]
        return plain


class FunctionalTest:
    """One run; the driver carries out what `begin` and `advance` ask until they ask nothing.

    Args:
        target: What is tested.
        settings: How long and how exactly.
        passed: Records of steps an earlier run passed; they are kept and not done again.
        only: Names of steps to do; None for all of the device's class.
    """

    def __init__(
        self,
        target: TrialTarget,
        settings: TrialSettings | None = None,
        *,
        passed: Mapping[str, StepRecord] | None = None,
        only: tuple[str, ...] | None = None,
    ) -> None:
        self.target, self.settings = target, settings or TrialSettings()
        self.state = WAITING
        """`waiting`, `running`, `restoring`, `passed`, `failed` or `aborted`."""
        self.originals: dict[str, float] = {}
        """What every point that was written showed before, by code."""
        self.instruction: Instruct | None = None
        """What the technician is to do now."""
        self.problems: list[tuple[str, str]] = []
        """What could not be put back, in Chinese and English."""
        self.aborted: tuple[str, str] | None = None
        """Why it was given up, in Chinese and English."""
        self._memory: moves.Memory = {}
        self._scripts: list[Callable[[], Script]] = []
        self.records: list[StepRecord] = []
        """Its steps in order."""
        kept = passed or {}
        for name, texts, make in self._plan():
            if only is None or name.partition(".")[0] in only:
                record = kept.get(name)
                self.records.append(record or StepRecord(name=name, zh=texts[0], en=texts[1]))
                self._scripts.append(make)
        self._at = -1
        self._script: Script | None = None
        self._seen: Seen | None = None

    def _plan(self) -> Iterator[tuple[str, tuple[str, str], Callable[[], Script]]]:
        target, settings, memory = self.target, self.settings, self._memory
        makers: dict[str, Callable[[], Script]] = {
            "communication": partial(steps.communication, target, settings),
            "points": partial(steps.points, target, settings),
            "valve_stroke": partial(moves.valve_stroke, target, settings, memory),
            "flow_direction": partial(moves.flow_direction, target, settings, memory),
            "pump": partial(moves.pump, target, settings),
            "loop": partial(steps.loop, target, settings),
        }
        for name in device_classes()[target.device_class].steps:
            if name != "faults":
                yield name, _TEXTS[name], makers[name]
                continue
            for case in fault_cases(target):
                texts = (f"模拟故障：{case.zh}", f"simulated fault: {case.en}")
                yield f"fault.{case.fault}", texts, partial(simulated_fault, case, settings)

    @property
    def moving(self) -> bool:
        """Return whether any of its steps sets something."""
        return any(record.name in ACTING for record in self.records)

    @property
    def auto_ready(self) -> bool:
        """Return whether the loop test passed."""
        return any(r.name == "loop" and r.state == PASSED for r in self.records)

    def facts(self) -> list[StepFact]:
        """Return what the test says of each step."""
        return [
            StepFact(
                step=r.name,
                passed=r.state == PASSED,
                zh=f"{r.zh}：{r.said_zh or '未执行'}",
                en=f"{r.en}: {r.said_en or 'not done'}",
            )
            for r in self.records
        ]

    def begin(self) -> Request:
        """Return what is wanted first."""
        self.state = RUNNING
        return LOOK

    def advance(self, seen: Seen) -> Request | None:
        """Return what is wanted next, None when the test has ended and all is put back."""
        self._seen = seen
        while True:
            if self._script is None:
                if not self._next(seen):
                    return None
                continue
            try:
                request = self._script.send(None if self._fresh else seen)  # type: ignore[arg-type]
                self._fresh = False
            except StopIteration as ended:
                self._end(ended.value, seen)
                continue
            except Stopped as stopped:
                self._end(Outcome(passed=False, zh=stopped.zh, en=stopped.en), seen, stop=True)
                continue
            if isinstance(request, Instruct):
                self.instruction = request if request.fault else None
            if isinstance(request, Write) and not self._note(request, seen):
                continue
            return request

    _fresh = True

    def _note(self, request: Write, seen: Seen) -> bool:
        """Remember what a point showed before it is first written; whether that is known."""
        if self.state == RESTORING or request.point in self.originals:
            return True
        before = seen.number(request.point)
        if before is None:
            why = Outcome(
                passed=False,
                zh=f"{request.point} 当前值未知，未写入",
                en=f"{request.point}: present value unknown, nothing was written",
            )
            self._end(why, seen)
            return False
        self.originals[request.point] = before
        for unit in self.target.units:
            # Where the valve really stands is where it is put back to.
            if request.point in unit.at.values():
                for kind in (
                    "station_mode",
                    "valve_opening",
                    "circulation_pump_frequency_setpoint",
                    "secondary_supply_temperature_setpoint",
                ):
                    shown = seen.number(unit.at.get(kind, ""))
                    if shown is not None:
                        self.originals.setdefault(unit.at[kind], shown)
        return True

    def abort(self, zh: str, en: str, now_s: float) -> None:
        """Give the test up; what was set is put back next."""
        if self.state != RUNNING:
            return
        self.aborted = (zh, en)
        self.instruction = None
        if self._script is not None:
            self._script.close()
            self._script = None
            record = self.records[self._at]
            record.state, record.ended_s = FAILED, now_s
            record.said_zh, record.said_en = zh, en
        self._skip(zh, en)
        self._at = len(self.records)

    def _skip(self, zh: str, en: str) -> None:
        for record in self.records:
            if record.state == WAITING:
                record.state, record.said_zh, record.said_en = SKIPPED, zh, en

    def _next(self, seen: Seen) -> bool:
        """Begin the next step, or the restoring; return whether there is anything left."""
        if self.state == RESTORING:
            self.state = self._verdict()
            return False
        self._at += 1
        while self._at < len(self.records) and self.records[self._at].state != WAITING:
            self._at += 1
        if self._at >= len(self.records):
            self.state = RESTORING
            self._script = restore(self.target, self.settings, dict(self.originals), self.problems)
        else:
            record = self.records[self._at]
            record.state, record.started_s = RUNNING, seen.now_s
            self._script = self._scripts[self._at]()
        self._fresh = True
        return True

    def _end(self, outcome: Outcome, seen: Seen, *, stop: bool = False) -> None:
        if self._script is not None:
            self._script.close()
        self._script = None
        if self.state == RESTORING:
            return
        record = self.records[self._at]
        record.state = PASSED if outcome.passed else FAILED
        record.ended_s = seen.now_s
        record.said_zh, record.said_en = outcome.zh, outcome.en
        record.measured = list(outcome.measured)
        if stop or (record.name == "communication" and not outcome.passed):
            self._skip("前一步骤失败，未执行", "not done: an earlier step failed")

    def _verdict(self) -> str:
        if self.aborted is not None:
            return ABORTED
        good = all(record.state == PASSED for record in self.records) and not self.problems
        return PASSED if good else FAILED
