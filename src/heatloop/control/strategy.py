"""Who may write when: strategy stages, station modes, and how often a set-point is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from heatloop.station.modes import StationMode


class Stage(StrEnum):
    """How far a strategy is trusted with a unit."""

    OBSERVE = "observe"
    """It computes and is recorded; nobody is bothered."""
    ADVISE = "advise"
    """What it would do is shown, and a person may do it."""
    AUTOMATIC = "automatic"
    """It writes, if the station is automatic too."""


def may_write(stage: Stage, mode: StationMode) -> bool:
    """Return whether a strategy may write to a unit by itself."""
    return stage is Stage.AUTOMATIC and mode is StationMode.AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteRules:
    """When a decided value is worth a write."""

    deadband: float = 0.3
    """A smaller difference to what stands there is not written."""
    least_gap_s: float = 600.0
    """Shortest time between two writes of one point."""
    refresh_s: float = 1200.0
    """Written again after this even if unchanged, or the station's watchdog (1800 s) lets go."""


def write_reason(
    value: float,
    present: float | None,
    written_s: float | None,
    now_s: float,
    rules: WriteRules | None = None,
) -> str | None:
    """Return why a value is to be written now, or None when it is not.

    Args:
        value: What was decided.
        present: What the point reads now; None when unknown.
        written_s: Plant time of the last write; None when never written.
        now_s: Plant time.
        rules: Dead-band and times.
    """
    rules = rules or WriteRules()
    if written_s is None:
        return "first"
    age_s = now_s - written_s
    if age_s < rules.least_gap_s:
        return None
    # The hair keeps 55.3 - 55.0 from falling short of 0.3 in binary.
    if present is None or abs(value - present) >= rules.deadband - 1e-9:
        return "changed"
    return "refresh" if age_s >= rules.refresh_s else None


def start_value(setpoint_c: float | None, supply_c: float | None, fresh: bool) -> float | None:
    """Return from which value a strategy takes over without a bump.

    Args:
        setpoint_c: Set-point standing in the station.
        supply_c: Supply temperature measured.
        fresh: Whether the station follows that set-point now; if it does not (manual, or on its
            own curve after the watchdog), what it really supplies is where it starts from.
    """
    if fresh and setpoint_c is not None:
        return setpoint_c
    return supply_c if supply_c is not None else setpoint_c
