"""Backup runs, digests of days, roots of months and maintenance actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, update

from heatloop.store.records.database import Database
from heatloop.store.records.device_life import FileRow
from heatloop.store.records.device_life_schema import stored_file
from heatloop.store.records.keeping_schema import (
    keeping_action,
    keeping_day,
    keeping_month,
    keeping_run,
)
from heatloop.store.records.schema import session
from heatloop.store.records.values import from_text, page, to_text

RUNNING, DONE, FAILED = "running", "done", "failed"
FULL, INCREMENTAL, VERIFY, DRILL, RESTORE = "full", "incremental", "verify", "drill", "restore"
BACKUPS = (FULL, INCREMENTAL)
KINDS = (*BACKUPS, VERIFY, DRILL, RESTORE)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run of a backup, a check of one, or a restore."""

    id: str
    """Id; the id of a backup is its name at the target."""
    kind: str
    """`full`, `incremental`, `verify`, `drill` or `restore`."""
    state: str
    """`running`, `done` or `failed`."""
    user: str
    """Who asked for it."""
    target: str
    """Folder or bucket."""
    chain: str
    """Full backup it leans on."""
    started_at: float
    """Machine time."""
    ended_at: float | None
    """Machine time; None while it runs."""
    body: Mapping[str, Any]
    """Figures and findings, plain values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayRow:
    """The digest of a day of samples."""

    day_s: int
    """Start of the UTC day, plant seconds since 1970."""
    version: int
    """Rises with every lawful change of the day."""
    digest: str
    """Over all samples of the day, hexadecimal."""
    samples: int
    """Samples of the day."""
    counter: int
    """Greatest reception counter of the day: it rises with every lawful change."""
    reason: str
    """Why there is this version: `first`, `late`, `revised` or `restored`."""
    at: float
    """Machine time it was taken."""
    current: bool
    """Whether it is the newest version."""
    fits: bool
    """Whether the day still has it, as last checked."""
    checked_at: float
    """Machine time of that check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRow:
    """The root over the digests of a month."""

    month: str
    """`2026-11`, UTC."""
    root: str
    """Merkle root, hexadecimal."""
    days: int
    """Days under it."""
    at: float
    """Machine time it was computed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionRow:
    """A maintenance action."""

    number: int
    """Number, rising."""
    action: str
    """`vacuum`, `reindex`, `analyze`, `integrity`, `migrate` or `compact`."""
    state: str
    """`running`, `done` or `failed`."""
    user: str
    """Who asked."""
    reason: str
    """What for."""
    started_at: float
    """Machine time."""
    ended_at: float | None
    """Machine time; None while it runs."""
    body: Mapping[str, Any]
    """What came of it."""


class Keeping:
    """What was backed up, checked and maintained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: RunRow) -> None:
        """Keep a run that begins, or one that is told from elsewhere."""
        row = {name: getattr(run, name) for name in RunRow.__slots__}
        row["body"] = to_text(dict(run.body))
        with self._database.write() as connection:
            self._database.put(connection, keeping_run, row)

    def end(
        self, run_id: str, *, state: str, at: float, chain: str, body: Mapping[str, Any]
    ) -> None:
        """Write down how a run ended."""
        mine = update(keeping_run).where(keeping_run.c.id == run_id)
        values = {"state": state, "ended_at": at, "chain": chain, "body": to_text(dict(body))}
        with self._database.write() as connection:
            connection.execute(mine.values(**values))

    def broken_off(self, *, at: float) -> int:
        """Call failed what was running when the platform stopped; return how many runs."""
        count = 0
        with self._database.write() as connection:
            for table in (keeping_run, keeping_action):
                open_ones = update(table).where(table.c.state == RUNNING)
                body = to_text({"error": "broken off"})
                done = connection.execute(open_ones.values(state=FAILED, ended_at=at, body=body))
                count += int(done.rowcount)
        return count

    def run(self, run_id: str) -> RunRow | None:
        """Return a run, None if there is none."""
        with self._database.read() as connection:
            query = select(keeping_run).where(keeping_run.c.id == run_id)
            row = connection.execute(query).one_or_none()
        return None if row is None else _run(row)

    def runs(
        self, *, kinds: Sequence[str] = KINDS, state: str = "", offset: int = 0, limit: int = 100
    ) -> tuple[int, Sequence[RunRow]]:
        """Return how many runs fit, and a page of them, newest first."""
        query = select(keeping_run).order_by(keeping_run.c.started_at.desc(), keeping_run.c.id)
        query = query.where(keeping_run.c.kind.in_(kinds))
        if state:
            query = query.where(keeping_run.c.state == state)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_run(row) for row in rows]

    def newest(self, kinds: Sequence[str], state: str = DONE) -> RunRow | None:
        """Return the newest run of these kinds in a state, None without any."""
        _, rows = self.runs(kinds=kinds, state=state, limit=1)
        return rows[0] if rows else None

    def day(self, day_s: int) -> DayRow | None:
        """Return the newest digest of a day."""
        query = select(keeping_day).where(keeping_day.c.day_s == day_s, keeping_day.c.current)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else DayRow(**row._mapping)

    def put_day(
        self, day_s: int, *, digest: str, samples: int, counter: int, reason: str, at: float
    ) -> int:
        """Keep a new version of a day's digest; return its number."""
        mine = keeping_day.c.day_s == day_s
        with self._database.write() as connection:
            highest = connection.execute(select(func.max(keeping_day.c.version)).where(mine))
            version = int(highest.scalar() or 0) + 1
            connection.execute(update(keeping_day).where(mine).values(current=False))
            connection.execute(
                keeping_day.insert().values(
                    day_s=day_s, version=version, digest=digest, samples=samples, counter=counter,
                    reason=reason, at=at, current=True, fits=True, checked_at=at,
                )
            )  # fmt: skip
        return version

    def checked_day(self, day_s: int, *, fits: bool, at: float) -> None:
        """Note whether a day still has its digest."""
        mine = update(keeping_day).where(keeping_day.c.day_s == day_s, keeping_day.c.current)
        with self._database.write() as connection:
            connection.execute(mine.values(fits=fits, checked_at=at))

    def days(
        self,
        *,
        start_s: int = 0,
        end_s: int = 1 << 40,
        misfits: bool = False,
        every: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> tuple[int, Sequence[DayRow]]:
        """Return how many digests fit, and a page of them, newest day first.

        Args:
            start_s: Days from here on.
            end_s: Days before this.
            misfits: Only days that no longer have their digest.
            every: Former versions too.
            offset: Rows to skip.
            limit: Rows to give.
        """
        query = select(keeping_day).order_by(
            keeping_day.c.day_s.desc(), keeping_day.c.version.desc()
        )
        query = query.where(keeping_day.c.day_s >= start_s, keeping_day.c.day_s < end_s)
        if misfits:
            query = query.where(~keeping_day.c.fits)
        if not every:
            query = query.where(keeping_day.c.current)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [DayRow(**row._mapping) for row in rows]

    def put_month(self, month: str, *, root: str, days: int, at: float) -> None:
        """Keep the root of a month."""
        row = {"month": month, "root": root, "days": days, "at": at}
        with self._database.write() as connection:
            self._database.put(connection, keeping_month, row)

    def months(self) -> Sequence[MonthRow]:
        """Return the roots of all months, newest first."""
        query = select(keeping_month).order_by(keeping_month.c.month.desc())
        with self._database.read() as connection:
            return [MonthRow(**row._mapping) for row in connection.execute(query)]

    def begin_action(self, action: str, *, user: str, reason: str, at: float) -> int:
        """Keep an action that begins; return its number."""
        new = keeping_action.insert().values(
            action=action, state=RUNNING, user=user, reason=reason, started_at=at, body="{}"
        )
        with self._database.write() as connection:
            return int(connection.execute(new.returning(keeping_action.c.number)).scalar_one())

    def end_action(self, number: int, *, state: str, at: float, body: Mapping[str, Any]) -> None:
        """Write down how an action ended."""
        mine = update(keeping_action).where(keeping_action.c.number == number)
        with self._database.write() as connection:
            connection.execute(mine.values(state=state, ended_at=at, body=to_text(dict(body))))

    def actions(self, *, offset: int = 0, limit: int = 100) -> tuple[int, Sequence[ActionRow]]:
        """Return how many actions there are, and a page of them, newest first."""
        query = select(keeping_action).order_by(keeping_action.c.number.desc())
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [_action(row) for row in rows]

    def files(self, *, offset: int = 0, limit: int = 100) -> tuple[int, Sequence[FileRow]]:
        """Return how many files are kept, and a page of them, newest first."""
        columns = [column for column in stored_file.c if column.name != "uses"]
        query = select(*columns).order_by(stored_file.c.at.desc(), stored_file.c.sha256)
        with self._database.read() as connection:
            total, rows = page(connection, query, offset=offset, limit=limit)
        return total, [FileRow(**row._mapping) for row in rows]

    def end_sessions(self) -> int:
        """Sign everybody out: sessions of a backup are nobody's any more; return how many."""
        with self._database.write() as connection:
            return int(connection.execute(session.delete()).rowcount)


def _run(row: Row[Any]) -> RunRow:
    return RunRow(**{**row._mapping, "body": from_text(row.body)})


def _action(row: Row[Any]) -> ActionRow:
    return ActionRow(**{**row._mapping, "body": from_text(row.body)})
