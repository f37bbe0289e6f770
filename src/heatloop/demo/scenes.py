"""Fault scenes: what is made to fail for each type of device, and what must then be seen.

Clause 5.3 c 4: simulated faults (sensor open and short circuit, loss of communication, value
beyond its limit, loss of power) verify alarm and protection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Values: TypeAlias = Mapping[str, float | None]
"""Latest value by point code; None where there is none."""
KINDS: dict[str, tuple[str, str]] = {
    "sensor_open": ("传感器断线", "sensor open circuit"),
    "sensor_short": ("传感器短路", "sensor short circuit"),
    "over_limit": ("参数越限", "value beyond its limit"),
    "comms_loss": ("通讯中断", "loss of communication"),
    "power_loss": ("失电", "loss of power"),
    "pump_trip": ("水泵跳停", "pump trip"),
    "foreign_write": ("第三方改写设定", "write by somebody else"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What a point must show."""

    point: str
    """Point code."""
    op: str
    """`<=`, `>=`, or `~`: within `value` of what it showed before, or of what `of` shows now."""
    value: float
    """In the point's unit."""
    of: str = ""
    """Point to compare with, for `~`."""

    def holds(self, before: Values, now: Values) -> bool:
        """Return whether it does.

        Args:
            before: What points showed before the fault, by code.
            now: What they show now.
        """
        shown = now.get(self.point)
        if shown is None:
            return False
        match self.op:
            case "<=":
                return shown <= self.value
            case ">=":
                return shown >= self.value
            case _:
                goal = now.get(self.of) if self.of else before.get(self.point)
                return goal is not None and abs(shown - goal) <= self.value

    def __str__(self) -> str:
        of = f" of {self.of}" if self.of else ""
        return f"{self.point} {self.op} {self.value:g}{of}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """One fault of one device and what must be seen of it."""

    device_type: str
    """Device profile."""
    device: str
    """Device code."""
    kind: str
    """A key of `KINDS`."""
    fault: str
    """Fault to switch on, `<kind>@<subject>`."""
    subject: str
    """Asset or point the alarm is about; empty where only quality tells."""
    rules: tuple[tuple[str, tuple[Check, ...]], ...] = ()
    """Alarm rules any of which tells, each with what the plant then does to protect itself.

    None: the bad quality of `told_by` tells."""
    told_by: str = ""
    """Point whose quality must be bad where there is no alarm rule."""
    after: tuple[Check, ...] = ()
    """What must hold again once the fault is gone."""
    apart: bool = False
    """Whether it touches nothing else, so that it may run beside other scenes."""
    within_s: float = 900.0
    """Longest plant time until alarm and protection are seen."""
    back_within_s: float = 3600.0
    """Longest plant time until all is well again."""

    @property
    def points(self) -> tuple[str, ...]:
        """Return every point that is looked at."""
        checks = [c for _, ways in self.rules for c in ways] + list(self.after)
        named = [code for check in checks for code in (check.point, check.of)]
        return tuple(dict.fromkeys(code for code in (*named, self.told_by) if code))

    def checks(self, rule: str) -> tuple[Check, ...]:
        """Return what must hold once this rule has told; nothing if nobody need act."""
        return dict(self.rules).get(rule, ())

    def recovered(self, before: Values, now: Values) -> bool:
        """Return whether everything that must hold afterwards does."""
        return all(check.holds(before, now) for check in self.after)
