"""The alarms only the edge can raise: link, interlock, foreign write, refused command.

Open alarms are remembered across restarts, so that each is cleared by the edge that raised it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heatloop.edge.files import load_json, save_json
from heatloop.kernel.ids import alarm_id
from heatloop.kernel.messages import Alarm

Note = dict[str, Any]


def report_note(
    command_id: str, state: str, at_s: float, reason: str = "", value: float | None = None
) -> Note:
    """Return the note that says what became of a command.

    Args:
        command_id: Its id.
        state: `acknowledged`, `verified_local` or `failed`.
        at_s: Plant time.
        reason: Why it failed.
        value: What the device holds now.
    """
    return {
        "type": "command_report",
        "id": command_id,
        "state": state,
        "reason": reason,
        "at": at_s,
        "value": value,
    }


class RaisedAlarms:
    """Alarms this gateway has raised and not yet cleared, by (subject, rule)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[tuple[str, str], str] = {
            (subject, rule): identity for subject, rule, identity in load_json(path) or []
        }
        self._dirty = False

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._open

    def open_of(self, subject: str, family: str) -> set[str]:
        """Return the open rules of a subject that begin with `family`."""
        return {rule for s, rule in self._open if s == subject and rule.startswith(family)}

    def raise_(
        self,
        subject: str,
        rule: str,
        at_s: float,
        priority: int,
        *,
        value: float | None = None,
        limit: float | None = None,
        detail: str = "",
    ) -> list[Note]:
        """Return the note of a new alarm; nothing if it is open already."""
        if (subject, rule) in self._open:
            return []
        onset = int(at_s)
        alarm = Alarm(
            id=alarm_id(subject, rule, onset),
            subject=subject,
            rule=rule,
            priority=priority,
            onset=float(onset),
            value=value,
            limit=limit,
            detail=detail,
        )
        self._open[subject, rule] = alarm.id
        self._dirty = True
        return [{"type": "alarm", **alarm.to_dict()}]

    def clear(self, subject: str, rule: str, at_s: float) -> list[Note]:
        """Return the note that an alarm's cause is gone; nothing if it was not open."""
        identity = self._open.pop((subject, rule), None)
        if identity is None:
            return []
        self._dirty = True
        return [{"type": "alarm_clear", "id": identity, "at": at_s}]

    def save(self) -> None:
        """Write the open alarms to disk if any came or went."""
        if self._dirty:
            self._dirty = False
            rows = [[subject, rule, identity] for (subject, rule), identity in self._open.items()]
            save_json(self._path, rows)
