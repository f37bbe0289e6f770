"""Fault scenes: what is made to fail for each type of device, and what must then be seen.

Clause 5.3 c 4: simulated faults (sensor open and short circuit, loss of communication, value
beyond its limit, loss of power) verify alarm and protection.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """`<=`, `>=`, or `~`: within `value` of what it showed before the fault."""
    value: float
    """In the point's unit."""

    def holds(self, before: float | None, now: float | None) -> bool:
        """Return whether it does.

        Args:
            before: What it showed before the fault, None: nothing.
            now: What it shows, None: nothing.
        """
        if now is None:
            return False
        match self.op:
            case "<=":
                return now <= self.value
            case ">=":
                return now >= self.value
            case _:
                return before is not None and abs(now - before) <= self.value

    def __str__(self) -> str:
        return f"{self.point} {self.op} {self.value:g}"


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
    within_s: float = 900.0
    """Longest plant time until alarm and protection are seen."""
    back_within_s: float = 1800.0
    """Longest plant time until all is well again."""

    @property
    def points(self) -> tuple[str, ...]:
        """Return every point that is looked at."""
        checks = [c for _, ways in self.rules for c in ways] + list(self.after)
        named = [check.point for check in checks] + ([self.told_by] if self.told_by else [])
        return tuple(dict.fromkeys(named))

    def checks(self, rule: str) -> tuple[Check, ...]:
        """Return what must hold once this rule has told; nothing if nobody need act."""
        return dict(self.rules).get(rule, ())

    def recovered(self, before: dict[str, float | None], now: dict[str, float | None]) -> bool:
        """Return whether everything that must hold afterwards does."""
        return all(c.holds(before.get(c.point), now.get(c.point)) for c in self.after)
