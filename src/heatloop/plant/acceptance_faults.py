"""Simulated faults: the technician is told which, alarm and protection are watched (5.3 c 4)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heatloop.kernel.quality import Quality
from heatloop.plant.acceptance_script import LOOK, Instruct, Outcome, Script, Seen, until
from heatloop.plant.acceptance_steps import TrialSettings
from heatloop.plant.acceptance_target import TrialTarget
from heatloop.plant.resources import table

_CONDITION = re.compile(r"([a-z_]+)(<=|>=|~)(-?[0-9.]+)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}
QUALITY = "quality"
# Slots are scheduled times: an alarm may be dated up to a poll before what made it.
_BEFORE_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a point of a unit must show."""

    point: str
    """Point code."""
    op: str
    """`<=`, `>=`, or `~`: within `value` of what it showed before."""
    value: float
    """In its unit."""

    def holds(self, before: Seen, now: Seen) -> bool:
        """Return whether it does."""
        shown = now.number(self.point)
        if shown is None:
            return False
        if self.op != "~":
            return _OPERATORS[self.op](shown, self.value)
        was = before.number(self.point)
        return was is not None and abs(shown - was) <= self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultCase:
    """One fault of a device, with the ways in which it may be told and answered."""

    fault: str
    """`sensor_open`, `sensor_short`, `over_limit_high`, `comms_loss`, `power_loss` ..."""
    subject: str
    """Point, device or asset it befalls."""
    zh: str
    """What the technician is to do, in Chinese."""
    en: str
    """What he is to do, in English."""
    alarmed: str
    """Asset or point the alarm is about."""
    ways: tuple[tuple[str, tuple[Condition, ...]], ...]
    """Alarm rules any of which tells, each with the protection to be seen then."""
    after: tuple[Condition, ...]
    """What must hold again when the fault is gone."""
    within_s: float
    """Longest time until alarm and protection are seen."""


def fault_cases(target: TrialTarget) -> list[FaultCase]:
    """Return the faults a device is put through, in the order of the table."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in table("acceptance_faults.csv"):
        if row["class"] == target.device_class:
            rows.setdefault((row["fault"], row["subject"]), []).append(row)
    found = (_case(target, same) for same in rows.values())
    return [case for case in found if case is not None]


def _case(target: TrialTarget, rows: list[dict[str, str]]) -> FaultCase | None:
    first = rows[0]
    unit = target.units[0] if target.units else None
    where, _, kind = first["subject"].partition(".")
    subject = alarmed = ""
    match where:
        case "unit":
            if unit is None or (kind and kind not in unit.at):
                return None
            subject, alarmed = unit.at[kind] if kind else unit.code, unit.code
        case "point":
            subject = alarmed = target.points[0].code
        case "device":
            subject, alarmed = target.device, ""
        case "station":
            subject, alarmed = target.station, ""
        case _:
            subject, alarmed = target.points[0].code.partition(".")[0], ""
    at = unit.at if unit is not None else {}
    return FaultCase(
        fault=first["fault"],
        subject=subject,
        zh=f"{first['zh']}（{subject}）",
        en=f"{first['en']} ({subject})",
        alarmed=alarmed,
        ways=tuple(
            (row["rule"].format(device=target.device), conditions(row["protection"], at))
            for row in rows
        ),
        after=conditions(first["after"], at),
        within_s=float(first["within_s"]),
    )


def conditions(text: str, at: Any) -> tuple[Condition, ...]:
    """Return the conditions of a cell, `kind>=value`, on the points there are."""
    found = []
    for kind, op, value in _CONDITION.findall(text):
        if kind in at:
            found.append(Condition(point=at[kind], op=op, value=float(value)))
    return tuple(found)


def simulated_fault(case: FaultCase, settings: TrialSettings) -> Script:
    """Tell the technician to simulate a fault, watch alarm and protection, and the recovery."""
    before = yield LOOK
    seen = yield Instruct(fault=case.fault, subject=case.subject, zh=case.zh, en=case.en)
    began_s = seen.now_s
    told: dict[str, Any] = {"fault": case.fault, "subject": case.subject}

    def answered(now: Seen) -> bool:
        for rule, wanted in case.ways:
            onset = _told(now, case, rule, began_s)
            if onset is None:
                continue
            told.setdefault("rule", rule)
            told.setdefault("told_after_s", round(max(onset - began_s, 0.0), 1))
            if all(each.holds(before, now) for each in wanted):
                told["rule"] = rule
                return True
        return False

    # The time for alarm and protection runs from when the technician says he is done.
    done = False
    while not done and seen.now_s - began_s <= settings.technician_s:
        done = answered(seen) or seen.confirmed
        if not done:
            seen = yield LOOK
    confirmed_s = seen.now_s
    seen, good = yield from until(seen, answered, case.within_s if done else 0.0)
    if good:
        told["protected_after_s"] = round(seen.now_s - began_s, 1)
    told["waited_for_technician_s"] = round(confirmed_s - began_s, 1)
    seen = yield Instruct(
        fault=case.fault,
        subject=case.subject,
        zh=f"恢复：{case.zh}",
        en=f"put right again: {case.en}",
        repair=True,
    )

    def well(now: Seen) -> bool:
        gone = all(_active(now, case, rule) is None for rule, _ in case.ways)
        return gone and all(each.holds(before, now) for each in case.after)

    seen, back = yield from until(seen, well, settings.recover_s)
    yield Instruct()
    told["recovered"] = back
    return _outcome(case, told, done, good, back)


def _told(now: Seen, case: FaultCase, rule: str, began_s: float) -> float | None:
    """Return when this rule told of the fault, None if it did not."""
    if rule == QUALITY:
        read = now.read(case.alarmed)
        fresh = read is not None and read.slot >= began_s and read.quality == Quality.BAD
        return float(read.slot) if fresh and read is not None else None
    alarm = _active(now, case, rule)
    return alarm if alarm is not None and alarm >= began_s - _BEFORE_S else None


def _active(now: Seen, case: FaultCase, rule: str) -> float | None:
    """Return the onset of the active alarm of this rule, or for `quality` of the bad value."""
    if rule == QUALITY:
        read = now.read(case.alarmed)
        return None if read is None or read.quality < Quality.BAD else float(read.slot)
    onsets = [
        alarm.onset_s
        for alarm in now.alarms
        if alarm.active and alarm.rule == rule and case.alarmed in ("", alarm.subject)
    ]
    return max(onsets, default=None)


def _outcome(case: FaultCase, told: dict[str, Any], done: bool, good: bool, back: bool) -> Outcome:
    if not done:
        zh, en = "技术员未按时完成模拟", "nobody simulated it in time"
    elif "rule" not in told:
        zh, en = "未出现报警", "no alarm appeared"
    elif not good:
        zh, en = f"已报警 {told['rule']}，保护未动作", f"{told['rule']} told, no protection acted"
    elif not back:
        zh, en = "故障排除后未恢复", "not well again after the fault was taken away"
    else:
        zh = f"报警 {told['rule']}，{told['protected_after_s']:g} s 内报警和保护均正确"
        en = f"{told['rule']} told and protection acted within {told['protected_after_s']:g} s"
    passed = done and good and back
    return Outcome(passed=passed, zh=f"{case.zh}：{zh}", en=f"{case.en}: {en}", measured=(told,))
