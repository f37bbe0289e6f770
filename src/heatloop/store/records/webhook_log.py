"""What happened, read from the records' own logs in order: the source of webhooks and findings.

An event is never told by the code that made it: it is read back from what that code had stored,
so a process that dies in between loses none. Every read begins a little before where the last
one ended, because rows of a server database may become visible out of order; whoever reads must
take the same event twice for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from heatloop.kernel.messages import CommandState
from heatloop.store.records.database import Database
from heatloop.store.records.jobs import FAILED
from heatloop.store.records.quality_schema import quality_case
from heatloop.store.records.values import from_text
from heatloop.store.records.work_schema import (
    alarm,
    alarm_event,
    audit_entry,
    command,
    command_event,
    job,
)

_BACK_ROWS = 200
_BACK_MS = 3_600_000
_MOST = 2_000
_MOST_TIMED = 50_000
_FAILED = (CommandState.FAILED.value, CommandState.EXPIRED.value)
_ALARM = ("alarm", "rule", "priority", "onset", "value", "limit", "state", "detail")
_COMMAND = ("command", "value", "mode", "requested_by", "state", "reason")
_CASE = (
    "id", "asset", "point", "rule", "severity", "start_s", "end_s", "samples", "value",
    "expected", "text_zh", "text_en", "state",
)  # fmt: skip
_TOLD_ACTIONS = ("device.", "backup.", "extension.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEvent:
    """Something that happened."""

    source: str
    """`alarm`, `command`, `quality`, `audit` or `job`."""
    key: str
    """What tells it from all others of its source."""
    what: str
    """`raise`, `clear`, `acknowledge`, a state, or an action of the audit trail."""
    subject: str
    """Code of what it is about."""
    at: float
    """Plant time; machine time for `audit`."""
    data: Mapping[str, Any]
    """Facts, plain values."""


class EventLog:
    """Reads the logs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heads(self) -> dict[str, int]:
        """Return how far each log reaches now."""
        newest = {
            "alarm": select(func.max(alarm_event.c.number)),
            "command": select(func.max(command_event.c.number)),
            "audit": select(func.max(audit_entry.c.seq)),
        }
        timed = {
            "quality": select(func.max(quality_case.c.found_at)),
            "job": select(func.max(job.c.finished_at)).where(job.c.state == FAILED),
        }
        with self._database.read() as connection:
            found = {s: int(connection.execute(q).scalar() or 0) for s, q in newest.items()}
            for source, query in timed.items():
                found[source] = int(1000 * float(connection.execute(query).scalar() or 0.0))
        return found

    def read(
        self, source: str, after: int, *, upto: int | None = None
    ) -> tuple[int, Sequence[LoggedEvent]]:
        """Return how far a log was read, and what stands there since `after`, oldest first.

        Args:
            source: Which log.
            after: What the last call returned.
            upto: Last number wanted; None for all.
        """
        reader = {
            "alarm": _alarms,
            "command": _commands,
            "audit": _audits,
            "quality": _cases,
            "job": _jobs,
        }[source]
        with self._database.read() as connection:
            timed = source in ("quality", "job")
            begin = max(after - (_BACK_MS if timed else _BACK_ROWS), 0)
            most = _MOST_TIMED if timed else _MOST + _BACK_ROWS
            rows = connection.execute(reader(begin).limit(most)).all()
        through, events = after, []
        for row in rows:
            number, event = _event(source, row._mapping)
            if upto is None or number <= upto:
                through = max(through, number)
                events.append(event)
        return through, events


def _alarms(after: int) -> Select[Any]:
    columns = (alarm.c.subject, alarm.c.rule, alarm.c.priority, alarm.c.onset, alarm.c.value)
    return (
        select(alarm_event, *columns, alarm.c.limit, alarm.c.detail)
        .join(alarm, alarm.c.id == alarm_event.c.alarm)
        .where(alarm_event.c.number > after)
        .order_by(alarm_event.c.number)
    )


def _commands(after: int) -> Select[Any]:
    columns = (command.c.point, command.c.value, command.c.mode, command.c.requested_by)
    return (
        select(command_event, *columns)
        .join(command, command.c.id == command_event.c.command)
        .where(command_event.c.number > after, command_event.c.state.in_(_FAILED))
        .order_by(command_event.c.number)
    )


def _audits(after: int) -> Select[Any]:
    c = audit_entry.c
    told = [c.action.startswith(prefix) for prefix in _TOLD_ACTIONS]
    query = select(audit_entry).where(c.seq > after, told[0] | told[1] | told[2])
    return query.order_by(c.seq)


def _cases(after: int) -> Select[Any]:
    c = quality_case.c
    return select(quality_case).where(c.found_at > after / 1000.0).order_by(c.found_at, c.id)


def _jobs(after: int) -> Select[Any]:
    c = job.c
    query = select(job).where(c.state == FAILED, c.finished_at > after / 1000.0)
    return query.order_by(c.finished_at, c.name)


def _event(source: str, row: Mapping[Any, Any]) -> tuple[int, LoggedEvent]:
    match source:
        case "alarm":
            number, key, what, subject, at = (
                row["number"], str(row["number"]), row["note"], row["subject"], row["at"],
            )  # fmt: skip
            data = {name: row[name] for name in _ALARM} | {"user": row["user"]}
        case "command":
            number, key, what, subject, at = (
                row["number"], str(row["number"]), row["state"], row["point"], row["at"],
            )  # fmt: skip
            data = {name: row[name] for name in _COMMAND}
        case "audit":
            number, key, what, subject, at = (
                row["seq"], str(row["seq"]), row["action"], row["subject"], row["at"],
            )  # fmt: skip
            data = {"user": row["user"], **from_text(row["detail"])}
        case "quality":
            number, key, what = int(1000 * row["found_at"]), row["id"], row["rule"]
            subject, at = row["point"] or row["asset"], row["found_at"]
            data = {name: row[name] for name in _CASE}
        case _:
            number, key, what = int(1000 * row["finished_at"]), "", row["name"]
            key, subject, at = f"{row['name']}@{row['due']}", row["name"], row["finished_at"]
            data = {"job": row["name"], "due": row["due"], "detail": row["detail"]}
    event = LoggedEvent(source=source, key=key, what=what, subject=subject, at=at, data=data)
    return number, event
