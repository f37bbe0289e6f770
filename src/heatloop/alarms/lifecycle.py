"""The life of an alarm (ISA-18.2 states A to D): pure functions from alarm to alarm.

Active and unacknowledged (B, `active`), active and acknowledged (C, `acknowledged`), returned
and unacknowledged (D, `returned`), normal again (A, `cleared`). A cleared alarm is history; the
next crossing is a new alarm with a new onset.

Reference: ISA-18.2 / IEC 62682 as summed up in the field guide of the standard, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from heatloop.kernel.ids import alarm_id
from heatloop.kernel.messages import Alarm, AlarmState


class Change(StrEnum):
    """What a monitor found."""

    RAISE = "raise"
    CLEAR = "clear"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmChange:
    """An alarm began, or its cause went away."""

    change: Change
    """Which of the two."""
    alarm: Alarm
    """The alarm as it began; whoever keeps alarms applies `clear` to his own copy of it."""
    at: float
    """Plant time of the change."""
    value: float | None = None
    """Value at the change, if there is one."""


def raise_(
    subject: str,
    rule: str,
    onset: float,
    *,
    priority: int = 3,
    value: float | None = None,
    limit: float | None = None,
    detail: str = "",
) -> Alarm:
    """Return a new, unacknowledged alarm; its id depends on subject, rule and onset alone."""
    return Alarm(
        id=alarm_id(subject, rule, int(onset)),
        subject=subject,
        rule=rule,
        priority=priority,
        onset=onset,
        value=value,
        limit=limit,
        detail=detail,
    )


_ACKNOWLEDGE = {
    AlarmState.ACTIVE: AlarmState.ACKNOWLEDGED,
    AlarmState.RETURNED: AlarmState.CLEARED,
}
_CLEAR = {
    AlarmState.ACTIVE: AlarmState.RETURNED,
    AlarmState.ACKNOWLEDGED: AlarmState.CLEARED,
}
_AGAIN = {AlarmState.RETURNED: AlarmState.ACTIVE}


def _moved(alarm: Alarm, moves: dict[AlarmState, AlarmState]) -> Alarm:
    state = AlarmState(alarm.state)
    return replace(alarm, state=moves[state]) if state in moves else alarm


def acknowledge(alarm: Alarm) -> Alarm:
    """Return the alarm after somebody has seen it (B to C, D to A); twice changes nothing."""
    return _moved(alarm, _ACKNOWLEDGE)


def clear(alarm: Alarm) -> Alarm:
    """Return the alarm after its cause went away (B to D, C to A); twice changes nothing."""
    return _moved(alarm, _CLEAR)


def again(alarm: Alarm) -> Alarm:
    """Return the alarm after its cause came back before anybody acknowledged (D to B)."""
    return _moved(alarm, _AGAIN)


def is_open(alarm: Alarm) -> bool:
    """Return whether the alarm still belongs on the list of open alarms."""
    return alarm.state != AlarmState.CLEARED


def is_active(alarm: Alarm) -> bool:
    """Return whether the cause of the alarm still holds."""
    return alarm.state in (AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED)
