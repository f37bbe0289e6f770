"""Every command from the wish to its end; its state moves by compare-and-set alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from heatloop.kernel.errors import InputError
from heatloop.kernel.messages import Command, CommandState
from heatloop.store.records.command_door_schema import command_door
from heatloop.store.records.database import Database
from heatloop.store.records.values import page
from heatloop.store.records.work_schema import command, command_event

OPEN = (CommandState.QUEUED, CommandState.SENT, CommandState.ACKNOWLEDGED)
"""States a command can still leave."""

_FIELDS = [field.name for field in fields(Command)]


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandStep:
    """One step in the life of a command."""

    state: str
    """State entered."""
    at: float
    """Plant time."""
    reason: str
    """Why, if there is something to say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """What a command passed at the door before it was signed."""

    command_class: str = "normal"
    """`normal`, `dangerous` or `network`."""
    proposal: str = ""
    """Proposal it came from; empty for what programs ask."""
    steps: tuple[dict[str, Any], ...] = ()
    """Steps: step, ok, at, by, detail."""
    second: str = ""
    """Second signature, hexadecimal; empty: none."""


_NOTHING = Passed()


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRow:
    """A command and its life so far."""

    command: Command
    """The command as signed."""
    state: str
    """`CommandState`."""
    requested_by: str
    """User, or the job that asked."""
    reason: str
    """Why it was asked for."""
    events: tuple[CommandStep, ...]
    """Its steps in order."""
    passed: Passed
    """What it passed before it was signed."""


class Commands:
    """Commands by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(
        self,
        new: Command,
        *,
        requested_by: str,
        reason: str = "",
        passed: Passed = _NOTHING,
    ) -> None:
        """Keep a new command, queued, with what it passed at the door.

        Raises:
            InputError: There is one of this id.
        """
        row = new.to_dict() | {
            "state": CommandState.QUEUED.value,
            "requested_by": requested_by,
            "reason": reason,
        }
        with self._database.write() as connection:
            if not self._database.insert_new(connection, command, row):
                raise InputError("command exists", thing=new.id, fix="give a new id")
            _note(connection, new.id, CommandState.QUEUED, new.issued, reason)
            door = {
                "command": new.id,
                "command_class": passed.command_class,
                "proposal": passed.proposal,
                "steps": json.dumps(passed.steps, ensure_ascii=False),
                "second": passed.second,
            }
            connection.execute(command_door.insert().values(door))

    def transition(
        self,
        command_id: str,
        sources: Iterable[CommandState],
        to: CommandState,
        *,
        at: float,
        reason: str = "",
    ) -> bool:
        """Move a command on if it is in one of `sources`; return whether it moved.

        Of several callers at once exactly one moves it.
        """
        expected = [CommandState(state).value for state in sources]
        change = update(command).where(command.c.id == command_id, command.c.state.in_(expected))
        with self._database.write() as connection:
            if connection.execute(change.values(state=to.value)).rowcount != 1:
                return False
            _note(connection, command_id, to, at, reason)
            return True

    def get(self, command_id: str) -> CommandRow | None:
        """Return a command, or None."""
        with self._database.read() as connection:
            found = self._rows(connection, select(command).where(command.c.id == command_id))
        return found[0] if found else None

    def list(
        self,
        *,
        point: str = "",
        points: Collection[str] | None = None,
        state: str = "",
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[CommandRow]]:
        """Return how many commands there are on these points, and a page of them, newest first."""
        query = select(command).order_by(command.c.issued.desc(), command.c.id.desc())
        if point:
            query = query.where(command.c.point == point)
        if points is not None:
            query = query.where(self._database.among(command.c.point, points))
        if state:
            query = query.where(command.c.state == state)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
            return total, self._with_events(connection, rows)

    def of_proposal(self, proposal: str) -> Sequence[CommandRow]:
        """Return the commands made of a proposal, in the order of issue."""
        own = select(command_door.c.command).where(command_door.c.proposal == proposal)
        query = select(command).where(command.c.id.in_(own))
        with self._database.read() as connection:
            return self._rows(connection, query.order_by(command.c.issued, command.c.id))

    def list_open(self) -> Sequence[CommandRow]:
        """Return the commands that have not ended, in the order of issue."""
        query = select(command).where(command.c.state.in_([state.value for state in OPEN]))
        with self._database.read() as connection:
            return self._rows(connection, query.order_by(command.c.issued, command.c.id))

    def _rows(self, connection: Connection, query: Select[Any]) -> Sequence[CommandRow]:
        return self._with_events(connection, list(connection.execute(query)))

    def _with_events(
        self, connection: Connection, rows: Sequence[Row[Any]]
    ) -> Sequence[CommandRow]:
        steps: dict[str, list[CommandStep]] = {row.id: [] for row in rows}
        wanted = self._database.among(command_event.c.command, steps.keys())
        events = select(command_event).where(wanted).order_by(command_event.c.number)
        for event in connection.execute(events) if rows else ():
            steps[event.command].append(
                CommandStep(state=event.state, at=event.at, reason=event.reason)
            )
        door = select(command_door).where(
            self._database.among(command_door.c.command, steps.keys())
        )
        passed = {
            each.command: Passed(
                command_class=each.command_class,
                proposal=each.proposal,
                steps=tuple(json.loads(each.steps)),
                second=each.second,
            )
            for each in (connection.execute(door) if rows else ())
        }
        return [
            CommandRow(
                command=Command(**{name: row._mapping[name] for name in _FIELDS}),
                state=row.state,
                requested_by=row.requested_by,
                reason=row.reason,
                events=tuple(steps[row.id]),
                passed=passed.get(row.id, _NOTHING),
            )
            for row in rows
        ]


def _note(
    connection: Connection, command_id: str, state: CommandState, at: float, reason: str
) -> None:
    row = {"command": command_id, "state": state.value, "at": at, "reason": reason}
    connection.execute(command_event.insert().values(row))
