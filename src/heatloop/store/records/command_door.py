"""Proposals that wait for people, moved by compare-and-set alone, and emergency orders."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from heatloop.kernel.errors import InputError
from heatloop.store.records.command_door_schema import command_proposal, emergency_order
from heatloop.store.records.database import Database
from heatloop.store.records.values import page

OPEN = ("proposed", "waiting_second")
"""States a proposal can still leave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalRow:
    """A proposal as it is kept."""

    id: str
    """Unique id."""
    kind: str
    """`command`, `batch` or `mode`."""
    command_class: str
    """`normal`, `dangerous` or `network`."""
    points: list[dict[str, Any]]
    """What is to be written: point, value, before."""
    reason: str
    """Why."""
    requested_by: str
    """Who proposed it."""
    at: float
    """Plant time."""
    asked_at: float
    """Machine time."""
    token_hash: str
    """Hash of the one-time confirmation token."""
    session_hash: str
    """Session the token was given to."""
    token_until: float
    """Machine time the token holds until."""
    second_until: float | None
    """Machine time a second person may answer until; None when none is asked."""
    state: str
    """`proposed`, `waiting_second`, `executed`, `refused`, `expired` or `withdrawn`."""
    second_by: str
    """Who confirmed as second person; empty: nobody."""
    break_glass: str
    """Why no second person was waited for; empty: one was."""
    physics: dict[str, Any]
    """What the twin said."""
    steps: list[dict[str, Any]]
    """What it has passed: step, ok, at, by, detail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergencyRow:
    """An emergency order as it is kept."""

    id: str
    """Unique id."""
    action: str
    """`stop` or `release`."""
    subject: str
    """Asset at the top of what it is for."""
    cause: str
    """`general`, `burst` or `leak`."""
    reason: str
    """Why."""
    ordered_by: str
    """Who ordered it."""
    second_by: str
    """Second person; empty: nobody."""
    break_glass: str
    """Why no second person was waited for."""
    state: str
    """`ordered`, `holding`, `releasing` or `released`."""
    at: float
    """Plant time."""
    ordered_at: float
    """Machine time."""
    ended_at: float | None
    """Plant time it ended."""
    document: dict[str, Any]
    """Gateways, assets and what they reported."""


class CommandDoor:
    """Proposals by id, and emergency orders by id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, row: ProposalRow) -> None:
        """Keep a new proposal.

        Raises:
            InputError: There is one of this id.
        """
        values = {name: getattr(row, name) for name in ProposalRow.__dataclass_fields__} | {
            name: json.dumps(getattr(row, name), ensure_ascii=False)
            for name in ("points", "physics", "steps")
        }
        with self._database.write() as connection:
            if not self._database.insert_new(connection, command_proposal, values):
                raise InputError("proposal exists", thing=row.id, fix="give a new id")

    def move(
        self,
        proposal: str,
        sources: Collection[str],
        to: str,
        *,
        steps: Sequence[dict[str, Any]],
        **changes: Any,
    ) -> bool:
        """Move a proposal on if it is in one of `sources`; return whether it moved.

        Of several callers at once exactly one moves it.
        """
        change = (
            update(command_proposal)
            .where(command_proposal.c.id == proposal, command_proposal.c.state.in_(list(sources)))
            .values(state=to, steps=json.dumps(list(steps), ensure_ascii=False), **changes)
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount == 1

    def get(self, proposal: str) -> ProposalRow | None:
        """Return a proposal, or None."""
        query = select(command_proposal).where(command_proposal.c.id == proposal)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _proposal(row)

    def waiting(self, now_s: float) -> list[ProposalRow]:
        """Return the proposals that wait for a second person, oldest first.

        Args:
            now_s: Machine time.
        """
        query = (
            select(command_proposal)
            .where(
                command_proposal.c.state == "waiting_second",
                command_proposal.c.second_until >= now_s,
            )
            .order_by(command_proposal.c.asked_at, command_proposal.c.id)
            .limit(500)
        )
        with self._database.read() as connection:
            return [_proposal(row) for row in connection.execute(query)]

    def overdue(self, now_s: float) -> list[ProposalRow]:
        """Return the open proposals whose time is over.

        Args:
            now_s: Machine time.
        """
        c = command_proposal.c
        query = select(command_proposal).where(
            ((c.state == "proposed") & (c.token_until < now_s))
            | ((c.state == "waiting_second") & (c.second_until < now_s))
        )
        with self._database.read() as connection:
            return [_proposal(row) for row in connection.execute(query.limit(500))]

    def list(self, *, offset: int = 0, limit: int = 100) -> tuple[int, list[ProposalRow]]:
        """Return how many proposals there are, and a page of them, newest first."""
        query = select(command_proposal).order_by(
            command_proposal.c.asked_at.desc(), command_proposal.c.id.desc()
        )
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_proposal(row) for row in rows]

    def put_order(self, row: EmergencyRow) -> None:
        """Keep an emergency order, or what has become of it."""
        values = {name: getattr(row, name) for name in EmergencyRow.__dataclass_fields__}
        values["document"] = json.dumps(row.document, ensure_ascii=False)
        with self._database.write() as connection:
            self._database.put(connection, emergency_order, values)

    def orders(self, *, limit: int = 200) -> Sequence[EmergencyRow]:
        """Return the emergency orders, newest first."""
        query = select(emergency_order).order_by(emergency_order.c.ordered_at.desc()).limit(limit)
        with self._database.read() as connection:
            rows = list(connection.execute(query))
        return [
            EmergencyRow(**(dict(row._mapping) | {"document": json.loads(row.document)}))
            for row in rows
        ]


def _proposal(row: Row[Any]) -> ProposalRow:
    texts = {name: json.loads(row._mapping[name]) for name in ("points", "physics", "steps")}
    return ProposalRow(**(dict(row._mapping) | texts))
