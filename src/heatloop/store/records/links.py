"""How well every link worked, by gateway, subject (device or channel) and hour of plant time.

A gateway says its running hour again and again: a later report of the same run takes the place
of the one before, so that a report that comes twice counts once. Hours of long ago are folded
into days.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, func, select

from heatloop.protocols.link_counts import CHANNELS, LinkTotals
from heatloop.store.records.database import Database
from heatloop.store.records.link_schema import link_hour

_FOLDED = -1
_DAY_S = 86400
_FOLD_ROWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkReport:
    """What a gateway said about one hour."""

    gateway: str
    """Gateway code."""
    hour: int
    """Start of the hour, plant seconds."""
    run: int
    """Which run of the gateway's process."""
    number: int
    """Rises with every report of a run."""
    subjects: Mapping[str, LinkTotals]
    """Totals by device code or channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkRow:
    """One subject's totals of an hour, or of a day of long ago."""

    gateway: str
    """Gateway code."""
    subject: str
    """Device code, `main` or `spare`."""
    hour: int
    """Start, plant seconds."""
    totals: LinkTotals
    """What was counted."""


class Links:
    """Link measures by gateway, subject and hour."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, report: LinkReport) -> None:
        """Keep a report, unless a later one of the same run and hour is kept already."""
        rows = [
            _row(report.gateway, subject, report.hour, report.run, report.number, totals)
            for subject, totals in report.subjects.items()
        ]
        if not rows:
            return
        new = self._database.insert(link_hour)
        keys = [column.name for column in link_hour.primary_key]
        newer = new.on_conflict_do_update(
            index_elements=keys,
            set_={c.name: new.excluded[c.name] for c in link_hour.columns if c.name not in keys},
            where=link_hour.c.number < new.excluded.number,
        )
        with self._database.write() as connection:
            connection.execute(newer, rows)

    def list(
        self,
        start: int,
        end: int,
        *,
        gateways: Collection[str] | None = None,
        subjects: Collection[str] | None = None,
    ) -> Sequence[LinkRow]:
        """Return what was counted in hours that begin in [start, end).

        Args:
            start: Plant seconds.
            end: Plant seconds.
            gateways: Gateway codes; None for all.
            subjects: Device codes and channels; None for all.
        """
        query = select(link_hour).where(link_hour.c.hour >= start, link_hour.c.hour < end)
        if gateways is not None:
            query = query.where(self._database.among(link_hour.c.gateway, gateways))
        if subjects is not None:
            query = query.where(self._database.among(link_hour.c.subject, subjects))
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def hour_sums(
        self, start: int, end: int, *, gateways: Collection[str]
    ) -> Sequence[tuple[int, int, int]]:
        """Return (hour, asked, answered) of all devices of some gateways, in order."""
        columns = (func.sum(link_hour.c.asked), func.sum(link_hour.c.answered))
        query = (
            select(link_hour.c.hour, *columns)
            .where(*self._of_devices(start, end, gateways))
            .group_by(link_hour.c.hour)
            .order_by(link_hour.c.hour)
        )
        with self._database.read() as connection:
            return [(int(a), int(b), int(c)) for a, b, c in connection.execute(query)]

    def subject_sums(
        self, start: int, end: int, *, gateways: Collection[str]
    ) -> Mapping[tuple[str, str], tuple[int, int]]:
        """Return (asked, answered) by gateway and device."""
        names = (link_hour.c.gateway, link_hour.c.subject)
        columns = (func.sum(link_hour.c.asked), func.sum(link_hour.c.answered))
        query = (
            select(*names, *columns).where(*self._of_devices(start, end, gateways)).group_by(*names)
        )
        with self._database.read() as connection:
            return {(g, s): (int(a), int(b)) for g, s, a, b in connection.execute(query)}

    def _of_devices(self, start: int, end: int, gateways: Collection[str]) -> tuple[Any, ...]:
        return (
            link_hour.c.hour >= start,
            link_hour.c.hour < end,
            link_hour.c.subject.not_in(CHANNELS),
            self._database.among(link_hour.c.gateway, gateways),
        )

    def fold(self, before: int) -> int:
        """Add up the hours of whole days before a plant time; return how many rows went."""
        query = (
            select(link_hour)
            .where(link_hour.c.hour < before // _DAY_S * _DAY_S, link_hour.c.run != _FOLDED)
            .order_by(link_hour.c.hour)
            .limit(_FOLD_ROWS)
        )
        with self._database.write() as connection:
            rows = connection.execute(query).all()
            days: dict[tuple[str, str, int], LinkTotals] = {}
            for row in rows:
                day = row.hour // _DAY_S * _DAY_S
                days.setdefault((row.gateway, row.subject, day), LinkTotals()).add(
                    _read(row).totals
                )
            for (gateway, subject, day), totals in days.items():
                kept = connection.execute(
                    select(link_hour).where(*_key(gateway, subject, day, _FOLDED))
                ).one_or_none()
                if kept is not None:
                    totals.add(_read(kept).totals)
                self._database.put(
                    connection, link_hour, _row(gateway, subject, day, _FOLDED, 0, totals)
                )
            for row in rows:
                connection.execute(
                    delete(link_hour).where(*_key(row.gateway, row.subject, row.hour, row.run))
                )
        return len(rows)


def _key(gateway: str, subject: str, hour: int, run: int) -> tuple[Any, ...]:
    table = link_hour.c
    return (
        table.gateway == gateway,
        table.subject == subject,
        table.hour == hour,
        table.run == run,
    )


def _row(
    gateway: str, subject: str, hour: int, run: int, number: int, totals: LinkTotals
) -> dict[str, Any]:
    return {
        "gateway": gateway,
        "subject": subject,
        "hour": hour,
        "run": run,
        "number": number,
        "asked": totals.asked,
        "answered": totals.answered,
        "up": totals.up,
        "down": totals.down,
        "body": json.dumps(totals.to_dict(), separators=(",", ":")),
    }


def _read(row: Row[Any]) -> LinkRow:
    totals = LinkTotals.from_dict(
        json.loads(row.body), asked=row.asked, answered=row.answered, up=row.up, down=row.down
    )
    return LinkRow(gateway=row.gateway, subject=row.subject, hour=row.hour, totals=totals)
