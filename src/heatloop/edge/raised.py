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


def event_note(subject: str, at_s: float, text: str) -> Note:
    """Return the note of something that happened at a plant time."""
    return {"type": "event", "asset": subject, "at_ms": int(at_s * 1000), "text": text}


class RaisedAlarms:
    """Alarms this gateway has raised and not yet cleared, by (subject, rule).

    Args:
        path: JSON file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: dict[tuple[str, str], Note] = {}
        self._closing: list[Note] = []
        self._dirty = False
        for note in load_json(path) or []:
            if note["type"] == "alarm":
                self._open[note["subject"], note["rule"]] = note
            else:
                self._closing.append(note)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._open

    def open_of(self, subject: str, family: str) -> set[str]:
        """Return the open rules of a subject that begin with `family`."""
        return {rule for s, rule in self._open if s == subject and rule.startswith(family)}

    def of_family(self, family: str) -> list[tuple[str, str]]:
        """Return the open (subject, rule) whose rule begins with `family`."""
        return [key for key in self._open if key[1].startswith(family)]

    def resume(self) -> list[Note]:
        """Return the notes a crash may have swallowed; the platform takes each once."""
        self._dirty = bool(self._closing)
        return [*self._open.values(), *self._closing]

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
        note = {"type": "alarm", **alarm.to_dict()}
        self._open[subject, rule] = note
        self._dirty = True
        return [note]

    def clear(self, subject: str, rule: str, at_s: float) -> list[Note]:
        """Return the note that an alarm's cause is gone; nothing if it was not open."""
        raised = self._open.pop((subject, rule), None)
        if raised is None:
            return []
        # The whole alarm goes along: where this note overtakes the one that raised it, nothing
        # would ever clear it.
        alarm = {name: value for name, value in raised.items() if name != "type"}
        note = {"type": "alarm_clear", "id": raised["id"], "at": at_s, "alarm": alarm}
        self._closing.append(note)
        self._dirty = True
        return [note]

    def save(self) -> None:
        """Write what is open and what is being cleared to disk, before the notes go out."""
        if self._dirty:
            save_json(self._path, [*self._open.values(), *self._closing])

    def settled(self) -> None:
        """Forget what was cleared, once the notes are safe."""
        if self._dirty:
            if self._closing:
                self._closing.clear()
                self.save()
            self._dirty = False
