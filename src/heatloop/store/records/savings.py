"""The savings ledger as it is kept: entries are only ever added, days come with their entry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from heatloop.kernel.canonical import canonical
from heatloop.kernel.errors import InputError
from heatloop.store.records.database import Database
from heatloop.store.records.savings_baselines import (
    Approval,
    BaselineRow,
    put_approval,
    put_baselines,
)
from heatloop.store.records.savings_schema import savings_day, savings_entry, savings_gain
from heatloop.store.records.values import page
from heatloop.store.records.work_schema import command

_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    """One entry of the chain."""

    number: int
    """From 1, without gaps."""
    at: float
    """Plant time."""
    who: str
    """Who wrote it."""
    subject: str
    """Unit code, or `all`."""
    kind: str
    """`days`, `assessment`, `baselines` or `approval`."""
    content: dict[str, Any]
    """Figures."""
    before: str
    """Hash of the entry before."""
    digest: str
    """Its own hash."""


class SavingsRecords:
    """Entries and days."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> EntryRow | None:
        """Return the newest entry."""
        query = select(savings_entry).order_by(savings_entry.c.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _entry(row)

    def add(
        self,
        entry: EntryRow,
        days: Sequence[Mapping[str, Any]] = (),
        *,
        gains: Sequence[Mapping[str, Any]] = (),
        baselines: Sequence[BaselineRow] = (),
        approval: Approval | None = None,
    ) -> None:
        """Keep the next entry and what it tells, all or nothing.

        Args:
            entry: The next one.
            days: Rows of `savings_day` without `entry`; a day told before is left as it was.
            gains: Rows of `savings_gain` without `entry`.
            baselines: Tuned curves that are new.
            approval: What a person decided on one.

        Raises:
            InputError: It is not the next one.
        """
        plain = {
            "number": entry.number,
            "at": entry.at,
            "who": entry.who,
            "subject": entry.subject,
            "kind": entry.kind,
            "content": canonical(entry.content).decode(),
            "before": entry.before,
            "digest": entry.digest,
        }
        with self._database.write() as connection:
            newest = select(savings_entry.c.number, savings_entry.c.digest)
            newest = newest.order_by(savings_entry.c.number.desc()).limit(1)
            last = connection.execute(newest).one_or_none()
            if entry.number != (1 if last is None else last.number + 1) or (
                last is not None and entry.before != last.digest
            ):
                raise InputError(
                    "another entry was added meanwhile",
                    thing=f"savings entry {entry.number}",
                    fix="build it on the newest one",
                )
            connection.execute(savings_entry.insert(), plain)
            if days:
                connection.execute(
                    savings_day.insert(), [{**day, "entry": entry.number} for day in days]
                )
            if gains:
                connection.execute(
                    savings_gain.insert(), [{**gain, "entry": entry.number} for gain in gains]
                )
            put_baselines(connection, entry.number, baselines)
            if approval is not None:
                put_approval(connection, approval)

    def entries(
        self, *, subject: str = "", kind: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[EntryRow]]:
        """Return how many entries there are, and a page of them, newest first."""
        c = savings_entry.c
        query = select(savings_entry)
        if subject:
            query = query.where(c.subject == subject)
        if kind:
            query = query.where(c.kind == kind)
        with self._database.read() as connection:
            total, rows = page(
                connection, query.order_by(c.number.desc()), offset=offset, limit=limit
            )
        return total, [_entry(row) for row in rows]

    def chain(self) -> Iterator[EntryRow]:
        """Yield all entries from the first on."""
        c, after = savings_entry.c, 0
        while True:
            query = select(savings_entry).where(c.number > after).order_by(c.number)
            with self._database.read() as connection:
                rows = connection.execute(query.limit(_AT_ONCE)).all()
            yield from (_entry(row) for row in rows)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].number

    def last_day(self) -> int | None:
        """Return the newest day told of any unit."""
        with self._database.read() as connection:
            found = connection.execute(select(func.max(savings_day.c.day))).scalar_one()
        return None if found is None else int(found)

    def subjects(self) -> Sequence[str]:
        """Return the units of which days are told."""
        query = select(savings_day.c.subject).distinct().order_by(savings_day.c.subject)
        with self._database.read() as connection:
            return [str(code) for code in connection.execute(query).scalars()]

    def days(self, subject: str, since: int) -> Sequence[Mapping[str, Any]]:
        """Return the days of a unit from a day on, in order."""
        c = savings_day.c
        query = select(savings_day).where(c.subject == subject, c.day >= since).order_by(c.day)
        with self._database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def gains(self, subject: str, since: int) -> Sequence[Mapping[str, Any]]:
        """Return what the tuned curve of a unit would have saved, from a day on, in order."""
        c = savings_gain.c
        query = select(savings_gain).where(c.subject == subject, c.day >= since).order_by(c.day)
        with self._database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def mean_power_kwh(self, since: int) -> Mapping[str, float]:
        """Return the mean electricity of a day on the standing curve by unit, from a day on."""
        c = savings_day.c
        query = (
            select(c.subject, func.avg(c.power_kwh))
            .where(c.day >= since, c.mode == "curve")
            .group_by(c.subject)
        )
        with self._database.read() as connection:
            return {str(code): float(mean) for code, mean in connection.execute(query)}

    def writes(
        self, points: Sequence[str], start_s: float, end_s: float
    ) -> Sequence[tuple[str, str, str, int]]:
        """Return (point, who, why, how often) of commands issued in [start, end)."""
        c = command.c
        found: list[tuple[str, str, str, int]] = []
        with self._database.read() as connection:
            for first in range(0, len(points), _AT_ONCE):
                query = (
                    select(c.point, c.requested_by, c.reason, func.count())
                    .where(
                        c.point.in_(points[first : first + _AT_ONCE]),
                        c.issued >= start_s,
                        c.issued < end_s,
                    )
                    .group_by(c.point, c.requested_by, c.reason)
                )
                found += [
                    (str(a), str(b), str(why), int(n)) for a, b, why, n in connection.execute(query)
                ]
        return found


def _entry(row: Row[Any]) -> EntryRow:
    told: dict[str, Any] = dict(row._mapping)
    content = json.loads(told.pop("content"))
    return EntryRow(
        content=content,
        number=int(told.pop("number")),
        at=float(told.pop("at")),
        **{name: str(value) for name, value in told.items()},
    )
